"""Settings for every test: Hypothesis profiles, where the sample data lies, a fixed number of BLAS threads."""

import os
import signal
import sys
import threading

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: the test processes already fill the cores

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import strict_cupy
from hypothesis import HealthCheck, settings

from minissd.device import resolve_device
from minissd.engine.tuning import shipped, tuned
from minissd.errors import MinissdError

SHARED = Path(__file__).resolve().parents[2] / "shared"

_common = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("quick", max_examples=25, **_common)
settings.register_profile("thorough", max_examples=500, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs of a shell in the background ignore Ctrl-C


@pytest.fixture(scope="session", autouse=True)
def the_shipped_tuning():
    """Whatever `minissd bench --tune` wrote for whoever runs the tests."""
    with tuned(shipped()):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def refused():
    """with refused(*parts): a MinissdError of one line in which all the parts occur."""

    @contextmanager
    def check(*parts):
        with pytest.raises(MinissdError) as raised:
            yield
        message = str(raised.value)
        assert "\n" not in message
        for part in parts:
            assert str(part) in message, f"{part!r} is not in {message!r}"

    return check


@pytest.fixture
def strict(monkeypatch):
    """The strict stand-in for CuPy, in place of the real one: move arrays to it with `strict.asarray(x)`."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy.cupy)
    yield strict_cupy.cupy
    strict_cupy.cupy.get_default_memory_pool().set_limit(size=0)


@pytest.fixture(params=["stand-in", pytest.param("real card", marks=pytest.mark.card)])
def card(request):
    """CuPy twice: the strict stand-in, and the real one where a card is usable (`pytest -m card` runs only those)."""
    if request.param == "stand-in":
        return request.getfixturevalue("strict")
    try:
        resolve_device("cuda")
    except MinissdError as error:
        pytest.skip(f"no card to test on: {error}")
    return sys.modules["cupy"]


@pytest.fixture(scope="session")
def shared():
    """The folder of sample data beside the repository; tests that need it are skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the sample data folder ../shared beside the repository")
    return SHARED
