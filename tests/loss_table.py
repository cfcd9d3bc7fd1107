"""The losses with their oracles: a part of `OPERATIONS` in operation_table.py."""

import numpy as np
from operation_row import Operation, normal

from minissd import engine, naive
from minissd.device import to_like
from minissd.gradcheck import away_from

LABELS = np.array([[1, 0, 3], [2, 2, 0]])
TARGET = np.linspace(-1, 1, 12).reshape(3, 4)


def cross_entropy(reduction):
    def torch_cross_entropy(F, logits):
        labels = logits.new_tensor(LABELS).long()
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction=reduction)

    return Operation(
        lambda logits: engine.cross_entropy(logits, to_like(LABELS, logits), reduction=reduction),
        lambda dloss, cache: engine.cross_entropy_backward(cache, dloss),
        normal((*LABELS.shape, 4)),
        lambda logits: naive.cross_entropy(logits, LABELS, reduction),
        torch_cross_entropy,
    )


def regression(name, torch_name, target, inputs, reduction):
    """A loss that compares entry by entry."""
    return Operation(
        lambda x: getattr(engine, name)(x, to_like(target.astype(x.dtype), x), reduction=reduction),
        lambda dloss, cache: getattr(engine, f"{name}_backward")(cache, dloss),
        inputs,
        lambda x: getattr(naive, name)(x, target, reduction),
        lambda F, x: getattr(F, torch_name)(x, x.new_tensor(target), reduction=reduction),
    )


def smooth_l1(reduction):
    def inputs(rng):
        return [TARGET + away_from(2 * rng.standard_normal(TARGET.shape), (-1, 0, 1))]

    return regression("smooth_l1", "smooth_l1_loss", TARGET, inputs, reduction)


def binary_cross_entropy(reduction):
    target = (TARGET + 1) / 2  # 0 and 1 among them
    torch_name = "binary_cross_entropy_with_logits"
    return regression("binary_cross_entropy", torch_name, target, normal(TARGET.shape), reduction)


LOSSES = {
    "cross_entropy mean": cross_entropy("mean"),
    "cross_entropy sum": cross_entropy("sum"),
    "smooth_l1 mean": smooth_l1("mean"),
    "smooth_l1 sum": smooth_l1("sum"),
    "binary_cross_entropy mean": binary_cross_entropy("mean"),
    "binary_cross_entropy sum": binary_cross_entropy("sum"),
}
