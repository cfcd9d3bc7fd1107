"""A gallery of mistakes: images that a classifier takes for something else, and how sure it is of that."""

import math

import numpy as np

from minissd.viz import style
from minissd.viz.style import GREEN, VERMILION, drawable

SHOWN = 24
COLUMNS = 6


def surest_mistakes(probabilities, labels, count=SHOWN):
    """Which images are taken for another class, the surest first: at most `count` places in the data set.

    probabilities: (N, C), labels: (N,).
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    sureness = probabilities[wrong, predicted[wrong]]
    return wrong[np.argsort(-sureness, kind="stable")][:count]


def mistakes_gallery(images, probabilities, labels, classes, title):
    """Each image with its true and its predicted class and the probabilities of both -> Figure.

    images: K of (H, W, C) uint8, C = 1 or 3; probabilities: (K, C) of these images, labels: (K,).
    """
    rows = max(1, math.ceil(len(images) / COLUMNS))
    figure = style.new_figure(1.45 * COLUMNS, 1.85 * rows + 0.4)
    panels = figure.subplots(rows, COLUMNS, squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    for panel, image, chances, label in zip(panels.flat, images, probabilities, labels):
        panel.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
        said = chances.argmax()
        for height, word, k, colour in ((1.16, "true", label, GREEN), (1.03, "said", said, VERMILION)):
            text = f"{word} {drawable(classes[k], longest=9)}  {chances[k]:.2f}"
            panel.text(0.5, height, text, ha="center", va="bottom", transform=panel.transAxes, fontsize=style.SMALL,
                       color=colour, parse_math=False)  # fmt: skip
    style.figure_title(figure, title)
    return figure
