"""Killed at any moment: what was saved opens, no half file has a final name, and going on ends as if nothing had been.

MINISSD_KILLS=200 python -m pytest -n 0 -s tests/faults/test_kills.py kills each command so often; half of the kills
come at a random time, half right before a random change of the file system, where the time between two is short and no
clock would hit it.
"""

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scenes import scene
from voc_trees import Tree
from web import serve

from minissd.course.grading import STATE
from minissd.course.shelf import read_lessons
from minissd.data.images import read_image
from minissd.data.video import open_video, write_video
from minissd.models import build
from minissd.training import BEST, LAST, load_checkpoint, read_log, save_checkpoint

KILLS = int(os.environ.get("MINISSD_KILLS", 0))
KILLED = (-signal.SIGKILL, -signal.SIGPROF)
TRAIN = ("train", "--data", "shapes", "--limit", "8", "--epochs", "2", "--batch-size", "4", "--input-size", "64")
TRAIN = (*TRAIN, "--validate-every", "1", "--workers", "1", "--lr", "0.001", "--out", "run")


class Nursery:
    """Processes to be killed, started as nursery.py says."""

    def __init__(self):
        command = [sys.executable, Path(__file__).with_name("nursery.py")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes)

    def __call__(self, folder, *words, **job):
        """(exit status, seconds, changes of the file system, what was printed)"""
        print(
            json.dumps({"words": list(map(str, words)), "cwd": str(folder), **job}), file=self.process.stdin, flush=True
        )
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def run():
    nursery = Nursery()
    yield nursery
    nursery.process.stdin.close()
    nursery.process.wait()


def moment(rng, undisturbed, share=1):
    """One of the first `share` of a command that took `undisturbed`, as a job has it."""
    _, seconds, changes, _ = undisturbed
    after, before = rng.uniform(0.001, share * seconds), rng.randint(1, int(share * changes))
    return rng.choice(({"after": after}, {"before_change": before}))


def check_whole(folder):
    """Every file under a final name can be read to its end."""
    for path in sorted(Path(folder).rglob("*")):
        if path.is_dir() or path.name.startswith("."):
            continue
        if path.suffix == ".safetensors":
            load_checkpoint(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.name == STATE:  # its last line may be cut off
            [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        elif path.suffix == ".jsonl":
            read_log(path)
        elif path.suffix in (".png", ".jpg"):
            read_image(path)
        elif path.suffix == ".mp4":
            with open_video(path) as clip:
                assert sum(1 for _ in clip.frames) == FRAMES
        elif path.suffix == ".csv":
            assert list(csv.reader(io.StringIO(path.read_text())))[-1][0], path
        elif path.suffix == ".xml":
            ElementTree.parse(path)
        elif path.suffix == ".onnx":
            pytest.importorskip("onnx").checker.check_model(str(path))


def same_run(one, other):
    logs = [[line | {"seconds": 0} for line in read_log(folder / "log.jsonl")] for folder in (one, other)]
    assert logs[0] == logs[1]
    for name in (LAST, BEST):
        ours, theirs = load_checkpoint(one / name), load_checkpoint(other / name)
        assert (ours.step, ours.settings, ours.model.thresholds) == (
            theirs.step,
            theirs.settings,
            theirs.model.thresholds,
        )
        for kind in ("params", "buffers"):
            for key, array in getattr(ours.model, kind).items():
                np.testing.assert_array_equal(array, getattr(theirs.model, kind)[key])
        for key, array in ours.velocity.items():
            np.testing.assert_array_equal(array, theirs.velocity[key])


def test_training_that_is_killed_again_and_again(run, tmp_path):
    """While it starts, steps, validates, saves, resumes."""
    rng = random.Random(0)
    (tmp_path / "whole").mkdir()
    undisturbed = run(tmp_path / "whole", *TRAIN)
    assert undisturbed[0] == 0, undisturbed
    kills, runs, count = {"train": 0, "resume": 0}, 0, KILLS or 1
    while min(kills.values()) < count:
        folder = tmp_path / "killed"
        folder.mkdir()
        runs += 1
        status = None
        while status != 0:
            resumed = (folder / "run" / LAST).exists()
            kind, words = ("resume", ("train", "--out", "run", "--resume")) if resumed else ("train", TRAIN)
            let_go = min(kills.values()) >= count or (resumed and kills["resume"] > kills["train"])
            chosen = {} if let_go else moment(rng, undisturbed, share=0.5 if resumed else 1)
            status, *_, text = run(folder, *words, **chosen)
            assert status in (0, *KILLED), text
            kills[kind] += status in KILLED
            check_whole(folder)
        same_run(folder / "run", tmp_path / "whole" / "run")
        assert not list((folder / "run").glob(".*")), "left over"
        shutil.rmtree(folder)
        told("train and resume", kills, runs, undisturbed)


def told(name, kills, runs, undisturbed):
    if KILLS:
        print(
            f"{name}: {kills} kills in {runs} runs, of {undisturbed[1]:.2f} s and {undisturbed[2]} changes", flush=True
        )


FRAMES = 12


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A network, a tree to score it on, a video, an answer to grade."""
    folder = tmp_path_factory.mktemp("things")
    tree = Tree(folder / "tree")
    for number in range(3):
        tree.add(f"img{number}", [("cat", (5, 5, 30, 25))], size=(80, 60))
    save_checkpoint(folder / "net.safetensors", build("ssd-tiny", classes=("cat", "dog"), input_size=64))
    with write_video(folder / "clip.mp4", 10) as add:
        for number in range(FRAMES):
            add(np.roll(scene(), number, axis=1))
    exercise = next(one for lesson in read_lessons() for one in lesson.exercises)
    (folder / "anna").mkdir()
    (folder / "anna" / f"{exercise.name}.py").write_text(exercise.solution.read_text())
    return folder


COMMANDS = {  # name: (words, kills within the suite)
    "export": ("export THINGS/net.safetensors --to onnx --out net.onnx", 0),
    "evaluate": ("evaluate --checkpoint THINGS/net.safetensors --data THINGS/tree --split train --out scored", 0),
    "detect": ("detect THINGS/clip.mp4 --checkpoint THINGS/net.safetensors --threshold 0.9 --out found", 0),
    "fetch": ("fetch fuzz", 2),
    "grade": ("lesson grade THINGS/anna --lessons 1 --out grades", 0),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_are_killed(run, tmp_path, things, name, monkeypatch):
    words, quick = COMMANDS[name]
    count = KILLS or quick
    if not count:
        pytest.skip("takes longer: MINISSD_KILLS=200 runs it")
    rng, words = random.Random(name), words.replace("THINGS", str(things)).split()
    with serve() as site:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            archive.add(things / "tree", "tree")
        site.files["fuzz.tar"] = content.getvalue()
        job = {"url": site.url}
        (tmp_path / "whole").mkdir()
        undisturbed = run(tmp_path / "whole", *words, **job)
        assert undisturbed[0] == 0, undisturbed
        killed, runs = 0, 0
        while killed < count:
            folder = tmp_path / "killed"
            folder.mkdir()
            runs += 1
            status, *_, text = run(folder, *words, **job, **moment(rng, undisturbed))
            assert status in (0, *KILLED), text
            killed += status in KILLED
            check_whole(folder)
            if name == "fetch" and (folder / "cache" / "fuzz").exists():
                assert contents(folder / "cache" / "fuzz") == contents(things / "tree")
            status, *_, text = run(folder, *words, **job)
            assert status == 0, text
            check_whole(folder)
            assert contents(folder, hidden=False).keys() == contents(tmp_path / "whole", hidden=False).keys()
            shutil.rmtree(folder)
            told(name, killed, runs, undisturbed)


def contents(folder, hidden=True):
    files = (path for path in Path(folder).rglob("*") if path.is_file() and (hidden or not path.name.startswith(".")))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
