"""The pictures of non-maximum suppression and of what became of the objects show what they are given."""

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from minissd.detection.object_errors import ObjectErrors
from minissd.naive import nms_steps
from minissd.viz.nms_steps import LOOKS, MOST_STEPS, nms_pictures
from minissd.viz.object_errors import FATES, object_error_chart
from minissd.viz.style import save_picture

IMAGE = np.full((60, 80, 3), 200, np.uint8)
CORNERS = np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.6], [0.6, 0.6, 0.9, 0.9]])
SCORES = np.array([0.6, 0.9, 0.8])


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def boxes_of(panel, look):
    """Corners in pixels of the boxes drawn in one of LOOKS."""
    colour = LOOKS[look][0].lower()
    rectangles = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
    boxes = [one for one in rectangles if to_hex(one.get_edgecolor()) == colour]
    return [[*box.get_xy(), box.get_x() + box.get_width(), box.get_y() + box.get_height()] for box in boxes]


def test_a_panel_for_each_step_between_before_and_after(tmp_path):
    steps = list(nms_steps(CORNERS, SCORES))
    figure = nms_pictures(IMAGE, CORNERS, SCORES, steps, "cell", 0.45)
    before, first, second, after = panels_of(figure)
    pixels = (CORNERS * [80, 60, 80, 60]).tolist()
    assert len(boxes_of(before, "waiting")) == 3
    np.testing.assert_allclose(boxes_of(first, "taken"), [pixels[1]])
    np.testing.assert_allclose(boxes_of(first, "removed"), [pixels[0]])
    np.testing.assert_allclose(boxes_of(first, "waiting"), [pixels[2]])
    np.testing.assert_allclose(boxes_of(second, "taken"), [pixels[2]])
    np.testing.assert_allclose(boxes_of(second, "kept"), [pixels[1]])
    assert len(boxes_of(after, "kept")) == 2
    assert first.get_title() == "1: 1 removed, IoU 0.80" and "3 boxes" in before.get_title()
    assert [text.get_text() for text in first.texts] == ["0.90"]
    save_picture(figure, tmp_path / "nms.png")


def test_of_many_steps_the_first_are_drawn_and_the_rest_counted():
    left = np.linspace(0, 0.9, 15)
    corners = np.stack([left, 0 * left, left + 0.05, 0 * left + 0.1], axis=1)
    scores = np.linspace(0.9, 0.1, 15)
    figure = nms_pictures(IMAGE, corners, scores, list(nms_steps(corners, scores)), "cell", 0.45)
    panels = panels_of(figure)
    assert len(panels) == MOST_STEPS + 2
    assert "15 boxes; 5 more steps" in panels[-1].get_title()


def test_the_bars_are_the_shares_of_each_group(tmp_path):
    errors = {
        "a": ObjectErrors(np.full(4, 0.1), np.zeros(4, int), np.array([0.9, 0.6, 0.3, 0])),
        "b": ObjectErrors(np.full(4, 0.1), np.zeros(4, int), np.array([0.9, 0, 0, 0])),
    }
    figure = object_error_chart(errors, {"all": np.ones(4, bool), "first": np.arange(4) == 0})
    bars, curves = figure.axes
    heights = np.reshape([bar.get_height() for bar in bars.patches], (2, 2, len(FATES)))  # group, detector, fate
    np.testing.assert_allclose(heights[0], [[0.5, 0.25, 0.25], [0.25, 0, 0.75]])
    np.testing.assert_allclose(heights[1], [[1, 0, 0], [1, 0, 0]])
    reached = curves.lines[0].get_ydata()
    assert reached[0] == 1 and reached[50] == 0.5 and reached[-1] == 0
    save_picture(figure, tmp_path / "errors.png")
