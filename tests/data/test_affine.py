"""Affine maps: their inverses undo them, and boxes and masks follow the pixels."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minissd.data.affine import Affine, AffineAugmentation, AffineLook
from minissd.data.augmentation import PRESETS, augment
from minissd.data.distributions import Fixed, Normal, Uniform
from minissd.data.loader import Loader
from minissd.data.prepare_classes import ClassificationPreparation
from minissd.data.samples import Labelled, Sample
from minissd.detection import Objects

SIZE = 64
IDENTITY = Affine(1, 0, 0, 0, 1, 0)
maps = st.builds(
    Affine.about_the_centre,
    st.floats(-180, 180),
    st.floats(0.4, 2.5),
    st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
    st.booleans(),
    st.booleans(),
)
seeds = st.integers(0, 2**32 - 1)


def boxes(seed, count=5):
    points = np.sort(np.random.default_rng(seed).random((count, 2, 2)), axis=1)
    return points.reshape(-1, 4)


@given(maps, seeds)
def test_the_inverse_takes_every_point_back(affine, seed):
    points = np.random.default_rng(seed).uniform(-1, 2, (7, 2))
    np.testing.assert_allclose(affine.inverse().points(affine.points(points)), points, atol=1e-9)
    np.testing.assert_allclose(affine.inverse().inverse(), affine, atol=1e-9)


@given(st.floats(-180, 180), st.floats(0.4, 2.5), st.booleans(), st.booleans())
def test_the_centre_stays_and_a_zoom_is_a_zoom_whatever_the_turn(degrees, zoom, mirror, flip):
    affine = Affine.about_the_centre(degrees, zoom, (0, 0), mirror, flip)
    np.testing.assert_allclose(affine.points(np.array([0.5, 0.5])), [0.5, 0.5], atol=1e-12)
    ends = affine.points(np.array([[0.1, 0.2], [0.8, 0.4]]))
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(zoom * np.hypot(0.7, 0.2))


def test_each_part_does_what_its_name_says():
    corner = np.array([0.9, 0.2])  # upper right: y points down
    for options, expected in [
        ({"mirror": True}, (0.1, 0.2)),
        ({"flip": True}, (0.9, 0.8)),
        ({"shift": (0.05, -0.1)}, (0.95, 0.1)),
        ({"zoom": 0.5}, (0.7, 0.35)),
        ({"degrees": 90}, (0.2, 0.1)),  # against the clock: from the right to the top
        ({"degrees": 90, "mirror": True}, (0.2, 0.9)),  # first mirrored to the left, which goes to the bottom
    ]:
        np.testing.assert_allclose(Affine.about_the_centre(**options).points(corner), expected, atol=1e-12)


@given(maps)
def test_a_painted_block_is_where_its_box_says(affine):
    """The box of a disc-like block follows its pixels: the hull of the map's four corners holds all its paint."""
    image = np.zeros((SIZE, SIZE, 1), np.uint8)
    image[20:44, 24:40] = 255
    corners = np.array([[24, 20, 40, 44]]) / SIZE
    hull = affine.corners(corners)[0]
    assume((hull >= 0.05).all() and (hull <= 0.95).all())
    rows, columns = np.nonzero(affine.resample(image, 0)[..., 0] > 127)
    painted = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / SIZE
    np.testing.assert_allclose(painted, hull, atol=2.1 / SIZE)  # a sharp corner covers half of its pixel at least


@given(maps)
def test_a_mask_is_where_the_picture_is(affine):
    block = np.zeros((SIZE, SIZE), np.uint8)
    block[20:44, 24:40] = 1
    look = AffineLook(affine, 1.0, (0, 0, 0))
    mask, pixels = look.mask(block, SIZE, 0), look.pixels(block[..., None] * 255, SIZE)[..., 0]
    assert set(np.unique(mask)) <= {0, 1}  # classes, never a mean of two
    assert (mask[pixels > 200] == 1).all() and (mask[pixels < 55] == 0).all()


@given(maps, seeds)
def test_boxes_are_the_hull_of_their_corners(affine, seed):
    for box, hull in zip(boxes(seed), affine.corners(boxes(seed)), strict=True):
        x, y = np.meshgrid(np.linspace(box[0], box[2], 9), np.linspace(box[1], box[3], 9))
        inside = affine.points(np.stack([x, y], axis=-1)).reshape(-1, 2)
        np.testing.assert_allclose(hull, [*inside.min(axis=0), *inside.max(axis=0)], atol=1e-12)


@given(maps, seeds)
def test_objects_stay_with_their_centre_and_are_clipped(affine, seed):
    corners = boxes(seed)
    centers = affine.points((corners[:, :2] + corners[:, 2:]) / 2)
    assume((np.abs(centers * (1 - centers)) > 1e-9).all())
    inside = ((centers > 0) & (centers < 1)).all(axis=1)
    seen = affine.objects(Objects(corners, np.arange(5), np.arange(5) % 2 == 0))
    np.testing.assert_array_equal(seen.labels, np.flatnonzero(inside))
    np.testing.assert_array_equal(seen.difficult, seen.labels % 2 == 0)
    np.testing.assert_allclose(seen.corners, np.clip(affine.corners(corners[inside]), 0, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_and_right_angles_are_exact(rng, channels):
    image = rng.integers(0, 256, (28, 28, channels), np.uint8)
    np.testing.assert_array_equal(IDENTITY.resample(image, 0), image)
    turned = Affine.about_the_centre(degrees=90).resample(image, 0)
    np.testing.assert_allclose(turned, np.rot90(image), atol=1)
    mirrored = Affine.about_the_centre(mirror=True, flip=True).resample(image, 0)
    np.testing.assert_allclose(mirrored, image[::-1, ::-1], atol=1)
    moved = Affine.about_the_centre(shift=(3 / 28, -2 / 28)).resample(image, 7 if channels == 1 else (7, 7, 7))
    np.testing.assert_allclose(moved[:-2, 3:], image[2:, :-3], atol=1)
    assert (moved[-2:] == 7).all() and (moved[:, :3] == 7).all()


def test_brightness_is_a_factor_that_ends_at_white():
    image = np.array([[0, 100], [200, 255]], np.uint8)[..., None]
    np.testing.assert_array_equal(AffineLook(IDENTITY, 1.5, (0, 0, 0)).pixels(image, 2)[..., 0], [[0, 150], [255, 255]])
    np.testing.assert_array_equal(AffineLook(IDENTITY, 0.5, (0, 0, 0)).pixels(image, 2)[..., 0], [[0, 50], [100, 128]])


@given(seeds)
def test_what_is_drawn_is_reasonable(seed):
    rng = np.random.default_rng(seed)
    assert -3 <= Uniform(-3, 5).draw(rng) <= 5
    assert abs(Normal(10, 2).draw(rng) - 10) <= 4
    assert Fixed(4.0).draw(rng) == 4.0


def test_distributions_have_their_mean_and_spread():
    rng = np.random.default_rng(0)
    flat = np.array([Uniform(-3, 5).draw(rng) for _ in range(4000)])
    bell = np.array([Normal(10, 2).draw(rng) for _ in range(4000)])
    assert flat.mean() == pytest.approx(1, abs=0.2) and flat.std() == pytest.approx(8 / 12**0.5, abs=0.1)
    assert bell.mean() == pytest.approx(10, abs=0.15) and bell.std() == pytest.approx(2, abs=0.15)


@given(seeds, st.sampled_from(["digits", "light"]))
def test_every_preset_serves_detection_and_grey_classification(seed, preset):
    rng = np.random.default_rng(seed)
    sample = Sample("a", rng.integers(0, 256, (40, 30, 3), np.uint8), boxes(seed).astype(np.float32), np.arange(5),
                    np.zeros(5, bool))  # fmt: skip
    seen = augment(sample, 32, PRESETS[preset], np.random.default_rng(seed))
    assert seen.image.shape == (32, 32, 3) and seen.corners.dtype == np.float32
    assert (seen.corners >= 0).all() and (seen.corners <= 1).all()
    grey = Labelled("b", rng.integers(0, 256, (28, 28, 1), np.uint8), 3)
    image, label = ClassificationPreparation(28, PRESETS[preset])(grey, np.random.default_rng(seed))
    assert image.shape == (28, 28, 1) and image.dtype == np.uint8 and label == 3


def test_the_same_seed_makes_the_same_digits_on_any_number_of_threads(rng):
    class Digits:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return Labelled(str(index), np.full((28, 28, 1), 20 * index, np.uint8), int(index))

    prepare = ClassificationPreparation(28, AffineAugmentation())
    alone, helped = (list(Loader(Digits(), prepare, 4, seed=3, workers=n).epoch(1)) for n in (0, 3))
    for one, other in zip(alone, helped, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
