"""The log for spreadsheets and for TensorBoard, and the curves that are drawn during a run."""

import csv
import sys

import pytest
from PIL import Image

from minissd.errors import MinissdError
from minissd.training import TrainConfig, curves, read_log
from minissd.training.log import RunLog

STEPS = [{"step": k, "epoch": 1, "loss": 3.0 / k, "confidence": 2.0 / k, "lr": 0.01, "seconds": 0.1} for k in (1, 2, 3)]
METRICS = {"mAP": 0.5, "AP": {"a,b": 0.25, "c": float("nan")}, "method": "voc07", "confusion": [[1]]}
VALIDATION = {"step": 3, "epoch": 1, "validation": METRICS}


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(folder, formats, records, start=0):
    log = RunLog(folder / "log.jsonl", start, formats)
    for record in records:
        log.add(record)
    log.settle()
    log.close()
    return log


def test_tables_for_spreadsheets(tmp_path):
    written(tmp_path, "csv", [*STEPS, VALIDATION])
    rows = table(tmp_path / "log.csv")
    assert list(rows[0]) == list(STEPS[0])
    assert [{name: float(value) for name, value in row.items()} for row in rows] == STEPS
    assert table(tmp_path / "validation.csv") == [
        {"step": "3", "epoch": "1", "mAP": "0.5", "AP/a,b": "0.25", "AP/c": ""}
    ]


def test_a_table_of_a_resumed_run_is_that_of_the_uninterrupted_one(tmp_path):
    written(tmp_path, "csv", [*STEPS, VALIDATION])
    whole = (tmp_path / "log.csv").read_bytes()
    log = written(tmp_path, "csv", STEPS[2:], start=2)
    assert (tmp_path / "log.csv").read_bytes() == whole
    assert table(tmp_path / "validation.csv") == []  # it came after the step gone back to
    assert log.records == STEPS == read_log(tmp_path / "log.jsonl")


def test_columns_that_come_later(tmp_path):
    written(tmp_path, "csv", [STEPS[0], STEPS[1] | {"norm": 2.5}])
    assert [row["norm"] for row in table(tmp_path / "log.csv")] == ["", "2.5"]


def test_event_files(tmp_path):
    """Of a run that was interrupted after its third step and its validation, and went on from the second."""
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    again = STEPS[2] | {"loss": 7.0}
    written(tmp_path, "tensorboard", [*STEPS, VALIDATION])
    written(tmp_path, "tensorboard", [again], start=2)
    reader = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    shown = {tag: {one.step: one.value for one in reader.Scalars(tag)} for tag in reader.Tags()["scalars"]}
    assert shown["training/loss"] == {1: 3.0, 2: 1.5, 3: 7.0}
    assert shown["training/confidence"] == {1: 2.0, 2: 1.0, 3: pytest.approx(2 / 3)}


def test_event_files_that_are_wanted_from_a_later_step_on(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    written(tmp_path, None, STEPS)
    written(tmp_path, "csv,tensorboard", [VALIDATION], start=3)
    reader = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [one.step for one in reader.Scalars("training/loss")] == [1, 2, 3]
    assert [(one.step, one.value) for one in reader.Scalars("validation/AP/a,b")] == [(3, 0.25)]
    assert "validation/AP/c" not in reader.Tags()["scalars"]  # NaN
    assert len(table(tmp_path / "log.csv")) == 3


def test_formats_that_cannot_be_written(tmp_path, refused, monkeypatch):
    with refused("--log 'xlsx'", "csv, tensorboard"):
        TrainConfig(log="csv,xlsx")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with refused("needs tensorboard", "pip install 'minissd[tensorboard]'"):
        written(tmp_path, "tensorboard", [])
    log = written(tmp_path / "later", "csv", STEPS[:1])
    (tmp_path / "later" / "log.csv").unlink()
    (tmp_path / "later" / "log.csv").mkdir()
    with pytest.raises(MinissdError, match=r"log\.csv"):
        log.add(STEPS[1])
    (tmp_path / "later" / "log.csv").rmdir()
    log.settle()
    assert len(table(tmp_path / "later" / "log.csv")) == 2


def test_the_curves_are_drawn_during_the_run(tmp_path, pictures, monkeypatch):
    log = RunLog(tmp_path / "log.jsonl")
    drawn = curves.LearningCurves(tmp_path, log)
    drawn.draw()
    for record in (*STEPS, VALIDATION):
        log.add(record)
    drawn.draw_now_and_then()
    assert not (tmp_path / "loss.png").exists()  # nothing to draw, and then too early
    drawn.due = 0
    drawn.draw_now_and_then()
    Image.open(tmp_path / "loss.png").verify()
    (tmp_path / "loss.png").unlink()
    drawn.draw_now_and_then()
    assert not (tmp_path / "loss.png").exists()  # not again so soon
    (tmp_path / "loss.png").mkdir()
    drawn.due = 0
    drawn.draw_now_and_then()  # a run does not end because of a picture
    with pytest.raises(MinissdError, match=r"loss\.png"):
        drawn.draw()
