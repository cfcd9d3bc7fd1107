"""The chart of precision, recall and F1 against the threshold."""

import io

import numpy as np

from minissd.detection import Curve
from minissd.viz.curves import CURVES
from minissd.viz.thresholds import threshold_chart

HITS = np.array([1, 1, 0, 1])
SCORES = np.array([0.9, 0.8, 0.6, 0.3])
SEEN = Curve(HITS.cumsum() / np.arange(1, 5), HITS.cumsum() / 4, SCORES, 4)
EMPTY = np.zeros(0)


def test_the_lines_are_the_figures_of_what_scores_higher():
    figure = threshold_chart({"seen": SEEN, "missed": Curve(EMPTY, EMPTY, EMPTY, 3)}, {"seen": 0.7, "missed": 0.5})
    seen, missed = (panel for panel in figure.axes if panel.get_visible())
    precision, recall, f1, threshold = seen.get_lines()
    assert precision.get_xdata().tolist() == SCORES[::-1].tolist()
    assert recall.get_ydata().tolist() == [0.75, 0.5, 0.5, 0.25]
    np.testing.assert_allclose(f1.get_ydata(), 2 * HITS.cumsum()[::-1] / (np.arange(4, 0, -1) + 4))
    assert {line.get_drawstyle() for line in (precision, recall, f1)} == {"steps-pre"}  # up to each score
    assert list(threshold.get_xdata()) == [0.7, 0.7] and "F1 0.67 at 0.70" in seen.get_title(loc="left")
    assert [text.get_text() for text in missed.texts] == ["no detection"]
    figure.savefig(io.BytesIO(), format="png", dpi=50)


def test_of_many_classes_those_with_the_most_objects_are_drawn():
    curves = {f"class {k}": SEEN._replace(objects=k) for k in range(CURVES + 5)}
    figure = threshold_chart(curves, dict.fromkeys(curves, 0.5))
    assert sum(panel.get_visible() for panel in figure.axes) == CURVES
    assert f"of the {CURVES} of {CURVES + 5} classes" in figure.get_suptitle()
