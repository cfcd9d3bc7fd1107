"""A latent space drawn flat: a dot for each image."""

import numpy as np

from minissd.viz import style
from minissd.viz.style import GREY, class_colour, drawable

NAMED = 30  # groups at most that the legend names


def latent_chart(points, labels, classes, numbers, title):
    """points (N, 2), labels (N,), class names, and clusters numbers (N,) or None -> Figure.

    The panel on the left has a colour for each class; that on the right, where there are clusters, one for each cluster
    with its most frequent class.
    """
    panels_wanted = 1 if numbers is None else 2
    figure = style.new_figure(5.2 * panels_wanted, 5.6)
    panels = figure.subplots(1, panels_wanted, squeeze=False)[0]
    _dots(panels[0], points, labels, [drawable(name, longest=16) for name in classes], "by class")
    if numbers is not None:
        names = [_cluster_name(labels[numbers == k], classes) for k in range(numbers.max() + 1)]
        _dots(panels[1], points, numbers, names, f"by cluster: {len(names)} by mean shift")
    style.figure_title(figure, title)
    return figure


def _cluster_name(labels, classes):
    most = np.bincount(labels).argmax()
    return f"{drawable(classes[most], longest=12)} {(labels == most).mean():.0%} of {len(labels)}"


def _dots(panel, points, groups, names, title):
    """Points (N, 2) in the colours of their groups (N,); the legend names the `NAMED` largest."""
    counts = np.bincount(groups, minlength=len(names))
    named = np.sort(np.argsort(-counts, kind="stable")[:NAMED])
    for group in named:
        x, y = points[groups == group].T
        panel.scatter(x, y, s=9, color=class_colour(group), label=names[group], linewidths=0)
    if len(names) > NAMED:
        others = ~np.isin(groups, named)
        panel.scatter(*points[others].T, s=9, c=[class_colour(group) for group in groups[others]], linewidths=0)
        title += f", the {NAMED} largest of {len(names)} named"
    style.dress(panel, title)
    panel.set(xticks=[], yticks=[])
    panel.spines[["left", "bottom"]].set_visible(False)
    look = {"fontsize": style.SMALL, "labelcolor": GREY, "ncols": 3, "markerscale": 2}
    artists, texts = panel.collections[: len(named)], [names[group] for group in named]
    style.legend(panel, artists, texts, loc="upper center", bbox_to_anchor=(0.5, 0), **look)
