"""`minissd bench`: tables, the record, the pictures, and what it refuses before the work."""

import json
import os
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from minissd.bench import BENCHMARKS, Figure, Goal, Growth, Watch, convolution, load_peer, peer, record
from minissd.bench import alone as alone_module
from minissd.bench import figures as measured
from minissd.cli import bench as command
from minissd.cli.bench import bench
from minissd.cli.console import console
from minissd.errors import MinissdError

app = typer.Typer()
app.command()(bench)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fails(*arguments):
    """The message of the MinissdError that the command ends with."""
    result = run(*arguments)
    assert isinstance(result.exception, MinissdError), result.output
    return str(result.exception)


@pytest.fixture
def quick(monkeypatch):
    """Benchmarks that were run before: one result of each kind for a run of any name; .ran lists the names."""

    def results(name):
        def run(peer, repeat, report, data=None, runtimes=()):
            quick.ran.append(name)
            both = {"minissd": [10.0], "contiguous": [11.9], "channels_last": [12.0]}
            match name:
                case "tiny":
                    all_of_them = both | {runtime.NAME: [7.0] for runtime in runtimes}
                    return [Figure("net forward", "ms", all_of_them, Goal(measured.FASTEST, 0.7, 1.0))]
                case "growth":
                    figures = [Figure("w", "ms", {"minissd": [t], "contiguous": [t * t]}) for t in (10.0, 21.0)]
                    return [Growth("net forward", "images in the batch", (1, 2), (1, 2), "image", figures)]
                case "layers":
                    return [Figure(work, "ms", both, operations=10**9) for work in ("matrix product", "a.b", "c.d")]
                case "data":
                    return [Figure(f"prepare {data}", "images/s", {"minissd": [123.4]}, Goal(measured.OWN_RATE, 100))]
            return [
                Figure("some work", "ms", both, Goal(measured.SPEED, 1.15, 1.6)),
                Figure("its memory", "MiB", both, Goal(measured.MEMORY, 0.8)),
            ]

        return run

    quick.ran = []
    monkeypatch.setattr(command, "BENCHMARKS", {name: results(name) for name in BENCHMARKS})
    monkeypatch.setattr(command, "load_peer", lambda name, device: None)
    return quick


def test_all_of_it_runs_unless_something_is_chosen(quick):
    assert run().exit_code == 0 and quick.ran == list(BENCHMARKS)
    quick.ran.clear()
    assert run("detect", "conv", "detect").exit_code == 0 and quick.ran == ["detect", "conv"]


def test_the_tables_say_what_was_measured_what_was_asked_and_whether_it_was_reached(quick, monkeypatch):
    monkeypatch.setattr(console, "_width", 200)  # a row on one line
    lines = run("conv", "data", "growth", "layers", "--data", "mine").output.splitlines()

    def row(start, height=2):  # the verdict stands below
        first = next(i for i, line in enumerate(lines) if start in line)
        return " ".join(" ".join(lines[first : first + height]).replace("│", " ").split())

    assert row("some work") == "some work 10.0 11.9 1.19 >= 1.15 >= 1.6 reached"
    assert row("its memory") == "its memory 10.0 11.9 0.84 <= 0.8 missed"
    assert row("prepare") == "prepare mine 123 images/s >= 100 images/s reached"
    assert "time beside PyTorch, in ms; ratio: PyTorch / minissd" in lines
    assert row("net forward", 1) == "net forward 1 2 10.0 10.5 ms/image 1.07 2.14 1 ± 0.15 reached"
    assert row("a.b", 1) == "a.b 10.00 11.90 100 84"


def test_the_pictures_are_drawn(quick, tmp_path):
    result = run("growth", "layers", "--pictures", tmp_path / "new")
    assert result.exit_code == 0, result.output
    for name in ("growth.png", "roofline.png"):
        assert min(Image.open(tmp_path / "new" / name).size) > 300


def test_what_cannot_be_written_is_refused_before_the_work(quick, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert str(tmp_path) in fails("conv", "--json", tmp_path)  # a folder
    assert str(file) in fails("conv", "--json", file / "record.json")
    assert str(file) in fails("growth", "--pictures", file)
    assert quick.ran == []


def test_options_without_effect_are_refused(quick, tmp_path):
    assert "add one of them" in fails("conv", "--pictures", tmp_path)
    assert "`data` prepares" in fails("conv", "--data", "shapes")
    assert quick.ran == []


@pytest.fixture
def alone(monkeypatch):
    """As on a machine that does nothing else; the tests themselves take both cores."""
    monkeypatch.setattr(Watch, "share_of_others", lambda self: 0.01)


def test_the_record_says_what_was_measured_where_and_how(small, alone, tmp_path):
    file = tmp_path / "record.json"
    result = run("conv", "step", "growth", "--peer", "none", "--repeat", 1, "--json", file)
    assert result.exit_code == 0, result.output
    record = json.loads(file.read_text())
    assert record.keys() == {"command", "date", "machine", "versions", "repeat", "figures"}
    assert record["machine"]["threads"] >= 1 and record["machine"]["cpu"] and record["machine"]["load_before"] >= 0
    assert record["machine"]["others_during"] == 0.01
    assert record["versions"]["numpy"] == np.__version__
    assert record["figures"].keys() == {"conv", "step", "growth"}
    (conv,) = record["figures"]["conv"]
    assert conv["unit"] == "ms" and conv["minissd"] > 0 and conv["pytorch"] is None and conv["verdict"] is None
    assert conv["goal"] == {"of": "PyTorch / minissd", "sign": ">=", "required": 0.9, "stretch": 1.3}
    assert [figure["unit"] for figure in record["figures"]["step"]] == ["ms", "MiB"]
    for growth in record["figures"]["growth"]:
        assert len(growth["figures"]) == len(growth["sizes"]) == len(growth["amounts"])
        assert growth["verdict"] in ("reached", "missed") and growth["pytorch_slope"] is None


def test_a_run_that_was_not_alone_is_shown_and_no_record(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(Watch, "share_of_others", lambda self: 0.43)
    result = run("conv", "--json", tmp_path / "record.json")
    assert isinstance(result.exception, MinissdError)
    assert "some work" in result.output and "others took 43% of the cores" in result.output
    assert "record.json: not written" in str(result.exception) and "43%" in str(result.exception)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(Watch, "share_of_others", lambda self: None)  # nobody can say
    assert run("conv", "--json", tmp_path / "record.json").exit_code == 0


def test_what_others_take_is_told_from_what_this_process_takes(monkeypatch, tmp_path):
    """Two cores, one of them ours for half of ten seconds, and a third that is not ours."""
    stat, tick = tmp_path / "stat", os.sysconf("SC_CLK_TCK")
    lines = [
        "cpu  0 0 0 0 0 0 0 0",
        "cpu0 {0} 0 0 {1} 0 0 0 0 0 0",
        "cpu1 0 0 0 {2} 0 0 0 {3} 0 0",
        "cpu7 {2} 0 0 0 0 0 0 0",
    ]
    monkeypatch.setattr(alone_module, "STAT", stat)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    stat.write_text("\n".join(lines).format(0, 0, 0, 0))
    monkeypatch.setattr(os, "times", lambda: (1.0, 0.0, 0.0, 0.0, 0.0))
    watch = Watch()
    stat.write_text("\n".join(lines).format(6 * tick, 4 * tick, 9 * tick, tick))
    monkeypatch.setattr(os, "times", lambda: (4.0, 1.0, 1.0, 0.0, 0.0))
    assert watch.share_of_others() == 0.1  # busy 7 of 20 seconds, 5 of them here
    monkeypatch.setattr(alone_module, "STAT", tmp_path / "nothing")
    assert Watch().share_of_others() is None


def test_beside_several(quick, monkeypatch):
    class Runtime:
        NAME = "openvino"

    monkeypatch.setattr(command, "load_runtimes", lambda names: [Runtime] * len(names))
    monkeypatch.setattr(console, "_width", 200)
    output = run("tiny", "--peer", "torch,openvino").output
    row = " ".join(next(line for line in output.splitlines() if "net forward" in line).split())
    assert row == "net forward 10.0 11.9 7.0 0.70 >= 0.7 >= 1" and "OpenVINO" in output and "reached" in output
    assert "--peer openvino is for ssd300, tiny" in fails("conv", "--peer", "openvino")
    assert run("conv", "--peer", "tensorflow").exit_code == 2


def test_a_runtime_that_is_not_installed(quick, monkeypatch):
    monkeypatch.setattr(peer.importlib.util, "find_spec", lambda name: None)
    assert "openvino is not installed: pip install openvino" in fails("tiny", "--peer", "torch,openvino")


def test_beside_torch_there_is_a_verdict(small, torch_peer):
    result = run("conv", "--peer", "torch", "--repeat", 1)
    assert result.exit_code == 0, result.output
    assert ">= 0.9" in result.output and ("reached" in result.output or "missed" in result.output)


def test_a_wrong_result_leaves_no_record(small, torch_peer, tmp_path, monkeypatch):
    right = convolution.conv2d
    monkeypatch.setattr(convolution, "conv2d", lambda *args, **kw: (right(*args, **kw)[0] * 2, right(*args, **kw)[1]))
    assert "differ" in fails("conv", "--json", tmp_path / "record.json")
    assert list(tmp_path.iterdir()) == []


def test_without_torch_it_runs_alone_and_says_what_torch_needs(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed: every import of it fails
    there = record.installed
    monkeypatch.setattr(record, "installed", lambda name: None if name == "torch" else there(name))
    assert load_peer() is None
    with pytest.raises(MinissdError, match="not installed"):
        load_peer("torch")
    result = run("conv", "--repeat", 1)
    assert result.exit_code == 0, result.output
    assert "PyTorch not installed" in result.output
