"""A run that stops once its validation score no longer rises."""

from dataclasses import replace

import pytest

from minissd.errors import MinissdError
from minissd.training import BEST, LAST, TrainConfig, load_checkpoint, loop, read_log, train

SCORES = (0.0, 0.3, 0.3, 0.2, 0.4, 0.4, 0.1, 0.3)  # of the epochs; the best for the first time after epoch 5
CONFIG = TrainConfig(epochs=8, batch_size=4, validate_every=1, patience=3)


@pytest.fixture
def scored(monkeypatch):
    """Steps that learn nothing, and validations that score what SCORES says."""

    def evaluate(model, dataset, **options):
        evaluate.calls += 1
        return {"mAP": SCORES[evaluate.calls - 1]}, [], []

    evaluate.calls = 0
    monkeypatch.setattr(loop, "evaluate", evaluate)
    monkeypatch.setattr(loop, "_step", lambda *arguments: {"loss": 1.0})
    return evaluate


class Listener:
    """A report that stops the run at a record, if one is named."""

    def __init__(self, stop=None):
        self.said, self.stop = [], stop

    def __call__(self, record, total):
        if self.stop and self.stop(record):
            raise KeyboardInterrupt

    def say(self, text):
        self.said.append(text)


@pytest.mark.parametrize(("patience", "epochs"), [(None, 8), (1, 3), (2, 4), (3, 8), (4, 8)])
def test_it_stops_after_so_many_validations_without_a_higher_score(
    scored, shapes, held_out, new_model, patience, epochs
):
    listener = Listener()
    records = train(new_model(), shapes, replace(CONFIG, patience=patience), validation=held_out, report=listener)
    assert records[-1]["epoch"] == epochs
    assert len(listener.said) == (patience in (1, 2))  # in time, before all is done
    assert all("has not risen above" in text and f"in {patience} validations" in text for text in listener.said)


@pytest.mark.parametrize(
    ("stopped", "at", "in_folder"),
    [("after a step", 7, True), ("after a step", 7, False), ("after a validation", 6, True)],
)
def test_a_resumed_run_stops_where_the_uninterrupted_one_does(
    scored, shapes, held_out, new_model, tmp_path, stopped, at, in_folder
):
    def stop(record):
        return record["step"] == at and ("validation" in record) == (stopped == "after a validation")

    words = {"validation": held_out, "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, replace(CONFIG, patience=2), report=Listener(stop), **words)
    run = load_checkpoint(tmp_path / LAST)
    if not in_folder:
        words["out"] = None
    listener = Listener()
    records = train(run.model, shapes, replace(CONFIG, patience=2), resume=run, report=listener, **words)
    assert (records[-1]["step"], len(listener.said)) == (8, 1)
    if in_folder:
        assert load_checkpoint(tmp_path / BEST).step == 6  # of equal ones the later
        assert [one["step"] for one in read_log(tmp_path / "log.jsonl") if "validation" in one] == [2, 4, 6, 8]


def test_what_was_stopped_stays_stopped_unless_there_is_more_patience(scored, shapes, held_out, new_model, tmp_path):
    words = {"validation": held_out, "out": tmp_path}
    train(new_model(), shapes, replace(CONFIG, patience=2), report=False, **words)
    for patience, step in ((2, 8), (3, 16)):
        run = load_checkpoint(tmp_path / LAST)
        records = train(run.model, shapes, replace(CONFIG, patience=patience), resume=run, report=False, **words)
        assert records[-1]["step"] == step


def test_patience_needs_a_validation(shapes, new_model, tmp_path):
    with pytest.raises(MinissdError, match="--patience 3 needs images"):
        train(new_model(), shapes, CONFIG, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(MinissdError, match="--patience is 0"):
        TrainConfig(patience=0)
