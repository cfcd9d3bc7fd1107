"""What a layout of published weights says: which of their names is which layer of ours, and what goes with it.

A layer is named without its stage ("conv5_1", not "conv5_7.conv5_1"): the stages differ between our networks.
PyTorch keeps a convolution as (D, C, KH, KW), a depthwise one as (C, 1, KH, KW) and a linear layer as (D, C); ours are
(KH, KW, C, D), (KH, KW, C) and (C, D).  All layouts read RGB, and the heads of all of them order their outputs box by
box, background first, like ours.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from minissd.weights.decimation import decimate, dense_to_convolution

COUNTER = ".num_batches_tracked"  # how often a batch norm of PyTorch has been trained: nothing depends on it


class Dense(NamedTuple):
    """A fully connected layer that becomes a convolution: the map it reads, and what SSD keeps of its weights."""

    kernel: tuple[int, int]
    steps: tuple[int, int, int, int]  # of the convolution: taps down, taps across, inputs, outputs


class Reading(NamedTuple):
    """How pixels become what a network reads: RGB x in 0..255 becomes (x - mean) * scale."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]


class Layout(NamedTuple):
    """One way to name and to use the weights.

    names: their tensor -> ours.  signature: the tensors by which it is recognised, all of which have to be there.
    models: our networks that have these layers; where there are classes, the first is the network as a whole.
    options: of `build`, that these networks need for it.  classes: of the outputs.  boxes: the name of the default
    boxes, or their shapes.  dense: their layer -> Dense.  None, and an empty dict, where there is nothing to say.
    """

    name: str
    names: dict[str, str]
    signature: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    reading: Reading | None = None
    classes: tuple[str, ...] | None = None
    boxes: Any = None
    dense: dict[str, Dense] = {}  # noqa: RUF012 (never changed)

    def convert(self, theirs: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Their array in our order.  A dense layer is decimated unless it has `shape`, that of ours, as it is.

        Raises ValueError for a dense layer that reads no map of the right size.
        """
        layer = theirs.rpartition(".")[0]
        if layer in self.dense:
            kernel, steps = self.dense[layer]
            whole = dense_to_convolution(array, kernel) if array.ndim == 2 else array
            return whole if whole.shape == shape else decimate(whole, steps[-whole.ndim :])
        turned = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
        if turned.ndim == 4 and len(shape) == 3 and turned.shape[2] == 1:
            return turned[:, :, 0]  # depthwise
        if turned.ndim == 4 and len(shape) == 2 and turned.shape[:2] == (1, 1):
            return turned[0, 0]  # a 1x1 convolution of a map of one cell is a linear layer
        return turned

    def revert(self, theirs: str, array: np.ndarray) -> np.ndarray:
        """Our array in their order: the inverse of `convert`.  Raises ValueError for a dense layer: of those we keep a
        part."""
        if theirs.rpartition(".")[0] in self.dense:
            raise ValueError(f"{theirs} is a dense layer of PyTorch's")
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        if array.ndim == 3:
            return array.transpose(2, 0, 1)[:, None]  # depthwise
        if array.ndim == 2:
            return array.T[:, :, None, None]  # our linear layers are 1x1 convolutions in all of these networks
        return array


def layers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """{their tensor: ours} of weights and biases, from pairs of their layer and ours."""
    return {
        f"{theirs}.{kind}": f"{ours}.{letter}"
        for theirs, ours in pairs
        for kind, letter in (("weight", "w"), ("bias", "b"))
    }


def normed(pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]]) -> dict[str, str]:
    """{their tensor: ours} of convolutions without bias and the batch norms behind them, from pairs of both."""
    kinds = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
    names = {}
    for (their_conv, their_norm), (conv, norm) in pairs:
        names[f"{their_conv}.weight"] = f"{conv}.w"
        names |= {f"{their_norm}.{theirs}": f"{norm}.{ours}" for theirs, ours in kinds.items()}
    return names
