"""What the tests of threads share."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minissd.engine.tuning import tuned


@pytest.fixture
def two_threads():
    if not any("numpy" in one["filepath"] for one in threadpool_info()):
        pytest.skip("NumPy's BLAS does not let its threads be set")
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.fixture
def small_blocks():
    """Blocks of a row or so, that small inputs too are shared out."""
    with tuned(im2col_block=64, batch_norm_block=64):
        yield
