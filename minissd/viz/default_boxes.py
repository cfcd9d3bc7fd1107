"""Default boxes over an image, and which of them answer for its objects.

Legend: P default boxes, G objects, k boxes per cell, M matched default boxes.
"""

import math
from dataclasses import replace
from itertools import cycle

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from minissd.detection.boxes import iou, to_corners
from minissd.detection.map_spec import MapSpec
from minissd.detection.matching import assign_objects
from minissd.detection.tiling import default_boxes
from minissd.viz import style
from minissd.viz.boxes import count, draw_boxes, panel_sized, side_by_side
from minissd.viz.style import BLUE, GREEN, ORANGE, PINK, SKY, VERMILION, drawable

SHAPE_COLOURS = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY)  # squares first, then one for each aspect ratio


def default_box_maps(image, spec):
    """The default boxes of a DefaultBoxSpec over `image` (H, W, 3) uint8: a Figure with one panel per map.

    The image is square, as the network sees it.  Dots: the centres of all cells.  One cell in the middle of
    each map shows all its k boxes, also where they stick out of the image, each aspect ratio in a colour of
    its own.
    """
    boxes = to_corners(default_boxes(spec))  # (P, 4)
    centers = default_boxes(replace(spec, clip=None))[:, :2]  # clipping would move them
    kinds = {kind for one in spec.maps for kind in _kinds_of(one)}
    colours = dict(zip(sorted(kinds, key=str), cycle(SHAPE_COLOURS)))
    columns = len(spec.maps) if len(spec.maps) <= 3 else math.ceil(len(spec.maps) / 2)
    rows = math.ceil(len(spec.maps) / columns)
    figure = style.new_figure(max(4.5, 3.2 * columns), 3.6 * rows + 0.8)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    low, high = np.zeros(2), np.ones(2)  # what all panels show: the image and the boxes that stick out of it
    for level, (panel, one, part) in enumerate(zip(panels, spec.maps, spec.slices), start=1):
        cells = boxes[part].reshape(*one.size, one.boxes_per_cell, 4)
        middle = cells[one.size[0] // 2, one.size[1] // 2]  # (k, 4)
        panel.imshow(_pale(image), extent=(0, 1, 1, 0), aspect="equal")
        _draw_map(panel, level, one, middle, centers[part][:: one.boxes_per_cell], colours)
        low, high = np.minimum(low, middle[:, :2].min(axis=0)), np.maximum(high, middle[:, 2:].max(axis=0))
    for panel in panels:
        panel.set(xlim=(low[0] - 0.01, high[0] + 0.01), ylim=(high[1] + 0.01, low[1] - 0.01))
        panel.axis("off")
    _shape_legend(figure, colours)
    style.figure_title(figure, f"{len(boxes):,} default boxes on {count(len(spec.maps), 'map')}")
    return figure


def matched_boxes(image, objects, classes, boxes, threshold=0.5):
    """`image` (H, W, 3) uint8 with its `Objects` on the left, the default boxes matched to them on the right.

    boxes: the default boxes (P, 4), centers.  An object and its boxes share a colour.  A box whose IoU is not
    above the threshold is matched only because no other overlaps the object more; it carries its IoU as a
    label.  Returns a Pillow image.
    """
    corners = to_corners(boxes)
    matched, object_of, overlap = _match(objects, corners, threshold)
    weak = overlap <= threshold
    texts = [f"IoU {value:.2f}" if only_best else "" for value, only_best in zip(overlap, weak)]
    number = len(objects.labels)
    boxes_of = np.bincount(object_of, minlength=number)
    names = [f"{drawable(classes[k])}: {count(n, 'box')}" for k, n in zip(objects.labels, boxes_of)]

    picture = panel_sized(image, side=640)
    left = draw_boxes(picture, objects.corners, range(number), names)
    pale = Image.fromarray(_pale(np.asarray(picture)))
    right = draw_boxes(pale, corners[matched], object_of, texts, thin=True)
    return side_by_side(
        [
            (left, f"ground truth: {count(number, 'object')}"),
            (right, f"{(~weak).sum()} by IoU > {threshold:g}, {weak.sum()} only as the best of an object"),
        ],
        f"{len(matched)} of {len(boxes):,} default boxes matched",
    )


def _match(objects, corners, threshold):
    """The matched default boxes, their objects and the IoU of the two, least first: three arrays (M,)."""
    if len(objects.labels) == 0:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0)
    overlaps = iou(np.asarray(objects.corners, dtype=corners.dtype), corners)  # (G, P)
    object_of = assign_objects(overlaps, threshold)  # (P,)
    matched = np.flatnonzero(object_of >= 0)
    overlap = overlaps[object_of[matched], matched]
    order = np.argsort(overlap)
    return matched[order], object_of[matched[order]], overlap[order]


def _draw_map(panel, level, one, middle, centers, colours):
    """The centres (cells, 2) of one MapSpec and the boxes `middle` (k, 4 corners) of one cell."""
    dot = np.clip(60 / max(one.size), 1.2, 6)
    panel.plot(centers[:, 0], centers[:, 1], "o", color=style.INK, markersize=dot, markeredgewidth=0)
    for kind, (x_min, y_min, x_max, y_max) in zip(_kinds_of(one), middle, strict=True):
        size = x_max - x_min, y_max - y_min
        panel.add_patch(Rectangle((x_min, y_min), *size, fill=False, color=colours[kind], linewidth=2))
    scale = f"scale {one.scale:.3g}" if isinstance(one, MapSpec) else "fitted"
    title = (
        f"map {level}: {one.size[0]} × {one.size[1]} cells, {scale}\n"
        f"{one.boxes_per_cell} boxes per cell, {one.boxes:,} in all"
    )
    panel.set_title(title, fontsize=style.MEDIUM, color=style.INK)


def _kinds_of(one):
    """What each of the k boxes of a map's cells is drawn as, in their order: its aspect ratio, or "fitted"."""
    if isinstance(one, MapSpec):
        return [1, 1] + [ratio for ratio in one.ratios for _ in range(2)]
    return ["fitted"] * one.boxes_per_cell


def _shape_legend(figure, colours):
    names = {kind: f"{kind:g}:1 and 1:{kind:g}" for kind in colours if kind not in (1, "fitted")}
    names |= {1: "1:1", "fitted": "fitted to objects"}
    lines = [Line2D([], [], color=colours[ratio], linewidth=2, label=names[ratio]) for ratio in colours]
    title = "dots: the centres of all cells; boxes: those of one cell, by width : height"
    figure.legend(handles=lines, title=title, loc="outside lower center", ncols=6, frameon=False)


def _pale(image):
    """`image` uint8 made pale, so that lines stand out."""
    return 255 - (255 - image) // 5 * 2
