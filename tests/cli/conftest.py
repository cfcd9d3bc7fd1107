"""Running the command line as a user does, in this process, and a small trained run to try commands on."""

import sys
from typing import NamedTuple

import pytest
from voc_trees import Tree

from minissd.cli.main import main
from minissd.models import build
from minissd.training import save_checkpoint


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def minissd(monkeypatch, capsys):
    """minissd("train", "--data", ...) -> Outcome(status, out, err); an exception that escapes is a test failure."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["minissd", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        return Outcome(stop.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def refused(minissd):
    """refused(parts, *words): the command fails with status 1 and one line on stderr that holds all the parts."""

    def check(parts, *words):
        outcome = minissd(*words)
        lines = outcome.err.strip().splitlines()
        assert outcome.status == 1, outcome
        assert len(lines) == 1 and lines[0].startswith("error: "), outcome.err
        for part in parts:
            assert str(part) in lines[0]

    return check


@pytest.fixture
def tree(tmp_path):
    """A VOC tree of six small images with two classes."""
    tree = Tree(tmp_path / "tree")
    for i in range(6):
        tree.add(f"img{i}", [("cat", (5, 5, 30, 25)), ("dog", (10, 8, 38, 28))], size=(80, 60))
    return tree


SMALL = ("--input-size", 64, "--epochs", 2, "--batch-size", 3, "--workers", 0)


@pytest.fixture
def small_run():
    """Options that make a training run take a second."""
    return SMALL


@pytest.fixture
def trained(minissd, tree, tmp_path):
    """A run folder trained on the tree."""
    out = tmp_path / "run"
    assert minissd("train", "--data", tree.root, "--out", out, *SMALL).status == 0
    return out


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """The option --checkpoint with a small network for cats and dogs that has learned nothing, and finds much."""
    path = tmp_path_factory.mktemp("checkpoint") / "last.safetensors"
    save_checkpoint(path, build("ssd-tiny", classes=("cat", "dog"), input_size=64))
    return "--checkpoint", path
