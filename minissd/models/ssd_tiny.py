"""ssd-tiny: an SSD of about a million parameters that learns from scratch on a CPU.

Ten convolutions with batch norm, a stride of 2 wherever the map is to shrink; four maps (30, 15, 8 and 4 cells a
side for the 240 pixels it reads by default) with six default boxes in each cell.
"""

from collections.abc import Sequence
from typing import Any

from minissd.detection import DefaultBoxSpec
from minissd.errors import MinissdError
from minissd.layers import Initializer, Layer, Sequential
from minissd.models.blocks import conv_relu
from minissd.models.heads import Head
from minissd.models.ssd import OWN, SSD, Shapes, box_set

# (output channels, stride) of each convolution, a line for each stage
STAGES = (
    ((16, 2), (32, 2), (64, 1), (64, 2), (96, 1), (96, 1)),
    ((128, 2), (128, 1)),
    ((128, 2),),
    ((128, 2),),
)
SIZES = (0.08, 0.18, 0.37, 0.62, 0.95)  # side of the default boxes of each map; the last only closes sqrt(s_l s_{l+1})
RATIOS = (2, 3)
LARGEST_INPUT = 4096  # pixels: 2 million default boxes


TINY_PIXELS: dict[str, Any] = {"pixel_mean": (123, 117, 104), "pixel_scale": 1 / 58}


def ssd_tiny(classes: Sequence[str], *, init: Initializer, input_size: int = 240, boxes: str | Shapes = OWN) -> SSD:
    """Build ssd-tiny for `classes` (names without background), reading input_size x input_size images.

    boxes: "own", those of SIZES and RATIOS, or shapes that take their place, as `fit_boxes` makes them.
    """
    if not 1 <= input_size <= LARGEST_INPUT:
        raise MinissdError(f"input size {input_size}: ssd-tiny reads squares of 1 to {LARGEST_INPUT} pixels")
    return tiny_detector(classes, init=init, input_size=input_size, boxes=boxes)


def tiny_detector(
    classes: Sequence[str],
    *,
    init: Initializer,
    input_size: int,
    ratios: Any = RATIOS,
    levels: Sequence[int] = (0, 1, 2, 3),
    boxes: str | Shapes = OWN,
) -> SSD:
    """ssd-tiny, or a relative of it to compare with.

    ratios: of the default boxes besides 1.  levels: for each of SIZES but the last, the stage on whose map the
    boxes of that size lie, never falling: (0, 1, 1, 1) predicts all but the smallest on the second map.  Stages
    beyond the last one that is read are left out.
    """
    trunk = list(tiny_stages(levels[-1] + 1, init=init).items())
    stages, done = {}, 0
    for i, level in enumerate(levels):
        parts = trunk[done : level + 1]  # none where the map is read again
        stages[parts[-1][0] if parts else f"again{i}"] = parts[0][1] if len(parts) == 1 else Sequential(**dict(parts))
        done = level + 1
    sides = map_sizes(input_size)
    own = DefaultBoxSpec.from_sizes(
        input_size, [sides[level] for level in levels], [side * input_size for side in SIZES], [ratios] * len(levels)
    )
    box_sets = {OWN: own}
    heads = [
        Head(STAGES[level][-1][0], k, len(classes), init=init)
        for level, k in zip(levels, box_set("ssd-tiny", box_sets, boxes).boxes_per_cell, strict=True)
    ]
    wiring: dict[str, Any] = {"stages": stages, "heads": heads, "box_sets": box_sets, "boxes": boxes}
    return SSD("ssd-tiny", classes, **wiring, input_size=input_size, init=init, **TINY_PIXELS)


def tiny_stages(count: int | None = None, *, init: Initializer) -> dict[str, Sequential]:
    """The trunk, or its first `count` stages: dict name -> Sequential."""
    stages, channels = {}, 3
    for i, convolutions in enumerate(STAGES[:count]):
        layers: dict[str, Layer] = {}
        for j, (width, stride) in enumerate(convolutions):
            layers |= conv_relu(str(j), channels, width, init=init, stride=stride, batch_norm=True)
            channels = width
        stages[f"stage{i}"] = Sequential(**layers)
    return stages


def map_sizes(size: int) -> list[int]:
    """Cells a side of the map each stage ends with, for an input of `size` pixels."""
    sizes = []
    for convolutions in STAGES:
        for _, stride in convolutions:
            size = (size + stride - 1) // stride
        sizes.append(size)
    return sizes
