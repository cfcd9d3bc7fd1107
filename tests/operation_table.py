"""The operations with their oracles: one row each in `OPERATIONS`, all checked by test_every_operation.py."""

from functools import partial

import numpy as np
from loss_table import LOSSES
from operation_row import Operation, normal

from minissd import engine, naive
from minissd.device import to_like
from minissd.gradcheck import away_from, distinct

MAP = (2, 5, 6, 3)  # N, H, W, C: no two alike, so that exchanged axes show
MEAN, VAR = np.array([0.5, -1.0, 0.0]), np.array([2.0, 0.3, 1.0])


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def conv2d(kernel=(3, 3), stride=1, pad=0, dilation=1):
    options = {"stride": stride, "pad": pad, "dilation": dilation}
    return Operation(
        partial(engine.conv2d, **options),
        engine.conv2d_backward,
        normal(MAP, (*kernel, 3, 4), 4),
        partial(naive.conv2d, **options),
        lambda F, x, w, b: nhwc(F.conv2d(nchw(x), w.permute(3, 2, 0, 1), b, stride, pad, dilation)),
    )


def depthwise_conv2d(stride=1, pad=0, dilation=1):
    options = {"stride": stride, "pad": pad, "dilation": dilation}
    return Operation(
        partial(engine.depthwise_conv2d, **options),
        engine.depthwise_conv2d_backward,
        normal(MAP, (3, 2, 3), 3),
        partial(naive.depthwise_conv2d, **options),
        lambda F, x, w, b: nhwc(
            F.conv2d(nchw(x), w.permute(2, 0, 1)[:, None], b, stride, pad, dilation, groups=w.shape[2])
        ),
    )


def im2col(kernel, stride):
    def torch_unfold(F, x):
        columns = F.unfold(nchw(x), kernel, stride=stride)  # (N, C*KH*KW, OH*OW)
        patches = columns.unflatten(1, (MAP[3], *kernel)).permute(0, 4, 2, 3, 1)
        return patches.reshape(-1, kernel[0] * kernel[1] * MAP[3])

    return Operation(
        lambda x: (engine.im2col(x, kernel, stride), None),
        lambda dcols, _: engine.col2im(dcols, MAP, kernel, stride),
        normal(MAP),
        lambda x: naive.im2col(x, kernel, stride),
        torch_unfold,
    )


def conv_transpose2d(kernel=(3, 3), stride=1, pad=0):
    options = {"stride": stride, "pad": pad}
    return Operation(
        partial(engine.conv_transpose2d, **options),
        engine.conv_transpose2d_backward,
        normal(MAP, (*kernel, 4, 3), 4),
        partial(naive.conv_transpose2d, **options),
        lambda F, x, w, b: nhwc(F.conv_transpose2d(nchw(x), w.permute(3, 2, 0, 1), b, stride, pad)),
    )


def pool(name, kernel, stride=None, pad=0, ceil_mode=False):
    options = {"kernel": kernel, "stride": stride, "pad": pad, "ceil_mode": ceil_mode}
    only_real_cells = {"count_include_pad": False} if name == "avg_pool2d" else {}
    return Operation(
        partial(getattr(engine, name), **options),
        getattr(engine, f"{name}_backward"),
        lambda rng: [distinct(rng, MAP)],
        partial(getattr(naive, name), **options),
        lambda F, x: nhwc(getattr(F, name)(nchw(x), kernel, stride, pad, ceil_mode=ceil_mode, **only_real_cells)),
    )


def global_avg_pool2d():
    return Operation(
        engine.global_avg_pool2d,
        engine.global_avg_pool2d_backward,
        normal(MAP),
        naive.global_avg_pool2d,
        lambda F, x: F.adaptive_avg_pool2d(nchw(x), 1)[:, :, 0, 0],
    )


def upsample2d(factor):
    return Operation(
        lambda x: engine.upsample2d(x, factor),
        engine.upsample2d_backward,
        normal(MAP),
        lambda x: naive.upsample2d(x, factor),
        lambda F, x: nhwc(F.interpolate(nchw(x), scale_factor=factor, mode="nearest")),
    )


def concatenate():
    def channel_by_channel(a, b):
        return np.stack([*np.moveaxis(a, -1, 0), *np.moveaxis(b, -1, 0)], axis=-1)

    return Operation(
        engine.concatenate,
        engine.concatenate_backward,
        normal(MAP, (*MAP[:3], 2)),
        channel_by_channel,
        lambda F, a, b: F.pad(a, (0, 2)) + F.pad(b, (3, 0)),  # each with zeros where the other has its channels
    )


def add():
    return Operation(
        engine.add,
        engine.add_backward,
        normal(MAP, MAP),
        lambda a, b: np.reshape([x + y for x, y in zip(a.flat, b.flat, strict=True)], a.shape),
        lambda F, a, b: a + b,
    )


def activation(name, *args, kinks=(0,), spread=1, torch_name=None):
    return Operation(
        lambda x: getattr(engine, name)(x, *args),
        getattr(engine, f"{name}_backward"),
        lambda rng: [away_from(spread * rng.standard_normal(MAP), kinks)],
        lambda x: getattr(naive, name)(x, *args),
        lambda F, x: getattr(F, torch_name or name)(x, *args),
    )


def batch_norm(train):
    def running(x):
        return [to_like(array.astype(x.dtype), x) for array in (MEAN, VAR)]

    def torch_batch_norm(F, x, gamma, beta):
        mean, var = x.new_tensor(MEAN), x.new_tensor(VAR)
        return nhwc(F.batch_norm(nchw(x), mean, var, gamma, beta, train, 0.1, 1e-5))

    return Operation(
        lambda x, gamma, beta: engine.batch_norm(x, gamma, beta, *running(x), train=train),
        engine.batch_norm_backward,
        normal(MAP, 3, 3),
        lambda x, gamma, beta: naive.batch_norm(x, gamma, beta, MEAN, VAR, train=train)[0],
        torch_batch_norm,
    )


def fold_batch_norm():
    """By what it is for: a convolution with the weights that it gives."""

    def folded(x, w, gamma, beta):
        mean, var = (to_like(array.astype(x.dtype), x) for array in (MEAN, VAR))
        return engine.conv2d(x, *engine.fold_batch_norm(w, None, gamma, beta, mean, var))

    def torch_batch_norm(F, x, w, gamma, beta):
        mean, var = x.new_tensor(MEAN), x.new_tensor(VAR)
        return nhwc(F.batch_norm(F.conv2d(nchw(x), w.permute(3, 2, 0, 1)), mean, var, gamma, beta, False, 0.1, 1e-5))

    return Operation(
        folded,
        None,
        normal(MAP, (3, 3, 3, 3), 3, 3),
        lambda x, w, gamma, beta: naive.batch_norm(naive.conv2d(x, w), gamma, beta, MEAN, VAR, train=False)[0],
        torch_batch_norm,
    )


def of_last_axis(name):
    return Operation(
        lambda x: (getattr(engine, name)(x), None),
        None,
        normal((3, 2, 4)),
        getattr(naive, name),
        lambda F, x: getattr(F, name)(x, dim=-1),
    )


def scale_channels():
    return Operation(
        engine.scale_channels,
        engine.scale_channels_backward,
        normal(MAP, (MAP[0], MAP[3])),
        naive.scale_channels,
        lambda F, x, scale: x * scale[:, None, None],
    )


def linear():
    return Operation(
        engine.linear,
        engine.linear_backward,
        normal((4, 5), (5, 3), 3),
        naive.linear,
        lambda F, x, w, b: F.linear(x, w.T, b),
    )


def l2_normalize():
    return Operation(
        engine.l2_normalize,
        engine.l2_normalize_backward,
        normal(MAP, 3),
        naive.l2_normalize,
        lambda F, x, scale: F.normalize(x, dim=-1) * scale,
    )


def dropout(name, drawn, rate=0.4, seed=5):
    """drawn: the shape of what is drawn at random, an entry for each unit or channel."""
    kept = np.random.default_rng(seed).random(drawn) >= rate
    return Operation(
        lambda x: getattr(engine, name)(x, rate, np.random.default_rng(seed)),
        getattr(engine, f"{name}_backward"),
        normal(MAP),
        lambda x: getattr(naive, name)(x, kept.squeeze(), rate),
        lambda F, x: x * x.new_tensor(kept) / (1 - rate),
    )


OPERATIONS = {
    "conv2d": conv2d(),
    "conv2d 1x1": conv2d(kernel=(1, 1)),
    "conv2d 2x4 strided": conv2d(kernel=(2, 4), stride=(2, 1), pad=(0, 2)),
    "conv2d atrous": conv2d(pad=2, dilation=2),
    "depthwise_conv2d": depthwise_conv2d(pad=1),
    "depthwise_conv2d strided": depthwise_conv2d(stride=(2, 3), pad=(0, 2)),
    "depthwise_conv2d atrous": depthwise_conv2d(stride=2, pad=2, dilation=2),
    "im2col 3x2 strided": im2col(kernel=(3, 2), stride=(1, 2)),
    "conv_transpose2d": conv_transpose2d(pad=1),
    "conv_transpose2d 2x2 strided": conv_transpose2d(kernel=(2, 2), stride=2),
    "conv_transpose2d 3x4 strided": conv_transpose2d(kernel=(3, 4), stride=(3, 2), pad=(0, 1)),
    "max_pool2d 2x2": pool("max_pool2d", 2),
    "max_pool2d 2x2 ceil": pool("max_pool2d", 2, ceil_mode=True),
    "max_pool2d 3x3 overlapping": pool("max_pool2d", 3, stride=1, pad=1),
    "avg_pool2d 2x2 ceil": pool("avg_pool2d", 2, ceil_mode=True),
    "avg_pool2d 3x3 overlapping": pool("avg_pool2d", 3, stride=2, pad=1),
    "global_avg_pool2d": global_avg_pool2d(),
    "upsample2d": upsample2d(3),
    "concatenate": concatenate(),
    "add": add(),
    "relu": activation("relu"),
    "leaky_relu": activation("leaky_relu", 0.2),
    "sigmoid": activation("sigmoid"),
    "relu6": activation("relu6", kinks=(0, 6), spread=6),
    "hard_sigmoid": activation("hard_sigmoid", kinks=(-3, 3), spread=3, torch_name="hardsigmoid"),
    "hard_swish": activation("hard_swish", kinks=(-3, 3), spread=3, torch_name="hardswish"),
    "scale_channels": scale_channels(),
    "linear": linear(),
    "batch_norm training": batch_norm(train=True),
    "batch_norm inference": batch_norm(train=False),
    "fold_batch_norm": fold_batch_norm(),
    "l2_normalize": l2_normalize(),
    "dropout": dropout("dropout", MAP),
    "spatial_dropout": dropout("spatial_dropout", (MAP[0], 1, 1, MAP[3])),
    "softmax": of_last_axis("softmax"),
    "log_softmax": of_last_axis("log_softmax"),
} | LOSSES
