"""`minissd train --resume`: data that moved, images that changed, runs that are finished or began in Python."""

import json
import os
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest

from minissd.cli.runs import train_on
from minissd.data import Augmentation, open_dataset
from minissd.models import build
from minissd.training import TrainConfig, load_checkpoint, read_log, save_checkpoint, train

LAST = "last.safetensors"


@pytest.fixture
def stopped(minissd, tree, tmp_path, small_run, monkeypatch):
    """stopped(*words): a run of four steps on the tree that was stopped after three."""
    from minissd.training.progress import TrainingProgress

    report = TrainingProgress.report

    def stop_at_step_3(self, record, total):
        report(self, record, total)
        if record["step"] == 3:
            raise KeyboardInterrupt

    def run(*words):
        with monkeypatch.context() as patch:
            patch.setattr(TrainingProgress, "report", stop_at_step_3)
            outcome = minissd("train", "--data", tree.root, "--out", tmp_path / "run", *small_run, *words)
        assert outcome.status == 130, outcome
        assert f"saved after step 3: {tmp_path / 'run' / LAST}" in outcome.out
        assert f"minissd train --out {tmp_path / 'run'} --resume" in outcome.out
        return tmp_path / "run"

    return run


@pytest.fixture
def whole(minissd, tree, tmp_path, small_run):
    """The run that was not stopped."""
    assert minissd("train", "--data", tree.root, "--out", tmp_path / "whole", *small_run).status == 0
    return tmp_path / "whole"


def same(one, other):
    ends = [load_checkpoint(folder / LAST) for folder in (one, other)]
    assert ends[0].step == ends[1].step
    for kind in ("params", "buffers"):
        for name, array in getattr(ends[0].model, kind).items():
            np.testing.assert_array_equal(array, getattr(ends[1].model, kind)[name])
    for name, array in ends[0].velocity.items():
        np.testing.assert_array_equal(array, ends[1].velocity[name])
    steps = [[record["loss"] for record in read_log(folder / "log.jsonl")] for folder in (one, other)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("how", ["slash", "dots", "relative", "other folder", "data renamed"])
def test_data_that_moved_or_are_named_otherwise(minissd, tree, tmp_path, stopped, whole, monkeypatch, how):
    out = stopped()
    monkeypatch.chdir(tmp_path)
    words = {
        "slash": ("--data", f"{tree.root}/"),
        "dots": ("--data", tmp_path / "." / "run" / ".." / "tree"),
        "relative": ("--data", "./tree"),
        "other folder": (),
        "data renamed": ("--data", "renamed"),
    }[how]
    if how == "other folder":
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
    if how == "data renamed":
        tree.root.rename("renamed")
    outcome = minissd("train", "--out", out, "--resume", *words)
    assert outcome.status == 0, outcome.err
    same(out, whole)


def test_relative_data_are_those_of_the_folder_where_the_run_was_started(
    minissd, tree, tmp_path, small_run, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert minissd("train", "--data", "tree", "--out", "run/", *small_run).status == 0
    monkeypatch.chdir("/")
    outcome = minissd("train", "--out", tmp_path / "run", "--resume")
    assert outcome.status == 0, outcome.err
    assert f"--data {tree.root}" in outcome.out


def test_data_that_are_gone(refused, tree, tmp_path, stopped):
    out = stopped()
    tree.root.rename(tmp_path / "renamed")
    refused([tree.root, f"the data of the run in {out}", "with --data"], "train", "--out", out, "--resume")


@pytest.mark.parametrize("change", ["fewer", "more", "another box", "another order"])
def test_images_that_changed_are_named_and_the_run_stays(refused, tree, stopped, change):
    out = stopped()
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    names = [f"img{i}" for i in range(6)]
    if change == "fewer":
        tree.list("train", "\n".join(names[:5]))
        parts = ["not the 6 images", "1 gone (img5)"]
    elif change == "more":
        tree.add("img6", [("cat", (5, 5, 30, 25))], size=(80, 60))
        parts = ["not the 6 images", "1 new (img6)"]
    elif change == "another box":
        tree.xml("img2").write_text(tree.xml("img2").read_text().replace("<xmax>30<", "<xmax>60<"))
        parts = ["other classes or objects in the 6 images"]
    else:
        tree.list("train", "\n".join(reversed(names)))
        parts = ["another order of the 6 images"]
    refused([*parts, f"--weights {out / LAST}"], "train", "--out", out, "--resume")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_a_picture_that_was_mended_is_the_same_image(minissd, tree, tmp_path, small_run, whole):
    """Cut short before the last epoch, the whole one put back afterwards."""
    out, picture = tmp_path / "run", tree.image("img2").read_bytes()
    tree.image("img2").write_bytes(picture[: len(picture) // 2])
    words = ("train", "--data", tree.root, "--out", out, *small_run)
    broken = minissd(*words)
    assert broken.status == 1 and str(tree.image("img2")) in broken.err
    tree.image("img2").write_bytes(picture)
    resumed = minissd(*words, *(["--resume"] if (out / LAST).exists() else []))
    assert resumed.status == 0, resumed.err
    same(out, whole)


def test_a_run_with_fitted_boxes_goes_on_and_longer_with_them(minissd, refused, tree, stopped):
    for i in range(4):
        tree.add(f"more{i}", [("cat", (5, 5, 15 + 3 * i, 55)), ("dog", (3, 40, 70, 52 - i))], size=(80, 60))
    out = stopped("--boxes", "fit")
    settings = json.loads((out / "config.json").read_text())
    shapes, own = settings["options"]["boxes"], build("ssd-tiny", classes=("cat", "dog"), input_size=64)
    assert load_checkpoint(out / LAST).model.options["boxes"] == shapes != own.spec.shapes
    refused(["--boxes", "'own'"], "train", "--out", out, "--resume", "--boxes", "own")
    resumed = minissd("train", "--out", out, "--resume", "--boxes", "fit")
    assert resumed.status == 0 and load_checkpoint(out / LAST).step == 6, resumed.err
    longer = shlex.split(train_on(out, settings, "steps", 1))
    assert minissd(*longer[1:], "--batch-size", 3).status == 0
    assert load_checkpoint(f"{out}-longer/{LAST}").model.options["boxes"] == shapes


def test_boxes_that_cannot_be_fitted(refused, tree, tmp_path, small_run):
    words = "train", "--data", tree.root, "--boxes", "fit", "--out", tmp_path / "run"
    for model, part in {"yolo-tiny": "--anchors", "unet": "--width", "ssd300-vgg16": "published"}.items():
        refused(["--boxes", model, part], *words, "--model", model)
    for xml in (tree.root / "Annotations").glob("*.xml"):
        xml.write_text("<annotation></annotation>")
    refused(["no annotation names any object"], *words, *small_run)
    assert not (tmp_path / "run").exists()


def test_a_run_with_the_former_name_of_an_augmentation(minissd, refused, tree, stopped):
    out = stopped("--augmentation", "notes")
    settings = json.loads((out / "config.json").read_text())
    assert settings["augmentation"] == "ssd"
    (out / "config.json").write_text(json.dumps(settings | {"augmentation": "notes"}))
    refused(["--augmentation is 'light'", "'ssd'"], "train", "--out", out, "--resume", "--augmentation", "light")
    assert minissd("train", "--out", out, "--resume", "--augmentation", "notes").status == 0
    assert json.loads((out / "config.json").read_text())["augmentation"] == "ssd"


def test_a_checkpoint_of_another_model_in_the_folder(refused, trained):
    save_checkpoint(trained / LAST, build("ssd-tiny", classes=("cat", "dog"), input_size=96), step=2)
    refused([trained / LAST, "96", "64"], "train", "--out", trained, "--resume")


def test_a_run_from_python_goes_on_on_the_command_line(minissd, refused, tree, tmp_path, whole):
    data, config = open_dataset(tree.root, "train"), TrainConfig(epochs=2, batch_size=3, workers=0)
    model = build("ssd-tiny", classes=data.classes, input_size=64)

    def stop(record, total):
        if record["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(model, data, config, out=tmp_path / "run", report=stop)
    refused([tmp_path / "run", "holds a run already"], "train", "--data", tree.root, "--out", tmp_path / "run")
    outcome = minissd("train", "--out", tmp_path / "run", "--resume")
    assert outcome.status == 0, outcome.err
    same(tmp_path / "run", whole)


def test_a_run_of_the_command_line_goes_on_in_python(tree, stopped, whole):
    out = stopped()
    checkpoint = load_checkpoint(out / LAST)
    config = TrainConfig(**checkpoint.settings["config"])
    train(checkpoint.model, open_dataset(tree.root, "train"), config, out=out, resume=checkpoint)
    same(out, whole)


def test_what_the_command_line_cannot_know_of_a_run_from_python(minissd, refused, tree, tmp_path):
    opened = open_dataset(tree.root, "train")
    config = TrainConfig(epochs=1, batch_size=3, workers=0)

    class Mine:
        """A data set of one's own."""

        task, name, classes, ids, notes = "detect", "mine", opened.classes, opened.ids, []
        objects = opened.objects

        def __len__(self):
            return len(opened)

        def __getitem__(self, index):
            return opened[index]

    train(build("ssd-tiny", classes=opened.classes, input_size=64), Mine(), config, out=tmp_path / "own")
    refused(["from Python", "--data", "--split"], "train", "--out", tmp_path / "own", "--resume")
    words = ("--out", tmp_path / "own", "--resume", "--data", tree.root, "--split", "train")
    assert minissd("train", *words).status == 0
    looks = Augmentation(mirror=0.3)
    model = build("ssd-tiny", classes=opened.classes, input_size=64)
    train(model, opened, config, out=tmp_path / "looks", augmentation=looks)
    refused(["augmentation of its own", "Python"], "train", "--out", tmp_path / "looks", "--resume")


def test_a_second_training_into_one_folder_and_a_signal_to_the_first(refused, tree, tmp_path, small_run):
    """In processes of their own, as on a machine that is shut down."""
    out = tmp_path / "run"
    words = ["train", "--data", tree.root, "--out", out, *small_run[:2], "--epochs", 10000, *small_run[4:]]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "minissd", *map(str, words)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        while "epoch   2/" not in first.stdout.readline():
            assert first.poll() is None
        refused([f"process {first.pid}", "another training"], *words)
        refused([f"process {first.pid}", "another training"], "train", "--out", out, "--resume")
        first.send_signal(signal.SIGTERM)
        said = first.communicate(timeout=60)[0]
    step = load_checkpoint(out / LAST).step
    assert first.returncode == 128 + signal.SIGTERM
    assert f"saved after step {step}" in said and f"minissd train --out {out} --resume" in said
    assert [record["step"] for record in read_log(out / "log.jsonl")] == list(range(1, step + 1))


def test_a_folder_that_cannot_be_written_is_said_before_the_data_are_read(refused, tmp_path):
    (tmp_path / "file").touch()
    words = ("train", "--data", "nowhere", "--out", tmp_path / "file" / "run")
    refused([tmp_path / "file" / "run", "cannot be written"], *words)


def test_config_json_names_the_images(trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["images"] == {"training": [f"img{i}" for i in range(6)]}
