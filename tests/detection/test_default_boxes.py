"""Default boxes: the formulas of the notes and the tiling of the released networks."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.detection import SSD300, SSD300_TORCHVISION, SSD512, DefaultBoxSpec, default_boxes, scales, to_corners

TWO_MAPS = DefaultBoxSpec.from_sizes(100, [(2, 3), 1], sizes=(20, 50, 80), ratios=((2, 3), (2,)))


def test_order_is_map_row_column_box_and_the_cell_begins_with_the_squares():
    boxes = default_boxes(TWO_MAPS, np.float64).tolist()
    expected = []
    for i, j in product(range(2), range(3)):  # x runs over columns
        for w, h in (
            (0.2, 0.2),
            (sqrt(0.2 * 0.5), sqrt(0.2 * 0.5)),
            (0.2 * sqrt(2), 0.2 / sqrt(2)),
            (0.2 / sqrt(2), 0.2 * sqrt(2)),
            (0.2 * sqrt(3), 0.2 / sqrt(3)),
            (0.2 / sqrt(3), 0.2 * sqrt(3)),
        ):
            expected.append(((j + 0.5) / 3, (i + 0.5) / 2, w, h))
    np.testing.assert_allclose(boxes[:36], expected)
    np.testing.assert_allclose(boxes[36:38], [(0.5, 0.5, 0.5, 0.5), (0.5, 0.5, sqrt(0.4), sqrt(0.4))])
    assert len(boxes) == 36 + 4


def test_a_map_of_boxes_reshapes_like_the_output_of_its_head():
    first = default_boxes(TWO_MAPS)[TWO_MAPS.slices[0]].reshape(2, 3, TWO_MAPS.boxes_per_cell[0], 4)
    np.testing.assert_array_equal(first[..., 0], np.broadcast_to(first[:1, :, :1, 0], (2, 3, 6)))
    np.testing.assert_array_equal(first[..., 1], np.broadcast_to(first[:, :1, :1, 1], (2, 3, 6)))
    np.testing.assert_array_equal(first[..., 2:], np.broadcast_to(first[0, 0, :, 2:], (2, 3, 6, 2)))


@pytest.mark.parametrize(
    ("spec", "count", "per_cell"),
    [(SSD300, 8732, (4, 6, 6, 6, 4, 4)), (SSD512, 24564, (4, 6, 6, 6, 6, 4, 4))],
)
def test_released_box_counts(spec, count, per_cell):
    boxes = default_boxes(spec)
    assert boxes.shape == (count, 4) and boxes.dtype == np.float32
    assert spec.boxes_per_cell == per_cell
    assert [s.stop - s.start for s in spec.slices] == [one.boxes for one in spec.maps]
    assert spec.slices[-1].stop == count


def test_trap_1_released_sizes_are_not_those_of_the_formula():
    released = [default_boxes(SSD300)[part][0, 2] for part in SSD300.slices]
    np.testing.assert_allclose(released, [0.1, 0.2, 0.37, 0.54, 0.71, 0.88], rtol=1e-6)
    np.testing.assert_allclose(scales(6)[:6], [0.2, 0.34, 0.48, 0.62, 0.76, 0.9])


def test_trap_2_centres_come_from_the_step_not_from_the_number_of_cells():
    boxes = default_boxes(SSD300)
    ten_by_ten = boxes[SSD300.slices[2]]
    np.testing.assert_allclose(ten_by_ten[-1, :2], 304 / 300)
    np.testing.assert_allclose(boxes[0, :2], 4 / 300)


def test_slip_the_scales_begin_at_level_1():
    np.testing.assert_allclose(scales(6)[0], 0.2)  # level 0 would be 0.06
    np.testing.assert_allclose(scales(6)[5:], [0.9, 1.04])
    np.testing.assert_allclose(scales(1), [0.2, 0.9])


def test_slip_the_extra_square_is_the_geometric_mean_of_two_scales():
    spec = DefaultBoxSpec.from_formula(300, (4, 2, 1), ((2, 3),) * 3)
    s = scales(3)
    for part, here, following in zip(spec.slices, s, s[1:], strict=False):
        sides = default_boxes(spec)[part][1, 2:]  # the notes print sqrt(s_l s_l + 1)
        np.testing.assert_allclose(sides, sqrt(here * following), rtol=1e-6)


def test_slip_x_runs_over_columns():
    boxes = default_boxes(DefaultBoxSpec.from_formula(300, [(1, 2)], ((),)))
    np.testing.assert_allclose(boxes[::2, :2], [[0.25, 0.5], [0.75, 0.5]])


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([(), (2,), (2, 3)]), st.floats(0.1, 1.2))
def test_every_box_has_the_area_of_its_square_and_its_ratio(rows, columns, ratios, scale):
    spec = DefaultBoxSpec.from_sizes(100, [(rows, columns)], (100 * scale, 100 * scale), (ratios,))
    boxes = default_boxes(spec, np.float64)
    assert len(boxes) == rows * columns * spec.boxes_per_cell[0]
    np.testing.assert_allclose(boxes[:, 2] * boxes[:, 3], scale**2)
    expected = {1.0, *ratios, *(1 / r for r in ratios)}
    assert set(np.round(boxes[:, 2] / boxes[:, 3], 9)) == {round(r, 9) for r in expected}
    assert ((boxes[:, :2] > 0) & (boxes[:, :2] < 1)).all()


def test_only_a_spec_that_clips_keeps_edges_inside():
    free = TWO_MAPS
    clipped = DefaultBoxSpec.from_sizes(100, [(2, 3), 1], (20, 50, 80), ((2, 3), (2,)), clip="edges")
    assert to_corners(default_boxes(free)).min() < 0
    edges = to_corners(default_boxes(clipped, np.float64))
    assert edges.min() >= -1e-12 and edges.max() <= 1 + 1e-12


@pytest.mark.parametrize(("clip", "outside"), [("numbers", [1, 1, 1, 1]), ("sides", [304 / 300, 304 / 300, 1, 1])])
def test_what_is_clipped_differs_between_implementations(clip, outside):
    """On the 10x10 map of SSD300 the last centre lies outside; a side of 330 pixels is wider than the image."""
    spec = DefaultBoxSpec.from_sizes(300, [10], (330, 360), ((),), steps=(32,), clip=clip)
    np.testing.assert_allclose(default_boxes(spec, np.float64)[-1], outside)


def test_the_sizes_of_torchvision():
    """Squares of 7 and 15 % of the input in the first cell, at half a step of 8 pixels."""
    boxes = default_boxes(SSD300_TORCHVISION, np.float64)
    assert len(boxes) == 8732
    np.testing.assert_allclose(boxes[0], [4 / 300, 4 / 300, 0.07, 0.07])
    np.testing.assert_allclose(boxes[1, 2:], np.sqrt(0.07 * 0.15))
    extra, short = np.sqrt(0.87 * 1.05), 0.87 / np.sqrt(2)  # its long side, 1.23, is cut to 1
    np.testing.assert_allclose(boxes[-4:, 2:], [[0.87, 0.87], [extra, extra], [1, short], [short, 1]])


def test_lengths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"2 maps need 3 sizes.*got 2, 2 and 2"):
        DefaultBoxSpec.from_sizes(100, (2, 1), (20, 50), ((2,), (2,)))
