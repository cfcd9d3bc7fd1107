"""The layouts of published weights: which of their names is which layer of ours, and what goes with it.

A layer is named here without its stage ("conv5_1", not "conv5_7.conv5_1"): the stages differ between our networks.
PyTorch keeps a convolution as (D, C, KH, KW) and a linear layer as (D, C); ours are (KH, KW, C, D) and (C, D).
All layouts read RGB, and the heads of all of them order their outputs box by box, background first, like ours.
"""

from typing import Any, NamedTuple

import numpy as np

from minissd.weights.classes import COCO_90, VOC
from minissd.weights.decimation import decimate, dense_to_convolution


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

    names: their tensor -> ours.  signature: the tensors by which it is recognised.  classes: of the outputs.
    boxes: the name of the default boxes, or their shapes.  dense: their layer -> Dense.  None, and an empty dict, where
    there is nothing to say.
    """

    name: str
    names: dict[str, str]
    signature: frozenset[str] = frozenset()
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
        return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def _layers(pairs):
    """{their tensor: ours} of weights and biases, from pairs of their layer and ours."""
    return {
        f"{theirs}.{kind}": f"{ours}.{letter}"
        for theirs, ours in pairs
        for kind, letter in (("weight", "w"), ("bias", "b"))
    }


def _vgg(prefix, until="conv5_3"):
    """The convolutions of VGG16, as they are numbered among its ReLUs and pools."""
    chosen = {layer: i for layer, i in _VGG_PLACES.items() if layer <= until}
    return _layers((f"{prefix}{i}", layer) for layer, i in chosen.items())


def _weights(names):
    return frozenset(name for name in names if name.endswith(".weight"))


_VGG_PLACES = {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12, "conv3_3": 14}
_VGG_PLACES |= {"conv4_1": 17, "conv4_2": 19, "conv4_3": 21, "conv5_1": 24, "conv5_2": 26, "conv5_3": 28}
_EXTRAS = [(f"conv{number}_1", f"conv{number}_2") for number in (6, 7, 8, 9)]
_HEADS = range(6)

CAFFE = Reading(mean=(123.0, 117.0, 104.0), scale=(1.0, 1.0, 1.0))
# torchvision divides by 255, takes away a mean and divides by a deviation
IMAGENET = Reading(
    mean=tuple(255 * np.array([0.485, 0.456, 0.406])),
    scale=tuple(1 / (255 * np.array([0.229, 0.224, 0.225]))),
)
TORCHVISION_CAFFE = Reading(mean=tuple(255 * np.array([0.48235, 0.45882, 0.40784])), scale=(1.0, 1.0, 1.0))

_FEATURES = _vgg("features.")
VGG16 = Layout(
    "torchvision vgg16",
    _FEATURES | _layers([("classifier.0", "fc6"), ("classifier.3", "fc7")]),
    signature=_weights(_FEATURES) | {"classifier.0.weight", "classifier.3.weight"},
    dense={"classifier.0": Dense((7, 7), (3, 3, 1, 4)), "classifier.3": Dense((1, 1), (1, 1, 4, 4))},
    reading=IMAGENET,
)
# The trunk that torchvision's own SSD starts from: Caffe's weights, so Caffe's pixels
VGG16_FEATURES = Layout(
    "torchvision vgg16, features only", _FEATURES, signature=_weights(_FEATURES), reading=TORCHVISION_CAFFE
)
REDUCED_VGG16 = Layout(
    "ssd.pytorch vgg16_reducedfc",
    _vgg("") | _layers([("31", "fc6"), ("33", "fc7")]),
    signature=_weights(_vgg("")),
    reading=CAFFE,
)
_SSD_PYTORCH_TRUNK = _vgg("vgg.") | _layers([("vgg.31", "fc6"), ("vgg.33", "fc7")])
SSD_PYTORCH = Layout(
    "ssd.pytorch ssd300",
    {
        **_SSD_PYTORCH_TRUNK,
        "L2Norm.weight": "head0.l2norm.scale",
        **_layers((f"extras.{i}", layer) for i, layer in enumerate(layer for pair in _EXTRAS for layer in pair)),
        **_layers((f"loc.{i}", f"head{i}.offsets") for i in _HEADS),
        **_layers((f"conf.{i}", f"head{i}.logits") for i in _HEADS),
    },
    signature=_weights(_SSD_PYTORCH_TRUNK),
    classes=VOC,
    boxes="ssd.pytorch",
    reading=CAFFE,
)
_TORCHVISION_CONV5 = {"backbone.extra.0.1": "conv5_1", "backbone.extra.0.3": "conv5_2", "backbone.extra.0.5": "conv5_3"}
_TORCHVISION_FC = {"backbone.extra.0.7.1": "fc6", "backbone.extra.0.7.3": "fc7"}
_TORCHVISION_TRUNK = _vgg("backbone.features.", until="conv4_3") | _layers(
    (_TORCHVISION_CONV5 | _TORCHVISION_FC).items()
)
TORCHVISION_SSD = Layout(
    "torchvision ssd300_vgg16",
    {
        **_TORCHVISION_TRUNK,
        "backbone.scale_weight": "head0.l2norm.scale",
        **_layers((f"backbone.extra.{i}.0", first) for i, (first, _) in enumerate(_EXTRAS, start=1)),
        **_layers((f"backbone.extra.{i}.2", second) for i, (_, second) in enumerate(_EXTRAS, start=1)),
        **_layers((f"head.regression_head.module_list.{i}", f"head{i}.offsets") for i in _HEADS),
        **_layers((f"head.classification_head.module_list.{i}", f"head{i}.logits") for i in _HEADS),
    },
    signature=_weights(_TORCHVISION_TRUNK),
    classes=COCO_90,
    boxes="torchvision",
    reading=TORCHVISION_CAFFE,
)

LAYOUTS = (TORCHVISION_SSD, SSD_PYTORCH, VGG16, VGG16_FEATURES, REDUCED_VGG16)
