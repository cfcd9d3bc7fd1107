"""The benchmarks at sizes that take no time."""

import pytest

from minissd.bench import convolution, step


@pytest.fixture
def small(monkeypatch):
    """Small sizes, and no fresh processes (which would not know of them) for the memory."""
    monkeypatch.setattr(convolution, "SIDE", 9)
    monkeypatch.setattr(convolution, "CHANNELS", 8)
    monkeypatch.setattr(step, "INPUT_SIZE", 64)
    monkeypatch.setattr(step, "BATCH_SIZE", 2)
    monkeypatch.setattr(step, "peak_growth", lambda make_side, name: 100.0)


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
