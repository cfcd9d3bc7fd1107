"""Work that goes on for long: memory, open files and threads stay as they are, and the last part is as fast as others.

Each takes minutes and runs on demand: MINISSD_LONG=1 python -m pytest -n 0 -s tests/faults/test_long_runs.py.
MINISSD_LONG=0.1 does a tenth of it.
"""

import gc
import os
import time
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_digits
from PIL import Image
from scenes import scene

from minissd.cli.main import main
from minissd.data import ShapesDataset, open_dataset
from minissd.data.video import write_video
from minissd.models import build
from minissd.training import TrainConfig, train
from minissd.viz.curves import loss_curves
from minissd.viz.style import save_picture

SHARE = float(os.environ.get("MINISSD_LONG", 0))
MIB, SLOWER = 24, 1.4  # growth after the first fifth; processor time of the last fifth beside that of the second

pytestmark = [
    pytest.mark.skipif(not SHARE, reason="takes minutes: MINISSD_LONG=1 runs it"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks at Linux's /proc"),
]


class Vitals:
    """What the process holds, looked at now and then; `check` wants it flat."""

    def __init__(self, what, total):
        self.what, self.total, self.rows = what, total, []

    def look(self, done):
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        files, threads = (len(os.listdir(f"/proc/self/{kind}")) for kind in ("fd", "task"))
        self.rows.append((done, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, files, threads, time.process_time()))

    def check(self):
        done, mib, files, threads, seconds = np.array(self.rows, float).T
        steady = done >= 0.2 * self.total
        slope = np.polyfit(done[steady], mib[steady], 1)[0] * 1000
        pace = np.diff(seconds) / np.diff(done)  # of each stretch
        fifth = max(1, len(pace) // 5)
        slower = pace[-fifth:].mean() / pace[fifth : 2 * fifth].mean()
        print(
            f"\n{self.what}: {self.total:,}; {mib[steady][0]:.0f} to {mib[-1]:.0f} MiB, {slope:+.2f} MiB per 1,000; "
            f"files {files[steady][0]:.0f} to {files[-1]:.0f}, threads {threads[steady][0]:.0f} to {threads[-1]:.0f}; "
            f"{1000 * pace[fifth : 2 * fifth].mean():.1f} ms each in the second fifth, x{slower:.2f} in the last"
        )
        assert mib[-1] - mib[steady][0] < MIB
        assert files[-1] <= files[steady][0] and threads[-1] <= threads[steady][0]
        assert slower < SLOWER


def small(data, **options):
    return build("ssd-tiny", classes=data.classes, input_size=64, **options)


@pytest.mark.parametrize(("name", "steps"), [("lenet5", 20_000), ("ssd-tiny", 2_000)])
def test_many_steps(tmp_path, name, steps):
    """The records of the steps stay in memory, for the curves: about 1 MiB for a thousand."""
    digits = name == "lenet5"  # a step of it takes a tenth of the time
    data = (
        open_dataset(write_digits(tmp_path / "digits"), "train", task="classify")
        if digits
        else ShapesDataset(8, size=64)
    )
    model, total = build(name, classes=data.classes) if digits else small(data), max(500, int(steps * SHARE))
    save_picture(loss_curves([{"step": 1, "epoch": 1, "loss": 1.0, "lr": 1.0}]), tmp_path / "a.png")  # with its fonts
    vitals = Vitals(f"training steps of {name}", total)

    def report(record, _):
        if record["step"] % (total // 50) == 0 and "validation" not in record:
            vitals.look(record["step"])

    config = TrainConfig(steps=total, batch_size=1, lr=1e-4, workers=1, schedule="one-cycle")
    train(model, data, config, out=tmp_path / "run", report=report)
    vitals.check()


def test_two_thousand_detections():
    data, total = ShapesDataset(8, size=120), max(500, int(2_000 * SHARE))
    model, vitals = small(data), Vitals("detections", total)
    images = [data[i].image for i in range(8)]
    for done in range(1, total + 1):
        model.predict(images[done % 8], score=0.1)
        if done % (total // 50) == 0:
            vitals.look(done)
    vitals.check()


def test_five_thousand_frames_of_a_video(tmp_path, monkeypatch):
    """The command as a whole, whose frames go by in batches; nothing is shown, for what is found is kept to the end."""
    from minissd.cli import search
    from minissd.training import save_checkpoint

    data, total = ShapesDataset(8, size=64), max(500, int(5_000 * SHARE))
    with write_video(tmp_path / "clip.mp4", 25) as add:
        for number in range(total):
            add(np.roll(scene(), number, axis=1))
    save_checkpoint(tmp_path / "net.safetensors", small(data))
    vitals, seen = Vitals("video frames", total), [0]
    answers = search.answers_that_fit

    def counted(answer, model, images):
        before, seen[0] = seen[0], seen[0] + len(images)
        if seen[0] // (total // 50) > before // (total // 50):
            vitals.look(seen[0])
        return answers(answer, model, images)

    monkeypatch.setattr(search, "answers_that_fit", counted)
    words = ("detect", tmp_path / "clip.mp4", "--checkpoint", tmp_path / "net.safetensors", "--out", tmp_path / "out")
    words = (*words, "--threshold", 1)
    monkeypatch.setattr("sys.argv", ["minissd", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code and seen[0] == total
    vitals.check()


def test_fifty_trainings_in_one_process(tmp_path):
    data, total = ShapesDataset(8, size=64), max(10, int(50 * SHARE))
    vitals = Vitals("trainings", total)
    Image.fromarray(scene()).save(tmp_path / "a.png")
    for done in range(1, total + 1):
        model = small(data, seed=done)
        config = TrainConfig(steps=4, batch_size=4, validate_every=1)
        train(model, data, config, validation=data, out=tmp_path / f"run{done}", report=False)
        model.predict(tmp_path / "a.png")
        vitals.look(done)
    vitals.check()
