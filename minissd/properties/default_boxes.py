"""What holds for default boxes, and for the offsets from them to objects."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.detection import DefaultBoxSpec, default_boxes
from minissd.properties.box_sets import whole_corners
from minissd.properties.core import Property, equals, require_equal

# --- scales ---


@st.composite
def scale_ranges(draw):
    s_min, s_max = draw(st.sampled_from([(0.2, 0.9), (0.1, 0.5), (0.5, 1.0)]))
    return {"maps": draw(st.integers(2, 6)), "s_min": s_min, "s_max": s_max}


def _begins_at_s_min(function, maps, s_min, s_max):
    require_equal(function(maps, s_min, s_max)[0], s_min, what="the first scale")


def _one_more_than_maps(function, maps, s_min, s_max):
    require_equal(len(function(maps, s_min, s_max)), maps + 1, what="the number of scales")


def _last_map_has_s_max(function, maps, s_min, s_max):
    require_equal(function(maps, s_min, s_max)[maps - 1], s_max, what=f"the scale of map {maps}, the last")


SCALES = (
    Property("gives one scale more than there are maps", scale_ranges(), _one_more_than_maps),
    Property("begins at s_min", scale_ranges(), _begins_at_s_min),
    Property("reaches s_max at the last map", scale_ranges(), _last_map_has_s_max),
    equals(naive.scales, scale_ranges(), statement="goes on in equal steps"),
)


# --- the boxes of one cell, and of one map ---

some_ratios = st.sampled_from([(), (4.0,), (2.0,), (2.0, 3.0)])
scales_of_a_map = st.sampled_from([(0.5, 1.0), (0.25, 1.0), (0.25, 0.5), (0.1, 0.4)])


@st.composite
def cells(draw):
    scale, next_scale = draw(scales_of_a_map)
    return {"scale": scale, "next_scale": next_scale, "ratios": draw(some_ratios)}


def _area_of_the_square(function, scale, next_scale, ratios):
    shapes = np.asarray(function(scale, next_scale, ratios))
    areas = np.delete(shapes[:, 0] * shapes[:, 1], 1)  # the extra square is larger
    require_equal(areas, np.full(1 + 2 * len(ratios), scale**2), what="the areas of all boxes but the extra square")


def _width_by_height(function, scale, next_scale, ratios):
    shapes = np.asarray(function(scale, next_scale, ratios))
    expected = [1, 1, *(r for ratio in ratios for r in (ratio, 1 / ratio))]
    require_equal(shapes[:, 0] / shapes[:, 1], np.array(expected), what="width / height of the boxes")


CELL_SHAPES = (
    Property("gives each box the ratio it should have", cells(), _width_by_height),
    Property("gives all of them the area of the square", cells(), _area_of_the_square),
    equals(naive.cell_shapes, cells(), statement="puts an extra square between this scale and the next"),
)


def library_cell_shapes(scale, next_scale, ratios):
    """The sizes of the boxes of a map of one cell."""
    spec = DefaultBoxSpec.from_sizes(1, (1,), (scale, next_scale), (ratios,))
    return default_boxes(spec, np.float64)[:, 2:]


@st.composite
def maps(draw):
    scale, next_scale = draw(scales_of_a_map)
    size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shapes = naive.cell_shapes(scale, next_scale, draw(st.sampled_from([(), (4.0,)])))
    return {"size": size, "step": draw(st.sampled_from([20, 50, 32])), "input_size": 100, "shapes": shapes}


def _one_box_for_each_shape_and_cell(function, size, step, input_size, shapes):
    boxes = function(size, step, input_size, shapes)
    require_equal(np.shape(boxes), (size[0] * size[1] * len(shapes), 4), what="the shape of the result")


def _one_row(function, size, step, input_size, shapes):
    boxes = np.asarray(function((1, size[1]), step, input_size, shapes))
    middle = np.full(size[1] * len(shapes), step / 2 / input_size)
    require_equal(boxes[:, 1], middle, what=f"c_y of all boxes of a map of size (1, {size[1]})")


MAP_BOXES = (
    Property("gives a box for each shape in each cell", maps(), _one_box_for_each_shape_and_cell),
    Property("puts the boxes of a single row at one height", maps(), _one_row),
    equals(naive.map_boxes, maps(), statement="goes through rows, then columns, then shapes"),
)


def library_map_boxes(size, step, input_size, shapes):
    """`default_boxes` of a spec with one map; it states scales and ratios where `shapes` has widths and heights."""
    scale, ratios = shapes[0, 0], tuple(shapes[2::2, 0] / shapes[2::2, 1])
    sides = np.array([scale, shapes[1, 0] ** 2 / scale]) * input_size
    spec = DefaultBoxSpec.from_sizes(input_size, [size], sides, (ratios,), steps=(step,))
    return default_boxes(spec, np.float64)


# --- offsets ---


@st.composite
def objects_and_defaults(draw):
    """Objects and their default boxes (n, 4), centers in whole numbers and halves."""
    count = draw(st.integers(1, 2))
    sets = [naive.to_centers(draw(whole_corners(min_boxes=count, max_boxes=count))) for _ in range(2)]
    return {"objects": sets[0], "default_boxes": sets[1], "variances": draw(st.sampled_from([(1.0, 1.0), (0.1, 0.2)]))}


def _nothing_to_correct(function, objects, default_boxes, variances):
    offsets = function(default_boxes, default_boxes, variances)
    require_equal(offsets, np.zeros(default_boxes.shape), what="the offsets of a box to itself")


def _unit_does_not_matter(function, objects, default_boxes, variances):
    expected = np.asarray(function(objects, default_boxes, variances))
    found = function(objects * 4, default_boxes * 4, variances)
    require_equal(found, expected, what="the offsets, all boxes 4 times as large")


ENCODE = (
    Property("gives 0 where there is nothing to correct", objects_and_defaults(), _nothing_to_correct),
    Property("measures relative to the default box", objects_and_defaults(), _unit_does_not_matter),
    equals(naive.encode, objects_and_defaults(), statement="gives the offsets of the formula"),
)


def _stays(function, objects, default_boxes, variances):
    found = function(np.zeros(objects.shape), default_boxes, variances)
    require_equal(found, default_boxes, what="the boxes for offsets of 0")


@st.composite
def encoded(draw):
    """What `decode` gets, and the boxes that should come out."""
    case = draw(objects_and_defaults())
    return {"offsets": naive.encode(**case), **case}


@st.composite
def any_offsets(draw):
    boxes = naive.to_centers(draw(whole_corners(min_boxes=1, max_boxes=1)))
    offsets = draw(arrays(float, (1, 4), elements=st.integers(-3, 3).map(float)))
    assume(offsets.any())
    return {"offsets": offsets, "default_boxes": boxes, "variances": (0.1, 0.2)}


def _undoes_encode(function, offsets, objects, default_boxes, variances):
    require_equal(function(offsets, default_boxes, variances), objects, what="the boxes")


def _has_an_extent(function, offsets, default_boxes, variances):
    boxes = np.asarray(function(offsets, default_boxes, variances))
    assert (boxes[..., 2:] > 0).all(), f"a box has the size {boxes[0, 2:]}: no offset may lead to one of 0 or less"


DECODE = (
    Property("leaves the default box as it is where the offsets are 0", objects_and_defaults(), _stays),
    Property("gives boxes with an extent, whatever is predicted", any_offsets(), _has_an_extent),
    Property("undoes encode", encoded(), _undoes_encode),
)
