"""What the tests of threads share."""

import sys

import pytest
from threadpoolctl import threadpool_info, threadpool_limits


@pytest.fixture
def two_threads():
    if not any("numpy" in one["filepath"] for one in threadpool_info()):
        pytest.skip("NumPy's BLAS does not let its threads be set")
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a row or so, that small inputs too are shared out."""
    monkeypatch.setitem(sys.modules["minissd.engine.cpu.gathering"].BLOCK_BYTES, "numpy", 64)
    monkeypatch.setattr(sys.modules["minissd.engine.normalisation"], "BLOCK_BYTES", 64)
