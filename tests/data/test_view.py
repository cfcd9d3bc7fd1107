"""Boxes and pixels go through the same window: where the paint is, there is the box."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minissd.data.view import WHOLE, View, contains_centers, view_corners, view_objects, view_pixels
from minissd.detection import Objects

BACKGROUND = (9, 8, 7)
SIZE = 48


@st.composite
def views(draw):
    """Windows from a fifth of the picture to three times its sides, anywhere around it."""
    low, extent = st.floats(-1.5, 0.9), st.floats(0.2, 3)
    x, y, width, height = draw(low), draw(low), draw(extent), draw(extent)
    return View(x, y, x + width, y + height, draw(st.booleans()), draw(st.booleans()))


@st.composite
def corner_boxes(draw, most=5):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = np.sort(rng.random((draw(st.integers(0, most)), 2, 2)), axis=1)
    return points.reshape(-1, 4).astype(np.float32)


def objects_of(corners):
    return Objects(corners, np.arange(len(corners)), np.zeros(len(corners), bool))


@given(view=views(), width=st.integers(20, 70), height=st.integers(20, 70), data=st.data())
def test_the_box_of_a_painted_block_is_where_its_paint_is(view, width, height, data):
    x, right = sorted(data.draw(st.tuples(*[st.integers(0, width)] * 2), "x"))
    y, bottom = sorted(data.draw(st.tuples(*[st.integers(0, height)] * 2), "y"))
    assume(right - x >= 3 and bottom - y >= 3)
    image = np.zeros((height, width, 3), np.uint8)
    image[y:bottom, x:right, 0] = 255
    corners = np.array([[x / width, y / height, right / width, bottom / height]])
    box = np.clip(view_corners(view, corners)[0], 0, 1) * SIZE
    assume((box[2:] - box[:2] >= 3).all())  # else resampling may leave less than half of the paint's colour

    pixels = view_pixels(view, image, SIZE, BACKGROUND)
    assert pixels.shape == (SIZE, SIZE, 3) and pixels.dtype == np.uint8
    rows, columns = np.nonzero(pixels[..., 0] > 127)
    painted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(painted, box, atol=1.001)


@given(view=views())
def test_what_lies_outside_of_the_picture_is_background(view):
    """Every pixel with its centre outside is background; at most a pixel's width of the picture is lost."""
    pixels = view_pixels(view, np.full((31, 43, 3), 200, np.uint8), SIZE, BACKGROUND, color_matrix=None)
    centers = (np.arange(SIZE) + 0.5) / SIZE
    x = view.x_min + (view.x_max - view.x_min) * (1 - centers if view.mirror else centers)
    y = view.y_min + (view.y_max - view.y_min) * (1 - centers if view.flip else centers)
    depth_x = np.minimum(x, 1 - x) / (view.x_max - view.x_min) * SIZE  # in pixels of the output, inwards
    depth_y = np.minimum(y, 1 - y) / (view.y_max - view.y_min) * SIZE
    depth = np.minimum(depth_x, depth_y[:, None])
    assert (pixels[depth < 0] == BACKGROUND).all()
    assert (pixels[depth > 1] == 200).all()


def test_the_whole_picture_at_its_own_size_is_untouched(rng):
    image = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    np.testing.assert_array_equal(view_pixels(WHOLE, image, SIZE, BACKGROUND), image)


def test_a_patch_along_pixel_borders_is_a_slice(rng):
    image = rng.integers(0, 256, (80, 100, 3), np.uint8)
    view = View(0.2, 0.3, 0.2 + SIZE / 100, 0.3 + SIZE / 80)
    np.testing.assert_array_equal(view_pixels(view, image, SIZE, BACKGROUND), image[24:72, 20:68])


def test_a_canvas_of_twice_the_sides_holds_the_picture_on_a_quarter(rng):
    image = rng.integers(20, 256, (SIZE // 2, SIZE // 2, 3), np.uint8)
    pixels = view_pixels(View(-0.25, -0.5, 1.75, 1.5), image, SIZE, BACKGROUND)
    np.testing.assert_array_equal(pixels[12:36, 6:30], image)
    assert (pixels == BACKGROUND).all(axis=-1).sum() == SIZE**2 * 3 // 4


@given(view=views(), corners=corner_boxes())
def test_mirror_and_flip_turn_pixels_and_boxes_alike_and_twice_is_not_at_all(view, corners):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    plain = view._replace(mirror=False, flip=False)
    pixels = view_pixels(plain, image, SIZE, BACKGROUND)
    expected = pixels[:: -1 if view.flip else 1, :: -1 if view.mirror else 1]
    np.testing.assert_array_equal(view_pixels(view, image, SIZE, BACKGROUND), expected)

    turn = View(0, 0, 1, 1, view.mirror, view.flip)
    turned = view_corners(turn, view_corners(plain, corners))
    np.testing.assert_allclose(turned, view_corners(view, corners), atol=1e-5)
    np.testing.assert_allclose(view_corners(turn, view_corners(turn, corners)), corners, atol=1e-6)


@given(view=views(), corners=corner_boxes())
def test_the_centre_rule_keeps_what_a_loop_keeps(view, corners):
    kept = []
    for number, (x_min, y_min, x_max, y_max) in enumerate(corners.tolist()):
        x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
        margin = min(x - view.x_min, view.x_max - x, y - view.y_min, view.y_max - y)
        assume(abs(margin) > 1e-6)  # float32 cannot tell on which side of the edge these lie
        if margin > 0:
            kept.append(number)
    seen = view_objects(view, objects_of(corners))
    assert seen.labels.tolist() == kept
    assert contains_centers(np.array(view[:4]), corners).sum() == len(kept)
    assert seen.corners.dtype == corners.dtype and (seen.corners >= 0).all() and (seen.corners <= 1).all()
    np.testing.assert_allclose(seen.corners, np.clip(view_corners(view, corners[kept]), 0, 1))


def test_colours_of_the_background_do_not_change():
    darker = (0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0)
    pixels = view_pixels(View(-1, -1, 1, 1), np.full((9, 9, 3), 100, np.uint8), SIZE, BACKGROUND, darker)
    assert (pixels[:24] == BACKGROUND).all() and (pixels[24:, 24:] == 50).all()


@pytest.mark.parametrize("edges", [(1.5, 0, 2.5, 1), (-3, -3, -1, -1), (0.999, 0.999, 1.999, 1.999)])
def test_a_window_beside_the_picture_shows_background(edges):
    view = View(*edges)
    assert (view_pixels(view, np.full((9, 9, 3), 100, np.uint8), SIZE, BACKGROUND) == BACKGROUND).all()
