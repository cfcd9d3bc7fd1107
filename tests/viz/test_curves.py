"""Charts: what they plot is what they were given, for runs and results of any kind."""

import io
import math
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex

from minissd.data import ShapesDataset
from minissd.detection.metrics import average_precision
from minissd.models import build
from minissd.training import TrainConfig, train
from minissd.viz import curves
from minissd.viz.style import class_colour

ODD_NAMES = ["Größe", "猫", "$\\bad{$", "a $x^2$ b", "_hidden", "", "one\ntwo", "x" * 90]


def rendered(figure):
    """The picture as bytes; fails where matplotlib cannot draw it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


def log(steps, per_epoch=10, **changes):
    """A log of `steps` steps whose losses fall from about 4 to 1.5; changes: {key: {step: value}}."""
    records = []
    for step in range(1, steps + 1):
        loss = 1.5 + 2.5 * math.exp(-3 * step / steps)
        record = {"step": step, "epoch": (step - 1) // per_epoch + 1, "lr": 0.01}
        record |= {"loss": loss, "localization": 0.4 * loss, "confidence": 0.6 * loss}
        record |= {key: values[step] for key, values in changes.items() if step in values}
        records.append(record)
    return records


def line(panel, label):
    return next(one for one in panel.get_lines() if one.get_label() == label)


@given(arrays(float, st.integers(1, 30), elements=st.floats(-10, 10) | st.just(math.nan)), st.data())
def test_running_mean_is_the_mean_of_the_finite_neighbours(values, data):
    window = data.draw(st.integers(1, len(values)))
    smooth = curves.running_mean(values, window)
    for i in range(len(values)):
        near = values[max(0, i - window // 2) : i - window // 2 + window]
        near = near[np.isfinite(near)]
        assert math.isclose(smooth[i], near.mean(), abs_tol=1e-9) if len(near) else math.isnan(smooth[i])


@pytest.mark.parametrize("steps", [1, 2, 40, 100, 5000])
def test_losses_of_a_run_of_any_length(steps):
    records = log(steps, per_epoch=max(1, steps // 7))
    figure = curves.loss_curves(records)
    losses, rates = figure.axes
    assert line(losses, "total").get_xdata().tolist() == list(range(1, steps + 1))
    assert {"total", "localization", "confidence"} <= {one.get_label() for one in losses.get_lines()}
    if steps < 50:  # no smoothing yet
        np.testing.assert_allclose(line(losses, "confidence").get_ydata(), [r["confidence"] for r in records])
        assert line(losses, "total").get_marker() == "o"  # without, a single step would be invisible
    assert rates.get_lines()[0].get_ydata().tolist() == [0.01] * steps
    rendered(figure)


def test_a_long_run_keeps_its_extremes_but_not_all_its_points():
    records = log(50_000, loss={31_234: 40.0, 40_001: 0.25})
    losses = curves.loss_curves(records).axes[0]
    raw = next(one for one in losses.get_lines() if 40.0 in one.get_ydata())
    assert 0.25 in raw.get_ydata() and len(raw.get_ydata()) < 5000
    nearest = raw.get_xdata()[np.argmax(raw.get_ydata())]
    assert abs(nearest - 31_234) <= 50


def test_the_axis_is_logarithmic_only_when_the_losses_span_much():
    narrow = curves.loss_curves(log(30)).axes[0]
    wide = curves.loss_curves(log(30, loss={1: 500.0})).axes[0]
    assert (narrow.get_yscale(), wide.get_yscale()) == ("linear", "log")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_the_first_loss_that_is_not_finite_is_marked(bad):
    figure = curves.loss_curves(log(80, loss={30: bad, 31: bad}, confidence={30: bad}))
    mark = line(figure.axes[0], "not finite at step 30")
    assert list(mark.get_xdata()) == [30, 30]
    rendered(figure)


def test_a_run_without_one_finite_loss_is_still_drawn():
    nan = dict.fromkeys(range(1, 101), math.nan)
    figure = curves.loss_curves(log(100, loss=nan, localization=nan, confidence=nan, lr=nan))
    assert line(figure.axes[0], "not finite at step 1")
    rendered(figure)


def validation(step, value):
    return {"step": step, "epoch": 1, "validation": {"mAP": value, "method": "voc07"}}


def test_validation_has_a_panel_of_its_own_with_the_best_marked():
    scores = {20: 0.3, 40: 0.71, 50: math.nan, 60: 0.6}
    figure = curves.loss_curves(log(60) + [validation(*score) for score in scores.items()])
    _, panel, _ = figure.axes
    measured, best = panel.get_lines()
    assert measured.get_xdata().tolist() == [20, 40, 50, 60]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (40, 0.71)
    assert "0.710 at step 40" in panel.get_title(loc="left")
    rendered(figure)


def test_validations_between_the_steps_leave_the_losses_unbroken():
    records = log(20)
    records.insert(10, validation(10, 0.5))
    losses, panel, rates = curves.loss_curves(records).axes
    assert np.isfinite(line(losses, "total").get_ydata()).all()
    assert not any("not finite" in one.get_label() for one in losses.get_lines())
    assert rates.get_lines()[0].get_xdata().tolist() == list(range(1, 21)) and panel.get_lines()


def test_all_that_training_logs_finds_its_place():
    shapes = ShapesDataset(4, size=64)
    model = build("ssd-tiny", classes=shapes.classes, input_size=64)
    config = TrainConfig(epochs=2, batch_size=2, validate_every=1, workers=0)
    losses, panel, rates = curves.loss_curves(train(model, shapes, config, validation=shapes)).axes
    for label in ("total", "localization", "confidence"):
        assert len(line(losses, label).get_xdata()) == 4
    assert len(rates.get_lines()[0].get_xdata()) == 4
    assert panel.get_lines()[0].get_xdata().tolist() == [2, 4]


@pytest.mark.parametrize("epochs", [1, 12, 13, 300])
def test_epochs_are_marked_where_they_begin_and_not_too_many(epochs):
    figure = curves.loss_curves(log(3 * epochs, per_epoch=3))
    figure.canvas.draw()
    axis = figure.axes[0].child_axes[0].xaxis
    labels = [int(text.get_text()) for text in axis.get_ticklabels()]
    assert 1 <= len(labels) <= 12
    assert [round(step) for step in axis.get_ticklocs()] == [3 * (epoch - 1) + 1 for epoch in labels]


def apples():
    """The notes' table with its ninth row mended: five hits among ten detections."""
    hits = np.array([1, 1, 0, 0, 0, 1, 1, 0, 0, 1]).cumsum()
    return SimpleNamespace(recall=hits / 5, precision=hits / np.arange(1, 11))


@st.composite
def results(draw):
    """A curve of up to 30 detections, not all objects found."""
    right = np.array(draw(st.lists(st.booleans(), min_size=1, max_size=30)))
    hits = right.cumsum()
    total = max(1, hits[-1] + draw(st.integers(0, 5)))
    return SimpleNamespace(recall=hits / total, precision=hits / np.arange(1, len(right) + 1))


@given(results())
def test_the_eleven_points_average_to_the_ap(curve):
    ap = average_precision(curve.recall, curve.precision, "voc07")
    panel = curves.precision_recall_curves({"cat": curve}, {"cat": ap}, "voc07").axes[0]
    points = next(one for one in panel.get_lines() if one.get_marker() == "o")
    assert len(points.get_ydata()) == 11
    assert math.isclose(np.mean(points.get_ydata()), ap, abs_tol=1e-12)


@given(results())
def test_the_shaded_area_is_the_ap(curve):
    ap = average_precision(curve.recall, curve.precision, "area")
    panel = curves.precision_recall_curves({"cat": curve}, {"cat": ap}, "area").axes[0]
    x, y = panel.collections[0].get_paths()[0].vertices.T
    shoelace = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert math.isclose(shoelace, ap, abs_tol=1e-9)


@pytest.mark.parametrize("method, ap", [("voc07", 0.753), ("area", 0.729)])
def test_the_apples_of_the_notes(method, ap):
    measured = average_precision(apples().recall, apples().precision, method)
    figure = curves.precision_recall_curves({"apple": apples()}, {"apple": measured}, method)
    assert figure.axes[0].get_title(loc="left") == f"apple: AP {ap}"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 20])
def test_every_class_has_one_panel_in_its_colour(number):
    named = {f"class {k}": apples() for k in range(number)}
    figure = curves.precision_recall_curves(named, dict.fromkeys(named, 0.7))
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in shown] == [f"{name}: AP 0.700" for name in named]
    for label, panel in enumerate(shown):
        assert panel.get_lines()[0].get_color() == class_colour(label)
    assert "mAP 0.700" in figure.get_suptitle()


def test_classes_without_objects_or_detections_say_so_and_do_not_count():
    nothing = SimpleNamespace(recall=np.zeros(0), precision=np.zeros(0))
    named = {"cat": apples(), "dog": nothing, "cow": nothing}
    figure = curves.precision_recall_curves(named, {"cat": 0.8, "dog": math.nan, "cow": 0.0})
    assert [text.get_text() for panel in figure.axes for text in panel.texts] == ["no object", "no detection"]
    assert "mAP 0.400" in figure.get_suptitle()
    rendered(figure)


def test_bars_are_as_long_as_the_ap_best_first_each_in_the_colour_of_its_class():
    figure = curves.average_precision_chart({"cat": 0.2, "dog": math.nan, "cow": 0.9, "bus": 0.0})
    panel = figure.axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["cow", "cat", "bus", "dog"]
    assert [bar.get_width() for bar in panel.patches] == [0.9, 0.2, 0.0, 0.0]
    assert to_hex(panel.patches[0].get_facecolor()).upper() == class_colour(2)
    assert [text.get_text() for text in panel.texts] == ["0.900", "0.200", "0.000", "no object"]
    assert "mAP 0.367" in figure.get_suptitle()
    rendered(figure)


def test_no_class_with_objects_at_all():
    rendered(curves.average_precision_chart({"cat": math.nan}))
    rendered(curves.precision_recall_curves({"cat": apples()}, {"cat": math.nan}))


@pytest.mark.filterwarnings("error")
def test_names_of_any_script_and_with_odd_signs_are_drawn_as_they_are():
    values = dict.fromkeys(ODD_NAMES, 0.5)
    figure = curves.precision_recall_curves(dict.fromkeys(ODD_NAMES, apples()), values)
    rendered(figure)
    assert figure.axes[3].get_title(loc="left").startswith("a $x^2$ b")
    rendered(curves.average_precision_chart(values))


def test_pictures_made_in_threads_are_the_same():
    def picture(number):
        return rendered(curves.average_precision_chart({"cat": number / 10, "dog": 0.5}))

    alone = [picture(number) for number in range(6)]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(picture, range(6))) == alone


def many(classes, objects):
    """Curves of so many classes; objects: the number of objects of each."""
    return {f"class {k}": SimpleNamespace(**vars(apples()), objects=objects(k)) for k in range(classes)}


def test_of_many_classes_those_with_the_most_objects_are_drawn():
    figure = curves.precision_recall_curves(many(400, lambda k: k % 200), {f"class {k}": k / 400 for k in range(400)})
    drawn = [panel.get_title(loc="left").split(":")[0] for panel in figure.axes if panel.get_title(loc="left")]
    assert drawn == [f"class {k}" for k in (*range(190, 200), *range(390, 400))]
    assert to_hex(figure.axes[10].get_lines()[0].get_color()) == class_colour(390).lower()
    title = figure.get_suptitle()
    assert "20 of 400 classes" in title and f"mAP {sum(range(400)) / 400**2:.3f}" in title
    rendered(figure)


@pytest.mark.parametrize(
    ("there", "shown", "words"),
    [
        (range(400), [*range(399, 359, -1), *range(39, -1, -1)], "40 best and 40 worst of 400 classes"),
        (range(10), range(9, -1, -1), "10 of 400 classes with objects"),
        ((), range(80), "0 of 400 classes with objects"),
    ],
)
def test_of_many_classes_the_best_and_the_worst_have_a_bar(there, shown, words):
    values = {f"class {k}": k / 400 if k in there else math.nan for k in range(400)}
    figure = curves.average_precision_chart(values)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == [f"class {k}" for k in shown] and words in figure.get_suptitle()
    assert max(figure.get_size_inches()) < 30
    rendered(figure)
