"""Masks on images: the colour of a class where its mask is, and nothing elsewhere."""

import numpy as np
import pytest
from PIL import Image

from minissd.metrics.segmentation import VOID
from minissd.viz.masks import OPACITY, OUTLINE, masks_beside_truth, overlay
from minissd.viz.style import class_colour, rgb

GREY = 100


@pytest.fixture
def picture():
    return Image.new("RGB", (60, 40), (GREY,) * 3)


def block(number):
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:50] = number
    return mask


@pytest.mark.parametrize("number", [1, 2, 9])
def test_the_inside_is_mixed_the_outline_opaque_the_background_untouched(picture, number):
    drawn = np.asarray(overlay(picture, block(number)))
    colour = np.array(rgb(class_colour(number - 1)))
    np.testing.assert_allclose(drawn[20, 35], OPACITY * colour + (1 - OPACITY) * GREY, atol=1)
    np.testing.assert_array_equal(drawn[10 : 10 + OUTLINE, 35], np.broadcast_to(colour, (OUTLINE, 3)))
    np.testing.assert_array_equal(drawn[[0, 39, 9, 30], [0, 59, 35, 35]], np.full((4, 3), GREY))
    np.testing.assert_array_equal(np.asarray(picture), np.full((40, 60, 3), GREY))


def test_classes_and_void_have_different_colours(picture):
    colours = {tuple(np.asarray(overlay(picture, block(number)))[20, 35]) for number in (1, 2, 3, VOID)}
    assert len(colours) == 4


def test_a_mask_of_any_size_covers_the_whole_picture(picture):
    small = overlay(picture, block(1)[::10, ::10])
    large = overlay(picture, block(1).repeat(4, axis=0).repeat(4, axis=1))
    assert (np.abs(np.asarray(small).astype(int) - np.asarray(large)).max(axis=-1) == 0).mean() > 0.8


def test_three_panels_of_one_size_beside_each_other():
    image = np.full((30, 40, 3), GREY, np.uint8)
    row = masks_beside_truth(image, block(1), block(2), ("cat", "dog"), title="photo", note="IoU 0.50")
    panels = np.asarray(row)[-300:]
    assert row.size[0] == 3 * 400 + 2 * 12
    middles = [tuple(panels[150, x]) for x in (220, 412 + 220, 824 + 220)]
    assert middles[0] == (GREY,) * 3 and len(set(middles)) == 3
    truth_as_found = masks_beside_truth(image, block(2), block(2), ("cat", "dog"))
    left, right = (np.asarray(truth_as_found)[-300:, x : x + 400] for x in (412, 824))
    np.testing.assert_array_equal(left, right)
