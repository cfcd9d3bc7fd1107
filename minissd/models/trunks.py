"""The trunks of the detectors as classifiers: what they learn from labelled images, the detector takes over.

The stages have the names they have in the detector, so `minissd.weights.load` finds them there.
"""

from collections.abc import Sequence

from minissd.layers import GlobalAvgPool2d, Initializer, Linear
from minissd.models.classifier import Classifier
from minissd.models.mobilenet import MOBILENET_PIXELS, mobilenet_stages
from minissd.models.mobilenet_v3 import MOBILENET_V3_PIXELS, mobilenet_v3_stages
from minissd.models.ssd_tiny import TINY_PIXELS, tiny_stages
from minissd.models.ssd_vgg import CAFFE_PIXELS
from minissd.models.vgg import ATROUS_CHANNELS, vgg_stages

TRUNK_OF = {
    "ssd-tiny": "tiny",
    "ssd300-vgg16": "vgg16",
    "ssd512-vgg16": "vgg16",
    "ssd300-mobilenet": "mobilenet",
    "ssdlite320-mobilenet-v3": "mobilenet-v3",
    "yolo-tiny": "tiny",
}


def vgg16(classes: Sequence[str], *, init: Initializer, input_size: int = 224, batch_norm: bool = False) -> Classifier:
    stages = vgg_stages(init=init, batch_norm=batch_norm)
    return _classifier("vgg16", classes, stages, ATROUS_CHANNELS, input_size, init, CAFFE_PIXELS)


def mobilenet(classes: Sequence[str], *, init: Initializer, input_size: int = 224) -> Classifier:
    return _classifier("mobilenet", classes, mobilenet_stages(init=init), 1024, input_size, init, MOBILENET_PIXELS)


def mobilenet_v3(
    classes: Sequence[str], *, init: Initializer, input_size: int = 224, reduced_tail: bool = True
) -> Classifier:
    """reduced_tail: half of the channels at the end, as in the detector unless it is told otherwise."""
    stages = mobilenet_v3_stages(init=init, reduced_tail=reduced_tail)
    width = stages["to_c5"].params["conv16.w"].shape[-1]
    return _classifier("mobilenet-v3", classes, stages, width, input_size, init, MOBILENET_V3_PIXELS)


def tiny(classes: Sequence[str], *, init: Initializer, input_size: int = 240, sampling: str = "pooling") -> Classifier:
    return _classifier("tiny", classes, tiny_stages(init=init, sampling=sampling), 128, input_size, init, TINY_PIXELS)


def _classifier(name, classes, stages, width, input_size, init, pixels):
    """Stages, the mean over the last map (N, H, W, width), and a linear layer."""
    top = {"pool": GlobalAvgPool2d(), "classifier": Linear(width, len(classes), init=init, filler="xavier")}
    return Classifier(name, classes, layers=stages | top, input_size=input_size, init=init, **pixels)
