"""The benchmarks of a card, on the stand-in and beside PyTorch on the CPU: what they check, measure and write down."""

import json
import os
import time

import numpy as np
import pytest
import typer
from strict_cupy import count_syncs
from typer.testing import CliRunner

from minissd.bench import (
    BENCHMARKS,
    ON_CARD,
    Conditions,
    Watch,
    detection,
    load_peer,
    nvidia_smi,
    on_card,
    real_run,
    ssd300,
)
from minissd.bench.subject import Subject
from minissd.cli.bench import bench
from minissd.device import card, gpu_available
from minissd.errors import MinissdError
from minissd.models import SSD

TINY = Subject("ssd-tiny", 3, {"input_size": 64})
ON_STAND_IN = Conditions("cuda")
app = typer.Typer()
app.command()(bench)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def small(small, strict, monkeypatch):
    """Small networks on the stand-in; a run of few steps."""
    monkeypatch.setattr(ssd300, "SUBJECT", TINY)
    monkeypatch.setattr(on_card, "BATCHES", (1, 2))
    monkeypatch.setattr(on_card, "BATCH_IN_USE", 2)
    monkeypatch.setattr(on_card, "BATCH_IN_TRAINING", 2)
    for name, value in {"MODEL": "ssd-tiny", "WARM_UP": 2, "MEASURED": 2, "BATCH_SIZE": 2, "GENERATED": 4}.items():
        monkeypatch.setattr(real_run, name, value)
    monkeypatch.setenv("PATH", "/nowhere")  # no nvidia-smi, should there be one


@pytest.fixture
def peer(monkeypatch):
    pytest.importorskip("torch")
    from minissd.bench import torch_card

    monkeypatch.setattr(torch_card, "DEVICE", "cpu")
    load_peer("torch")  # which sets the number of its threads
    return load_peer("torch", "cuda")


@pytest.mark.parametrize(
    ("name", "precision"),
    [("inference", "fp32"), ("inference", "tf32"), ("inference", "fp16"), ("training", "fp32"), ("training", "tf32")],
)
def test_both_sides_agree_and_are_timed(small, peer, report, name, precision):
    figures = ON_CARD[name](peer, 1, report, Conditions("cuda", precision))
    for figure in figures:
        assert set(figure.runs) == ({"minissd"} if figure.unit == "images/s" else {"minissd", "channels_last"})
        assert figure.ours > 0 and precision in figure.work
    assert [figure.verdict for figure in figures if figure.goal].count(None) == 0
    assert any(done == total for _, done, total in report.calls)


@pytest.mark.parametrize("name", ["inference", "training", "nms"])
def test_they_run_alone(small, report, name):
    figures = ON_CARD[name](None, 1, report, ON_STAND_IN)
    assert {side for figure in figures for side in figure.runs} == {"minissd"}


def test_training_in_half_precision_is_timed(small, report):
    time_of_step, _ = ON_CARD["training"](None, 1, report, Conditions("cuda", "fp16"))
    assert time_of_step.ours > 0 and "fp16" in time_of_step.work


def test_every_size_is_measured_and_the_goals_are_those_of_batch_eight(small, report):
    figures = ON_CARD["inference"](None, 1, report, ON_STAND_IN)
    works = [figure.work.partition(", fp32")[0] for figure in figures if figure.unit == "ms"]
    assert works == ["ssd-tiny forward, batch 1", "ssd-tiny forward, batch 2"]
    asked = [figure for figure in figures if figure.goal]
    assert {figure.unit for figure in asked} == {"ms", "images/s"}


@pytest.mark.parametrize("wrong", ["offsets", "logits"])
def test_a_wrong_output_is_not_timed(small, peer, report, monkeypatch, wrong):
    right = SSD.infer

    def slightly_wrong(self, images):
        offsets, logits = right(self, images)
        return (offsets * 1.01, logits) if wrong == "offsets" else (offsets, logits * 1.01)

    monkeypatch.setattr(SSD, "infer", slightly_wrong)
    with pytest.raises(MinissdError, match=f"{wrong}: .*differ"):
        ON_CARD["inference"](peer, 1, report, ON_STAND_IN)
    assert not report.calls


def test_a_step_that_learns_nothing_is_not_timed(small, peer, report, monkeypatch):
    monkeypatch.setattr(ssd300, "LR", 0.01)  # so that the second loss shows it
    monkeypatch.setattr(on_card.SGD, "step", lambda self, grads: None)
    with pytest.raises(MinissdError, match="loss of step 2"):
        ON_CARD["training"](peer, 1, report, ON_STAND_IN)


def test_detections_that_miss_an_object_are_not_timed(small, report, monkeypatch):
    right = on_card.detections_from
    monkeypatch.setattr(on_card, "detections_from", lambda *args, **kw: right(*args, limit=3, **kw))
    with pytest.raises(MinissdError, match="planted objects"):
        ON_CARD["nms"](None, 1, report, ON_STAND_IN)


def test_suppression_finds_on_the_card_what_it_finds_on_the_cpu(strict):
    boxes = detection.default_boxes(detection.SSD300)
    output = detection.realistic_output(
        boxes, *detection.random_objects(np.random.default_rng(0)), np.random.default_rng(1)
    )
    host = detection.detections_from(*(part[None] for part in output), boxes)[0]
    there = detection.detections_from(*(strict.asarray(part[None]) for part in output), strict.asarray(boxes))[0]
    for ours, right in zip(there, host, strict=True):
        np.testing.assert_allclose(ours, right, atol=1e-5)


def test_a_real_run_counts_the_images_after_the_warm_up(small, report, monkeypatch):
    """Two steps of two images in what a slowed clock says, whatever the first steps took."""
    ticks = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(real_run.time, "perf_counter", lambda: float(next(ticks)))
    (figure,) = real_run.run(None, 1, report, ON_STAND_IN)
    assert figure.unit == "images/s" and "generated" in figure.work
    assert 0 < figure.ours <= 2 * 2 / (2 * 0.5)


def test_a_real_run_on_data_of_ones_own(small, report):
    (figure,) = real_run.run(None, 1, report, Conditions("cuda", data="shapes"))
    assert "shapes" in figure.work


def test_the_clock_of_the_card_waits_for_all_work(strict):
    with count_syncs() as syncs:
        took, result = card.milliseconds_on_card(lambda: time.sleep(0.02) or "done")
    assert result == "done" and took >= 20
    assert syncs == ["stream", "event"]


def test_the_busy_share_is_the_mean_of_what_nvidia_smi_says(tmp_path, monkeypatch):
    said = tmp_path / "said"
    program = tmp_path / "nvidia-smi"
    program.write_text(
        f"#!{os.path.realpath('/bin/sh')}\n"
        'case "$*" in *driver_version*) echo 580.65.06;;\n'
        '*--id=0000:1B:00.0*) echo 90; echo "[N/A]"; echo 70; '
        f': > "{said}"; exec /bin/sleep 60;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert nvidia_smi.driver_version() == "580.65.06"
    busy = nvidia_smi.BusyShare("0000:1B:00.0")
    busy.start()
    until = time.monotonic() + 50
    while not said.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert busy.stop() == 80


def test_without_nvidia_smi_nothing_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    busy = nvidia_smi.BusyShare("0")
    busy.start()
    assert busy.stop() is None and nvidia_smi.driver_version() is None


# --- the command ---


def test_the_record_names_the_card(small, tmp_path, monkeypatch):
    monkeypatch.setattr(Watch, "share_of_others", lambda self: 0.0)  # the tests themselves take both cores
    file = tmp_path / "record.json"
    words = "inference", "training", "nms", "run", "--device", "cuda", "--peer", "none", "--repeat", 1, "--json", file
    result = run(*words)
    assert result.exit_code == 0, result.output
    record = json.loads(file.read_text())
    found = record["machine"]["card"]
    assert found["name"] == "Strict stand-in" and found["cuda"] == 13020 and found["cupy"] == "14.2.0"
    assert found.keys() >= {"driver", "capability", "memory_gib", "cuda_of_driver"}
    assert record["figures"].keys() == ON_CARD.keys()
    assert "Strict stand-in" in result.output and "training run" in result.output


def test_all_of_the_card_is_measured_unless_something_is_chosen(small, strict, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "minissd.cli.bench.ON_CARD",
        {name: lambda *_, conditions, name=name: ran.append(name) or [] for name in ON_CARD},
    )
    assert run("--device", "cuda", "--peer", "none", "--precision", "tf32").exit_code == 0
    assert ran == list(ON_CARD)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["inference"], ["inference", "--device cuda", *BENCHMARKS]),
        (["conv", "--device", "cuda"], ["conv", "--device cpu", *ON_CARD]),
        (["inference", "--device", "cuda", "--data", "shapes"], ["--data", "run"]),
        (["conv", "--precision", "tf32"], ["--precision tf32", "needs a GPU"]),
        (["--device", "tpu"], ["'tpu'"]),
    ],
)
def test_what_does_not_go_together_is_refused(strict, words, parts):
    result = run(*words, "--peer", "none")
    assert isinstance(result.exception, MinissdError), result.output
    assert all(part in str(result.exception) for part in parts)


def test_without_a_card_one_line_says_so():
    if gpu_available():
        pytest.skip("there is a card")
    result = run("--device", "cuda")
    assert isinstance(result.exception, MinissdError) and "\n" not in str(result.exception)
    assert "--device cpu" in str(result.exception)


def test_a_pytorch_without_cuda_is_no_peer_on_a_card():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this PyTorch has a card")
    assert load_peer(None, "cuda") is None
    with pytest.raises(MinissdError, match="--peer torch: this PyTorch finds no GPU"):
        load_peer("torch", "cuda")
