"""The flat picture of a latent space: a dot for every image, in the colour of its class and of its cluster."""

import io

import numpy as np

from minissd.viz.latent import NAMED, latent_chart

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


def test_of_many_classes_all_dots_are_drawn_and_the_largest_named(rng):
    """Ten classes have as many dots, the next ten one more."""
    labels = np.repeat(np.arange(400), np.arange(1, 401) // 10 + 1)
    (panel,) = latent_chart(rng.random((len(labels), 2)), labels, [f"class {k}" for k in range(400)], None, "").axes
    assert sum(len(dots.get_offsets()) for dots in panel.collections) == len(labels)
    named = [text.get_text() for text in panel.get_legend().get_texts()]
    assert len(named) == NAMED and all(int(name.split()[1]) >= 369 for name in named)
    assert f"{NAMED} largest of 400" in panel.get_title(loc="left")
