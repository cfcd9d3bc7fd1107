"""Non-maximum suppression, a picture for each step of the algorithm.

Legend: K boxes of one class, those that score high enough to take part.
"""

import math

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from minissd.viz import style
from minissd.viz.boxes import count
from minissd.viz.style import BLUE, GREEN, GREY, VERMILION, drawable

COLUMNS = 4
MOST_STEPS = 10  # drawn one by one; what follows is seen in the last panel
LOOKS = {  # colour, width and dashes of a box, and what it means
    "waiting": (GREY, 1.2, "-", "waiting, best first"),
    "taken": (BLUE, 2.8, "-", "taken now: the best of those that wait"),
    "removed": (VERMILION, 1.8, "--", "removed now: too close to the one taken"),
    "kept": (GREEN, 1.8, "-", "taken before: stays"),
}


def nms_pictures(image, corners, scores, steps, name, iou_threshold):
    """The steps over `image` (H, W, 3) uint8: a Figure with a panel for each, between "before" and "after".

    corners (K, 4) normalised, scores (K,); steps: the `NmsStep`s of `minissd.naive.nms_steps`; name: of the class.
    """
    kept = [step.taken for step in steps]
    best_first = sorted(range(len(scores)), key=lambda box: -scores[box])
    drawn = steps[:MOST_STEPS]
    columns, rows = min(COLUMNS, len(drawn) + 2), math.ceil((len(drawn) + 2) / COLUMNS)
    ratio = image.shape[0] / image.shape[1]
    figure = style.new_figure(3.2 * columns, (3.2 * ratio + 0.45) * rows + 1)
    panels = iter(figure.subplots(rows, columns, squeeze=False).ravel())

    _draw(next(panels), image, corners, {"waiting": best_first}, f"before: {count(len(scores), 'box')}")
    for number, step in enumerate(drawn, 1):
        groups = {"waiting": step.left, "kept": kept[: number - 1], "removed": [*step.removed], "taken": [step.taken]}
        _draw(next(panels), image, corners, groups, f"{number}: {_in_words(step)}", {step.taken: scores[step.taken]})
    more = f"; {len(steps) - len(drawn)} more steps" if len(steps) > len(drawn) else ""
    after = f"after: {count(len(kept), 'box')}{more}"
    _draw(next(panels), image, corners, {"kept": kept}, after, {box: scores[box] for box in kept})
    for panel in panels:
        panel.set_visible(False)
    _legend(figure)
    style.figure_title(figure, f"{drawable(name)}: boxes that overlap a better one by IoU > {iou_threshold:g} go")
    return figure


def _in_words(step):
    overlaps = step.removed.values()
    if not overlaps:
        return "nothing removed"
    spread = f"{min(overlaps):.2f}" + (f" to {max(overlaps):.2f}" if len(overlaps) > 1 else "")
    return f"{len(overlaps)} removed, IoU {spread}"


def _draw(panel, image, corners, groups, title, scores=()):
    """groups: {key of LOOKS: boxes}; the later ones lie above.  scores: {box: what is written on it}."""
    height, width = image.shape[:2]
    panel.imshow(255 - (255 - image) // 5 * 2)  # pale, so that lines stand out
    for look, boxes in groups.items():
        colour, line, dashes, _ = LOOKS[look]
        for box in reversed(boxes):  # the best above the others
            x_min, y_min, x_max, y_max = corners[box] * (width, height, width, height)
            size = x_max - x_min, y_max - y_min
            panel.add_patch(Rectangle((x_min, y_min), *size, fill=False, color=colour, linewidth=line, ls=dashes))
            if box in scores:
                panel.text(
                    x_min, y_min, f"{scores[box]:.2f}", fontsize=style.SMALL, color="white", va="bottom",
                    bbox={"facecolor": colour, "edgecolor": "none", "pad": 1}, clip_on=True,
                )  # fmt: skip
    panel.set_title(title, fontsize=style.MEDIUM, color=style.INK)
    panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    panel.axis("off")


def _legend(figure):
    looks = LOOKS.values()
    lines = [Line2D([], [], color=colour, lw=line, ls=dashes, label=text) for colour, line, dashes, text in looks]
    figure.legend(handles=lines, loc="outside lower center", ncols=2, frameon=False, fontsize=style.MEDIUM)
