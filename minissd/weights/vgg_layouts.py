"""The layouts of networks on VGG16: torchvision's and ssd.pytorch's."""

import numpy as np

from minissd.weights.classes import COCO_90, VOC
from minissd.weights.layout import Dense, Layout, Reading, layers


def _vgg(prefix, until="conv5_3"):
    """The convolutions of VGG16, as they are numbered among its ReLUs and pools."""
    chosen = {layer: i for layer, i in _VGG_PLACES.items() if layer <= until}
    return layers((f"{prefix}{i}", layer) for layer, i in chosen.items())


_VGG_PLACES = {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12, "conv3_3": 14}
_VGG_PLACES |= {"conv4_1": 17, "conv4_2": 19, "conv4_3": 21, "conv5_1": 24, "conv5_2": 26, "conv5_3": 28}
_MODELS = ("ssd300-vgg16", "ssd512-vgg16", "vgg16")
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
    _FEATURES | layers([("classifier.0", "fc6"), ("classifier.3", "fc7")]),
    signature=frozenset([*_FEATURES, "classifier.0.weight", "classifier.3.weight"]),
    models=_MODELS,
    dense={"classifier.0": Dense((7, 7), (3, 3, 1, 4)), "classifier.3": Dense((1, 1), (1, 1, 4, 4))},
    reading=IMAGENET,
)
# The trunk that torchvision's own SSD starts from: Caffe's weights, so Caffe's pixels
VGG16_FEATURES = Layout(
    "torchvision vgg16, features only",
    _FEATURES,
    signature=frozenset(_FEATURES),
    models=_MODELS,
    reading=TORCHVISION_CAFFE,
)
REDUCED_VGG16 = Layout(
    "ssd.pytorch vgg16_reducedfc",
    _vgg("") | layers([("31", "fc6"), ("33", "fc7")]),
    signature=frozenset(_vgg("")),
    models=_MODELS,
    reading=CAFFE,
)
_SSD_PYTORCH_TRUNK = _vgg("vgg.") | layers([("vgg.31", "fc6"), ("vgg.33", "fc7")])
SSD_PYTORCH = Layout(
    "ssd.pytorch ssd300",
    {
        **_SSD_PYTORCH_TRUNK,
        "L2Norm.weight": "head0.l2norm.scale",
        **layers((f"extras.{i}", layer) for i, layer in enumerate(layer for pair in _EXTRAS for layer in pair)),
        **layers((f"loc.{i}", f"head{i}.offsets") for i in _HEADS),
        **layers((f"conf.{i}", f"head{i}.logits") for i in _HEADS),
    },
    signature=frozenset(_SSD_PYTORCH_TRUNK),
    models=_MODELS,
    classes=VOC,
    boxes="ssd.pytorch",
    reading=CAFFE,
)
_TORCHVISION_CONV5 = {"backbone.extra.0.1": "conv5_1", "backbone.extra.0.3": "conv5_2", "backbone.extra.0.5": "conv5_3"}
_TORCHVISION_FC = {"backbone.extra.0.7.1": "fc6", "backbone.extra.0.7.3": "fc7"}
_TORCHVISION_TRUNK = _vgg("backbone.features.", until="conv4_3") | layers(
    (_TORCHVISION_CONV5 | _TORCHVISION_FC).items()
)
TORCHVISION_SSD = Layout(
    "torchvision ssd300_vgg16",
    {
        **_TORCHVISION_TRUNK,
        "backbone.scale_weight": "head0.l2norm.scale",
        **layers((f"backbone.extra.{i}.0", first) for i, (first, _) in enumerate(_EXTRAS, start=1)),
        **layers((f"backbone.extra.{i}.2", second) for i, (_, second) in enumerate(_EXTRAS, start=1)),
        **layers((f"head.regression_head.module_list.{i}", f"head{i}.offsets") for i in _HEADS),
        **layers((f"head.classification_head.module_list.{i}", f"head{i}.logits") for i in _HEADS),
    },
    signature=frozenset(_TORCHVISION_TRUNK),
    models=_MODELS,
    classes=COCO_90,
    boxes="torchvision",
    reading=TORCHVISION_CAFFE,
)

VGG_LAYOUTS = (TORCHVISION_SSD, SSD_PYTORCH, VGG16, VGG16_FEATURES, REDUCED_VGG16)
