"""Pictures of default boxes: the boxes shown are the boxes of the network, in their places."""

import io

import numpy as np
import pytest
from PIL import ImageDraw

from minissd.detection import SSD300, SSD512, DefaultBoxSpec, Objects, default_boxes, iou, match, to_corners
from minissd.viz.default_boxes import default_box_maps, matched_boxes
from minissd.viz.style import class_colour, rgb

SMALL = DefaultBoxSpec.from_sizes(100, [(4, 3), 2], [30, 50, 80], [(2, 3), (2,)])
CLIPPED = DefaultBoxSpec.from_formula(100, [5], [(2,)], clip="edges")
IMAGE = np.full((60, 100, 3), 130, np.uint8)


def as_corners(patch):
    x, y = patch.get_xy()
    return [x, y, x + patch.get_width(), y + patch.get_height()]


@pytest.mark.parametrize("spec", [SMALL, CLIPPED, SSD300, SSD512])
def test_each_panel_shows_all_boxes_of_one_cell_and_all_centres(spec):
    figure = default_box_maps(IMAGE, spec)
    boxes = default_boxes(spec)
    panels = [panel for panel in figure.axes if panel.patches]
    assert len(panels) == len(spec.maps)
    for panel, one, part in zip(panels, spec.maps, spec.slices):
        k = one.boxes_per_cell
        shown = np.array([as_corners(patch) for patch in panel.patches])
        cells = to_corners(boxes[part]).reshape(-1, k, 4)
        assert np.isclose(cells, shown, atol=1e-6).all(axis=(1, 2)).sum() == 1  # those of exactly one cell
        dots = np.stack(panel.get_lines()[0].get_data(), axis=1)
        if not spec.clip:
            np.testing.assert_allclose(dots, boxes[part].reshape(-1, k, 4)[:, 0, :2])
        assert len(dots) == one.size[0] * one.size[1]
        assert f"{one.size[0]} × {one.size[1]} cells" in panel.get_title()
        assert f"{k} boxes per cell, {one.boxes:,} in all" in panel.get_title()
    figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_clipping_does_not_move_the_grid():
    clipped, plain = (
        default_box_maps(IMAGE, DefaultBoxSpec.from_sizes(100, [3], [60, 90], [(2,)], clip=clip)).axes[0]
        for clip in ("edges", None)
    )
    for a, b in zip(clipped.get_lines()[0].get_data(), plain.get_lines()[0].get_data()):
        np.testing.assert_array_equal(a, b)


def test_boxes_that_stick_out_of_the_image_are_shown_whole():
    figure = default_box_maps(IMAGE, SSD300)
    for panel in figure.axes:
        (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
        for x_min, y_min, x_max, y_max in map(as_corners, panel.patches):
            assert left < x_min and x_max < right and high < y_min and y_max < low  # y grows downwards


def test_one_colour_for_each_ratio_on_all_maps_and_in_the_legend():
    figure = default_box_maps(IMAGE, SSD300)
    colours = {}
    for panel in figure.axes:
        for x_min, y_min, x_max, y_max in map(as_corners, panel.patches):
            ratio = (x_max - x_min) / (y_max - y_min)
            patch = next(p for p in panel.patches if as_corners(p) == [x_min, y_min, x_max, y_max])
            colours.setdefault(round(max(ratio, 1 / ratio)), set()).add(patch.get_edgecolor())
    assert sorted(colours) == [1, 2, 3] and all(len(used) == 1 for used in colours.values())
    assert len(set.union(*colours.values())) == 3
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["1:1", "2:1 and 1:2", "3:1 and 1:3"]


@pytest.fixture
def texts(monkeypatch):
    """Every text drawn on an image."""
    calls, draw_text = [], ImageDraw.ImageDraw.text

    def record(self, xy, text, **options):
        calls.append(text)
        draw_text(self, xy, text, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return calls


def test_the_counts_are_those_of_the_matching(texts):
    boxes = default_boxes(SSD300)
    corners = np.array([[0.1, 0.1, 0.6, 0.7], [0.5, 0.5, 0.52, 0.9], [0.55, 0.2, 0.9, 0.5]], np.float32)
    objects = Objects(corners, np.array([1, 0, 1]), np.zeros(3, bool))
    matched_boxes(IMAGE, objects, ["cat", "dog"], boxes)

    class_targets, _ = match(corners, objects.labels, boxes)
    positive = np.flatnonzero(class_targets)
    overlaps = iou(corners, to_corners(boxes))[:, positive]
    by_threshold = (overlaps > 0.5).any(axis=0).sum()
    assert by_threshold < len(positive)  # the thin second object has only its best box
    assert f"{len(positive)} of 8,732 default boxes matched" in texts
    only_best = len(positive) - by_threshold
    assert f"{by_threshold} by IoU > 0.5, {only_best} only as the best of an object" in texts
    assert f"IoU {overlaps[1].max():.2f}" in texts
    per_class = [np.count_nonzero(class_targets == label + 1) for label in (0, 1)]
    names = [text for text in texts if text.startswith(("cat:", "dog:"))]
    assert names[1] == f"cat: {per_class[0]} box" and per_class[0] == 1
    assert sum(int(name.split()[1]) for name in names if name.startswith("dog")) == per_class[1]


def test_an_object_and_its_boxes_share_a_colour_even_within_one_class():
    boxes = default_boxes(SSD300)
    corners = np.array([[0.05, 0.05, 0.45, 0.45], [0.55, 0.55, 0.95, 0.95]], np.float32)
    objects = Objects(corners, np.array([0, 0]), np.zeros(2, bool))
    picture = np.asarray(matched_boxes(IMAGE, objects, ["cat"], boxes))
    half = picture.shape[1] // 2
    for label in (0, 1):
        here = (picture == rgb(class_colour(label))).all(axis=-1)
        assert here[:, :half].any() and here[:, half:].any()


def test_no_object_no_box(texts):
    nothing = Objects(np.zeros((0, 4), np.float32), np.zeros(0, int), np.zeros(0, bool))
    picture = np.asarray(matched_boxes(IMAGE, nothing, ["cat"], default_boxes(SMALL)))
    assert "0 of 88 default boxes matched" in texts and "ground truth: no object" in texts
    assert not (picture == rgb(class_colour(0))).all(axis=-1).any()
