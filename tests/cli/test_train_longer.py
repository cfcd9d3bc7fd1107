"""The command with which a finished run says how its network is trained for longer."""

import shlex
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from minissd.cli.main import app
from minissd.cli.runs import train_on
from minissd.training import load_checkpoint, settings_of

LAST = "last.safetensors"


def test_a_finished_run_says_so_and_how_to_train_for_longer(minissd, refused, trained, tree):
    command = f"minissd train --weights {trained / LAST} --model ssd-tiny --data {tree.root} --input-size 64"
    resumed = minissd("train", "--out", trained, "--resume")
    assert resumed.status == 0 and "was finished after 4 steps" in resumed.out
    assert f"{command} --epochs 2 --out {trained}-longer" in resumed.out
    refused([f"{command} --epochs 9 --out {trained}-longer"], "train", "--out", trained, "--resume", "--epochs", 9)
    words = f"{command} --epochs 1 --batch-size 3 --workers 0 --out {trained}-longer".split()[1:]
    longer = minissd(*words)
    assert longer.status == 0, longer.err  # the command does what it says
    assert load_checkpoint(f"{trained}-longer/{LAST}").step == 2


@pytest.mark.parametrize(
    ("model", "recipe", "given", "said"),
    [
        ("ssd300-vgg16", "paper-voc07", {}, ["--recipe paper-voc07", "--steps 60000"]),
        ("ssd300-vgg16", "scratch", {}, ["--recipe scratch", "--epochs 100"]),
        (
            "ssd300-vgg16",
            "scratch",
            {"batch_norm": False, "boxes": "torchvision"},
            ["--recipe scratch", "--no-batch-norm", "torchvision"],
        ),
        ("ssd-tiny", "demo", {"steps": 7}, ["--steps 7"]),
    ],
)
def test_the_command_to_train_for_longer_makes_the_same_network(monkeypatch, tmp_path, model, recipe, given, said):
    known = {"demo": "short"}.get(recipe, recipe)
    config, options = settings_of(known, model, given)
    place = {"data": "here", "image_folder": None, "split": "train", "limit": None, "classes": ["bolt, hex", 'a "b"']}
    old = {"model": model, "recipe": recipe, "options": options, **place, **asdict(config)}
    command, seen = train_on(tmp_path / "run", old), []
    assert all(part in command for part in said)
    assert all(command.count(option) == any(option in one for one in said) for option in ("--recipe", "batch-norm"))

    def caught(out, settings, *_):
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("minissd.cli.train.start", caught)
    CliRunner().invoke(app, shlex.split(command)[1:])
    for name in ("options", "classes", "lr", "steps"):
        assert seen[0][name] == old[name]
