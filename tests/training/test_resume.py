"""A run that was stopped and resumed is, bit for bit, the run that was not."""

import json
import shutil
import signal
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from minissd.data import ShapesDataset
from minissd.training import BEST, LAST, TrainConfig, load_checkpoint, loop, read_log, run, save_checkpoint, train

CONFIG = TrainConfig(epochs=3, batch_size=4, validate_every=2, workers=2)
RECORDS = 8  # two steps an epoch, a validation after the second epoch and one after the third


def without_time(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, shapes, held_out, new_model):
    out = tmp_path_factory.mktemp("uninterrupted")
    train(new_model(), shapes, CONFIG, validation=held_out, out=out)
    return out


@pytest.fixture
def resume(tmp_path, shapes, held_out):
    def go_on():
        checkpoint = load_checkpoint(tmp_path / LAST)
        train(checkpoint.model, shapes, CONFIG, validation=held_out, out=tmp_path, resume=checkpoint)

    return go_on


def stop_after(count, error=KeyboardInterrupt):
    """A report that raises once `count` records are there."""
    calls = []

    def report(record, total):
        calls.append(record)
        if len(calls) == count:
            raise error

    return report


def same_run(one, other):
    assert without_time(read_log(one / "log.jsonl")) == without_time(read_log(other / "log.jsonl"))
    for name in (LAST, BEST):
        left, right = load_checkpoint(one / name), load_checkpoint(other / name)
        assert (left.step, left.settings) == (right.step, right.settings)
        assert left.model.thresholds == right.model.thresholds
        for ours, theirs in (
            (left.model.params, right.model.params),
            (left.model.buffers, right.model.buffers),
            (left.velocity, right.velocity),
        ):
            assert ours.keys() == theirs.keys()
            for key, array in ours.items():
                np.testing.assert_array_equal(array, theirs[key])


@pytest.mark.parametrize("count", range(1, RECORDS + 1))
def test_stopped_after_any_record(tmp_path, shapes, held_out, new_model, uninterrupted, resume, count):
    """In mid-epoch, at the end of an epoch, before a validation, after one, at the very end."""
    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path, report=stop_after(count))
    resume()
    same_run(tmp_path, uninterrupted)


def test_stopped_twice(tmp_path, shapes, held_out, new_model, uninterrupted, resume):
    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path, report=stop_after(1))
    checkpoint = load_checkpoint(tmp_path / LAST)
    options = {"validation": held_out, "out": tmp_path, "report": stop_after(2)}
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint.model, shapes, CONFIG, resume=checkpoint, **options)
    resume()
    same_run(tmp_path, uninterrupted)


# (step of the checkpoint, records in the log, whether there is a best one)
IN_MID_EPOCH = {(1, 1, False), (3, 3, False)}
AROUND_A_VALIDATION = {(4, 4, False), (4, 4, True), (4, 5, True)}  # before it, and while its result is written


@pytest.mark.parametrize(
    ("every", "moments"),
    [(300, {(2, 3, False)} | AROUND_A_VALIDATION), (0, IN_MID_EPOCH)],
    ids=["long before a save is due", "a save due after each step"],
)
def test_after_a_power_cut(tmp_path, shapes, held_out, new_model, uninterrupted, monkeypatch, every, moments):
    """What is on the disk then, copied after each record and each checkpoint, is enough to go on."""
    cuts = {}

    def cut(*_):
        folder = tmp_path / "run"
        if (folder / LAST).exists():
            state = load_checkpoint(folder / LAST).step, len(read_log(folder / "log.jsonl")), (folder / BEST).exists()
            if state not in cuts:
                cuts[state] = shutil.copytree(folder, tmp_path / f"cut{len(cuts)}")

    def save(path, *args, **kwargs):
        save_checkpoint(path, *args, **kwargs)
        cut()

    monkeypatch.setattr(run, "SAVE_EVERY", every)
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_checkpoint", save)
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path / "run", report=cut)
    assert {step for step, *_ in cuts} == ({2, 4, 6} if every else {1, 2, 3, 4, 5, 6})  # two steps an epoch
    for folder in map(cuts.__getitem__, moments):
        checkpoint = load_checkpoint(folder / LAST)
        train(checkpoint.model, shapes, CONFIG, validation=held_out, out=folder, resume=checkpoint)
        same_run(folder, uninterrupted)


@pytest.mark.parametrize("moment", ["multibox_loss", "multibox_loss_backward", "evaluate"])
def test_ctrl_c_in_the_middle_of_work(
    tmp_path, shapes, held_out, new_model, uninterrupted, resume, monkeypatch, moment
):
    """By then batch norm has moved on and the parameters have not; or the validation is half done."""
    calls = []
    place = loop if moment == "evaluate" else sys.modules["minissd.models.ssd"]
    original = getattr(place, moment)

    def pressed(*args, **kwargs):
        calls.append(moment)
        if len(calls) == (1 if moment == "evaluate" else 3):
            signal.raise_signal(signal.SIGINT)
        return original(*args, **kwargs)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(place, moment, pressed)
            train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)
    assert load_checkpoint(tmp_path / LAST).step == (4 if moment == "evaluate" else 3)
    resume()
    same_run(tmp_path, uninterrupted)


def test_a_finished_run_stays_as_it_is(tmp_path, shapes, held_out, new_model, uninterrupted, resume):
    train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
    before = (tmp_path / "log.jsonl").read_bytes()
    resume()
    assert (tmp_path / "log.jsonl").read_bytes() == before
    same_run(tmp_path, uninterrupted)


def test_a_run_that_began_when_its_augmentation_had_another_name(tmp_path, shapes, new_model):
    """config.json and the checkpoint say "notes", as they did before the preset was called "ssd"."""
    short = TrainConfig(steps=1, batch_size=4, augmentation="ssd", workers=0)
    train(new_model(), shapes, short, out=tmp_path)
    began = load_checkpoint(tmp_path / LAST)
    old = asdict(short) | {"augmentation": "notes"}
    settings = began.settings | {"config": old}
    save_checkpoint(tmp_path / LAST, began.model, velocity=began.velocity, step=began.step, settings=settings)
    written = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(written | {"augmentation": "notes"}))
    resumed = load_checkpoint(tmp_path / LAST)
    longer = replace(short, steps=2)
    records = train(resumed.model, shapes, longer, out=tmp_path, resume=resumed)
    assert records[-1]["step"] == 2
    assert json.loads((tmp_path / "config.json").read_text())["augmentation"] == "ssd"


def test_a_checkpoint_without_momentum_cannot_be_resumed(tmp_path, shapes, new_model, refused):
    save_checkpoint(tmp_path / LAST, new_model(), step=2)
    checkpoint = load_checkpoint(tmp_path / LAST)
    with refused("no momentum", "not resumed"):
        train(checkpoint.model, shapes, CONFIG, resume=checkpoint)


def test_the_model_must_be_that_of_the_checkpoint(tmp_path, shapes, new_model):
    model = new_model()
    velocity = {name: np.zeros_like(array) for name, array in model.params.items()}
    save_checkpoint(tmp_path / LAST, model, velocity=velocity, step=2)
    with pytest.raises(ValueError, match=r"resume\.model"):
        train(model, shapes, CONFIG, resume=load_checkpoint(tmp_path / LAST))


def test_a_resumed_run_with_another_class_list_is_refused(tmp_path, shapes, new_model, refused):
    """The labels on the disk would mean something else than before."""
    save_checkpoint(tmp_path / LAST, new_model(), step=2)
    checkpoint = load_checkpoint(tmp_path / LAST)
    fewer = ShapesDataset(8, size=64, classes=shapes.classes[:2])
    with refused("has the classes", "the model knows"):
        train(checkpoint.model, fewer, CONFIG, resume=checkpoint)
