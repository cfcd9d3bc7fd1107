"""A disk that is full, a quota, a folder without permission, a share that is gone, at any write of a training: what was
saved is whole, the message says what to do, and the run goes on from there as if nothing had been.

MINISSD_KILLS=200 tries every write; the suite a few.
"""

import errno
import os
import random
import shutil

import numpy as np
import pytest

from minissd import files
from minissd.data import ShapesDataset
from minissd.errors import MinissdError
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, read_log, train
from minissd.training.curves import LearningCurves

CONFIG = TrainConfig(epochs=2, batch_size=4, validate_every=1, workers=1)
REASONS = {
    errno.ENOSPC: "is full: delete or move",
    errno.EDQUOT: "quota",
    errno.EACCES: "folder allows it",
    errno.EROFS: "can only be read",
    errno.ESTALE: "network share",
    errno.EIO: "network share",
}
FEW = 2


@pytest.fixture(scope="module")
def data():
    return ShapesDataset(8, size=64)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(LearningCurves, "draw", lambda self: None)


def trained(data, out, resume=None, report=False):
    model = resume.model if resume else build("ssd-tiny", classes=data.classes, input_size=64)
    train(model, data, CONFIG, validation=data, out=out, resume=resume, report=report)
    return model


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run undisturbed, and how often it put a file into its place."""
    out, writes = tmp_path_factory.mktemp("whole"), []
    with pytest.MonkeyPatch.context() as patch:
        put = files.put_in_place
        patch.setattr(LearningCurves, "draw", lambda self: None)
        patch.setattr(files, "put_in_place", lambda *paths: (writes.append(paths), put(*paths)))
        trained(data, out)
    return out, len(writes)


def goes_on(data, out, whole):
    resume = load_checkpoint(out / LAST) if (out / LAST).exists() else None
    model = trained(data, out, resume)
    logs = [[line | {"seconds": 0} for line in read_log(folder / "log.jsonl")] for folder in (out, whole)]
    assert logs[0] == logs[1]
    for name, array in load_checkpoint(whole / LAST).model.params.items():
        np.testing.assert_array_equal(array, model.params[name])


def test_a_write_that_is_refused(tmp_path, data, whole):
    """And all after it, as long as the disk is full; then there is room again."""
    (whole, writes), put = whole, files.put_in_place
    chosen = range(writes) if os.environ.get("MINISSD_KILLS") else random.Random(0).sample(range(writes), FEW)
    for number in chosen:
        reason = list(REASONS)[number % len(REASONS)]
        out, calls = tmp_path / str(number), []

        def refuse(file, calls=calls, number=number, reason=reason):
            calls.append(file)
            if len(calls) > number:
                raise OSError(reason, os.strerror(reason))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "put_in_place", lambda *paths: (refuse(paths), put(*paths)))
            with pytest.raises(MinissdError, match=REASONS[reason]) as raised:
                trained(data, out)
            assert len(str(raised.value).splitlines()) == 1
        assert not list(out.glob(".*")), "left over"
        if (out / LAST).exists():
            load_checkpoint(out / LAST)
        goes_on(data, out, whole)
    print(f"\nwrites refused: {len(chosen)} of {writes}")


def test_a_folder_that_is_gone(tmp_path, data, whole):
    """Taken away while the run is at work: the steps are saved as soon as there is a place for them again."""
    out = tmp_path / "run"

    def take_away(record, total):
        if record["step"] == 3:
            shutil.rmtree(out)

    with pytest.raises(MinissdError, match="network share") as raised:
        trained(data, out, report=take_away)
    assert "saved after step" in raised.value.__notes__[0]
    goes_on(data, out, whole[0])
