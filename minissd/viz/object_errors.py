"""What became of the objects, beside each other for several detectors: by size, and how well the boxes lie."""

import numpy as np
from matplotlib.patches import Patch

from minissd.viz import style
from minissd.viz.style import GREEN, GREY, ORANGE, class_colour, drawable, dress

FATES = (("found", GREEN), ("badly placed (IoU .1 to .5)", ORANGE), ("missed", GREY))


def object_error_chart(errors, groups):
    """errors: {detector: ObjectErrors} of the same objects; groups: {name: (G,) bool}: a Figure of two panels.

    Left: what became of the objects of each group.  Right: for each IoU, the share of objects that some detection
    overlaps by at least that much.
    """
    figure = style.new_figure(11, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _draw_fates(left, errors, groups)
    thresholds = np.linspace(0, 1, 101)
    dress(right, "objects overlapped by at least so much", "IoU", "share of all objects")
    lines = []
    for i, one in enumerate(errors.values()):
        reached = (one.overlaps >= thresholds[:, None]).mean(axis=1)
        lines += right.plot(thresholds, reached, color=class_colour(i), linewidth=2)
    right.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    right.set(xlim=(0, 1), ylim=(0, 1.02))
    style.legend(right, lines, list(errors), fontsize=style.MEDIUM)
    return figure


def _draw_fates(panel, errors, groups):
    """Stacked bars: for each group of objects one for each detector."""
    dress(panel, "what became of the objects", "", "share of the objects")
    width, ticks = 0.8 / len(errors), []
    for place, (group, chosen) in enumerate(groups.items()):
        for i, (name, one) in enumerate(errors.items()):
            x, low = place + (i - (len(errors) - 1) / 2) * width, 0.0
            for share, (_, colour) in zip(np.nan_to_num(one.shares(chosen)), FATES, strict=True):
                panel.bar(x, share, width * 0.92, bottom=low, color=colour)
                low += share
            panel.text(x, 0.02, drawable(name), rotation=90, ha="center", va="bottom", fontsize=style.SMALL,
                       parse_math=False)  # fmt: skip
        ticks.append(f"{drawable(group, longest=16)}\n{np.count_nonzero(chosen)}")
    slanted = {"rotation": 45, "ha": "right"} if len("".join(ticks)) > 60 else {}
    panel.set_xticks(range(len(groups)), ticks, fontsize=style.SMALL, parse_math=False, **slanted)
    panel.set_ylim(0, 1.18)
    handles = [Patch(color=colour, label=fate) for fate, colour in FATES]
    panel.legend(handles=handles, loc="upper center", ncols=3, frameon=False, fontsize=style.SMALL)
