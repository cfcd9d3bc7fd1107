"""Class names of any kind in every chart: drawn as they are, with no warning and nothing left out."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from minissd.detection.metrics import Curve
from minissd.detection.object_errors import ObjectErrors
from minissd.viz.boxes import draw_boxes
from minissd.viz.confusion import confusion_chart
from minissd.viz.curves import average_precision_chart, precision_recall_curves
from minissd.viz.gallery import mistakes_gallery
from minissd.viz.latent import latent_chart
from minissd.viz.object_errors import object_error_chart
from minissd.viz.style import drawable

NAMES = (
    "_dog",
    "$1_$5 bill",
    r"a\b^c_{d}$",
    "$x",
    "[red]",
    "../../etc",
    "止血钳",
    "two\nlines",
    "x" * 300,
    "caf\udce9",
)


def chart_of_latent():
    points, labels = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % len(NAMES)
    return latent_chart(points, labels, NAMES, labels // 2, "title")


def chart_of_errors():
    sides, count = np.linspace(0.1, 0.9, 20), len(NAMES)
    errors = ObjectErrors(sides, np.arange(20) % count, sides[::-1])
    return object_error_chart({"_run/a: $1_$2": errors}, {name: errors.labels == i for i, name in enumerate(NAMES)})


def chart_of_curves():
    curve = Curve(np.array([1.0, 0.7]), np.array([0.5, 1.0]), np.array([0.9, 0.2]), 2)
    return precision_recall_curves(dict.fromkeys(NAMES, curve), dict.fromkeys(NAMES, 0.5))


CHARTS = {
    "latent": chart_of_latent,
    "object errors": chart_of_errors,
    "precision and recall": chart_of_curves,
    "average precision": lambda: average_precision_chart(dict.fromkeys(NAMES, 0.5)),
    "confusion": lambda: confusion_chart(np.eye(len(NAMES), dtype=int), NAMES, 1.0),
    "mistakes": lambda: mistakes_gallery(
        np.zeros((2, 8, 8, 3), np.uint8), np.eye(len(NAMES))[:2], [1, 2], NAMES, "title"
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_any_name_is_drawn_without_a_word(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = CHARTS[name]()
        figure.savefig(io.BytesIO(), format="png", dpi=50)


def test_legends_leave_no_name_out_and_read_no_formula():
    by_class, by_cluster = chart_of_latent().axes
    texts = by_class.get_legend().get_texts()
    assert [text.get_text() for text in texts] == [drawable(name, longest=16) for name in NAMES]
    assert not any(text.get_parse_math() for text in texts) and len(by_cluster.get_legend().get_texts()) == 5
    assert "_run/a: $1_$2" in [text.get_text() for text in chart_of_errors().axes[1].get_legend().get_texts()]


def test_names_on_one_line_and_of_readable_length():
    lines = [drawable(name) for name in NAMES]
    assert all("\n" not in line and len(line) <= 28 for line in lines) and lines[:4] == list(NAMES[:4])
    picture = Image.new("RGB", (200, 100), "white")
    assert draw_boxes(picture, np.array([[0.1, 0.3, 0.9, 0.9]] * len(NAMES)), range(len(NAMES)), lines).size == (
        200,
        100,
    )


@pytest.mark.parametrize("method", ["voc07", "area"])
@pytest.mark.parametrize("number", [1, 3, 7, 10])
def test_the_legend_of_precision_and_recall_lies_inside_of_the_figure(number, method):
    curve = Curve(np.array([1.0, 0.7]), np.array([0.5, 1.0]), np.array([0.9, 0.2]), 2)
    names = [f"class {k}" for k in range(number)]
    figure = precision_recall_curves(dict.fromkeys(names, curve), dict.fromkeys(names, 0.5), method)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1)
