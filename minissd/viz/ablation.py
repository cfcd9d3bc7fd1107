"""The runs of an experiment, variant by variant: every run a dot, the mean a line, the spread a band."""

import numpy as np

from minissd.viz import style
from minissd.viz.style import BLUE, GREY, INK, SKY, drawable, dress

AXES = {"mAP": "mAP (IoU 0.5)", "ms": "milliseconds"}


def runs_chart(values, spreads, unit, title, verdicts):
    """values: {variant: [a value for each run]}, spreads: {variant: standard deviation, NaN for one run}; unit: "mAP"
    or "ms"; verdicts: lines of text -> Figure."""
    figure = style.new_figure(8, 1.6 + 0.45 * len(values) + 0.17 * len(verdicts))
    panel = figure.subplots()
    dress(panel, x=AXES[unit])
    for row, (name, runs) in enumerate(values.items()):
        _draw_runs(panel, row, np.asarray(runs, float), spreads[name])
    panel.set_yticks(range(len(values)), map(drawable, values), fontsize=style.MEDIUM, parse_math=False)
    panel.set_ylim(len(values) - 0.5, -0.5)
    panel.grid(False, axis="y")
    ends = [end for name, runs in values.items() for end in (*runs, np.mean(runs) + spreads[name]) if np.isfinite(end)]
    panel.set_xlim(0, 1.05 * max(ends, default=0) or 1)
    style.figure_title(figure, title)
    text = "\n".join([*verdicts, "dot: a run   line: mean   band: standard deviation of a run"])
    figure.supxlabel(text, fontsize=style.SMALL, color=GREY, x=0.02, ha="left", parse_math=False)
    return figure


def _draw_runs(panel, row, runs, spread):
    mean = runs.mean()
    if not np.isfinite(mean):
        panel.text(0, row, "  no such objects", va="center", fontsize=style.SMALL, color=GREY)
        return
    if np.isfinite(spread):
        panel.barh(row, min(2 * spread, mean + spread), left=max(mean - spread, 0), height=0.5, color=SKY, alpha=0.45)
    panel.plot([mean, mean], [row - 0.3, row + 0.3], color=INK, linewidth=2)
    offsets = np.linspace(-0.12, 0.12, len(runs)) if len(runs) > 1 else [0]  # so that equal runs do not hide each other
    panel.plot(runs, row + np.asarray(offsets), "o", color=BLUE, markersize=5, zorder=3)
