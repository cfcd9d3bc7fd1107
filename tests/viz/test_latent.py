"""The flat picture of a latent space: a dot for every image, in the colour of its class and of its cluster."""

import io

import numpy as np

from minissd.viz.latent import latent_chart

POINTS = np.arange(10.0).reshape(5, 2)
LABELS, CLUSTERS = np.array([0, 1, 1, 0, 1]), np.array([0, 0, 0, 1, 1])


def dots(panel):
    return {dots.get_label(): sorted(dots.get_offsets()[:, 0].tolist()) for dots in panel.collections}


def test_dots_by_class_and_by_cluster():
    figure = latent_chart(POINTS, LABELS, ["cat", "$dog$"], CLUSTERS, "five images")
    left, right = figure.axes
    assert dots(left) == {"cat": [0, 6], "$dog$": [2, 4, 8]}
    assert dots(right) == {"$dog$ 67% of 3": [0, 2, 4], "cat 50% of 2": [6, 8]}
    figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_without_clusters_one_panel():
    figure = latent_chart(POINTS, LABELS, ["cat", "dog", "absent"], None, "five images")
    assert len(figure.axes) == 1
    assert dots(figure.axes[0])["absent"] == []
