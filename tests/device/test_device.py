"""The border between NumPy and CuPy, with the strict stand-in in the place of CuPy."""

import sys

import numpy as np
import pytest

from minissd.device import (
    array_module,
    gpu_available,
    parse_device,
    resolve_device,
    to_device,
    to_like,
    to_numpy,
)
from minissd.errors import MinissdError

X = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # importing it raises ImportError


@pytest.fixture
def no_card(strict, monkeypatch):
    """CuPy is installed, the driver is not; CuPy's own error is a RuntimeError too."""

    def count():
        raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient\nmore lines")

    monkeypatch.setattr(strict.cuda.runtime, "getDeviceCount", count)


def test_numpy_arrays_want_numpy(no_cupy):
    assert array_module(X, None, 3, 0.5, True, X[0, 0]) is np
    assert array_module() is np
    assert array_module(None, 2) is np


def test_cupy_arrays_want_cupy(strict):
    assert array_module(strict.asarray(X), None, 3) is strict
    assert array_module(X) is np


def test_arrays_on_two_devices_are_refused(strict):
    with pytest.raises(TypeError, match=r"cupy.ndarray.* and .*numpy.ndarray.*to_device or to_numpy"):
        array_module(strict.asarray(X), X)


@pytest.mark.parametrize("thing", [[1, 2], "x", (X, X), {"x": X}])
def test_what_is_no_array_is_refused_by_its_type(thing):
    with pytest.raises(TypeError, match=f"builtins.{type(thing).__name__}; convert with"):
        array_module(X, thing)


def test_there_and_back(strict):
    there = to_device(X, "cuda")
    assert isinstance(there, strict.ndarray)
    back = to_numpy(there)
    assert type(back) is np.ndarray
    np.testing.assert_array_equal(back, X)
    np.testing.assert_array_equal(to_device(there, "cpu"), X)


def test_no_copy_of_what_is_there_already(strict):
    there = to_device(X, "cuda:0")
    assert to_device(there, "cuda") is there
    assert to_numpy(X) is X
    assert to_device(X, "cpu") is X


def test_to_like_follows_the_reference(strict):
    assert to_like(X, X) is X
    assert isinstance(to_like(X, strict.zeros(1)), strict.ndarray)


WORDS = {"cpu": ("cpu", None), "cuda": ("cuda", None), "cuda:0": ("cuda", 0), "cuda:12": ("cuda", 12)}


@pytest.mark.parametrize(("word", "parsed"), WORDS.items())
def test_words_for_devices(word, parsed):
    assert parse_device(word) == parsed


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "CUDA", "", None, 0])
def test_words_that_are_no_device_are_named(word):
    with pytest.raises(MinissdError, match=f"device {word!r} is not known: give cpu, cuda"):
        to_device(X, word)


def test_auto_takes_the_card_if_there_is_one(strict):
    assert gpu_available()
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:0") == "cuda:0"


def test_without_cupy(no_cupy):
    assert not gpu_available()
    assert resolve_device("auto") == "cpu"
    for act in (resolve_device, lambda device: to_device(X, device)):
        with pytest.raises(MinissdError, match=r"'cuda': CuPy is not installed.*pip install.*--device cpu"):
            act("cuda")


def test_without_a_card(no_card):
    assert not gpu_available()
    assert resolve_device("auto") == "cpu"
    with pytest.raises(MinissdError, match=r"no usable GPU \(cudaError.*\).*--device cpu") as raised:
        resolve_device("cuda")
    assert "\n" not in str(raised.value)


def test_a_card_that_is_not_there(strict):
    with pytest.raises(MinissdError, match=r"'cuda:1'.*counted from 0"):
        to_device(X, "cuda:1")


def test_the_error_of_the_real_cupy_is_a_runtime_error():
    cupy = pytest.importorskip("cupy", exc_type=ImportError)
    assert issubclass(cupy.cuda.runtime.CUDARuntimeError, RuntimeError)
