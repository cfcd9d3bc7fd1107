"""ssdlite320-mobilenet-v3: SSDLite (Sandler et al. 2018, section 6.2) on MobileNetV3-Large, as torchvision has it.

    maps 20 10 5 3 2 1, six boxes in a cell, in all 3,234; 3,440,060 parameters for COCO's 90 numbers of classes

Separable convolutions are all there is: those of the extra layers, and those of the heads.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from minissd.detection import DefaultBoxSpec
from minissd.layers import Conv2d, DepthwiseConv2d, Initializer, ReLU6, Sequential
from minissd.models.lite_heads import LiteHead
from minissd.models.mobilenet_v3 import MOBILENET_V3_PIXELS, NORM, mobilenet_v3_stages, normed
from minissd.models.ssd import OWN, SSD, Shapes, Usage, box_set

RELU6 = partial(ReLU6, in_place=True)
EXTRAS = (512, 256, 256, 128)  # channels of each extra stage, which halves the map
BOXES = DefaultBoxSpec.from_sizes(
    input_size=320,
    map_sizes=(20, 10, 5, 3, 2, 1),
    sizes=(64, 112, 160, 208, 256, 304, 320),  # a fifth to 19 twentieths of the image
    ratios=[(2, 3)] * 6,
    clip="sides",
)
BOX_SETS = {OWN: BOXES, "torchvision": BOXES}
USAGES = {"torchvision": Usage("fine bilinear", score_threshold=0.001, iou_threshold=0.55, candidates=300, limit=300)}


def ssdlite320_mobilenet_v3(
    classes: Sequence[str], *, init: Initializer, reduced_tail: bool = True, boxes: str | Shapes = OWN
) -> SSD:
    """reduced_tail: half of the channels at the end of the trunk, see mobilenet_v3.py."""
    spec = box_set("ssdlite320-mobilenet-v3", BOX_SETS, boxes)
    stages = mobilenet_v3_stages(init=init, reduced_tail=reduced_tail)
    channels = [stage.params[name].shape[-1] for stage, name in zip(stages.values(), ("expand13.w", "conv16.w"))]
    for number, width in enumerate(EXTRAS):
        stages[f"extra{number}"] = _extra(channels[-1], width, init=init)
        channels.append(width)
    heads = [
        LiteHead(width, k, len(classes), init=init, norm=NORM)
        for width, k in zip(channels, spec.boxes_per_cell, strict=True)
    ]
    wiring: dict[str, Any] = {"stages": stages, "heads": heads, "box_sets": BOX_SETS, "boxes": boxes, "usages": USAGES}
    return SSD(
        "ssdlite320-mobilenet-v3", classes, **wiring, input_size=spec.input_size, init=init, **MOBILENET_V3_PIXELS
    )


def _extra(channels, width, *, init):
    """A stage that halves the map: narrow, look around, widen."""
    narrow = width // 2
    squeeze = normed("squeeze", Conv2d(channels, narrow, 1, init=init, bias=False), RELU6, init=init)
    depthwise = DepthwiseConv2d(narrow, 3, init=init, stride=2, pad=1, bias=False)
    shrink = normed("depthwise", depthwise, RELU6, init=init)
    widen = normed("widen", Conv2d(narrow, width, 1, init=init, bias=False), RELU6, init=init)
    return Sequential(**squeeze, **shrink, **widen)
