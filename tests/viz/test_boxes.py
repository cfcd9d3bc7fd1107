"""Boxes on images: where the pixels lie, their colours, and labels that stay inside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from minissd.detection import Detections, Objects
from minissd.models.detector import Predictions
from minissd.viz import boxes
from minissd.viz.style import class_colour, rgb

NONE = Detections(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
NO_OBJECTS = Objects(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool))


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def detections(corners, labels=None, scores=None):
    labels = [0] * len(corners) if labels is None else labels
    scores = [0.9] * len(corners) if scores is None else scores
    return Detections(np.array(corners, np.float32), np.array(labels, int), np.array(scores))


def where(picture, colour):
    """First and last column and row of the pixels of `colour` in a picture."""
    rows, columns = np.nonzero((np.asarray(picture) == rgb(colour)).all(axis=-1))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_what_predict_found(tmp_path):
    """On an image that is shown turned: boxes are in pixels of the image as it is shown."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(grey(100, 60)).save(tmp_path / "a.jpg", exif=exif)  # shown 100 wide, 60 high
    found = Predictions(np.array([[20.0, 10, 90, 50]]), ["dog"], np.array([0.9]))
    drawn = boxes.draw_predictions(tmp_path / "a.jpg", found, ("cat", "dog"))
    left, _, right, bottom = where(drawn, class_colour(1))
    assert drawn.size == (100, 60) and abs(left - 20) <= 2 and abs(right - 90) <= 2 and abs(bottom - 50) <= 2
    nothing = Predictions(np.zeros((0, 4)), [], np.zeros(0))
    assert (np.asarray(boxes.draw_predictions(grey(9, 9), nothing, ("cat",))) == 128).all()


@st.composite
def voc_boxes(draw):
    """(width, height, box): an image size and a VOC pixel box in it, counted from 1, both ends included."""
    width, height = draw(st.integers(20, 300)), draw(st.integers(20, 300))
    x_min, y_min = draw(st.integers(1, width)), draw(st.integers(1, height))
    return width, height, (x_min, y_min, draw(st.integers(x_min, width)), draw(st.integers(y_min, height)))


@given(voc_boxes(), st.booleans())
def test_the_frame_covers_exactly_the_pixels_of_a_voc_box(case, thin):
    width, height, (x_min, y_min, x_max, y_max) = case
    corners = np.array([x_min - 1, y_min - 1, x_max, y_max]) / [width, height, width, height]
    image = Image.fromarray(grey(height, width))
    picture = boxes.draw_boxes(image, corners[None].astype(np.float32), [2], [""], thin=thin)
    assert where(picture, class_colour(2)) == (x_min - 1, y_min - 1, x_max - 1, y_max - 1)
    corner_pixels = np.asarray(picture)[[y_min - 1, y_max - 1], [x_min - 1, x_max - 1]]
    assert (corner_pixels == rgb(class_colour(2))).all()


def test_the_inside_and_the_outside_of_a_box_stay_as_they_were():
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    drawn = np.asarray(boxes.draw_boxes(Image.fromarray(image), [[0.25, 0.2, 0.75, 0.8]], [0], [""]))
    np.testing.assert_array_equal(drawn[25:75, 55:145], image[25:75, 55:145])
    np.testing.assert_array_equal(drawn[:, :45], image[:, :45])
    np.testing.assert_array_equal(drawn[85:], image[85:])


def test_the_frame_has_the_colour_of_its_class_and_the_image_its_size():
    classes = [f"class {k}" for k in range(20)]
    for label in range(20):
        image = grey(240, 320)
        picture = boxes.annotated_image(image, detections([[0.2, 0.3, 0.8, 0.9]], [label]), classes)
        assert picture.size == (320, 240)
        assert (image == 128).all()  # the caller's image is not drawn on
        bottom = np.asarray(picture)[215, 160]
        assert tuple(bottom) == rgb(class_colour(label))


def test_no_detection_leaves_the_image_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(boxes.annotated_image(image, NONE, ["cat"])), image)


def test_a_box_partly_outside_is_closed_at_the_border():
    image = Image.fromarray(grey(100, 100))
    picture = np.asarray(boxes.draw_boxes(image, [[-0.5, 0.4, 0.5, 1.7]], [0], [""]))
    colour = rgb(class_colour(0))
    for row, column in ((40, 20), (99, 20), (70, 0), (70, 49)):  # the middle of its four sides
        assert tuple(picture[row, column]) == colour


@given(
    st.lists(st.tuples(*[st.floats(-1e30, 1e30)] * 4), max_size=4),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_wild_boxes_and_tiny_images_are_drawn(corners, height, width):
    found = detections(np.array(corners).reshape(-1, 4))
    picture = boxes.annotated_image(grey(height, width), found, ["a long name of a class"])
    assert picture.size == (width, height)
    rectangles = boxes.pixel_rectangles(found.corners, width, height)
    assert (rectangles[:, :2] >= 0).all() and (rectangles[:, 2:] < [width, height]).all()
    assert (rectangles[:, :2] <= rectangles[:, 2:]).all()


@pytest.fixture
def written(monkeypatch):
    """Every text drawn: (text, x_first, y_first, x_end, y_end)."""
    calls, draw_text = [], ImageDraw.ImageDraw.text

    def record(self, xy, text, *args, font, **options):
        left, top, right, bottom = font.getbbox(text)
        calls.append((text, xy[0] + left, xy[1] + top, xy[0] + right, xy[1] + bottom))
        return draw_text(self, xy, text, *args, font=font, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return calls


@given(
    st.lists(st.tuples(*[st.floats(-0.2, 1.2)] * 4), min_size=1, max_size=5),
    st.integers(30, 300),
    st.integers(30, 300),
)
def test_labels_lie_inside_the_image(written, corners, height, width):
    written.clear()
    boxes.annotated_image(grey(height, width), detections(corners), ["motorbike"])
    assert len(written) == len(corners)
    for _, left, top, right, bottom in written:
        assert min(left, top) >= 0 and right <= width and bottom <= height


def test_a_label_that_has_no_room_is_shortened_but_never_squeezed_in(written):
    found = detections([[0.1, 0.1, 0.9, 0.9]])
    boxes.annotated_image(grey(40, 60), found, ["motorbike"])
    boxes.annotated_image(grey(10, 60), found, ["motorbike"])  # too low for any letter
    assert [text for text, *_ in written] == ["motorb…"]


def test_labels_of_boxes_on_top_of_each_other_do_not_overlap(written):
    same = [[0.3, 0.3, 0.7, 0.7]] * 4
    boxes.annotated_image(grey(240, 240), detections(same, [0, 1, 2, 3]), ["cat", "dog", "cow", "bus"])
    assert len(written) == 4
    for k, (_, *a) in enumerate(written):
        for _, *b in written[k + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_a_label_is_the_name_and_the_score_with_names_of_any_script(written):
    found = detections([[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]], [1, 0], [0.987, 0.5])
    boxes.annotated_image(grey(300, 300), found, ["Größe", "猫"])
    assert [text for text, *_ in written] == ["\\u732b 0.99", "Größe 0.50"]


def test_the_best_detection_lies_on_top():
    same = [[0.2, 0.2, 0.8, 0.8]] * 2
    for labels in ([0, 1], [1, 0]):
        picture = boxes.annotated_image(grey(240, 240), detections(same, labels), ["cat", "dog"])
        assert tuple(np.asarray(picture)[191, 120]) == rgb(class_colour(labels[0]))


def test_lines_grow_with_the_image():
    def thickness(side):
        picture = boxes.draw_boxes(Image.fromarray(grey(side, side)), [[0.25, 0.25, 0.75, 0.75]], [0], [""])
        return (np.asarray(picture)[side // 2] == rgb(class_colour(0))).all(axis=-1).sum() / 2

    assert thickness(240) == 2 and 15 <= thickness(3000) <= 25


def test_detections_are_left_and_the_truth_right(written):
    objects = Objects(np.array([[0.1, 0.1, 0.6, 0.6]]), np.array([1]), np.array([True]))
    found = detections([[0.2, 0.2, 0.9, 0.9], [0.1, 0.1, 0.3, 0.3]])
    row = boxes.detections_beside_truth(grey(100, 100), found, objects, ["cat", "dog"], title="image 7")
    half = row.width // 2
    assert where(row, class_colour(0))[2] < half < where(row, class_colour(1))[0]
    texts = [text for text, *_ in written]
    assert {"image 7", "found: 2 detections", "ground truth: 1 object", "dog (difficult)"} <= set(texts)


def test_nothing_found_and_nothing_there_says_so(written):
    boxes.detections_beside_truth(grey(50, 400), NONE, NO_OBJECTS, ["cat"])
    assert "found: no detection" in [text for text, *_ in written]
    assert "ground truth: no object" in [text for text, *_ in written]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 7])
def test_a_sheet_holds_every_row_whole_and_none_twice(number):
    sizes = [(60, 60), (60, 90), (90, 60)]
    rows = []
    for k in range(number):
        row = boxes.detections_beside_truth(grey(*sizes[k % 3]), NONE, NO_OBJECTS, ["cat"], title="a")
        row.paste(class_colour(k), (0, 0, row.width, row.height))
        rows.append(row)
    sheet = boxes.detection_sheet(rows)
    for k, row in enumerate(rows):
        left, top, right, bottom = where(sheet, class_colour(k))
        assert (right - left + 1, bottom - top + 1) == row.size
    assert (np.asarray(sheet)[[0, -1]] == 255).all() and (np.asarray(sheet)[:, [0, -1]] == 255).all()


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        boxes.detection_sheet([])


def test_real_annotations_are_drawn_at_their_pixels(shared):
    """BloodImage_00001 of BCCD has a WBC at the pixels 68, 315 to 286, 480."""
    with Image.open(shared / "data/bccd/JPEGImages/BloodImage_00001.jpg") as file:
        image = np.asarray(file.convert("RGB"))
    corners = np.array([[67 / 640, 314 / 480, 286 / 640, 480 / 480]])
    picture = boxes.draw_boxes(Image.fromarray(image), corners, [0], [""])
    assert where(picture, class_colour(0)) == (67, 314, 285, 479)
