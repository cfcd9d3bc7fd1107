"""Default boxes: the fixed boxes that an SSD predicts corrections of.

Liu et al. 2016 (SSD), section 2.2, "Choosing scales and aspect ratios for default boxes".

Every cell of a detection map carries the same k boxes around its centre (map_spec.py says which).  The boxes of a map
are ordered by row, column, then box within the cell, so a head's output (N, H, W, k*4) reshapes to (N, H*W*k, 4) as it
is.  x runs over columns and y over rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import inf

import numpy as np
import numpy.typing as npt

from minissd.detection.boxes import clip, to_centers, to_corners
from minissd.detection.map_spec import MapSpec, ShapedMap


@dataclass(frozen=True)
class DefaultBoxSpec:
    """The default boxes of one network: its detection maps from fine to coarse."""

    input_size: int  # pixels, the unit of `step`
    maps: tuple[MapSpec | ShapedMap, ...]
    clip: str | None = None  # a key of CLIPPING: what is done about boxes that reach over the border

    def __post_init__(self):
        if not self.maps or not 0 < self.input_size < inf or self.clip not in CLIPPING:
            clips = ", ".join(map(repr, CLIPPING))
            raise ValueError(
                f"default boxes need a map, a positive input_size, got {self.input_size}, and as clip one of {clips}, "
                f"got {self.clip!r}"
            )

    @property
    def boxes_per_cell(self) -> tuple[int, ...]:
        """k of each map: its heads have k * 4 and k * (C + 1) channels."""
        return tuple(one.boxes_per_cell for one in self.maps)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where the boxes of each map lie among all P boxes."""
        ends = accumulate((one.boxes for one in self.maps), initial=0)
        return tuple(slice(start, stop) for start, stop in pairwise(ends))

    @property
    def shapes(self) -> list[list[list[float]]]:
        """[w, h] of the boxes of one cell, for each map: what `with_shapes` takes, in lists as JSON has them."""
        return [[list(shape) for shape in one.shapes] for one in self.maps]

    def with_shapes(self, shapes: Sequence[Sequence[Sequence[float]]]) -> "DefaultBoxSpec":
        """The same maps with other boxes: for each map (w, h) of the boxes of one cell, in sides of the image."""
        if len(shapes) != len(self.maps):
            raise ValueError(f"{len(self.maps)} maps need as many lists of shapes, got {len(shapes)}")
        pairs = [tuple((float(w), float(h)) for w, h in of_map) for of_map in shapes]
        maps = [ShapedMap(one.size, of_map, one.step) for one, of_map in zip(self.maps, pairs, strict=True)]
        return replace(self, maps=tuple(maps))

    @classmethod
    def from_sizes(
        cls,
        input_size: int,
        map_sizes: Sequence[int | tuple[int, int]],
        sizes: Sequence[float],
        ratios: Sequence[tuple[float, ...]],
        steps: Sequence[float | None] | None = None,
        clip: str | None = None,
    ) -> "DefaultBoxSpec":
        """Spec from explicit sides in pixels.

        map_sizes: L ints (square maps) or (rows, columns); sizes: L + 1 sides, the last one for the extra
        square of the last map; ratios: L tuples; steps: L pixel counts or None.
        """
        if not 0 < input_size < inf:
            raise ValueError(f"input_size must be a positive number of pixels, got {input_size}")
        count = len(map_sizes)
        steps = [None] * count if steps is None else steps
        if (len(sizes), len(ratios), len(steps)) != (count + 1, count, count):
            raise ValueError(
                f"{count} maps need {count + 1} sizes, {count} tuples of ratios and {count} steps, "
                f"got {len(sizes)}, {len(ratios)} and {len(steps)}"
            )
        scales = [size / input_size for size in sizes]
        maps = []
        for level, map_size in enumerate(map_sizes):
            rows, columns = np.broadcast_to(map_size, 2).tolist()
            scale, next_scale = scales[level : level + 2]
            maps.append(MapSpec((rows, columns), scale, next_scale, tuple(ratios[level]), steps[level]))
        return cls(input_size, tuple(maps), clip)

    @classmethod
    def from_formula(
        cls,
        input_size: int,
        map_sizes: Sequence[int | tuple[int, int]],
        ratios: Sequence[tuple[float, ...]],
        s_min: float = 0.2,
        s_max: float = 0.9,
        clip: str | None = None,
    ) -> "DefaultBoxSpec":
        """Spec from the formulas of the SSD paper, section 2.2: evenly spread `scales`, and centres (j + 0.5) / n."""
        sizes = [s * input_size for s in scales(len(map_sizes), s_min, s_max)]
        return cls.from_sizes(input_size, map_sizes, sizes, ratios, clip=clip)


def scales(maps: int, s_min: float = 0.2, s_max: float = 0.9) -> list[float]:
    """The L + 1 scales s_1 .. s_{L+1} of L maps:  s_l = s_min + (s_max - s_min) / (L - 1) * (l - 1).

    SSD paper, section 2.2, equation 4.  l begins at 1, so that s_1 = s_min and s_L = s_max.  The formula's s_{L+1}
    serves only the extra square of the last map.
    """
    if maps < 1:
        raise ValueError(f"scales needs at least one map, got {maps}")
    step = (s_max - s_min) / max(maps - 1, 1)  # a lone map: s_min and s_max
    return [s_min + step * (level - 1) for level in range(1, maps + 2)]


def default_boxes(spec: DefaultBoxSpec, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
    """All default boxes of a spec -> (P, 4) centers, normalised, in NumPy.

    c_x = (j + 0.5) * step / input for column j, c_y likewise for row i, or without
    a step c_x = (j + 0.5) / columns.  Boxes may reach over the border unless the spec clips; with the steps
    of SSD300 even the last centre of the 10x10 map is outside, at 304 / 300.
    """
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"default boxes are fractions of the image, which {np.dtype(dtype)} cannot hold: take a float")
    centers = np.concatenate([_map_boxes(one, spec.input_size) for one in spec.maps])
    return CLIPPING[spec.clip](centers).astype(dtype)


# The paper is silent about boxes that reach over the border, so every implementation chose for itself.
CLIPPING = {
    None: lambda centers: centers,  # the released network: they stay as they are
    "edges": lambda centers: to_centers(clip(to_corners(centers))),  # edges outside are moved onto the border
    "numbers": clip,  # ssd.pytorch: each of c_x, c_y, w, h is cut to 0..1
    "sides": lambda centers: np.concatenate([centers[:, :2], centers[:, 2:].clip(0, 1)], axis=1),  # torchvision: w, h
}


def _map_boxes(one, input_size):
    """(rows * columns * k, 4) centers of one map."""
    rows, columns = one.size
    cell_w, cell_h = (1 / columns, 1 / rows) if one.step is None else (one.step / input_size,) * 2
    boxes = np.empty((rows, columns, one.boxes_per_cell, 4))
    boxes[..., 0] = ((np.arange(columns) + 0.5) * cell_w)[None, :, None]
    boxes[..., 1] = ((np.arange(rows) + 0.5) * cell_h)[:, None, None]
    boxes[..., 2:] = one.shapes
    return boxes.reshape(-1, 4)


# The released networks leave the formula for explicit sizes: conv4_3 stands apart with 10 % (SSD512: 7 %).
SSD300 = DefaultBoxSpec.from_sizes(
    input_size=300,
    map_sizes=(38, 19, 10, 5, 3, 1),
    sizes=(30, 60, 111, 162, 213, 264, 315),
    ratios=((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    steps=(8, 16, 32, 64, 100, 300),
)
SSD300_SSD_PYTORCH = replace(SSD300, clip="numbers")
SSD300_TORCHVISION = DefaultBoxSpec.from_sizes(
    input_size=300,
    map_sizes=(38, 19, 10, 5, 3, 1),
    sizes=(21, 45, 99, 153, 207, 261, 315),
    ratios=((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    steps=(8, 16, 32, 64, 100, 300),
    clip="sides",
)
SSD512 = DefaultBoxSpec.from_sizes(
    input_size=512,
    map_sizes=(64, 32, 16, 8, 4, 2, 1),
    sizes=(35.84, 76.8, 153.6, 230.4, 307.2, 384.0, 460.8, 537.6),
    ratios=((2,), (2, 3), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    steps=(8, 16, 32, 64, 128, 256, 512),
)
