"""MobileNet v1 (Howard et al. 2017, width 1) and the SSD on it: depthwise separable convolutions nearly throughout.

    stage       layers                                                     map at 300 pixels
    to_conv11   conv0, 3x3 of stride 2; the blocks 1 to 11                 19 x 19 x  512   read by the first head
    to_conv13   the blocks 12 and 13                                       10 x 10 x 1024   read by the second

A block is a depthwise 3x3 convolution, which looks around, and a pointwise one, which mixes the channels
(section 3.1), each with batch norm and ReLU.  For C channels in and D out that takes 9 C + C D weights instead of
9 C D.
"""

from collections.abc import Sequence
from typing import Any

from minissd.detection import DefaultBoxSpec, MapSpec
from minissd.layers import BatchNorm, DepthwiseConv2d, Initializer, Layer, ReLU, Sequential
from minissd.models.blocks import conv_relu
from minissd.models.heads import Head
from minissd.models.ssd import OWN, SSD, Shapes, Usage, box_set

# (output channels, stride) of the blocks
TO_CONV11 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
TO_CONV13 = ((1024, 2), (1024, 1))
# (mean, scale) of the pixels: they come to lie between -1 and 1
MOBILENET_PIXELS: dict[str, Any] = {"pixel_mean": (127, 127, 127), "pixel_scale": 1 / 128}
CAFFE_PIXELS: dict[str, Any] = {"pixel_mean": (127.5, 127.5, 127.5), "pixel_scale": 1 / 127.5}

RATIOS = (2, 3)
# Two networks have been published: one for PyTorch (qfgaohao's pytorch-ssd), and one for Caffe (chuanqi305's), which
# has no second square on its first map
BOXES = DefaultBoxSpec.from_sizes(
    input_size=300,
    map_sizes=(19, 10, 5, 3, 2, 1),
    sizes=(60, 105, 150, 195, 240, 285, 330),
    ratios=[RATIOS] * 6,
    steps=(16, 32, 64, 100, 150, 300),
    clip="numbers",
)
CAFFE_BOXES = DefaultBoxSpec(
    300,
    (
        MapSpec((19, 19), 60 / 300, None, (2,)),
        *DefaultBoxSpec.from_sizes(300, (10, 5, 3, 2, 1), (105, 150, 195, 240, 285, 300), [RATIOS] * 5).maps,
    ),
)
BOX_SETS = {OWN: BOXES, "qfgaohao": BOXES, "caffe": CAFFE_BOXES}
# qfgaohao shrinks pictures without averaging, clips boxes after NMS, and keeps all that is left of 200 in each class
USAGES = {"qfgaohao": Usage("bilinear", clip_first=False, candidates=200, limit=200 * 20)}
# Each extra stage: channels of its 1x1 convolution, and of the 3x3 one behind it that halves the map
EXTRAS = ((256, 512), (128, 256), (128, 256), (128, 256))
CAFFE_EXTRAS = (*EXTRAS[:3], (64, 128))


def mobilenet_stages(*, init: Initializer) -> dict[str, Sequential]:
    """The stages of the trunk, in order: dict name -> Sequential."""
    first = conv_relu("0", 3, 32, stride=2, init=init, batch_norm=True)
    return {
        "to_conv11": Sequential(**first, **separable_blocks(1, 32, TO_CONV11, init=init)),
        "to_conv13": Sequential(**separable_blocks(12, 512, TO_CONV13, init=init)),
    }


def separable_blocks(
    number: int, channels: int, blocks: Sequence[tuple[int, int]], *, init: Initializer
) -> dict[str, Layer]:
    """The layers of consecutive depthwise separable blocks, the first of them with this number."""
    layers: dict[str, Layer] = {}
    for i, (width, stride) in enumerate(blocks, number):
        layers |= {
            f"conv{i}_dw": DepthwiseConv2d(channels, 3, init=init, stride=stride, pad=1, bias=False),
            f"bn{i}_dw": BatchNorm(channels, init=init),
            f"relu{i}_dw": ReLU(in_place=True),
        }
        layers |= conv_relu(f"{i}_pw", channels, width, 1, pad=0, init=init, batch_norm=True)
        channels = width
    return layers


def ssd300_mobilenet(classes: Sequence[str], *, init: Initializer, boxes: str | Shapes = OWN) -> SSD:
    """SSD on MobileNet, as qfgaohao published it: maps 19 10 5 3 2 1, six boxes in a cell, together 3,000.

    boxes="caffe": the MobileNet-SSD published for Caffe, three boxes in a cell of the first map, together 1,917; its
    extra layers have batch norms, and its heads are 1x1 convolutions, which saves a quarter of the multiply-adds.
    """
    caffe = boxes == "caffe"
    spec = box_set("ssd300-mobilenet", BOX_SETS, boxes)
    stages, channels = mobilenet_stages(init=init), [512, 1024]
    for number, (narrow, width) in enumerate(CAFFE_EXTRAS if caffe else EXTRAS, 14):
        squeeze = conv_relu(f"{number}_1", channels[-1], narrow, 1, pad=0, init=init, batch_norm=caffe)
        shrink = conv_relu(f"{number}_2", narrow, width, stride=2, init=init, batch_norm=caffe)
        stages[f"extra{number}"] = Sequential(**squeeze, **shrink)
        channels.append(width)
    heads = [
        Head(width, k, len(classes), init=init, kernel=1 if caffe else 3)
        for width, k in zip(channels, spec.boxes_per_cell, strict=True)
    ]
    wiring: dict[str, Any] = {"stages": stages, "heads": heads, "box_sets": BOX_SETS, "boxes": boxes, "usages": USAGES}
    pixels = CAFFE_PIXELS if caffe else MOBILENET_PIXELS
    return SSD("ssd300-mobilenet", classes, **wiring, input_size=spec.input_size, init=init, **pixels)
