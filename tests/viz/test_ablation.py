"""The picture of an experiment: a dot for every run, a line at the mean, a band for the spread."""

import io
from math import nan

import numpy as np
import pytest

from minissd.viz.ablation import runs_chart

VALUES = {"one $map$": [0.2, 0.3, 0.4], "four": [0.5, 0.6, 0.7]}


def drawn(values, spreads, unit="mAP"):
    figure = runs_chart(values, spreads, unit, "Several maps are better", ["four / one: difference 0.300"])
    figure.savefig(io.BytesIO(), format="png", dpi=30)
    (panel,) = figure.axes
    return panel


def test_every_run_is_a_dot_and_the_line_is_at_the_mean():
    panel = drawn(VALUES, {"one $map$": 0.1, "four": 0.1})
    means, dots = panel.lines[::2], panel.lines[1::2]
    assert [sorted(np.round(line.get_xdata(), 9).tolist()) for line in dots] == list(VALUES.values())
    assert [line.get_xdata()[0] for line in means] == pytest.approx([0.3, 0.6])
    assert [(bar.get_x(), bar.get_width()) for bar in panel.patches] == [
        pytest.approx((0.2, 0.2)),
        pytest.approx((0.5, 0.2)),
    ]
    assert panel.get_xlim()[0] == 0 and panel.get_xlim()[1] > 0.7
    assert [label.get_text() for label in panel.get_yticklabels()] == list(VALUES)


def test_a_single_run_has_no_band_and_what_was_not_there_no_dot():
    panel = drawn({"small": [nan], "large": [0.5]}, {"small": nan, "large": nan})
    assert len(panel.patches) == 0 and len(panel.lines) == 2
    assert "no such objects" in panel.texts[0].get_text()


def test_all_zero():
    assert drawn({"a": [0.0, 0.0]}, {"a": 0.0}).get_xlim() == (0, 1)
