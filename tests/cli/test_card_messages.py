"""What a user reads whose card, driver, CuPy or memory does not suffice: one line that says what to do."""

import gc
import re
import sys

import numpy as np
import pytest

from minissd import device
from minissd.cli import looking

TRAIN = ("train", "--input-size", 64, "--limit", 12, "--steps", 1, "--workers", 0, "--validation", "none")


@pytest.fixture(autouse=True)
def not_tried_out_yet():
    device._try_out.cache_clear()
    yield
    device._try_out.cache_clear()


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.fixture
def broken_cupy(monkeypatch, tmp_path):
    """A CuPy that does not load, with the page that the real one prints then."""
    page = "\n".join(
        (
            "", "=" * 64, "Failed to import CuPy.", "",
            "If you installed CuPy via wheels (cupy-cudaXXX or cupy-rocm-X-X), make sure that the package matches",
            "", "Original error:",
            "  ImportError: libcudart.so.12: cannot open shared object file: No such file or directory", "=" * 64, "",
        )
    )  # fmt: skip
    (tmp_path / "cupy.py").write_text(f"raise ImportError({page!r})")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def driver(strict, monkeypatch):
    """driver(version, error): CUDA's runtime finds no GPU, for that reason."""

    def install(version, error):
        def count():
            raise RuntimeError(error)

        monkeypatch.setattr(strict.cuda.runtime, "getDeviceCount", count)
        monkeypatch.setattr(strict.cuda.runtime, "driverGetVersion", lambda: version)

    return install


INSUFFICIENT = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"


def test_without_cupy(refused, no_cupy):
    refused(["'cuda'", "CuPy is not installed", "pip install 'minissd[cuda13]'", "--device cpu"], "train", *CUDA)


def test_auto_takes_the_cpu_without_cupy(minissd, no_cupy, tmp_path):
    outcome = minissd(*TRAIN, "--device", "auto", "--out", tmp_path)
    assert outcome.status == 0 and "on cpu" in outcome.out


CUDA = ("--device", "cuda")


def test_a_cupy_that_does_not_load(refused, broken_cupy):
    parts = ["libcudart.so.12: cannot open shared object file", "another version", "minissd[cuda13]", "--device cpu"]
    refused([*parts[:1], "of another version", *parts[2:]], "train", *CUDA)


IMPOSTORS = {  # what stands in cupy/__init__.py, and what the line says of it
    "AttributeError": ("import numpy; numpy.no_such_thing", "AttributeError: module 'numpy' has no attribute"),
    "ValueError": ("raise ValueError('numpy.dtype size changed')", "ValueError: numpy.dtype size changed"),
    "RuntimeError": ("raise RuntimeError('CUDA_PATH is wrong\\nmore')", "RuntimeError: CUDA_PATH is wrong)"),
    "OSError": ("raise OSError('libcuda.so: invalid ELF header')", "OSError: libcuda.so: invalid ELF header"),
    "SystemError": ("raise SystemError", "(SystemError)"),
    "SyntaxError": ("this is no Python", "SyntaxError: "),
    "ImportError": ("from os import no_such_thing", "cannot import name 'no_such_thing'"),
    "a module it needs": ("import no_such_module", "not no_such_module, which it needs"),
    "an empty folder": (None, "is not CuPy"),
    "a file of that name": ("", "is not CuPy"),
    "no CUDA": ("class ndarray: pass", "AttributeError: module 'cupy' has no attribute 'cuda'"),
}


@pytest.fixture(params=IMPOSTORS.values(), ids=IMPOSTORS)
def impostor(request, monkeypatch, tmp_path):
    """Something broken that is imported in the place of CuPy; its value is what is said of it."""
    source, part = request.param
    folder = tmp_path / "broken" / "cupy"
    folder.mkdir(parents=True)
    if source is not None:
        (folder / "__init__.py").write_text(source)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(folder.parent)
    yield part
    sys.modules.pop("cupy", None)


def test_whatever_a_broken_cupy_raises_is_one_line(refused, minissd, impostor, tmp_path):
    refused([impostor, "'cuda'", "pip install 'minissd[cuda13]'", "--device cpu"], "train", *CUDA)
    outcome = minissd("doctor")
    assert outcome.status == 0 and "".join(impostor.split()) in "".join(words_in(outcome.out).split())
    outcome = minissd(*TRAIN, "--device", "auto", "--out", tmp_path)
    assert outcome.status == 0 and "on cpu" in outcome.out, outcome
    device.array_module(np.zeros(2), None, 3)  # though there is something in sys.modules["cupy"]
    assert device.to_numpy([1, 2]).sum() == 3


@pytest.mark.parametrize("call", ["driverGetVersion", "runtimeGetVersion", "getDeviceCount", "getDeviceProperties"])
def test_a_call_of_the_driver_that_fails(refused, minissd, strict, monkeypatch, call):
    def fail(*args):
        raise OSError("libcuda.so.1: file too short")

    monkeypatch.setattr(strict.cuda.runtime, call, fail)
    outcome = minissd("doctor")
    assert outcome.status == 0 and "OSError: libcuda.so.1: file too short" in words_in(outcome.out)
    if call == "getDeviceCount":
        refused(["OSError: libcuda.so.1: file too short", "--device cpu"], "train", *CUDA)
        assert not device.gpu_available()


def test_no_driver(refused, driver):
    driver(0, INSUFFICIENT)
    refused(["no usable GPU", "there is no NVIDIA driver", "--device cpu"], "train", *CUDA)


def test_a_driver_too_old_for_this_cupy(refused, driver):
    driver(12040, INSUFFICIENT)
    parts = ["the driver knows CUDA 12.4", "made for 13.2", "update the driver", "(or cuda12)", "--device cpu"]
    refused(parts, "train", *CUDA)


def test_a_driver_without_a_card(refused, driver):
    driver(13010, "cudaErrorNoDevice: no CUDA-capable device is detected")
    refused(["no usable GPU (cudaErrorNoDevice", "--device cpu"], "train", *CUDA)


def test_no_such_card(refused, strict):
    refused(["'cuda:3'", "no such GPU among 1", "--device cpu"], "train", "--device", "cuda:3")


FAULTS = {
    "NVRTC of CuPy 13": (
        "ones",
        RuntimeError("CuPy failed to load libnvrtc.so.12: OSError: libnvrtc.so.12: cannot open shared object file"),
        "libnvrtc.so.12",
    ),
    "NVRTC of CuPy 14": (
        "ones",
        RuntimeError('Failure finding "libnvrtc.so.13 or libnvrtc.so.12": No such file: libnvrtc.so.13\nmore'),
        "libnvrtc.so.13",
    ),
    "cuBLAS": ("matmul", ImportError("libcublas.so.13: cannot open shared object file"), "libcublas.so.13"),
    "CUDA's headers": ("ones", "CompileException", "cuda_fp16.h"),
    "code for this card": ("ones", RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU: no kernel image"), "no kernel image"),
}


@pytest.mark.parametrize(("name", "error", "part"), FAULTS.values(), ids=FAULTS)
def test_a_card_on_which_cupy_cannot_compute(refused, strict, monkeypatch, name, error, part):
    """The card is counted, but CUDA's libraries are not there: CuPy loads them when it first needs them."""
    if error == "CompileException":
        error = strict.cuda.compiler.CompileException('cannot open source file "cuda_fp16.h"')

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(strict, name, fail)
    refused([part, "cannot compute on it", "pip install 'cupy-cuda13x[ctk]'", "--device cpu"], "train", *CUDA)
    assert not device.gpu_available()


def test_a_full_card(refused, strict):
    pool = strict.get_default_memory_pool()
    pool.set_limit(size=max(1, pool.used_bytes()))
    refused(["no memory left", "another program", "--device cpu"], "train", *CUDA)


# --- out of memory while it works ---


@pytest.fixture
def pool(strict):
    return strict.get_default_memory_pool()


@pytest.fixture
def room_for(minissd, pool):
    """room_for(*words): from now on the card has as much memory as that command takes, or another part of it."""

    def measure(*words, part=1.05):
        gc.collect()
        pool.free_all_blocks()
        used = pool.used_bytes()
        assert minissd(*words, *CUDA).status == 0
        pool.set_limit(size=used + int(part * (pool.total_bytes() - used)))

    return measure


def test_training_says_the_batch_size_that_fits(minissd, room_for, tmp_path):
    room_for(*TRAIN, "--batch-size", 5, "--out", tmp_path / "small")
    outcome = minissd(*TRAIN, "--batch-size", 12, "--out", tmp_path / "large", *CUDA)
    (line,) = outcome.err.strip().splitlines()
    assert outcome.status == 1 and "memory of the GPU does not suffice" in line
    fits, parts = map(int, re.search(r"--batch-size (\d+), or --accumulate (\d+) for a batch of 12", line).groups())
    assert fits == 5  # with parts, the gradients of those before are kept
    assert -(-12 // fits) < parts <= 12
    assert not (tmp_path / "large" / "last.safetensors").exists()
    for k, words in enumerate((("--batch-size", fits), ("--batch-size", 12, "--accumulate", parts))):
        assert minissd(*TRAIN, *words, "--out", tmp_path / f"advice {k}", *CUDA).status == 0
    assert minissd(*TRAIN, "--batch-size", 6, "--out", tmp_path / "more", *CUDA).status == 1


def test_not_even_one_image_fits(refused, room_for, tmp_path):
    words = (*TRAIN, "--out", tmp_path / "run", "--batch-size")
    room_for(*words, 1, part=0.8)  # the network and its momentum find room, a step does not
    for name in ("config.json", "last.safetensors"):
        (tmp_path / "run" / name).unlink()
    refused(["not even one image", "nvidia-smi", "--device cpu"], *words, 4, *CUDA)


@pytest.mark.parametrize("command", ["evaluate", "detect"])
def test_inference_says_the_batch_size_that_fits(command, minissd, room_for, checkpoint, tree, tmp_path):
    images = sorted((tree.root / "JPEGImages").iterdir())
    words = ("detect", *images, "--no-pictures") if command == "detect" else ("evaluate", "--data", tree.root)
    words = (*words, *checkpoint, *(("--split", "train") if command == "evaluate" else ()), "--out", tmp_path)
    room_for(*words, "--batch-size", 2)
    outcome = minissd(*words, "--batch-size", 6, *CUDA)
    (line,) = outcome.err.strip().splitlines()
    assert outcome.status == 1
    fits = int(re.search(r"of 6 images at a time (\d) would fit: --batch-size \1$", line).group(1))
    assert fits in (1, 2)  # filters that a larger try has kept take part of the room
    assert minissd(*words, "--batch-size", fits, *CUDA).status == 0


def test_where_no_batch_size_is_to_be_chosen(refused, room_for, checkpoint, tree, tmp_path, monkeypatch):
    words = ("explain", "saliency", *checkpoint, "--data", tree.root, "--split", "train", "--out", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(looking.batches, "__defaults__", (1,))
        room_for(*words)
    refused(["memory of the GPU", "--device cpu"], *words, *CUDA)


# --- doctor ---


def test_doctor_knows_the_card(minissd, strict):
    out = " ".join(minissd("doctor").out.split())
    for part in ("14.2.0, made for CUDA 13.2", "knows CUDA 13.1", "Strict stand-in", "capability 9.0", "of 8.0 GiB"):
        assert part in out, out


def words_in(out):
    """What a table says, its lines put together again."""
    return " ".join(re.sub(r"[│┃┏┓┡┩└┘━─┳╇┴]", " ", out).split())


def test_doctor_without_cupy(minissd, no_cupy):
    assert "CuPy is not installed: pip install" in words_in(minissd("doctor").out)


def test_doctor_with_a_cupy_that_does_not_load(minissd, broken_cupy):
    assert "libcudart.so.12: cannot open shared object file" in words_in(minissd("doctor").out)


def test_doctor_with_a_driver_too_old(minissd, driver):
    driver(12040, INSUFFICIENT)
    out = words_in(minissd("doctor").out)
    assert "knows CUDA 12.4" in out and "update the driver" in out
