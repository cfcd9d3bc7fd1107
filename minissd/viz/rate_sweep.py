"""A rate sweep as a picture: the loss over the learning rate."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator

from minissd.viz import style
from minissd.viz.style import FAINT, GREEN, INK, dress


def rate_sweep_chart(rates, losses, smooth, valley, suggestion):
    """The loss at each rate, faintly, and its running mean; the valley where that is low, and the suggested rate in it.

    rates, losses, smooth: (K,); the rates grow by a factor.  valley: (lowest, highest rate).  Returns a Figure.
    """
    figure = style.new_figure(8, 4.5)
    panel = figure.subplots()
    panel.plot(rates, losses, color=INK, alpha=0.25, linewidth=0.8)
    panel.plot(rates, smooth, color=INK, linewidth=2, label="loss, mean over neighbouring steps")
    panel.axvspan(*valley, color=FAINT, label="lowest")
    panel.axvline(suggestion, color=GREEN, linewidth=2, linestyle="--", label=f"suggested: --lr {suggestion:g}")
    panel.plot(suggestion, np.interp(suggestion, rates, smooth), "o", color=GREEN, markersize=7)
    dress(panel, x="learning rate, growing from step to step", y="loss")
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(numticks=12))
    panel.xaxis.set_major_formatter(FuncFormatter("{:g}".format))
    top = max(smooth.max(), np.percentile(losses, 90))
    panel.set_ylim(0, 1.1 * top)
    figure.legend(loc="outside upper center", ncols=3, fontsize=style.MEDIUM, frameon=False)
    return figure
