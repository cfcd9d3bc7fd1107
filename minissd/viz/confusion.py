"""What a classifier takes for what: the confusion matrix as a picture."""

import numpy as np

from minissd.viz import style
from minissd.viz.style import INK, drawable

WRITTEN = 20  # up to so many classes each cell shows its count


def confusion_chart(matrix, classes, accuracy):
    """Rows the true class, columns the predicted one; colour: share of the true class -> Figure.

    matrix: (C, C) counts; a row without images stays white.
    """
    matrix = np.asarray(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(14, 2.4 + 0.42 * max(len(classes), 5))
    figure = style.new_figure(side + 0.6, side)
    panel = figure.subplots()
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [drawable(name, longest=16) for name in classes]
    every = -(-len(names) // 40)  # names that still fit beside one another
    places = np.arange(0, len(names), every)
    panel.set_xticks(places, names[::every], rotation=60, ha="right", fontsize=style.SMALL, parse_math=False)
    panel.set_yticks(places, names[::every], fontsize=style.SMALL, parse_math=False)
    panel.set_xlabel("predicted", fontsize=style.MEDIUM, color=INK)
    panel.set_ylabel("true", fontsize=style.MEDIUM, color=INK)
    if len(classes) <= WRITTEN:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else INK
                panel.text(column, row, str(count), ha="center", va="center", fontsize=style.SMALL, color=colour)
    style.figure_title(figure, f"True and predicted classes, accuracy {accuracy:.3f}")
    return figure
