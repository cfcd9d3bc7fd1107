"""The notes' augmentation: every option happens, keeps its promise, and ends."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data import open_dataset
from minissd.data.augmentation import (
    LIGHT,
    MEAN_COLOR,
    Augmentation,
    augment,
    random_canvas,
    random_patch,
    random_rectangles,
    random_sampling,
    random_view,
    resize_sample,
)
from minissd.data.samples import Sample

PICTURE = np.array([0.0, 0, 1, 1])
NOTHING = Augmentation(expansion=1, patches=(), mirror=0, photometric=None)
seeds = st.integers(0, 2**32 - 1)


def make_sample(seed, objects=4, shape=(60, 80)):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((objects, 2, 2)), axis=1).reshape(-1, 4).astype(np.float32)
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    return Sample("a", image, corners, np.arange(objects), np.zeros(objects, bool))


def overlap(a, b):
    """Intersection over union of two boxes, by hand."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@given(seed=seeds, objects=st.integers(0, 6), settings=st.sampled_from([Augmentation(), LIGHT, NOTHING]))
def test_an_augmented_sample_is_a_sample(seed, objects, settings):
    sample = make_sample(seed, objects)
    before = sample.image.copy(), sample.corners.copy()
    result = augment(sample, 32, settings, np.random.default_rng(seed))
    assert result.image.shape == (32, 32, 3) and result.image.dtype == np.uint8
    assert (result.corners >= 0).all() and (result.corners <= 1).all()
    assert (result.corners[:, 2:] > result.corners[:, :2]).all()
    assert set(result.labels) <= set(sample.labels) and len(result.labels) == len(result.corners)
    assert (len(result.labels) > 0) == (objects > 0)  # a picture with objects keeps one at least
    assert result.corners.dtype == np.float32 and result.id == "a"
    np.testing.assert_array_equal(sample.image, before[0])
    np.testing.assert_array_equal(sample.corners, before[1])
    again = augment(sample, 32, settings, np.random.default_rng(seed))
    for one, same in zip(result, again, strict=True):
        np.testing.assert_array_equal(one, same)


@given(seed=seeds)
def test_boxes_follow_the_paint_through_expansion_crop_and_mirror(seed):
    """Three blocks, red, green and blue: what is left of each colour lies where the box of its object is."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[10:40, 5:50, 0] = image[50:85, 15:55, 1] = image[20:70, 70:110, 2] = 255
    pixels = np.array([[5, 10, 50, 40], [15, 50, 55, 85], [70, 20, 110, 70]])
    corners = (pixels / (120, 90, 120, 90)).astype(np.float32)
    sample = Sample("a", image, corners, np.arange(3), np.zeros(3, bool))
    settings = Augmentation(photometric=None, expansion=2.5, flip=0.5)
    result = augment(sample, 100, settings, np.random.default_rng(seed))
    for box, color in zip(result.corners * 100, result.labels, strict=True):
        others = [channel for channel in range(3) if channel != color]
        paint = (result.image[..., color] > 127) & (result.image[..., others] < 80).all(axis=-1)
        rows, columns = np.nonzero(paint)
        painted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(painted, box, atol=1.001)


def test_with_everything_off_it_is_a_plain_resize():
    sample = make_sample(0)
    for rng in map(np.random.default_rng, range(5)):
        for ours, resized in zip(augment(sample, 32, NOTHING, rng), resize_sample(sample, 32), strict=True):
            np.testing.assert_array_equal(ours, resized)


def test_the_options_are_those_of_the_notes():
    """Trap 11: implementations left out 0.5."""
    assert Augmentation().patches == (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)
    assert Augmentation().aspect_ratio == (0.5, 2) and Augmentation().expansion == 4


@pytest.mark.parametrize("min_overlap", Augmentation().patches)
def test_every_minimum_overlap_is_reached_and_kept(min_overlap):
    """Trap 11: a test of the overlap that is never true would return the canvas each time."""
    corners = np.array([[0.01, 0.02, 0.98, 0.99], [0.4, 0.4, 0.5, 0.5]], np.float32)
    rng = np.random.default_rng(0)
    patches = [random_patch(PICTURE, corners, min_overlap, Augmentation(), rng) for _ in range(60)]
    found = [patch for patch in patches if patch is not None]
    assert len(found) > 20
    for patch in found:
        assert max(overlap(patch, box) for box in corners) >= min_overlap
        centers = (corners[:, :2] + corners[:, 2:]) / 2
        assert ((patch[:2] <= centers) & (centers <= patch[2:])).all(axis=1).any()


def test_the_overlap_of_any_one_object_is_enough():
    """Not of all: two objects at opposite ends never fit into one patch that overlaps both by half."""
    corners = np.array([[0, 0, 0.4, 1], [0.6, 0, 1, 1]], np.float32)
    rng = np.random.default_rng(0)
    patches = [random_patch(PICTURE, corners, 0.5, Augmentation(), rng) for _ in range(20)]
    assert any(patch is not None for patch in patches)


SPECK = np.array([[0.5, 0.5, 0.51, 0.51]], np.float32)  # no patch overlaps it by a tenth


def test_an_overlap_that_no_patch_reaches_gives_way_to_another():
    """Of seven choices two can be met, the whole canvas and any patch: each is taken half of the time."""
    rng = np.random.default_rng(0)
    assert random_patch(PICTURE, SPECK, 0.1, Augmentation(), rng) is None
    looks = [random_sampling(PICTURE, SPECK, Augmentation(), rng) for _ in range(1000)]
    assert 440 < sum(look is PICTURE for look in looks) < 560


def test_when_no_overlap_is_reached_the_canvas_is_taken():
    """Trap 11: implementations retried for ever."""
    settings = Augmentation(patches=(0.5, 0.9))
    for rng in map(np.random.default_rng, range(5)):
        assert random_sampling(PICTURE, SPECK, settings, rng) is PICTURE


def looks_of_a_port(corners, rng):
    """The sampling of torchvision and ssd.pytorch, try by try: the window (4,) that it settles on.

    A mode is drawn until a patch is found: the whole, or a minimum overlap, for which 50 patches are tried.  Without
    the modes' way out, the whole, that could go on for ever.
    """
    side = rng.uniform(1, 4) if rng.random() < 0.5 else 1.0
    left, top = -rng.uniform(0, side - 1), -rng.uniform(0, side - 1)
    while True:
        minimum = rng.choice([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
        if minimum == 1.0:
            return left, top, left + side, top + side
        for _ in range(50):
            width, height = rng.uniform(0.3 * side, side, 2)
            if not 0.5 <= width / height <= 2:
                continue
            x, y = left + rng.uniform(0, side - width), top + rng.uniform(0, side - height)
            patch = x, y, x + width, y + height
            inside = [b for b in corners if x <= (b[0] + b[2]) / 2 <= patch[2] and y <= (b[1] + b[3]) / 2 <= patch[3]]
            if inside and max(overlap(patch, box) for box in inside) >= minimum:
                return patch


def shares_of_whole_canvases(boxes, times):
    """(ours, the port's): the share of looks at pictures with these boxes that show the whole canvas."""
    rng, settings = np.random.default_rng(0), Augmentation()
    ours, ports = [], []
    for corners in boxes * times:
        canvas = random_canvas(settings, rng)
        ours.append(random_sampling(canvas, corners, settings, rng) is canvas)
        window = looks_of_a_port(corners.tolist(), rng)
        # a canvas has the sides of the picture, or holds it as a whole; no patch, drawn at random, is square to a hair
        ports.append(window[2] - window[0] == pytest.approx(window[3] - window[1], abs=1e-12))
    return np.mean(ours), np.mean(ports)


def test_the_whole_canvas_is_as_frequent_as_in_the_ports():
    """Objects from a fiftieth of the picture to all of it; a fallback on the canvas would make it half of all looks."""
    boxes = [make_sample(seed, 1 + seed % 3).corners for seed in range(20)]
    boxes += [np.array([[0.4, 0.4, 0.4 + side, 0.4 + side]], np.float32) for side in (0.02, 0.05, 0.1, 0.2)]
    ours, ports = shares_of_whole_canvases(boxes, 40)
    assert ours == pytest.approx(ports, abs=0.05)
    assert ours < 0.45


def test_the_whole_canvas_is_as_frequent_as_in_the_ports_on_photographs(shared):
    dataset = open_dataset(shared / "data" / "voc-mini", "trainval")
    boxes = [dataset.objects(i).corners for i in range(0, len(dataset), 2)]
    ours, ports = shares_of_whole_canvases(boxes, 8)
    assert ours == pytest.approx(ports, abs=0.04)
    assert 0.18 < ours < 0.3


def test_patches_that_keep_no_object_are_refused_even_without_a_minimum():
    corner = np.array([[0, 0, 0.02, 0.02]], np.float32)
    rngs = map(np.random.default_rng, range(50))
    found = [patch for rng in rngs if (patch := random_patch(PICTURE, corner, 0.0, Augmentation(), rng)) is not None]
    assert len(found) > 20
    assert (np.array(found)[:, :2] <= 0.01).all()


@given(seed=seeds, side=st.floats(1, 4))
def test_patches_have_the_size_and_shape_they_should(seed, side):
    rng = np.random.default_rng(seed)
    origin = -rng.uniform(0, side - 1, 2)
    canvas = np.concatenate([origin, origin + side])
    patches = random_rectangles(canvas, Augmentation(), rng)
    assert (patches[:, :2] >= canvas[:2] - 1e-9).all() and (patches[:, 2:] <= canvas[2:] + 1e-9).all()
    width, height = ((patches[:, 2:] - patches[:, :2]) / side).T
    assert (np.sqrt(width * height) >= 0.3 - 1e-9).all() and (width * height <= 1 + 1e-9).all()
    assert (width / height >= 0.5 - 1e-9).all() and (width / height <= 2 + 1e-9).all()


def test_patches_are_wide_as_often_as_tall_and_of_all_sizes():
    rng = np.random.default_rng(0)
    patches = np.concatenate([random_rectangles(PICTURE, Augmentation(), rng) for _ in range(20)])
    width, height = (patches[:, 2:] - patches[:, :2]).T
    side = np.sqrt(width * height)
    assert 0.28 < side.min() < 0.32 and side.max() > 0.98 and side.mean() == pytest.approx(0.65, abs=0.02)
    assert (width / height).min() < 0.55 and (width / height).max() > 1.9


def test_the_canvas_holds_the_picture_and_grows_to_four_times_its_sides():
    rng = np.random.default_rng(0)
    canvases = np.array([random_canvas(Augmentation(), rng) for _ in range(1000)])
    sides = canvases[:, 2:] - canvases[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1])
    assert (canvases[:, :2] <= 0).all() and (canvases[:, 2:] >= 1 - 1e-12).all()
    grown = sides[:, 0] > 1
    assert 430 < grown.sum() < 570
    assert sides[grown].mean() == pytest.approx(2.5, abs=0.15) and 3.9 < sides.max() <= 4
    assert random_canvas(replace(Augmentation(), expansion=1), rng).tolist() == [0, 0, 1, 1]


@given(seed=seeds)
def test_the_expanded_picture_covers_its_share_and_the_rest_is_the_mean(seed):
    settings = replace(NOTHING, expansion=4, expansion_probability=1)
    sample = make_sample(seed)._replace(image=np.full((50, 70, 3), 255, np.uint8))
    result = augment(sample, 120, settings, np.random.default_rng(seed))
    white = (result.image == 255).all(axis=-1)
    assert (result.image[~white] == MEAN_COLOR).all()
    widths = result.corners[:, 2] - result.corners[:, 0]
    side = np.mean((sample.corners[:, 2] - sample.corners[:, 0]) / widths)
    assert np.sqrt(white.sum()) == pytest.approx(120 / side, abs=2)
    assert len(result.labels) == len(sample.labels)  # zooming out loses nobody


def test_each_option_is_as_likely_as_the_whole_image():
    """With an object that fills the picture, views differ from the canvas whenever a patch is drawn."""
    corners = np.array([[0.05, 0.05, 0.95, 0.95]], np.float32)
    settings = Augmentation(expansion=1, patches=(0.1, 0.3, 0.0))
    rng = np.random.default_rng(0)
    whole = sum(random_view(corners, settings, rng)[:4] == (0, 0, 1, 1) for _ in range(1000))
    assert 200 < whole < 300


@pytest.mark.parametrize("name", ["mirror", "flip"])
def test_mirror_and_flip_happen_as_often_as_set(name):
    rng = np.random.default_rng(0)
    corners = np.zeros((0, 4), np.float32)
    turned = [getattr(random_view(corners, replace(NOTHING, **{name: 0.3}), rng), name) for _ in range(500)]
    assert 110 < sum(turned) < 190
    assert not any(getattr(random_view(corners, NOTHING, rng), name) for _ in range(50))


def test_a_resized_sample_keeps_its_objects():
    sample = make_sample(1)
    resized = resize_sample(sample, 24)
    assert resized.image.shape == (24, 24, 3)
    for ours, before in zip(resized.objects, sample.objects, strict=True):
        np.testing.assert_array_equal(ours, before)
