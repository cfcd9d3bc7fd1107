"""MobileNetV3-Large (Howard et al. 2019, table 1), as torchvision builds it: inverted residual blocks.

    stage    layers                                                          map at 320 pixels
    to_c4    conv0, 3x3 of stride 2; the blocks 1 to 12; of block 13 what    20 x 20 x 672
             comes before the map is halved for the fifth time
    to_c5    the rest of block 13, the blocks 14 and 15; conv16, 1x1         10 x 10 x 480, or 960

A block widens its map by a 1x1 convolution, looks around by a depthwise one, weighs the channels by squeeze and
excitation in some blocks, and narrows them again by a 1x1 convolution without an activation; where the sizes allow it,
what it read is added (section 4).  The tail, from the narrowing of block 13 on, has half of the channels unless
`reduced_tail` is False: the trunk that was trained on ImageNet has all of them (section 6.3 and table 6).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from minissd.layers import (
    BatchNorm,
    Conv2d,
    DepthwiseConv2d,
    HardSwish,
    Initializer,
    Layer,
    ReLU,
    Residual,
    Sequential,
    SqueezeExcitation,
)


class Block(NamedTuple):
    """Kernel of the depthwise convolution; channels inside and behind; squeeze and excitation; activation; stride."""

    kernel: int
    inside: int
    out: int
    excites: bool
    activation: Callable[[], Layer]
    stride: int = 1


RELU = partial(ReLU, in_place=True)
FIRST = 16  # channels of conv0
BLOCKS: tuple[Block, ...] = (
    Block(3, 16, 16, False, RELU),
    Block(3, 64, 24, False, RELU, 2),
    Block(3, 72, 24, False, RELU),
    Block(5, 72, 40, True, RELU, 2),
    Block(5, 120, 40, True, RELU),
    Block(5, 120, 40, True, RELU),
    Block(3, 240, 80, False, HardSwish, 2),
    Block(3, 200, 80, False, HardSwish),
    Block(3, 184, 80, False, HardSwish),
    Block(3, 184, 80, False, HardSwish),
    Block(3, 480, 112, True, HardSwish),
    Block(3, 672, 112, True, HardSwish),
)
TAIL: tuple[Block, ...] = (
    Block(5, 672, 160, True, HardSwish, 2),
    Block(5, 960, 160, True, HardSwish),
    Block(5, 960, 160, True, HardSwish),
)
LAST = 960  # channels of conv16
NORM = {"eps": 0.001, "momentum": 0.03}  # of all batch norms, as in torchvision's detector
MOBILENET_V3_PIXELS: dict[str, Any] = {"pixel_mean": (127.5,) * 3, "pixel_scale": 1 / 127.5}  # from -1 to 1


def mobilenet_v3_stages(*, init: Initializer, reduced_tail: bool) -> dict[str, Sequential]:
    """The stages of the trunk, in order: dict name -> Sequential."""
    to_c4 = normed("conv0", Conv2d(3, FIRST, 3, init=init, stride=2, pad=1, bias=False), HardSwish, init=init)
    channels = FIRST
    for number, block in enumerate(BLOCKS, 1):
        to_c4[f"block{number}"] = inverted_residual(channels, block, init=init)
        channels = block.out
    tail, last = (_reduced(TAIL), LAST // 2) if reduced_tail else (TAIL, LAST)
    to_c4 |= _widening(channels, tail[0], init=init, name=f"expand{len(BLOCKS) + 1}")
    to_c5: dict[str, Layer] = {f"block{len(BLOCKS) + 1}": Sequential(**_behind_widening(tail[0], init=init))}
    channels = tail[0].out
    for number, block in enumerate(tail[1:], len(BLOCKS) + 2):
        to_c5[f"block{number}"] = inverted_residual(channels, block, init=init)
        channels = block.out
    conv16 = Conv2d(channels, last, 1, init=init, bias=False)
    to_c5 |= normed(f"conv{len(BLOCKS) + len(TAIL) + 1}", conv16, HardSwish, init=init)
    return {"to_c4": Sequential(**to_c4), "to_c5": Sequential(**to_c5)}


def inverted_residual(channels: int, block: Block, *, init: Initializer) -> Sequential:
    """A block that reads so many channels."""
    layers = _widening(channels, block, init=init) | _behind_widening(block, init=init)
    return (Residual if block.stride == 1 and block.out == channels else Sequential)(**layers)


def normed(name: str, conv: Layer, activation: Callable[[], Layer] | None, *, init: Initializer) -> dict[str, Layer]:
    """A convolution without bias, its batch norm and, unless there is none, its activation: name, name_bn, name_act."""
    layers = {name: conv, f"{name}_bn": BatchNorm(conv.params["w"].shape[-1], init=init, **NORM)}
    return layers | ({f"{name}_act": activation()} if activation else {})


def _widening(channels, block, *, init, name="expand"):
    """The first convolution of a block; none where it would keep the number of channels."""
    if block.inside == channels:
        return {}
    return normed(name, Conv2d(channels, block.inside, 1, init=init, bias=False), block.activation, init=init)


def _behind_widening(block, *, init):
    inside, kernel = block.inside, block.kernel
    depthwise = DepthwiseConv2d(inside, kernel, init=init, stride=block.stride, pad=kernel // 2, bias=False)
    layers = normed("depthwise", depthwise, block.activation, init=init)
    if block.excites:
        layers["se"] = SqueezeExcitation(inside, _multiple_of_8(inside // 4), init=init)
    project = Conv2d(inside, block.out, 1, init=init, bias=False)
    return layers | normed("project", project, None, init=init)


def _reduced(tail):
    """The blocks with half of the channels, but for what comes from the rest of the trunk."""
    first, *others = (block._replace(inside=block.inside // 2, out=block.out // 2) for block in tail)
    return first._replace(inside=tail[0].inside), *others


def _multiple_of_8(channels):
    """The nearest multiple, at least 8 and at least nine tenths of the number."""
    nearest = max(8, (channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
