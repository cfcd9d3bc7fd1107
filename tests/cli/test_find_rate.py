"""minissd train --find-rate: a picture, a table, and the command that uses the rate."""

import shlex
from functools import partial

import pytest
from PIL import Image

from minissd.cli import find_rate
from minissd.training import sweep_rates


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(find_rate, "sweep_rates", partial(sweep_rates, steps=16))


def test_the_command_it_prints_trains_with_the_rate_it_found(minissd, short, tree, tmp_path):
    out = tmp_path / "my run"
    words = ("train", "--data", tree.root, "--input-size", 64, "--epochs", 1, "--batch-size", 3, "--workers", 0)
    outcome = minissd(*words, "--out", out, "--classes", "cat, dog", "--no-balance", "--lr", 1e-3, "--find-rate")
    assert outcome.status == 0, outcome.err
    assert {file.name for file in out.iterdir()} == {"rate.png", "rate.csv"}
    Image.open(out / "rate.png").verify()
    command = shlex.split(outcome.out.partition("next: minissd ")[2].splitlines()[0])
    typed = [*map(str, words), "--classes", "cat, dog", "--no-balance", "--out", str(out), "--lr"]
    assert sorted(command[:-1]) == sorted(typed) and float(command[-1]) > 0
    assert minissd(*command).status == 0
    assert (out / "last.safetensors").exists()


def test_no_rate_is_looked_for_where_a_run_is(minissd, refused, trained, tree):
    refused([trained, "holds a run already"], "train", "--data", tree.root, "--out", trained, "--find-rate")
    refused(["--find-rate", "--resume"], "train", "--out", trained, "--resume", "--find-rate")
