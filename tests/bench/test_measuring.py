"""What is measured is what was done: figures, turns, memory, the record."""

import json
import sys
from functools import partial

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from minissd.bench.agreement import require_agreement
from minissd.bench.figures import Figure
from minissd.bench.memory import STATUS, peak_growth
from minissd.bench.peer import load_peer
from minissd.bench.timing import interleaved
from minissd.cli.bench import bench
from minissd.errors import MinissdError

app = typer.Typer()
app.command()(bench)

MEBIBYTE_OF_FLOATS = 1 << 17  # float64


def test_a_figure_takes_medians_and_pytorch_at_its_best():
    runs = {"minissd": [9.0, 30.0, 10.0], "contiguous": [8.0, 8.0, 8.0], "channels_last": [1.0, 5.0, 5.0]}
    figure = Figure("work", "ms", runs, limit=2.0)
    assert figure.ours == 10 and figure.peer == (5.0, "channels_last")
    assert figure.ratio == 2 and figure.reached
    assert not Figure("work", "ms", runs, limit=1.9).reached
    assert Figure("work", "ms", runs).reached is None


def test_sides_take_turns():
    calls = []
    sides = {name: partial(calls.append, name) for name in "AB"}
    times = interleaved(sides, 3, lambda done, total: None)
    assert calls == list("AB" + "ABABAB")  # the first turn only warms up
    assert {name: len(values) for name, values in times.items()} == {"A": 3, "B": 3}


@pytest.mark.parametrize("wrong", [np.array([1.0, 2.01]), np.array([1.0, np.nan]), np.array([1.0])])
def test_disagreement_is_an_error(wrong):
    require_agreement("y", np.array([1.0, 2.001]), np.array([1.0, 2.0]))
    with pytest.raises(MinissdError, match="^y: "):
        require_agreement("y", wrong, np.array([1.0, 2.0]))


@pytest.mark.skipif(not STATUS.exists(), reason="peak memory is asked of /proc, which is Linux's")
def test_peak_memory_is_that_of_the_work_alone():
    ballast = np.ones(128 * MEBIBYTE_OF_FLOATS)  # must not count, though a child inherits our ru_maxrss
    once = peak_growth(partial, np.ones, 64 * MEBIBYTE_OF_FLOATS)
    more = peak_growth(partial, np.ones, 96 * MEBIBYTE_OF_FLOATS)
    assert once == pytest.approx(64, abs=8) and more == pytest.approx(96, abs=8)
    del ballast


def test_the_record_says_what_was_measured_where_and_how(small, tmp_path):
    file = tmp_path / "record.json"
    result = CliRunner().invoke(app, ["conv", "step", "--peer", "none", "--repeat", "1", "--json", str(file)])
    assert result.exit_code == 0, result.output
    record = json.loads(file.read_text())
    assert record.keys() == {"command", "date", "machine", "versions", "repeat", "figures"}
    assert record["machine"]["threads"] >= 1 and record["machine"]["cpu"] and record["machine"]["load_before"] >= 0
    assert record["versions"]["numpy"] == np.__version__
    assert record["figures"].keys() == {"conv", "step"}
    (conv,) = record["figures"]["conv"]
    assert conv["unit"] == "ms" and conv["minissd"] > 0 and conv["pytorch"] is None
    time, memory = record["figures"]["step"]
    assert (time["unit"], memory["unit"]) == ("ms", "MiB")


def test_the_table_shows_both_sides_and_a_verdict(small, torch_peer):
    result = CliRunner().invoke(app, ["conv", "--peer", "torch", "--repeat", "1"])
    assert result.exit_code == 0, result.output
    assert ">= 0.67" in result.output and ("reached" in result.output or "missed" in result.output)


def test_without_torch_it_runs_alone_and_says_what_torch_needs(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed: every import of it fails
    assert load_peer() is None
    with pytest.raises(MinissdError, match="not installed"):
        load_peer("torch")
    result = CliRunner().invoke(app, ["conv", "--repeat", "1"])
    assert result.exit_code == 0, result.output
    assert "PyTorch not installed" in result.output
