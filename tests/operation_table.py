"""The operations with their oracles: one row each in `OPERATIONS`, all checked by test_every_operation.py."""

from functools import partial
from typing import NamedTuple

import numpy as np

from minissd import naive, ops
from minissd.backend import to_like
from minissd.gradcheck import away_from, distinct

MAP = (2, 5, 6, 3)  # N, H, W, C: no two alike, so that exchanged axes show
LABELS = np.array([[1, 0, 3], [2, 2, 0]])
TARGET = np.linspace(-1, 1, 12).reshape(3, 4)
MEAN, VAR = np.array([0.5, -1.0, 0.0]), np.array([2.0, 0.3, 1.0])


class Operation(NamedTuple):
    forward: object  # (*inputs) -> (y, cache)
    backward: object  # (dy, cache) -> gradients; None for a function that has no backward pass
    inputs: object  # (rng) -> list of float64 arrays, away from kinks
    naive: object  # (*inputs) -> y
    torch: object  # (torch.nn.functional, *tensors) -> y


def normal(*shapes):
    return lambda rng: [rng.standard_normal(shape) for shape in shapes]


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def conv2d(kernel=(3, 3), stride=1, pad=0, dilation=1):
    options = {"stride": stride, "pad": pad, "dilation": dilation}
    return Operation(
        partial(ops.conv2d, **options),
        ops.conv2d_backward,
        normal(MAP, (*kernel, 3, 4), 4),
        partial(naive.conv2d, **options),
        lambda F, x, w, b: nhwc(F.conv2d(nchw(x), w.permute(3, 2, 0, 1), b, stride, pad, dilation)),
    )


def pool(name, kernel, stride=None, pad=0, ceil_mode=False):
    options = {"kernel": kernel, "stride": stride, "pad": pad, "ceil_mode": ceil_mode}
    only_real_cells = {"count_include_pad": False} if name == "avg_pool2d" else {}
    return Operation(
        partial(getattr(ops, name), **options),
        getattr(ops, f"{name}_backward"),
        lambda rng: [distinct(rng, MAP)],
        partial(getattr(naive, name), **options),
        lambda F, x: nhwc(
            getattr(F, name)(nchw(x), kernel, stride, pad, ceil_mode=ceil_mode, **only_real_cells)
        ),
    )


def activation(name, *args):
    return Operation(
        lambda x: getattr(ops, name)(x, *args),
        getattr(ops, f"{name}_backward"),
        lambda rng: [away_from(rng.standard_normal(MAP), 0)],
        lambda x: getattr(naive, name)(x, *args),
        lambda F, x: getattr(F, name)(x, *args),
    )


def batch_norm(train):
    def running(x):
        return [to_like(array.astype(x.dtype), x) for array in (MEAN, VAR)]

    def torch_batch_norm(F, x, gamma, beta):
        mean, var = x.new_tensor(MEAN), x.new_tensor(VAR)
        return nhwc(F.batch_norm(nchw(x), mean, var, gamma, beta, train, 0.1, 1e-5))

    return Operation(
        lambda x, gamma, beta: ops.batch_norm(x, gamma, beta, *running(x), train=train),
        ops.batch_norm_backward,
        normal(MAP, 3, 3),
        lambda x, gamma, beta: naive.batch_norm(x, gamma, beta, MEAN, VAR, train=train)[0],
        torch_batch_norm,
    )


def of_last_axis(name):
    return Operation(
        lambda x: (getattr(ops, name)(x), None),
        None,
        normal((3, 2, 4)),
        getattr(naive, name),
        lambda F, x: getattr(F, name)(x, dim=-1),
    )


def linear():
    return Operation(
        ops.linear,
        ops.linear_backward,
        normal((4, 5), (5, 3), 3),
        naive.linear,
        lambda F, x, w, b: F.linear(x, w.T, b),
    )


def l2_normalize():
    return Operation(
        ops.l2_normalize,
        ops.l2_normalize_backward,
        normal(MAP, 3),
        naive.l2_normalize,
        lambda F, x, scale: F.normalize(x, dim=-1) * scale,
    )


def cross_entropy(reduction):
    def torch_cross_entropy(F, logits):
        labels = logits.new_tensor(LABELS).long()
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction=reduction)

    return Operation(
        lambda logits: ops.cross_entropy(logits, to_like(LABELS, logits), reduction=reduction),
        lambda dloss, cache: ops.cross_entropy_backward(cache, dloss),
        normal((*LABELS.shape, 4)),
        lambda logits: naive.cross_entropy(logits, LABELS, reduction),
        torch_cross_entropy,
    )


def smooth_l1(reduction):
    return Operation(
        lambda pred: ops.smooth_l1(pred, to_like(TARGET.astype(pred.dtype), pred), reduction=reduction),
        lambda dloss, cache: ops.smooth_l1_backward(cache, dloss),
        lambda rng: [TARGET + away_from(2 * rng.standard_normal(TARGET.shape), (-1, 0, 1))],
        lambda pred: naive.smooth_l1(pred, TARGET, reduction),
        lambda F, x: F.smooth_l1_loss(x, x.new_tensor(TARGET), reduction=reduction),
    )


def dropout(rate, seed=5):
    kept = np.random.default_rng(seed).random(MAP) >= rate
    return Operation(
        lambda x: ops.dropout(x, rate, np.random.default_rng(seed)),
        ops.dropout_backward,
        normal(MAP),
        lambda x: naive.dropout(x, kept, rate),
        lambda F, x: x * x.new_tensor(kept) / (1 - rate),
    )


OPERATIONS = {
    "conv2d": conv2d(),
    "conv2d 1x1": conv2d(kernel=(1, 1)),
    "conv2d 2x4 strided": conv2d(kernel=(2, 4), stride=(2, 1), pad=(0, 2)),
    "conv2d atrous": conv2d(pad=2, dilation=2),
    "max_pool2d 2x2": pool("max_pool2d", 2),
    "max_pool2d 2x2 ceil": pool("max_pool2d", 2, ceil_mode=True),
    "max_pool2d 3x3 overlapping": pool("max_pool2d", 3, stride=1, pad=1),
    "avg_pool2d 2x2 ceil": pool("avg_pool2d", 2, ceil_mode=True),
    "avg_pool2d 3x3 overlapping": pool("avg_pool2d", 3, stride=2, pad=1),
    "relu": activation("relu"),
    "leaky_relu": activation("leaky_relu", 0.2),
    "sigmoid": activation("sigmoid"),
    "linear": linear(),
    "batch_norm training": batch_norm(train=True),
    "batch_norm inference": batch_norm(train=False),
    "l2_normalize": l2_normalize(),
    "dropout": dropout(0.4),
    "softmax": of_last_axis("softmax"),
    "log_softmax": of_last_axis("log_softmax"),
    "cross_entropy mean": cross_entropy("mean"),
    "cross_entropy sum": cross_entropy("sum"),
    "smooth_l1 mean": smooth_l1("mean"),
    "smooth_l1 sum": smooth_l1("sum"),
}
