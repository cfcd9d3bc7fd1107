"""VGG16 as SSD uses it (Simonyan and Zisserman 2014; Liu et al. 2016, SSD, section 3).

    stage     layers                                                        map at 300 pixels
    conv1_4   two, two, three, three convolutions; a pool after each        38 x 38 x  512   read by the first head
              group but the last
    conv5_7   pool4, three convolutions, pool5, fc6, fc7                    19 x 19 x 1024   read by the second

The fully connected fc6 and fc7 are convolutions here.  The released network makes pool5 3x3 with stride 1, so that the
map stays fine, and spreads the 3x3 kernel of fc6 by a dilation of 6, so that it still sees as far.  The variant
atrous=False is the plain VGG16 that the SSD paper compares with ("atrous is faster"): pool5 halves the map, fc6 is
7x7 with all its 4096 channels, and conv5_3, now a stage of its own, feeds a head.
"""

from typing import Any

from minissd.layers import Initializer, Layer, MaxPool2d, Sequential
from minissd.models.blocks import conv_relu

GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # output channels of conv1_1 ...
ATROUS_CHANNELS, FULL_CHANNELS = 1024, 4096  # of fc6 and fc7


def vgg_stages(*, init: Initializer, batch_norm: bool = False, atrous: bool = True) -> dict[str, Sequential]:
    """The stages of the trunk, in order: dict name -> Sequential."""
    options = {"init": init, "batch_norm": batch_norm}
    front: dict[str, Layer] = {}
    channels = 3
    for number in range(1, 5):
        if number > 1:
            front |= pool(number - 1)
        front |= group(number, channels, options)
        channels = GROUPS[number - 1][-1]
    conv5 = pool(4) | group(5, channels, options)
    if atrous:
        pool5 = {"pool5": MaxPool2d(3, stride=1, pad=1)}
        dense = fully_connected(channels, ATROUS_CHANNELS, options, kernel=3, pad=6, dilation=6)
        return {"conv1_4": Sequential(**front), "conv5_7": Sequential(**conv5, **pool5, **dense)}
    dense = fully_connected(channels, FULL_CHANNELS, options, kernel=7, pad=3)
    return {
        "conv1_4": Sequential(**front),
        "conv5": Sequential(**conv5),
        "conv6_7": Sequential(**pool(5), **dense),
    }


def group(number: int, channels: int, options: dict[str, Any]) -> dict[str, Layer]:
    """conv<number>_1, relu<number>_1, ...: the convolutions between two pools."""
    layers: dict[str, Layer] = {}
    for i, width in enumerate(GROUPS[number - 1], 1):
        layers |= conv_relu(f"{number}_{i}", channels, width, **options)
        channels = width
    return layers


def pool(number: int) -> dict[str, Layer]:
    """Halves the map, rounding up: pool3 makes 38 out of 75, where rounding down would give 37."""
    return {f"pool{number}": MaxPool2d(2, ceil_mode=True)}


def fully_connected(
    channels: int, width: int, options: dict[str, Any], *, kernel: int, pad: int, dilation: int = 1
) -> dict[str, Layer]:
    """fc6 and fc7 as convolutions."""
    fc6 = conv_relu("6", channels, width, kernel, pad=pad, dilation=dilation, prefix="fc", **options)
    return fc6 | conv_relu("7", width, width, 1, pad=0, prefix="fc", **options)
