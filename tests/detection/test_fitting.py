"""Default boxes fitted to objects, and how well default boxes cover these."""

from itertools import product

import numpy as np
import pytest

from minissd.detection import (
    DefaultBoxSpec,
    Objects,
    ShapedMap,
    coverage,
    default_boxes,
    fit_boxes,
    iou,
    to_corners,
)
from minissd.detection.fitting import cluster_shapes, nearest_map, shape_iou

SPEC = DefaultBoxSpec.from_sizes(100, [8, 4, 1], sizes=(10, 25, 60, 100), ratios=((2,), (2,), (2,)))


def objects_of(*shapes, times=10):
    """An image with objects of these widths and heights, each several times, around its centre."""
    centers = np.array([(0.5, 0.5, w, h) for w, h in shapes] * times)
    labels = np.zeros(len(centers), np.int64)
    return Objects(to_corners(centers), labels, labels > 0)


def test_iou_of_shapes_is_that_of_boxes_around_one_centre(rng):
    np.testing.assert_allclose(shape_iou(np.array([[2.0, 1.0]]), np.array([[1.0, 2.0], [4.0, 1.0]])), [[1 / 3, 1 / 2]])
    a, b = rng.uniform(0.1, 1, (5, 2)), rng.uniform(0.1, 1, (7, 2))
    boxes = (to_corners(np.hstack([np.full_like(one, 0.5), one])) for one in (a, b))
    np.testing.assert_allclose(shape_iou(a, b), iou(*boxes))


def best_of_all_partitions(shapes, count):
    """The highest mean IoU of shapes with the nearest of `count` centres, each the geometric mean of some shapes."""
    best = 0
    for group in map(np.array, product(range(count), repeat=len(shapes))):
        centres = [np.exp(np.log(shapes[group == k]).mean(axis=0)) for k in range(count) if (group == k).any()]
        best = max(best, shape_iou(shapes, np.array(centres)).max(axis=1).mean())
    return best


def test_clusters_are_as_good_as_the_best_of_all_partitions():
    worse = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shapes, count = rng.uniform(0.05, 1, (rng.integers(3, 7), 2)), int(rng.integers(1, 4))
        found = shape_iou(shapes, cluster_shapes(shapes, count, rng)).max(axis=1).mean()
        worse.append(best_of_all_partitions(shapes, count) - found)
    assert max(worse) < 0.01 and np.mean(np.array(worse) < 1e-9) >= 0.95


def test_clusters_of_shapes_that_are_few():
    shapes = np.array([(0.1, 0.2), (0.4, 0.3)] * 20)
    found = cluster_shapes(shapes, 5, np.random.default_rng(0))
    np.testing.assert_allclose(sorted(found.tolist()), [(0.1, 0.2), (0.4, 0.3)])


def test_the_recall_ceiling_of_boxes_made_by_hand():
    """A box of half the sides in each quarter of the image: IoU 1/2, 1, 1/28, 16/25."""
    spec = SPEC.from_sizes(100, [2], sizes=(50, 60), ratios=((),)).with_shapes([[(0.5, 0.5)]])
    corners = np.array([[0, 0, 0.5, 0.25], [0.5, 0, 1, 0.5], [0.4, 0.4, 0.6, 0.6], [0.6, 0.6, 1, 1]])
    one = coverage(spec, corners)
    np.testing.assert_allclose(one.overlaps, [1 / 2, 1, 1 / 28, 16 / 25], rtol=1e-5)
    np.testing.assert_allclose(one.boxes[[0, 1, 3]], [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1]])
    assert one.covered.tolist() == [False, True, False, True]  # matching asks for more than 0.5, too
    assert one.recall_ceiling() == 0.5 and one.recall_ceiling(np.array([False, True, False, True])) == 1
    assert np.isnan(one.recall_ceiling(np.zeros(4, bool))) and np.isnan(coverage(spec, corners[:0]).recall_ceiling())


def test_the_best_default_boxes_of_many_objects(rng):
    low, high = np.sort(rng.uniform(0, 1, (2, 150, 2)), axis=0)
    corners, boxes, told = np.hstack([low, high]).astype(np.float32), to_corners(default_boxes(SPEC)), []
    one = coverage(SPEC, corners, report=lambda done, total: told.append((done, total)))
    table = iou(corners, boxes)
    np.testing.assert_array_equal(one.overlaps, table.max(axis=1))
    np.testing.assert_array_equal(one.boxes, boxes[table.argmax(axis=1)])
    assert told[-1] == (150, 150)


def test_every_object_goes_to_the_map_that_has_its_size():
    sides = np.array([(0.02, 0.02), (0.1, 0.1), (0.05, 0.5), (0.3, 0.2), (0.7, 0.7), (1.0, 0.9)])
    assert nearest_map(SPEC, sides).tolist() == [0, 0, 0, 1, 2, 2]


def test_each_map_gets_the_shapes_of_its_own_objects():
    small, large = [(0.05, 0.1), (0.1, 0.1), (0.12, 0.08), (0.04, 0.2)], (0.6, 0.7)
    fitted = fit_boxes(SPEC, [objects_of(*small), objects_of(large)])
    assert fitted.boxes_per_cell == SPEC.boxes_per_cell and isinstance(fitted.maps[0], ShapedMap)
    assert [one.size for one in fitted.maps] == [one.size for one in SPEC.maps]
    np.testing.assert_allclose(sorted(fitted.shapes[0]), sorted(small), rtol=1e-3)
    np.testing.assert_allclose(sorted(fitted.shapes[1]), sorted(SPEC.shapes[1]), rtol=1e-3)  # no object of its size
    assert any(np.allclose(shape, large, rtol=1e-3) for shape in fitted.shapes[2])
    assert (
        coverage(fitted, np.array([[0.2, 0.1, 0.8, 0.8]])).overlaps[0] > 0.8
    )  # its shape, and the one cell of the map is at 0.5, 0.5 where its centre is 0.5, 0.45


def test_a_map_with_few_objects_keeps_its_boxes():
    fitted = fit_boxes(SPEC, [objects_of((0.1, 0.05), times=7), objects_of((0.3, 0.2), times=8)])
    np.testing.assert_allclose(sorted(fitted.shapes[0]), sorted(SPEC.shapes[0]), rtol=1e-3)
    assert [0.3, 0.2] in fitted.shapes[1]


def test_the_same_seed_fits_the_same_boxes_and_they_cover_more(rng):
    sides = rng.uniform(0.08, 0.2, (60, 1)) * np.array([[1, 4]])  # tall ones, of which the spec has none
    corners = np.hstack([-sides, sides]) / 2 + rng.uniform(0.2, 0.8, (60, 2))[:, [0, 1, 0, 1]]
    objects = [Objects(corners, np.zeros(60, np.int64), np.zeros(60, bool))]
    assert fit_boxes(SPEC, objects, seed=3) == fit_boxes(SPEC, objects, seed=3)
    own, fitted = (coverage(spec, corners).overlaps.mean() for spec in (SPEC, fit_boxes(SPEC, objects)))
    assert fitted > own + 0.05


@pytest.mark.parametrize("objects", [[], [Objects(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, bool))]])
def test_nothing_to_fit_to(objects):
    with pytest.raises(ValueError, match="no.* object|has an object"):
        fit_boxes(SPEC, objects)


def test_objects_without_extent():
    with pytest.raises(ValueError, match="no width or no height"):
        fit_boxes(SPEC, [objects_of((0.1, 0.0))])


@pytest.mark.parametrize(
    "shapes",
    [
        [[(0.1, 0.1)]] * 2,
        [[(0.1, 0.1)], [(0.1, 0.1)], []],
        [[(0.1, 0.1)], [(0.1, 0.1)], [(0.1, 0.0)]],
        [[(0.1, 0.1)], [(0.1, 0.1)], [(0.1, np.nan)]],
        [[(0.1, 0.1)], [(0.1, 0.1)], [(0.1, 0.1)] * 25],
        [[(0.1, 0.1)], [(0.1, 0.1)], [(0.1, 0.1, 0.1)]],
    ],
)
def test_what_is_no_list_of_shapes_for_each_map(shapes):
    with pytest.raises(ValueError):
        SPEC.with_shapes(shapes)


def test_boxes_of_given_shapes_stand_in_the_cells_of_their_maps():
    spec = SPEC.with_shapes([[(0.1, 0.2)], [(0.3, 0.1), (0.2, 0.2)], [(0.5, 0.9)]])
    assert spec.boxes_per_cell == (1, 2, 1) and [one.boxes for one in spec.maps] == [64, 32, 1]
    boxes = default_boxes(spec, np.float64)
    np.testing.assert_allclose(boxes[:2], [(1 / 16, 1 / 16, 0.1, 0.2), (3 / 16, 1 / 16, 0.1, 0.2)])
    np.testing.assert_allclose(boxes[64:66], [(1 / 8, 1 / 8, 0.3, 0.1), (1 / 8, 1 / 8, 0.2, 0.2)])
    np.testing.assert_allclose(boxes[-1], (0.5, 0.5, 0.5, 0.9))
    assert SPEC.with_shapes(SPEC.shapes).boxes_per_cell == SPEC.boxes_per_cell
    np.testing.assert_array_equal(default_boxes(SPEC.with_shapes(SPEC.shapes)), default_boxes(SPEC))
