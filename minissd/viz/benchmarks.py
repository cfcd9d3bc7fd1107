"""Pictures of measured speed: a network's layers under the machine's roof, and cost against size."""

import math

from matplotlib.ticker import FuncFormatter, NullLocator

from minissd.viz import style
from minissd.viz.style import BLUE, GREY, INK, ORANGE, dress

COLOURS = {"minissd": BLUE, "PyTorch": ORANGE}


def roofline(names, rates, times, peaks, title):
    """Two panels with a row for each layer: 1e9 operations a second, with a line at the matrix product, and time.

    names: of the layers, in order; rates, times: {side: [a number for each layer]}; peaks: {side: that of the matrix
    product}.  Sides are "minissd" and, if measured, "PyTorch".
    """
    figure = style.new_figure(9.5, 1.9 + 0.2 * len(names))
    speed, duration = figure.subplots(1, 2, sharey=True, width_ratios=[1.6, 1])
    dress(speed, "speed", x="GF/s: operations of the definition, whatever the algorithm")
    dress(duration, "time of one image", x="ms")
    for panel, values in ((speed, rates), (duration, times)):
        for side, numbers in values.items():
            panel.plot(numbers, range(len(names)), "o", color=COLOURS[side], markersize=5, label=side, zorder=3)
        of_layers = list(zip(*values.values(), strict=True))  # the sides of each layer
        ends = [min(sides) for sides in of_layers], [max(sides) for sides in of_layers]
        panel.hlines(range(len(names)), *ends, color=GREY, linewidth=1)
    for side, peak in peaks.items():
        label = f"matrix product, {side}: {peak:.0f} GF/s"
        speed.axvline(peak, color=COLOURS[side], linewidth=1.4, linestyle="--", label=label)
    speed.set_yticks(range(len(names)), names, fontsize=style.SMALL, parse_math=False)
    speed.set_ylim(len(names) - 0.4, -0.6)
    speed.set_xlim(left=0)
    duration.set_xlim(left=0)
    figure.legend(*speed.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False,
                  fontsize=style.MEDIUM)  # fmt: skip
    style.figure_title(figure, title)
    return figure


def growth_curves(panels):
    """A panel for each piece of work: the cost of an image or a pixel at every size; level is linear growth.

    panels: list of dicts: title; axis: name of the sizes; sizes; unit: of the cost; costs: {side: [a number for each
    size]}; slopes: {side: slope of the time}.
    """
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = style.new_figure(4.6 * columns, 3.2 * rows + 0.5)
    for panel, one in zip(figure.subplots(rows, columns, squeeze=False).flat, panels):
        _draw_growth(panel, **one)
    for panel in figure.axes[len(panels) :]:
        panel.set_visible(False)
    style.figure_title(figure, "Cost against size: a level line is linear growth, slope 1")
    return figure


def _draw_growth(panel, *, title, axis, sizes, unit, costs, slopes):
    dress(panel, title, x=axis, y=unit)
    for side, numbers in costs.items():
        label = f"{side}: slope {slopes[side]:.2f}"
        panel.plot(sizes, numbers, "o-", color=COLOURS[side], linewidth=2, markersize=5, label=label)
    panel.set_xscale("log")
    panel.set_xticks(sizes)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    panel.set_ylim(0, 1.35 * max(max(numbers) for numbers in costs.values()))
    panel.legend(loc="upper right", frameon=False, fontsize=style.SMALL, labelcolor=INK)
