"""ssd300-vgg16 and ssd512-vgg16: the networks of the SSD paper, layer for layer as they were released.

    ssd300-vgg16: maps 38 19 10 5 3 1, boxes in a cell 4 6 6 6 4 4, in all 8,732; 26,285,486 parameters for 20 classes
    ssd512-vgg16: maps 64 32 16 8 4 2 1, boxes in a cell 4 6 6 6 6 4 4, in all 24,564

The extra layers squeeze the channels with a 1x1 convolution and shrink the map with a 3x3 one.  conv4_3 has larger
values than the later maps, so its head reads it L2-normalised, with a learned scale that starts at 20.
"""

from collections.abc import Sequence
from typing import Any

from minissd.detection import SSD300, SSD300_SSD_PYTORCH, SSD300_TORCHVISION, SSD512
from minissd.layers import Initializer, Sequential
from minissd.models.blocks import conv_relu
from minissd.models.heads import Head, NormalizedHead
from minissd.models.ssd import SSD, Usage, box_set
from minissd.models.vgg import vgg_stages

# Each extra stage: channels of its 1x1 convolution, then output channels, kernel, stride and pad of the one after it
HALVE = {"kernel": 3, "stride": 2, "pad": 1}
SHRINK = {"kernel": 3, "stride": 1, "pad": 0}  # by two cells
EXTRAS_300 = ((256, 512, HALVE), (128, 256, HALVE), (128, 256, SHRINK), (128, 256, SHRINK))
EXTRAS_512 = (
    (256, 512, HALVE),
    (128, 256, HALVE),
    (128, 256, HALVE),
    (128, 256, HALVE),
    (128, 256, {"kernel": 4, "stride": 1, "pad": 1}),
)
# The sets of default boxes that published weights were trained with; they differ in sizes and clipping
BOXES_300 = {"caffe": SSD300, "ssd.pytorch": SSD300_SSD_PYTORCH, "torchvision": SSD300_TORCHVISION}
BOXES_512 = {"caffe": SSD512}
# What those who published weights with these boxes do otherwise than we: both shrink pictures without averaging, and
# ssd.pytorch clips after NMS.  ("caffe" is for networks trained here.)
USAGES = {"ssd.pytorch": Usage("bilinear", clip_first=False), "torchvision": Usage("fine bilinear")}
# RGB, as the released VGG16 was trained
CAFFE_PIXELS: dict[str, Any] = {"pixel_mean": (123, 117, 104), "pixel_scale": 1}


def ssd300_vgg16(
    classes: Sequence[str], *, init: Initializer, batch_norm: bool = False, atrous: bool = True, boxes: str = "caffe"
) -> SSD:
    """batch_norm: after every convolution of trunk and extra layers, to learn from scratch.  atrous: see vgg.py.

    Without atrous fc7 ends at 10x10 and conv5_3 is the 19x19 map, so one extra stage falls away.
    """
    extras = EXTRAS_300 if atrous else EXTRAS_300[1:]
    stages = vgg_stages(init=init, batch_norm=batch_norm, atrous=atrous)
    return _wire("ssd300-vgg16", classes, stages, extras, BOXES_300, boxes, init, batch_norm)


def ssd512_vgg16(classes: Sequence[str], *, init: Initializer, batch_norm: bool = False, boxes: str = "caffe") -> SSD:
    stages = vgg_stages(init=init, batch_norm=batch_norm)
    return _wire("ssd512-vgg16", classes, stages, EXTRAS_512, BOXES_512, boxes, init, batch_norm)


def _wire(name, classes, stages, extras, box_sets, boxes, init, batch_norm):
    """Trunk, extra layers and heads together."""
    spec = box_set(name, box_sets, boxes)
    channels = [_channels(stage) for stage in stages.values()]
    for number, (narrow, width, shrink) in enumerate(extras, 6):
        squeeze = conv_relu(f"{number}_1", channels[-1], narrow, 1, pad=0, init=init, batch_norm=batch_norm)
        widen = conv_relu(f"{number}_2", narrow, width, init=init, batch_norm=batch_norm, **shrink)
        stages[f"extra{number}"] = Sequential(**squeeze, **widen)
        channels.append(width)
    heads = [
        (Head if level else NormalizedHead)(width, k, len(classes), init=init)
        for level, (width, k) in enumerate(zip(channels, spec.boxes_per_cell, strict=True))
    ]
    wiring = {"stages": stages, "heads": heads, "box_sets": box_sets, "boxes": boxes, "usages": USAGES}
    return SSD(name, classes, **wiring, input_size=spec.input_size, init=init, **CAFFE_PIXELS)


def _channels(stage):
    """Output channels of a stage: those of its last convolution."""
    return [array.shape[-1] for name, array in stage.params.items() if name.endswith(".w")][-1]
