"""Boxes in pixels of whatever size was stated, on the file that is there: in the right place, remarked, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data import placing
from minissd.data.images import Header
from minissd.data.placing import place_boxes
from minissd.errors import MinissdError

WIDE, TALL = (160, 120), (120, 160)
RED, BLUE = (10, 20, 60, 50), (90, 70, 150, 110)  # of a picture of 160x120


def place(boxes_of_images, stated, files, **options):
    """Boxes of each image placed -> corners of the usable ones, and the remarks.  files: (width, height[, EXIF])."""
    headers = [Header(*file, *[1] * (3 - len(file))) for file in files]
    image_of = np.repeat(np.arange(len(files)), [len(boxes) for boxes in boxes_of_images])
    boxes = np.array([box for boxes in boxes_of_images for box in boxes], float).reshape(-1, 4)
    placed = place_boxes(boxes, image_of, stated, headers, [f"img{i}" for i in range(len(files))], **options)
    return placed.corners[placed.usable], placed.remarks


def share(box, size=WIDE):
    return np.array(box, float) / np.tile(size, 2)


def test_pixels_of_the_file():
    corners, remarks = place([[RED, BLUE]], [WIDE], [WIDE])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {} and corners.dtype == np.float32


def test_inclusive_pixels_from_one():
    corners, remarks = place([[(11, 21, 60, 50)]], [WIDE], [WIDE], inclusive=True)
    np.testing.assert_allclose(corners, [share(RED)], rtol=1e-6)
    assert remarks == {}


@pytest.mark.parametrize("stated", [(0, 0), (0, 120), (160, 0), (-1, -1), (np.nan, np.nan)])
def test_a_size_that_is_missing_is_that_of_the_file(stated):
    corners, remarks = place([[RED, BLUE]], [stated], [WIDE])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0"]}


@pytest.mark.parametrize("file", [(80, 60), (320, 240), (40, 30), (53, 40), (107, 80), (1599, 1200)])
def test_files_scaled_after_labelling(file):
    corners, remarks = place([[RED, BLUE]], [WIDE], [file])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {placing.SCALED: ["img0"]}


def test_a_size_that_is_off_by_one_scales_nothing():
    """4000x13 for a scan line of 4000x12 pixels: its boxes are those of the file, not 1/13 smaller."""
    corners, remarks = place([[(100, 2, 400, 10)]], [(4000, 13)], [(4000, 12)])
    np.testing.assert_allclose(corners, [share((100, 2, 400, 10), (4000, 12))], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0"]}


def test_width_and_height_exchanged():
    corners, remarks = place([[RED, BLUE]], [TALL], [WIDE])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0"]}


def test_exchanged_and_scaled():
    corners, _ = place([[RED, BLUE]], [TALL], [(80, 60)])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)


def test_a_size_of_another_shape_gives_way_to_the_file():
    corners, remarks = place([[RED, BLUE]], [(500, 500)], [WIDE])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0"]}


def test_one_size_for_all_says_nothing_even_where_its_shape_agrees():
    """640x480 stated everywhere; 320x240 has that shape by chance, and its boxes are pixels of the file too."""
    files = [WIDE, (200, 200), (320, 240), (100, 50)]
    corners, remarks = place([[RED], [RED], [RED], []], [(640, 480)] * 4, files)
    np.testing.assert_allclose(corners, [share(RED, file) for file in files[:3]], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0", "img1", "img2"]}  # without boxes, the size does not matter


def test_boxes_tell_that_the_stated_size_is_none():
    """A box beyond the stated size is in pixels of the larger file, and so are those of the other images."""
    file = (640, 480)
    corners, remarks = place([[(300, 200, 600, 400)], [RED]], [WIDE] * 2, [file] * 2)
    np.testing.assert_allclose(corners, [share((300, 200, 600, 400), file), share(RED, file)], rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0", "img1"]}


def test_boxes_of_many_images_in_the_corner_that_the_file_would_be():
    """1280x960 stated everywhere, files of 160x120: that no box of five images leaves these is no accident."""
    corners, remarks = place([[RED, BLUE]] * 5, [(1280, 960)] * 5, [WIDE] * 5)
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)] * 5, rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: [f"img{i}" for i in range(5)]}
    corners, remarks = place([[RED, BLUE]] * 4, [(1280, 960)] * 4, [WIDE] * 4)  # of four images, it may be one
    np.testing.assert_allclose(corners, [share(RED, (1280, 960)), share(BLUE, (1280, 960))] * 4, rtol=1e-6)
    assert remarks == {placing.SCALED: [f"img{i}" for i in range(4)]}


def test_each_image_goes_by_its_own_boxes_first():
    large, small = (640, 480), (80, 60)
    boxes = [[(300, 200, 600, 400)], [(300, 200, 600, 400)], [BLUE]]
    corners, remarks = place(boxes, [WIDE] * 3, [large, large, small])
    np.testing.assert_allclose(corners[2], share(BLUE), rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img0", "img1"], placing.SCALED: ["img2"]}


# EXIF shows the 120x160 stored pixels as 160x120.
TURNED_FILE = (*TALL, 6)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("scale", [1, 2])
def test_boxes_drawn_before_the_turn(orientation, scale):
    """The stored pixels hold a block at x 10..30 of 120, y 20..40 of 160; where its picture shows it is known."""
    stored = np.zeros((160, 120))
    stored[20:40, 10:30] = 1
    flips = {5: lambda a: a.T, 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a.T, 2), 8: np.rot90}
    rows, columns = np.nonzero(flips[orientation](stored))
    box = [side * scale for side in (10, 20, 30, 40)]
    corners, remarks = place([[box]], [np.multiply(TALL, scale)], [(*TALL, orientation)])
    shown = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(corners, [share(shown)], rtol=1e-5)
    assert remarks == {placing.DRAWN_UNTURNED: ["img0"]}


HALF_TURNS = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}


@pytest.mark.parametrize("orientation", HALF_TURNS)
def test_turns_that_keep_the_sides_go_with_the_quarter_turns_of_the_set(orientation):
    """The sizes of two images show that boxes were drawn before their turn; so they were on a third, turned by half."""
    stored = np.zeros((120, 160))
    stored[20:50, 10:60] = 1
    rows, columns = np.nonzero(HALF_TURNS[orientation](stored))
    shown = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    upright, turned = [RED, [10, 20, 30, 40], [10, 20, 30, 40]], (*TALL, 6)
    others = [WIDE, turned, turned]
    corners, remarks = place(
        [[box] for box in [*upright, RED]], [WIDE, TALL, TALL, WIDE], [*others, (*WIDE, orientation)]
    )
    np.testing.assert_allclose(corners[[0, 3]], [share(RED), share(shown)], rtol=1e-5)
    assert remarks == {placing.DRAWN_UNTURNED: ["img1", "img2", "img3"]}

    corners, remarks = place([[RED]] * 4, [WIDE] * 4, [*others, (*WIDE, orientation)])  # all as they are shown
    np.testing.assert_allclose(corners, [share(RED)] * 4, rtol=1e-6)
    assert remarks == {}


def test_a_square_goes_with_the_quarter_turns_of_the_set():
    """A box at x 10..30, y 20..40 of 160x160 stored pixels, shown turned to the right: x 120..140, y 10..30."""
    square, box = (160, 160), (10, 20, 30, 40)
    corners, _ = place([[box], [box]], [TALL, square], [(*TALL, 6), (*square, 6)])
    np.testing.assert_allclose(corners[1], share((120, 10, 140, 30), square), rtol=1e-5)
    corners, remarks = place([[box]], [square], [(*square, 6)])
    np.testing.assert_allclose(corners, [share(box, square)], rtol=1e-6)
    assert remarks == {}


def test_boxes_drawn_after_the_turn():
    corners, remarks = place([[RED, BLUE]], [WIDE], [TURNED_FILE])
    np.testing.assert_allclose(corners, [share(RED), share(BLUE)], rtol=1e-6)
    assert remarks == {}


def test_boxes_drawn_after_the_turn_beside_the_size_before_it():
    """Blue does not fit 120x160: so that red of another image was not drawn on it either."""
    corners, remarks = place([[RED, BLUE], [RED]], [TALL] * 2, [TURNED_FILE] * 2)
    np.testing.assert_allclose(corners, [share(RED), share(BLUE), share(RED)], rtol=1e-6)
    assert remarks == {placing.DRAWN_TURNED: ["img0", "img1"]}


@pytest.mark.parametrize(
    ("boxes", "stated", "files"),
    [
        ([[(10, 20, 60, 50)], [(200, 100, 400, 300)]], [(500, 375)] * 2, [(300, 300)] * 2),  # to a square
        ([[RED], [(10, 10, 90, 150)], [RED]], [WIDE, TALL, WIDE], [(512, 512)] * 3),  # to one that is larger
        ([[(10, 60, 60, 150)]], [TALL], [WIDE]),  # turned, and no EXIF says so
        ([[(200, 100, 400, 300)]], [(500, 375)], [(300, 375)]),  # cropped
    ],
)
def test_images_changed_after_labelling_in_ways_nobody_can_undo(boxes, stated, files, one_line):
    with pytest.raises(MinissdError) as caught:
        place(boxes, stated, files)
    one_line(caught, "another shape", "stretched, cropped or turned", f"{files[0][0]}x{files[0][1]}")


def test_one_wrong_size_among_images_of_one_camera():
    corners, remarks = place([[RED]] * 4, [WIDE, WIDE, (200, 120), WIDE], [WIDE] * 4)
    np.testing.assert_allclose(corners, [share(RED)] * 4, rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: ["img2"]}


@pytest.mark.parametrize("inclusive", [False, True])
def test_fractions_are_not_pixels(one_line, inclusive):
    with pytest.raises(MinissdError) as caught:
        place([[share(RED)], [(0, 0, 1, 1), share(BLUE)]], [WIDE] * 2, [WIDE] * 2, inclusive=inclusive)
    one_line(caught, "3 of 3 boxes", "fractions", "pixels", "img0")


def test_the_whole_image_in_fractions_is_not_one_pixel(one_line):
    with pytest.raises(MinissdError) as caught:
        place([[(0, 0, 1, 1)], [(0, 0, 1, 1)]], [WIDE] * 2, [WIDE] * 2)
    one_line(caught, "2 of 2 boxes", "fractions")


def test_a_stray_fraction_is_dropped():
    corners, remarks = place([[share(RED), RED, BLUE]], [WIDE], [WIDE])
    assert len(corners) == 2 and remarks == {placing.FRACTIONS: ["img0"]}


@pytest.mark.parametrize("inclusive", [False, True])
def test_corners_in_the_wrong_order(inclusive):
    first = (11, 21) if inclusive else (10, 20)
    x_min, y_min, x_max, y_max = (*first, 60, 50)
    boxes = [(x_max, y_max, x_min, y_min), (x_max, y_min, x_min, y_max), (x_min, y_max, x_max, y_min)]
    corners, remarks = place([boxes], [WIDE], [WIDE], inclusive=inclusive)
    np.testing.assert_allclose(corners, [share(RED)] * 3, rtol=1e-6)
    assert remarks == {placing.SWAPPED: ["img0"] * 3}


def test_nothing_to_place():
    corners, remarks = place([[], []], [WIDE, (0, 0)], [WIDE, WIDE])
    assert corners.shape == (0, 4) and remarks == {}  # of what has no boxes, the size does not matter


edges = st.floats(-30, 70) | st.integers(-3, 43)


@given(boxes=st.lists(st.tuples(*[edges] * 4), max_size=6), inclusive=st.booleans())
def test_every_box_is_kept_or_named(boxes, inclusive):
    # 2, 2, 30, 20 three times: whatever fractions are drawn, most boxes are none
    boxes = np.array([*boxes, *[(2, 2, 30, 20)] * 7], float)
    headers = [Header(40, 30, 1)]
    placed = place_boxes(boxes, np.zeros(len(boxes), int), [(40, 30)], headers, ["a"], inclusive=inclusive)
    corners, usable = placed.corners[placed.usable], placed.usable
    assert corners.dtype == np.float32 and (corners >= 0).all() and (corners <= 1).all()
    assert (corners[:, 2:] > corners[:, :2]).all()
    dropped = sum(len(placed.remarks.get(one, ())) for one in (placing.NO_EXTENT, placing.OUTSIDE, placing.FRACTIONS))
    assert usable.sum() == len(boxes) - dropped
    back = corners * (40, 30, 40, 30) + np.multiply((1, 1, 0, 0), inclusive)
    ordered = np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])[usable]
    limits = [(1, 1, 0, 0), (41, 31, 40, 30)] if inclusive else [(0, 0, 0, 0), (40, 30, 40, 30)]
    np.testing.assert_allclose(back, np.clip(ordered, *limits), atol=1e-4)


@pytest.mark.parametrize("file", [(300, 300), (160, 160)])
def test_images_made_larger_squares_after_labelling_are_refused(file, one_line):
    """Some of the boxes go to the right or lower edge of 160x120, none goes on into what the files have beyond."""
    boxes = [[RED], [BLUE], [(100, 90, 160, 120)], [RED, BLUE], [(0, 0, 157, 40)]]
    with pytest.raises(MinissdError) as caught:
        place(boxes, [WIDE] * 5, [file] * 5)
    one_line(caught, "img0", "160x120", "5 of 5")

    corners, remarks = place([*boxes[:4], [(100, 90, 160, 150)]], [WIDE] * 5, [file] * 5)  # a wrong size after all
    np.testing.assert_allclose(corners[-1], share((100, 90, 160, 150), file), rtol=1e-6)
    assert remarks == {placing.WRONG_SIZE: [f"img{i}" for i in range(5)]}

    corners, remarks = place([[RED]] * 5, [WIDE] * 5, [file] * 5)  # nothing near its edge
    assert len(corners) == 5 and list(remarks) == [placing.WRONG_SIZE]
