"""The generated set: reproducible, disjoint splits, boxes tight around what is seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data import shapes_drawing
from minissd.data.shapes import CLASSES, LEAST_VISIBLE, Scene, ShapesDataset, draw_scene
from minissd.data.shapes_drawing import OUTLINES, SHADOW_MARGIN, draw_mask
from minissd.errors import MinissdError

seeds = st.integers(0, 2**32 - 1)


def assert_same(one, other):
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_image_depends_on_seed_split_and_position_alone():
    dataset = ShapesDataset(20, "train", 64, seed=5)
    later = dataset[7]
    assert_same(ShapesDataset(8, "train", 64, seed=5)[7], later)
    assert_same(dataset.objects(7), later.objects)
    assert_same(dataset[-13], later)
    others = [ShapesDataset(8, "val", 64, seed=5)[7], ShapesDataset(8, "train", 64, seed=6)[7], dataset[6]]
    assert not any((other.image == later.image).all() for other in others)


def test_the_splits_share_no_image():
    datasets = [ShapesDataset(30, split, size=32) for split in ("train", "val", "test")]
    images = [sample.image.tobytes() for dataset in datasets for sample in dataset]
    assert len(set(images)) == 90


def test_what_a_dataset_offers():
    dataset = ShapesDataset(3, "val", 64)
    assert dataset.name == "shapes" and dataset.classes == CLASSES and dataset.notes == []
    assert dataset.ids == ["val-00000", "val-00001", "val-00002"]
    assert [sample.id for sample in dataset] == dataset.ids
    sample = dataset[2]
    assert sample.image.shape == (64, 64, 3)
    assert (sample.image.dtype, sample.corners.dtype, sample.labels.dtype) == (np.uint8, np.float32, np.int64)
    assert not sample.difficult.any()
    with pytest.raises(IndexError):
        dataset[3]


def test_a_subset_draws_only_the_chosen_kinds_in_their_order():
    dataset = ShapesDataset(10, "train", 48, classes=["star", "ellipse"])
    assert dataset.classes == ("star", "ellipse")
    assert set(np.concatenate([sample.labels for sample in dataset])) == {0, 1}


def test_sizes_and_aspect_ratios_range_as_far_as_asked_and_no_further():
    def seen(**looks):
        corners = np.concatenate([one.corners for one in ShapesDataset(60, size=96, classes=["rectangle"], **looks)])
        width, height = (corners[:, 2:] - corners[:, :2]).T
        inside = ((corners > 0) & (corners < 1)).all(axis=1)  # not cut off by the edge of the image
        return np.sqrt(width * height)[inside], np.maximum(width / height, height / width)[inside]

    sides, ratios = seen(sides=(0.3, 0.31), aspect_ratio=1)
    assert sides.min() > 0.2 and sides.max() < 0.31 * 1.37 + 0.02  # turned by 30 degrees: 1.37 times as wide
    assert np.median(ratios) < 1.1 and ratios.max() < 2.2  # half of a shape can be out of sight
    sides, ratios = seen(sides=(0.05, 0.6), aspect_ratio=6)
    assert sides.min() < 0.12 and sides.max() > 0.4 and ratios.max() > 2.5


def test_wrong_words_are_refused(one_line):
    for options, parts in [
        ({"split": "trainval"}, ["'trainval'", "train, val, test"]),
        ({"classes": ["circle"]}, ["'circle'", "ellipse"]),
        ({"count": 0}, ["0"]),
    ]:
        with pytest.raises(MinissdError) as caught:
            ShapesDataset(**{"count": 5, **options})
        one_line(caught, *parts)


@given(seed=seeds)
def test_boxes_are_tight_around_the_paint(seed):
    """With nothing but red paint on black ground, the picture itself shows where a lone shape is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes_drawing, "PAINTS", np.array([[255, 0, 0]], np.float32))
        patch.setattr(shapes_drawing, "GROUNDS", np.zeros((1, 3), np.float32))
        rng = np.random.default_rng(seed)
        scene = Scene(120, rng)
        while not scene.labels:
            outline = OUTLINES[CLASSES[rng.integers(len(CLASSES))]]
            scene.add(draw_mask(outline * rng.uniform(15, 60, 2) + rng.uniform(0, 120, 2)), 0, rng)
    (box,) = scene.objects().corners * 120
    rows, columns = np.nonzero(scene.picture[..., 0] > 90)
    painted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(painted, box, atol=1.001)


@given(seed=seeds)
def test_every_annotated_object_shows_enough_and_its_box_is_that_of_its_pixels(seed):
    scene = draw_scene(CLASSES, 100, np.random.default_rng(seed))
    objects = scene.objects()
    for number, (box, least) in enumerate(zip(objects.corners * 100, scene.least[1:], strict=True), start=1):
        rows, columns = np.nonzero(scene.owner == number)
        assert len(rows) >= least > 0
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box, expected, rtol=1e-5)
    assert scene.owner.max() == len(objects.labels) <= 6


def test_a_shape_that_would_hide_too_much_of_another_is_not_drawn(rng):
    small, large = draw_mask(OUTLINES["rectangle"] * 20 + 50), draw_mask(OUTLINES["rectangle"] * 60 + 50)
    scene = Scene(100, rng)
    assert scene.add(small, 0, rng) and scene.visible[1] == 400
    before = scene.picture.copy()
    assert not scene.add(large, 0, rng)
    np.testing.assert_array_equal(scene.picture, before)
    beside = draw_mask(OUTLINES["rectangle"] * 20 + (50 + 20 * (1 - LEAST_VISIBLE), 50))
    assert scene.add(beside, 0, rng) and scene.visible[1] == 400 * LEAST_VISIBLE
    np.testing.assert_allclose(scene.objects().corners[0], [0.4, 0.4, 0.5, 0.6])  # what is left to be seen
    outside = draw_mask(OUTLINES["rectangle"] * 20 + (0, 0))  # a quarter inside
    assert not scene.add(outside, 0, rng)


@given(kind=st.sampled_from(CLASSES), seed=seeds)
def test_masks_have_the_area_and_extent_of_their_polygon(kind, seed):
    rng = np.random.default_rng(seed)
    polygon = OUTLINES[kind] * rng.uniform(20, 60, 2) + rng.uniform(-30, 130, 2)
    left, top, coverage = draw_mask(polygon)
    x, y = polygon.T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2  # the shoelace formula
    perimeter = np.hypot(x - np.roll(x, 1), y - np.roll(y, 1)).sum()
    assert coverage.sum() == pytest.approx(area, abs=perimeter / 4)  # a quarter of a pixel along the outline
    centers = left + 0.5 + np.arange(coverage.shape[1]), top + 0.5 + np.arange(coverage.shape[0])
    middle = [coverage.sum(axis=axis) @ centers[axis] / coverage.sum() for axis in (0, 1)]
    triangles = (x * np.roll(y, -1) - np.roll(x, -1) * y)[:, None]  # from the origin to each edge
    centroids = (polygon + np.roll(polygon, -1, axis=0)) / 3
    np.testing.assert_allclose(middle, (triangles * centroids).sum(axis=0) / triangles.sum(), atol=0.3)
    margin = SHADOW_MARGIN - 1
    assert not coverage[:margin].any() and not coverage[-margin:].any()
    assert not coverage[:, :margin].any() and not coverage[:, -margin:].any()


def test_all_kinds_sizes_and_shapes_occur_and_some_overlap():
    samples = list(ShapesDataset(60, "train", 48))
    corners = np.concatenate([sample.corners for sample in samples])
    labels = np.concatenate([sample.labels for sample in samples])
    width, height = (corners[:, 2:] - corners[:, :2]).T
    assert (np.bincount(labels, minlength=5) > 20).all()
    assert np.sqrt(width * height).min() < 0.16 and np.sqrt(width * height).max() > 0.45
    assert (width / height).min() < 0.6 and (width / height).max() > 1.7
    scenes = [ShapesDataset(30, size=48).scene(index) for index in range(30)]
    visible = np.concatenate([scene.visible[1:] for scene in scenes])
    areas = np.concatenate([scene.least[1:] for scene in scenes]) / LEAST_VISIBLE
    assert 10 < (visible < areas).sum() < len(areas)  # some are partly hidden or cut off, some are whole
