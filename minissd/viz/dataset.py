"""Pictures of a data set: classes, object sizes beside default boxes, objects that no box covers, copies.

Legend: G objects, C classes.
"""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from minissd.data.samples import Labelled, Masked
from minissd.data.view import View, view_corners, view_pixels
from minissd.detection import Coverage
from minissd.viz import style
from minissd.viz.boxes import draw_boxes
from minissd.viz.masks import overlay
from minissd.viz.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, SKY, VERMILION, class_colour, drawable, dress
from minissd.viz.tiles import TILE, tile, tile_sheet

BARS = 80  # classes that are drawn, those with most objects
POINTS = 20_000  # objects that are drawn, of more as many of them
TILES, ACROSS = 12, 4  # objects on a sheet, and in a row
ROWS, COPIES = 8, 5  # groups of copies on a sheet, and images of a group
ROOM = 3  # side of what is shown around an object, in sides of the object
LEAST_SHOWN = 0.25  # of the image's side
MAP_COLOURS = (INK, GREEN, BLUE, PINK, ORANGE, GREY)


def class_counts(counts: dict[str, np.ndarray], classes: Sequence[str], what: str = "objects") -> Figure:
    """A bar for each class, of what is counted in each split.  counts: {split: (C,)}."""
    totals = np.sum(list(counts.values()), axis=0)  # (C,)
    order = np.argsort(-totals, kind="stable")[:BARS]
    figure = style.new_figure(8, 1.6 + 0.28 * len(order))
    panel = figure.subplots()
    dress(panel, x=what)
    places, left, bars = np.arange(len(order)), np.zeros(len(order)), []
    for i, number in enumerate(counts.values()):
        bars.append(panel.barh(places, number[order], left=left, height=0.7, color=class_colour(i)))
        left += number[order]
    for place, total in zip(places, totals[order]):
        panel.annotate(f"{total:,}", (total, place), (5, 0), textcoords="offset points", va="center",
                       fontsize=style.SMALL, color=INK)  # fmt: skip
    panel.set_yticks(places, [drawable(classes[k]) for k in order], fontsize=style.MEDIUM, parse_math=False)
    panel.set(xlim=(0, max(1, 1.12 * totals.max())), ylim=(len(order) - 0.4, -0.6))
    panel.grid(False, axis="y")
    figure.legend(bars, [drawable(name) for name in counts], loc="outside lower center", ncols=6, frameon=False)
    rest = f", the {BARS} most frequent of {len(classes)} classes" if len(classes) > BARS else ""
    style.figure_title(figure, f"{totals.sum():,} {what}{rest}")
    return figure


def object_sizes(sides: np.ndarray, coverages: dict[str, Coverage]) -> Figure:
    """Width and height of each object, beside the shapes of default boxes: a panel for each set of boxes.

    sides: (G, 2) in parts of the image's; coverages: {name: `Coverage` of these objects}.
    """
    figure = style.new_figure(5 * len(coverages) + 0.6, 6)
    drawn = np.random.default_rng(0).permutation(len(sides))[:POINTS]
    low, dot = min(0.01, 0.8 * sides.min(initial=1)), 4 if len(drawn) > 300 else 8
    panels = figure.subplots(1, len(coverages), squeeze=False, sharey=True)[0]
    for panel, (name, one) in zip(panels, coverages.items(), strict=True):
        covered, title = one.covered, f"{name} boxes cover {one.recall_ceiling():.1%} of the objects"
        dress(panel, title, "width, in parts of the image's", "height" if panel is panels[0] else "")
        for chosen, colour, what in ((covered, SKY, "covered"), (~covered, VERMILION, "not covered")):
            points = sides[drawn[chosen[drawn]]]
            panel.plot(*points.T, ".", color=colour, markersize=dot, alpha=0.7, markeredgewidth=0,
                       label=f"object, {what}", rasterized=True)  # fmt: skip
        for colour, level in zip(cycle(MAP_COLOURS), one.spec.maps):
            panel.plot(*np.transpose(level.shapes), "s", color="none", markeredgecolor=colour, markersize=7,
                       markeredgewidth=1.8, label=f"box of the {level.size[0]} × {level.size[1]} map")  # fmt: skip
        panel.set(xscale="log", yscale="log", xlim=(low, 1.3), ylim=(low, 1.3))
        ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if tick >= low]
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=style.MEDIUM)
    return figure


def least_covered(views: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, str]]) -> Image.Image:
    """The objects that default boxes overlap least, each with the box that overlaps it most, as the network sees them.

    views: (image (H, W, 3) uint8, object (4,), box (4,), caption) each; corners.
    """
    tiles = []
    for image, corners, box, caption in views:
        window = _window(corners)
        picture = Image.fromarray(view_pixels(window, image, TILE, (128, 128, 128)))
        boxes = view_corners(window, np.array([corners, box]))
        tiles.append((draw_boxes(picture, boxes, [3, 4], ["", ""]), caption))
    rows = [tiles[i : i + ACROSS] for i in range(0, len(tiles), ACROSS)]
    return tile_sheet(rows, "Least covered objects (orange), each with its best default box (blue)")


def _window(corners):
    """The square View around an object, inside the image."""
    sides = corners[2:] - corners[:2]
    extent = float(np.clip(ROOM * sides.max(), LEAST_SHOWN, 1))
    x_min, y_min = np.clip((corners[:2] + corners[2:]) / 2 - extent / 2, 0, 1 - extent).tolist()
    return View(x_min, y_min, x_min + extent, y_min + extent)


def examples_sheet(rows: Sequence[Sequence[tuple[Labelled | Masked, str]]], count: int) -> Image.Image:
    """Images of each class beside each other, masks drawn over them; count: of the classes in all.

    rows: of each class (`Labelled` or `Masked`, caption).
    """
    shown = [[(_example(sample), caption) for sample, caption in row] for row in rows]
    rest = f", {len(shown)} of {count} classes" if len(shown) < count else ""
    return tile_sheet(shown, f"Images of each class{rest}")


def _example(sample):
    picture = tile(sample.image)
    return overlay(picture, sample.mask) if isinstance(sample, Masked) else picture


def copies_sheet(rows: Sequence[Sequence[tuple[np.ndarray, str]]], count: int) -> Image.Image:
    """Images that show one picture beside each other, a row for each group of them; count: of the groups in all.

    rows: groups of (image (H, W, 3) uint8, caption).
    """
    shown = [[(tile(image), caption) for image, caption in row[:COPIES]] for row in rows]
    rest = f", {len(shown)} of {count} groups" if len(shown) < count else ""
    return tile_sheet(shown, f"One picture several times{rest}")
