"""ssd-tiny: an SSD of about a million parameters that learns from scratch on a CPU; and ssd-small, a larger one.

    stage0    3x3 convolutions 16 P  32 P  64  64 P  96  96     map 30 x 30 x  96   read by the first head
    stage1    P 128  128                                            15 x 15 x 128   by the second
    stage2    P 128                                                  8 x  8 x 128
    stage3    P 128                                                  4 x  4 x 128

(cells for the 240 pixels it reads by default), with batch norm and ReLU after each convolution and six default boxes
in each cell.  P is a max pooling, 2x2.  So every filter looks at every pixel, and the strongest of four responses goes
on; a stride of 2 would skip three of four, which costs most in the first layers, where the maps are finest (Zhu et al.
2019, ScratchDet, section 3.3).  The pooling precedes the batch norm, which then has only a quarter of the map to
normalise.
"""

from collections.abc import Sequence
from typing import Any

from minissd.detection import DefaultBoxSpec
from minissd.errors import MinissdError
from minissd.layers import Initializer, Layer, MaxPool2d, Sequential
from minissd.models.blocks import conv_relu
from minissd.models.heads import Head
from minissd.models.ssd import OWN, SSD, Shapes, box_set

Trunk = tuple[tuple[tuple[int, str], ...], ...]

# (output channels, where the map is halved) of each convolution, a line for each stage
TINY: Trunk = (
    ((16, "after"), (32, "after"), (64, ""), (64, "after"), (96, ""), (96, "")),
    ((128, "before"), (128, "")),
    ((128, "before"),),
    ((128, "before"),),
)
SMALL: Trunk = (
    ((24, "after"), (48, "after"), (96, ""), (96, "after"), (160, ""), (160, "")),
    ((224, "before"), (224, ""), (224, "")),
    ((256, "before"), (256, "")),
    ((256, "before"),),
)
SAMPLINGS = ("pooling", "strides")  # how maps are halved; networks of older checkpoints have strides
SIZES = (0.08, 0.18, 0.37, 0.62, 0.95)  # side of the default boxes of each map; the last only closes sqrt(s_l s_{l+1})
RATIOS = (2, 3)
LARGEST_INPUT = 4096  # pixels: 2 million default boxes


TINY_PIXELS: dict[str, Any] = {"pixel_mean": (123, 117, 104), "pixel_scale": 1 / 58}


def ssd_tiny(
    classes: Sequence[str],
    *,
    init: Initializer,
    input_size: int = 240,
    boxes: str | Shapes = OWN,
    sampling: str = "pooling",
) -> SSD:
    """Build ssd-tiny for `classes` (names without background), reading input_size x input_size images.

    boxes: "own", those of SIZES and RATIOS, or shapes that take their place, as `fit_boxes` makes them.
    sampling: how maps are halved, one of SAMPLINGS.
    """
    return tiny_detector(classes, init=init, input_size=input_size, boxes=boxes, sampling=sampling)


def ssd_small(classes: Sequence[str], *, init: Initializer, input_size: int = 240, boxes: str | Shapes = OWN) -> SSD:
    """Build ssd-small, which is wider and deeper: four times the parameters."""
    return tiny_detector(classes, init=init, input_size=input_size, boxes=boxes, name="ssd-small", trunk=SMALL)


def tiny_detector(
    classes: Sequence[str],
    *,
    init: Initializer,
    input_size: int,
    name: str = "ssd-tiny",
    trunk: Trunk = TINY,
    sampling: str = "pooling",
    ratios: Any = RATIOS,
    levels: Sequence[int] = (0, 1, 2, 3),
    boxes: str | Shapes = OWN,
) -> SSD:
    """ssd-tiny, or a relative of it.

    trunk: as TINY.  ratios: of the default boxes besides 1.  levels: for each of SIZES but the last, the stage on
    whose map the boxes of that size lie, never falling: (0, 1, 1, 1) predicts all but the smallest on the second map.
    Stages beyond the last one that is read are left out.
    """
    check_input_size(name, input_size)
    whole = list(tiny_stages(levels[-1] + 1, init=init, trunk=trunk, sampling=sampling).items())
    stages, done = {}, 0
    for i, level in enumerate(levels):
        parts = whole[done : level + 1]  # none where the map is read again
        stages[parts[-1][0] if parts else f"again{i}"] = parts[0][1] if len(parts) == 1 else Sequential(**dict(parts))
        done = level + 1
    sides = map_sizes(input_size)
    own = DefaultBoxSpec.from_sizes(
        input_size, [sides[level] for level in levels], [side * input_size for side in SIZES], [ratios] * len(levels)
    )
    box_sets = {OWN: own}
    heads = [
        Head(trunk[level][-1][0], k, len(classes), init=init)
        for level, k in zip(levels, box_set(name, box_sets, boxes).boxes_per_cell, strict=True)
    ]
    wiring: dict[str, Any] = {"stages": stages, "heads": heads, "box_sets": box_sets, "boxes": boxes}
    return SSD(name, classes, **wiring, input_size=input_size, init=init, **TINY_PIXELS)


def check_input_size(name: str, input_size: int) -> None:
    if not 1 <= input_size <= LARGEST_INPUT:
        raise MinissdError(f"input size {input_size}: {name} reads squares of 1 to {LARGEST_INPUT} pixels")


def tiny_stages(
    count: int | None = None, *, init: Initializer, trunk: Trunk = TINY, sampling: str = "pooling"
) -> dict[str, Sequential]:
    """The trunk, or its first `count` stages: dict name -> Sequential."""
    if sampling not in SAMPLINGS:
        raise MinissdError(f"sampling {sampling!r} is not known: choose one of {', '.join(SAMPLINGS)}")
    stages, channels = {}, 3
    for i, convolutions in enumerate(trunk[:count]):
        layers: dict[str, Layer] = {}
        for j, (width, halving) in enumerate(convolutions):
            stride = 2 if halving and sampling == "strides" else 1
            pools = halving if sampling == "pooling" else ""
            layers |= {f"pool{j}": half()} if pools == "before" else {}
            pool = half() if pools == "after" else None
            layers |= conv_relu(str(j), channels, width, init=init, stride=stride, pool=pool, batch_norm=True)
            channels = width
        stages[f"stage{i}"] = Sequential(**layers)
    return stages


def half() -> MaxPool2d:
    """A pooling to half of the cells a side; of an odd number the last one stays alone."""
    return MaxPool2d(2, ceil_mode=True)


def map_sizes(size: int) -> list[int]:
    """Cells a side of the map each stage ends with, for an input of `size` pixels."""
    sizes = []
    for convolutions in TINY:  # SMALL halves its maps in as many places
        for _, halving in convolutions:
            size = (size + 1) // 2 if halving else size
        sizes.append(size)
    return sizes
