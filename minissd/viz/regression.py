"""What a regression says against what is true."""

import numpy as np

from minissd.viz import style
from minissd.viz.style import BLUE, GREY, INK, VERMILION, dress


def prediction_chart(predicted, values, title, axis="value"):
    """A dot for each image: across the true number, upwards the predicted one -> Figure.

    predicted, values: (N,).  The diagonal is where they agree; the dashed line what says the mean every time.
    """
    figure = style.new_figure(6, 6)
    panel = figure.subplots()
    dress(panel, x=f"true {axis}", y=f"predicted {axis}")
    low, high = min(values.min(), predicted.min()), max(values.max(), predicted.max())
    margin = 0.05 * (high - low) + 0.5
    limits = np.array([low - margin, high + margin])
    panel.plot(limits, limits, color=GREY, linewidth=1, label="exact")
    panel.axhline(values.mean(), color=VERMILION, linewidth=1, linestyle="--", label=f"the mean, {values.mean():.1f}")
    panel.scatter(values, predicted, s=22, color=BLUE, alpha=0.6, edgecolor=INK, linewidth=0.3, zorder=3)
    panel.set(xlim=limits, ylim=limits, aspect="equal")
    panel.legend(loc="upper left", fontsize=style.SMALL, frameon=False)
    style.figure_title(figure, title)
    return figure
