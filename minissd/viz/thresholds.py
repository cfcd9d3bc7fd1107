"""Precision, recall and F1 of a detector's classes against the score from which on it is shown what was found.

Legend: K detections of a class, best score first.
"""

import math

import numpy as np
from matplotlib.lines import Line2D

from minissd.metrics.thresholds import at_threshold, f1_of
from minissd.viz import style
from minissd.viz.curves import CURVES, most_objects
from minissd.viz.style import BLUE, GREY, INK, ORANGE, drawable, dress

LINES = {"precision": (BLUE, 1.4), "recall": (ORANGE, 1.4), "F1": (INK, 2)}


def threshold_chart(curves, thresholds):
    """A panel for each class: what showing all that scores higher than a threshold comes to, over all thresholds.

    curves: {class: Curve} of `detection.precision_recall_curves`; thresholds: {class: the one that is used}, drawn as a
    dashed line.  Of more than `CURVES` classes those with the most objects are drawn.
    """
    shown = most_objects(curves)
    which = f" of the {CURVES} of {len(curves)} classes with the most objects" if len(shown) < len(curves) else ""
    columns = min(5, math.ceil(math.sqrt(len(shown)))) if len(shown) != 3 else 3
    rows = math.ceil(len(shown) / columns)
    figure = style.new_figure(max(2.5 * columns, 5), 2.3 * rows + 1)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for panel, name in zip(panels.flat, shown):
        _draw_class(panel, name, curves[name], thresholds[name])
    for panel in panels.flat[len(shown) :]:
        panel.set_visible(False)
    for panel in panels.flat[max(0, len(shown) - columns) : len(shown)]:  # the lowest panel of each column
        panel.set_xlabel("threshold", fontsize=style.MEDIUM)
        panel.tick_params(labelbottom=True)
    style.figure_title(figure, f"Precision, recall and F1 at each threshold{which}")
    handles = [Line2D([], [], color=colour, linewidth=width, label=name) for name, (colour, width) in LINES.items()]
    handles.append(Line2D([], [], color=GREY, linestyle="--", linewidth=1.2, label="the threshold in use"))
    figure.legend(handles=handles, loc="outside lower center", fontsize=style.SMALL, frameon=False, ncols=4)
    return figure


def _draw_class(panel, name, curve, threshold):
    f1 = at_threshold(curve, threshold).f1
    dress(panel, drawable(name, longest=14) + ("" if math.isnan(f1) else f": F1 {f1:.2f} at {threshold:.2f}"))
    panel.set(xlim=(0, 1), ylim=(0, 1.06), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    if not len(curve.scores) or not curve.objects:
        panel.text(0.5, 0.5, "no detection" if curve.objects else "no object", ha="center", color=GREY)
        return
    values = {"precision": curve.precision, "recall": curve.recall, "F1": f1_of(curve.precision, curve.recall)}
    for key, (colour, width) in LINES.items():
        # entry k holds for the thresholds from the next lower score up to the score of detection k
        panel.plot(curve.scores[::-1], values[key][::-1], color=colour, linewidth=width, drawstyle="steps-pre")
    panel.axvline(threshold, color=GREY, linewidth=1.2, linestyle="--")
