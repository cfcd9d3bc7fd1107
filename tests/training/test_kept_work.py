"""Whatever ends a run before its time costs no step that was done; what goes on from there is the run undisturbed."""

import signal
import sys

import numpy as np
import pytest

from minissd.data import ShapesDataset
from minissd.errors import MinissdError
from minissd.training import BEST, LAST, TrainConfig, load_checkpoint, log, loop, read_log, run, train
from minissd.training.interrupt import Terminated

CONFIG = TrainConfig(epochs=3, batch_size=4, validate_every=2, workers=2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, shapes, held_out, new_model):
    out = tmp_path_factory.mktemp("undisturbed")
    train(new_model(), shapes, CONFIG, validation=held_out, out=out)
    return out


@pytest.fixture
def goes_on(tmp_path, shapes, held_out, undisturbed):
    """goes_on(step): the last checkpoint is of that step, and a resumed run ends as the undisturbed one."""

    def check(step):
        checkpoint = load_checkpoint(tmp_path / LAST)
        assert checkpoint.step == step
        train(checkpoint.model, shapes, CONFIG, validation=held_out, out=tmp_path, resume=checkpoint)
        logs = [read_log(out / "log.jsonl") for out in (tmp_path, undisturbed)]
        assert [[{**record, "seconds": 0} for record in records] for records in logs[:1]] == [
            [{**record, "seconds": 0} for record in records] for records in logs[1:]
        ]
        for name in (LAST, BEST):
            ours, theirs = (load_checkpoint(out / name) for out in (tmp_path, undisturbed))
            assert ours.settings == theirs.settings
            for kind in ("params", "buffers"):
                for key, array in getattr(ours.model, kind).items():
                    np.testing.assert_array_equal(array, getattr(theirs.model, kind)[key])
            for key, array in ours.velocity.items():
                np.testing.assert_array_equal(array, theirs.velocity[key])

    return check


class Breaks(ShapesDataset):
    """The pictures of `shapes`, one of which cannot be read when it is asked for too often."""

    def __init__(self, *args, index, looks, **options):
        super().__init__(*args, **options)
        self.index, self.looks = index, looks

    def __getitem__(self, index):
        if index == self.index:
            self.looks -= 1
            if self.looks < 0:
                raise MinissdError("image x.jpg cannot be read")
        return super().__getitem__(index)


def fail_the(time, original, error):
    """A function in place of `original` that raises the error when it is called for that time, counted from 1."""
    calls = []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == time:
            raise error
        return original(*args, **kwargs)

    return failing


def note_of(raised):
    (note,) = raised.value.__notes__
    return note


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_lets_the_step_finish_and_saves_it(
    tmp_path, shapes, held_out, new_model, goes_on, monkeypatch, name
):
    number, module = getattr(signal, name), sys.modules["minissd.models.ssd"]
    backward, calls = module.multibox_loss_backward, []

    def told(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(number)
        return backward(*args, **kwargs)

    before = signal.signal(number, signal.SIG_DFL)  # whoever started the tests may have had it ignored, as nohup does
    try:
        with monkeypatch.context() as patch, pytest.raises(Terminated) as raised:
            patch.setattr(module, "multibox_loss_backward", told)
            train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert raised.value.code == 128 + number and note_of(raised) == f"saved after step 3: {tmp_path / LAST}"
    goes_on(3)


def test_a_signal_that_the_program_ignores_is_ignored(shapes, new_model):
    """As nohup has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        records = train(new_model(), shapes, CONFIG, report=lambda record, total: signal.raise_signal(signal.SIGHUP))
        assert len(records) == 6 and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_picture_that_breaks_in_mid_epoch(tmp_path, held_out, new_model, goes_on):
    """The batch before it counts, whatever the loader's threads have looked at by then."""
    looks = 1  # once in each epoch
    data = Breaks(8, size=64, index=loop.Loader(range(8), None, 4).order(1)[1][0], looks=looks)
    with pytest.raises(MinissdError, match="x.jpg") as raised:
        train(new_model(), data, CONFIG, validation=held_out, out=tmp_path)
    assert "saved after step 3" in note_of(raised)
    goes_on(3)


def test_a_picture_that_breaks_in_a_validation(tmp_path, shapes, new_model, goes_on):
    with pytest.raises(MinissdError, match="x.jpg") as raised:
        train(new_model(), shapes, CONFIG, validation=Breaks(3, "val", size=64, index=1, looks=0), out=tmp_path)
    assert "saved after step 4" in note_of(raised)
    goes_on(4)


@pytest.mark.parametrize("moment", ["multibox_loss", "multibox_loss_backward"])
def test_too_little_memory_in_mid_step(tmp_path, shapes, held_out, new_model, goes_on, monkeypatch, moment):
    """By then the running statistics of batch norm have moved on; they go back to those of the step before."""
    module = sys.modules["minissd.models.ssd"]
    with monkeypatch.context() as patch, pytest.raises(MemoryError) as raised:
        patch.setattr(module, moment, fail_the(4, getattr(module, moment), MemoryError()))
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
    assert "saved after step 3" in note_of(raised)
    goes_on(3)


def test_an_update_that_was_torn_is_not_saved(tmp_path, shapes, held_out, new_model, goes_on, monkeypatch):
    """Half of the parameters have moved: what was saved before stays."""

    class Torn(loop.SGD):
        done = 0

        def step(self, grads):
            self.done += 1
            if self.done == 4:
                self.velocity = dict(list(self.velocity.items())[:3])  # the fourth is missing
            super().step(grads)

    with monkeypatch.context() as patch, pytest.raises(KeyError) as raised:
        patch.setattr(loop, "SGD", Torn)
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
    assert not hasattr(raised.value, "__notes__")
    goes_on(2)


def test_a_full_disk_while_a_step_is_logged(tmp_path, shapes, held_out, new_model, goes_on, monkeypatch):
    """Room for the checkpoint is there again: the line that could not be written is in the log, once."""
    add = log.RunLog.add

    def full(self, record):
        if record["step"] == 3:
            with monkeypatch.context() as patch:
                patch.setattr(log, "to_json", fail_the(1, None, OSError(28, "No space left on device")))
                return add(self, record)
        return add(self, record)

    with monkeypatch.context() as patch, pytest.raises(MinissdError, match="No space left") as raised:
        patch.setattr(log.RunLog, "add", full)
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
    assert "saved after step 3" in note_of(raised)
    goes_on(3)


def test_a_full_disk_while_saving_leaves_the_checkpoint_before(
    tmp_path, shapes, held_out, new_model, goes_on, monkeypatch
):
    full = MinissdError("last.safetensors: cannot be written (No space left on device)")
    real, saves = run.save_checkpoint, []

    def save(*args, **kwargs):
        saves.append(1)
        if len(saves) > 1:
            raise full
        real(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(MinissdError, match="No space left") as raised:
        patch.setattr(run, "save_checkpoint", save)
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path)
    assert "as it was before" in note_of(raised)
    assert not list(tmp_path.glob(".*"))
    goes_on(2)


def test_before_the_first_step_there_is_nothing_to_save(tmp_path, held_out, new_model, shapes):
    """So that the folder can be used again after the picture was mended."""
    broken = Breaks(8, size=64, index=loop.Loader(range(8), None, 4).order(0)[0][0], looks=0)
    with pytest.raises(MinissdError, match="x.jpg"):
        train(new_model(), broken, CONFIG, out=tmp_path)
    assert not (tmp_path / LAST).exists()
    assert len(train(new_model(), shapes, CONFIG, out=tmp_path)) == 6


def test_a_log_with_a_last_line_cut_off(tmp_path, shapes, held_out, new_model, goes_on):
    def stop(record, total):
        if record["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path, report=stop)
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 5, "epo')
    goes_on(4)


def test_without_the_best_checkpoint_the_next_validation_makes_one(tmp_path, shapes, held_out, new_model, monkeypatch):
    """Its score may be lower than that of the one that is gone."""
    scores = iter([0.9, 0.2])
    monkeypatch.setattr(loop, "evaluate", lambda *_, **__: ({"mAP": next(scores)}, [], []))

    def stop(record, total):
        if "validation" in record:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, CONFIG, validation=held_out, out=tmp_path, report=stop)
    assert load_checkpoint(tmp_path / LAST).settings["best"] == 0.9
    (tmp_path / BEST).unlink()
    checkpoint = load_checkpoint(tmp_path / LAST)
    train(checkpoint.model, shapes, CONFIG, validation=held_out, out=tmp_path, resume=checkpoint)
    assert (load_checkpoint(tmp_path / BEST).step, load_checkpoint(tmp_path / BEST).settings["best"]) == (6, 0.2)
