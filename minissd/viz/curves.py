"""Curves: the losses of a training run, precision against recall, average precision of each class.

Everything comes as plain lists, dicts and NumPy arrays; every function returns a Figure for `save_picture`.

Legend: K detections of a class, best score first.
"""

import math

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from minissd.detection.metrics import eleven_recalls
from minissd.metrics import SCORES
from minissd.viz import style
from minissd.viz.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, SKY, VERMILION, class_colour, drawable, dress

LOSSES = {
    "loss": ("total", INK),
    "localization": ("localization", ORANGE),
    "confidence": ("confidence", BLUE),
    "center": ("center", ORANGE),
    "size": ("size", VERMILION),
    "object": ("object", BLUE),
    "empty": ("empty", SKY),
    "class": ("class", PINK),
}
METHODS = {
    "voc07": "mean of the precision at 11 recalls",
    "voc07-arange": "mean at 11 recalls of np.arange",
    "area": "area under the interpolated curve",
    "coco": "mean over the overlaps 0.5 to 0.95",
}
CURVES = 20  # of so many classes the curves are drawn: those of 400 would take minutes
BARS = 80  # COCO's
MARKED = 40  # up to so many points get a marker each: a line of one point would be invisible


def loss_curves(records):
    """The losses of a run over its steps; below them the validation score, if any, and the learning rate.

    records: the lines of the log in order, each with step and epoch and either the figures of a step (loss,
    its parts, lr) or a validation ({"mAP": ...} or {"accuracy": ...}).  Faint: every step; strong: the running mean
    of 2 % of the run.  The axis is logarithmic when the losses span more than a factor of ten.
    """
    validations = [{"step": one["step"], **one["validation"]} for one in records if "validation" in one]
    metric = next((name for name in SCORES if np.isfinite(_series(validations, name)[1]).any()), None)
    heights = [4, 1.5, 1] if metric else [4, 1]
    figure = style.new_figure(8, 6.2 if metric else 5)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    window = max(1, len(records) // 50)
    _draw_losses(panels[0], records, window)
    _draw_epochs(panels[0], records)
    if metric:
        _draw_validation(panels[1], metric, *_series(validations, metric))
    _draw_learning_rate(panels[-1], *_series(records, "lr"))
    figure.align_ylabels()
    title = f"Losses: mean over {window} steps, and faintly each step" if window > 1 else "Losses"
    figure.legend(loc="outside upper center", title=title, ncols=4, fontsize=style.MEDIUM, title_fontsize=style.MEDIUM,
                  frameon=False)  # fmt: skip
    return figure


def precision_recall_curves(curves, average_precisions, method="voc07", iou_threshold=0.5):
    """Precision against recall, one panel per class, and what its AP is: the shaded area or eleven points.

    curves: {class: Curve} of `detection.precision_recall_curves`, in the order of the classes;
    average_precisions: {class: AP}, NaN where a class has no object; method: of `METHODS`, but for coco;
    iou_threshold: what the curves are of.  Of more than `CURVES` classes those with the most objects are drawn; the
    mAP is that of all.
    """
    shown = most_objects(curves)
    which = f" of the {CURVES} of {len(curves)} classes with the most objects" if len(shown) < len(curves) else ""
    colours = {name: class_colour(label) for label, name in enumerate(curves)}
    curves = {name: curves[name] for name in shown}
    columns = min(5, math.ceil(math.sqrt(len(curves)))) if len(curves) != 3 else 3
    rows = math.ceil(len(curves) / columns)
    figure = style.new_figure(max(2.5 * columns, 5), 2.5 * rows + 1)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for panel, (name, curve) in zip(panels.flat, curves.items()):
        _draw_precision_recall(panel, name, curve, average_precisions[name], colours[name], method)
    for panel in panels.flat[len(curves) :]:
        panel.set_visible(False)
    for panel in panels.flat[max(0, len(curves) - columns) : len(curves)]:  # the lowest panel of each column
        panel.set_xlabel("recall", fontsize=style.MEDIUM)
        panel.tick_params(labelbottom=True)
    for panel in panels[:, 0]:
        panel.set_ylabel("precision", fontsize=style.MEDIUM)
    mean = _mean(average_precisions)
    style.figure_title(figure, f"Precision and recall{which} at IoU {iou_threshold:g}, mAP {mean:.3f}")
    figure.legend(handles=_precision_recall_legend(method), loc="outside lower center",
                  fontsize=style.SMALL, frameon=False, ncols={1: 1, 2: 1, 3: 2}.get(columns, 4))  # fmt: skip
    return figure


def most_objects(curves):
    """The names of the `CURVES` classes with the most objects, or of all if they are no more, in their own order."""
    if len(curves) <= CURVES:
        return list(curves)
    chosen = set(sorted(curves, key=lambda name: -curves[name].objects)[:CURVES])
    return [name for name in curves if name in chosen]


def average_precision_chart(average_precisions, method="voc07"):
    """A bar for the AP of each class, best first, and a line at their mean, the mAP.

    average_precisions: {class: AP} in the order of the classes, NaN where a class has no object.  Of more than `BARS`
    classes with objects the best and the worst are drawn, on either side of a dotted line.
    """
    bars = [(drawable(name), ap, class_colour(k)) for k, (name, ap) in enumerate(average_precisions.items())]
    bars.sort(key=lambda bar: (math.isnan(bar[1]), -bar[1]))
    bars, what = _ends(bars)
    names, values, colours = zip(*bars)
    lengths = np.nan_to_num(values)
    mean = _mean(average_precisions)
    figure = style.new_figure(8, 1.4 + 0.28 * len(bars))
    panel = figure.subplots()
    dress(panel, x=f"average precision ({METHODS[method]})")
    places = range(len(bars))
    panel.barh(places, lengths, height=0.7, color=colours, edgecolor=INK, linewidth=0.5)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    for place, (ap, length) in enumerate(zip(values, lengths)):
        text = "no object" if math.isnan(ap) else f"{ap:.3f}"
        panel.annotate(text, (length, place), (5, 0), textcoords="offset points", va="center", fontsize=style.SMALL,
                       color=INK, bbox=white)  # fmt: skip
    panel.set_yticks(places, names, fontsize=style.MEDIUM, parse_math=False)
    panel.set(xlim=(0, 1.08), xticks=np.linspace(0, 1, 6), ylim=(len(bars) - 0.4, -0.6))
    panel.grid(False, axis="y")
    if not math.isnan(mean):
        panel.axvline(mean, color=INK, linewidth=1.2, linestyle="--", zorder=0.9)
    if len(bars) == BARS < len(average_precisions):
        panel.axhline(BARS // 2 - 0.5, color=INK, linewidth=0.8, linestyle=":")
    style.figure_title(figure, f"Average precision of {what}, mAP {mean:.3f} (dashed)")
    return figure


def _ends(bars):
    """At most `BARS` of the bars, which come best first, and which these are in words."""
    if len(bars) <= BARS:
        return bars, "each class"
    there = [bar for bar in bars if not math.isnan(bar[1])]
    if len(there) <= BARS:
        return there or bars[:BARS], f"the {len(there)} of {len(bars)} classes with objects"
    half = BARS // 2
    return there[:half] + there[-half:], f"the {half} best and {half} worst of {len(there)} classes"


def running_mean(values, window):
    """The mean of the finite values among the `window` around each, NaN where there is none: (n,) -> (n,).

    window: 1..n
    """
    finite = np.isfinite(values)
    number = np.convolve(finite, np.ones(window), mode="same")
    total = np.convolve(np.where(finite, values, 0), np.ones(window), mode="same")
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _draw_losses(panel, records, window):
    drawn = [np.empty(0)]
    for key, (name, colour) in LOSSES.items():
        steps, values = _series(records, key)
        if len(values) == 0:
            continue
        smooth = running_mean(values, min(window, len(values)))
        if window > 1:
            panel.plot(*_thinned(steps, values), color=colour, alpha=0.22, linewidth=0.7)
        panel.plot(steps, smooth, color=colour, linewidth=2, label=name, **_marker(steps))
        drawn.append(smooth[smooth > 0])
    dress(panel, y="loss")
    drawn = np.concatenate(drawn)
    if drawn.size and drawn.max() > 10 * drawn.min():
        panel.set_yscale("log", nonpositive="mask")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(FuncFormatter("{:g}".format))
    steps, values = _series(records, "loss")
    for step in steps[~np.isfinite(values)][:1]:
        label = f"not finite at step {step:.0f}"
        panel.axvline(step, color=VERMILION, linewidth=1.5, linestyle=":", label=label)


def _draw_epochs(panel, records):
    """Where epochs begin, along the top, at most about a dozen of them."""
    starts = {}
    for record in records:
        if "epoch" in record:
            starts.setdefault(record["epoch"], record["step"])
    every = next(n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, len(starts)) if len(starts) <= 12 * n)
    epochs = [epoch for epoch in starts if epoch % every == 0]
    axis = panel.secondary_xaxis("top")
    axis.set_xticks([starts[epoch] for epoch in epochs], [str(epoch) for epoch in epochs])
    axis.tick_params(labelsize=style.SMALL, colors=INK, length=3)
    axis.set_xlabel("epoch", fontsize=style.MEDIUM, color=INK)
    axis.spines["top"].set_color(GREY)


def _draw_validation(panel, metric, steps, measured):
    best = np.nanargmax(np.where(np.isfinite(measured), measured, np.nan))
    panel.plot(steps, measured, color=GREEN, linewidth=1.5, marker="o", markersize=4)
    panel.plot(steps[best], measured[best], color=GREEN, marker="o", markersize=9, fillstyle="none")
    dress(panel, f"best {metric} {measured[best]:.3f} at step {steps[best]:.0f}", y=f"validation\n{metric}")
    panel.set_ylim(0, min(1.05, max(1.2 * measured[best], 0.1)))  # a low score fills its panel, too


def _draw_learning_rate(panel, steps, rates):
    dress(panel, x="step", y="learning\nrate")
    panel.plot(steps, rates, color=GREY, linewidth=1.5, **_marker(steps))
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    panel.yaxis.set_major_formatter(FuncFormatter("{:g}".format))
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _draw_precision_recall(panel, name, curve, ap, colour, method):
    """One class: the curve as measured, the highest precision from each recall on, what the AP averages."""
    dress(panel, f"{drawable(name, longest=16)}: AP {ap:.3f}" if not math.isnan(ap) else drawable(name))
    panel.set(xlim=(-0.03, 1.03), ylim=(0, 1.06), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    recall, precision = curve.recall, curve.precision
    if not len(recall) or math.isnan(ap):
        panel.text(0.5, 0.5, "no object" if math.isnan(ap) else "no detection", ha="center", color=GREY)
        return
    best = np.maximum.accumulate(precision[::-1])[::-1]  # (K,) the highest precision from here on
    steps_x, steps_y = np.append(0, recall), np.append(best[0], best)
    panel.plot(recall, precision, color=colour, linewidth=2.2)
    panel.plot(steps_x, steps_y, color=INK, linewidth=0.8, drawstyle="steps-pre")
    if method == "area":
        panel.fill_between(steps_x, steps_y, step="pre", color=colour, alpha=0.25, linewidth=0)
    else:
        wanted = np.arange(11) / 10
        place = np.searchsorted(recall, eleven_recalls(method))
        eleven = np.append(best, 0)[place]
        panel.vlines(wanted, 0, eleven, color=colour, linewidth=1.2, alpha=0.5)
        panel.plot(wanted, eleven, "o", color=INK, markersize=3.5, clip_on=False)


def _precision_recall_legend(method):
    curve = Line2D([], [], color=GREY, linewidth=1.6, label="as measured (in the colour of the class)")
    best = Line2D([], [], color=INK, linewidth=0.9, label="highest precision at this recall or beyond")
    if method == "area":
        return [curve, best, Patch(color=GREY, alpha=0.3, label="AP: the shaded area")]
    return [curve, best, Line2D([], [], color=INK, marker="o", markersize=3.5, linestyle="none",
                                label="AP: the mean of the eleven points")]  # fmt: skip


def _thinned(steps, values, parts=1000):
    """The curve reduced to the lowest and highest value in each of `parts` stretches: it looks the same."""
    if len(values) <= 2 * parts:
        return steps, values
    stretch = math.ceil(len(values) / parts)
    padded = np.pad(values, (0, -len(values) % stretch), constant_values=np.nan).reshape(-1, stretch)
    some = np.isfinite(padded).any(axis=1)
    low = np.where(some, np.where(np.isfinite(padded), padded, np.inf).min(axis=1), np.nan)
    high = np.where(some, np.where(np.isfinite(padded), padded, -np.inf).max(axis=1), np.nan)
    return np.repeat(steps[::stretch], 2), np.stack([low, high], axis=1).ravel()


def _series(records, key):
    """(steps, values) of the records that have `key`, float64 each; None counts as NaN."""
    pairs = [(record["step"], record[key]) for record in records if key in record]
    steps, values = zip(*pairs) if pairs else ((), ())
    return np.array(steps, dtype=float), np.array(values, dtype=float)


def _marker(steps):
    return {"marker": "o", "markersize": 4} if len(steps) <= MARKED else {}


def _mean(average_precisions):
    """The mAP: the mean over the classes that have objects, NaN if none has."""
    values = [ap for ap in average_precisions.values() if not math.isnan(ap)]
    return sum(values) / len(values) if values else math.nan
