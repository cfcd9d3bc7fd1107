"""The benchmarks at sizes that take no time."""

import pytest

from minissd.bench import convolution, growth, inference, layers, preparation, ssd300, step, timing
from minissd.bench.subject import Subject

TINY = Subject("ssd-tiny", 3, {"input_size": 64})


@pytest.fixture
def small(monkeypatch):
    """Small sizes, nothing that makes times fair, and no fresh processes for the memory."""
    monkeypatch.setattr(timing, "PAUSE", 0)
    monkeypatch.setattr(timing.gc, "collect", lambda: 0)  # slow among all that the tests have loaded
    monkeypatch.setattr(convolution, "SIDE", 9)
    monkeypatch.setattr(convolution, "CHANNELS", 8)
    for module in (ssd300, step):
        monkeypatch.setattr(module, "SUBJECT", TINY)
        monkeypatch.setattr(module, "BATCH_SIZE", 2)
    for name in ("TINY", "MOBILENET", "LITE"):
        monkeypatch.setattr(inference, name, TINY)
    monkeypatch.setattr(inference, "BATCHES", (1, 2))
    monkeypatch.setattr(inference, "STEP_BATCH_SIZE", 2)
    for module in (growth, layers):
        monkeypatch.setattr(module, "SUBJECT", TINY)
    monkeypatch.setattr(step, "peak_growth", peak_growth_in_this_process)
    monkeypatch.setattr(growth, "BATCHES", (1, 2))
    monkeypatch.setattr(growth, "SIDES", (32, 48))
    monkeypatch.setattr(growth, "BATCH_SIDE", 48)
    monkeypatch.setattr(layers, "SIDE", 64)
    monkeypatch.setattr(preparation, "IMAGES", 3)


def peak_growth_in_this_process(make_side, *arguments):
    """As `peak_growth`, but the memory is made up."""
    side = make_side(*arguments)
    return 100.0, [side(), side()]


@pytest.fixture
def torch_peer():
    pytest.importorskip("torch")
    from minissd.bench.peer import load_peer

    return load_peer("torch")


@pytest.fixture
def report():
    """A progress report that keeps what it was told: .calls"""

    def report(*what):
        report.calls.append(what)

    report.calls = []
    return report
