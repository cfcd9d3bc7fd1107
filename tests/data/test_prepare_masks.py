"""A mask goes wherever its image goes: whatever is cropped, mirrored, turned or laid on a canvas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data.augmentation import MEAN_COLOR, PRESETS, Augmentation
from minissd.data.prepare_masks import SegmentationPreparation, mask_of_size
from minissd.data.samples import Masked
from minissd.data.view import WHOLE, View, view_mask, view_pixels
from minissd.metrics.segmentation import VOID

SIZE = 40


@st.composite
def views(draw):
    """Windows from a fifth of the picture to three times its sides, anywhere around it."""
    low, extent = st.floats(-1.5, 0.9), st.floats(0.2, 3)
    x, y, width, height = draw(low), draw(low), draw(extent), draw(extent)
    return View(x, y, x + width, y + height, draw(st.booleans()), draw(st.booleans()))


def painted(mask):
    """The picture of a mask: white where there is a class."""
    return np.repeat(np.where(mask > 0, 255, 0).astype(np.uint8)[..., None], 3, axis=-1)


def blocks(rng, height=36, width=54):
    """A mask of blocks large enough that most pixels of a view lie within one."""
    return np.kron(rng.integers(0, 2, (height // 9, width // 9)), np.ones((9, 9))).astype(np.uint8)


def check_agreement(image, mask):
    """Where the picture is all white or all black, the mask says so; where it is the canvas, void."""
    red = image[..., 0].astype(int)
    white, black, canvas = red > 250, red < 5, (image == MEAN_COLOR).all(axis=-1)
    assert (mask[white] == 1).all() and (mask[black] == 0).all()
    assert (mask[canvas] == VOID).all()
    assert (white | black | canvas).mean() > 0.3  # else this says little


@given(view=views(), seed=st.integers(0, 99))
def test_pixels_and_masks_look_through_one_window(view, seed):
    mask = blocks(np.random.default_rng(seed))
    image, seen = view_pixels(view, painted(mask), SIZE, MEAN_COLOR), view_mask(view, mask, SIZE, VOID)
    red = image[..., 0].astype(int)
    canvas = (image == MEAN_COLOR).all(axis=-1)
    np.testing.assert_array_equal(seen == VOID, canvas)
    assert (seen[red > 250] == 1).all() and (seen[red < 5] == 0).all()


@given(view=views(), seed=st.integers(0, 99))
def test_every_pixel_of_a_mask_is_that_under_its_centre(view, seed):
    """Against the definition, centre by centre, but for centres that lie within rounding of a border."""
    mask = np.random.default_rng(seed).integers(0, 5, (23, 31)).astype(np.uint8)
    seen = view_mask(view, mask, SIZE, VOID)
    plain = view_mask(view._replace(mirror=False, flip=False), mask, SIZE, VOID)
    np.testing.assert_array_equal(seen, plain[:: -1 if view.flip else 1, :: -1 if view.mirror else 1])
    centers = (np.arange(SIZE) + 0.5) / SIZE
    x = (view.x_min + (view.x_max - view.x_min) * centers) * 31
    y = (view.y_min + (view.y_max - view.y_min) * centers) * 23
    for i, j in np.ndindex(SIZE, SIZE):
        near_a_border = min(abs(x[j] - round(x[j])), abs(y[i] - round(y[i]))) < 1e-3
        if plain[i, j] != VOID and not near_a_border:
            assert plain[i, j] == mask[int(y[i]), int(x[j])]


@pytest.mark.parametrize("preset", [name for name, settings in PRESETS.items() if settings])
def test_every_augmentation_moves_image_and_mask_alike(preset):
    from dataclasses import replace

    settings = PRESETS[preset]
    settings = replace(settings, photometric=None) if isinstance(settings, Augmentation) else settings
    prepare = SegmentationPreparation(SIZE, settings)
    moved = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mask = blocks(rng)
        image, seen = prepare(Masked("a", painted(mask), mask), rng)
        assert image.shape == (SIZE, SIZE, 3) and seen.shape == (SIZE, SIZE) and seen.dtype == np.uint8
        if isinstance(settings, Augmentation):
            check_agreement(image, seen)
        else:  # a turned block has its own outline resampled twice: white and black by a majority
            known = seen != VOID
            assert ((image[..., 0] > 127) == (seen == 1))[known].mean() > 0.9
        moved += (seen != view_mask(WHOLE, mask, SIZE, VOID)).any()
    assert moved >= 10


def test_colours_change_in_the_image_alone(rng):
    mask = blocks(rng)
    settings = Augmentation(expansion_probability=0, patches=(), mirror=0)
    image, seen = SegmentationPreparation(SIZE, settings)(Masked("a", painted(mask) // 2, mask), rng)
    np.testing.assert_array_equal(seen, view_mask(WHOLE, mask, SIZE, VOID))
    assert (image != view_pixels(WHOLE, painted(mask) // 2, SIZE, 0)).any()


def test_without_augmentation_both_are_resized(rng):
    mask = blocks(rng)
    image, seen = SegmentationPreparation(SIZE)(Masked("a", painted(mask), mask), None)
    check_agreement(image, seen)
    np.testing.assert_array_equal(
        SegmentationPreparation(36)(Masked("a", painted(mask[:, :36]), mask[:, :36]), None)[1], mask[:, :36]
    )


def test_a_smaller_image_of_the_same_picture_fits_its_mask(rng):
    """Large photographs are decoded at a part of their size, masks are not."""
    mask = blocks(rng)
    image, seen = SegmentationPreparation(SIZE)(Masked("a", painted(mask[::3, ::3]), mask), None)
    check_agreement(image, seen)


def test_an_answer_becomes_a_mask_of_the_size_of_the_picture():
    """The outline lies where the probability passes one half: between network pixels, not along them."""
    ramp = np.linspace(0, 255, 8).round().astype(np.uint8)
    probabilities = np.broadcast_to(ramp[None, :, None], (8, 8, 1))
    mask = mask_of_size(probabilities, 40, 80)
    assert mask.shape == (40, 80) and mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.broadcast_to(np.arange(80) >= 40, (40, 80)))


def test_the_likeliest_class_takes_a_pixel_if_it_is_likely():
    probabilities = np.array([[[200, 220], [220, 200]], [[130, 10], [100, 127]]], np.uint8)
    assert mask_of_size(probabilities, 2, 2).tolist() == [[2, 1], [1, 0]]
