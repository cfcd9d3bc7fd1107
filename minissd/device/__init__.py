"""NumPy or CuPy, chosen by the arrays themselves: the only file that imports cupy.

There is one source for both devices.  An operation asks its own arguments where they live,

    xp = array_module(x, w)
    y = xp.maximum(x, 0)

and runs there.  No global switch exists, so a network on the GPU and one on the CPU live side by side.
A CuPy array can only exist once somebody imported cupy; `array_module` therefore looks for the module in
`sys.modules` and a machine without CuPy never pays for the question.
"""

import importlib
import sys
from functools import cache
from typing import Any

import numpy as np

from minissd.errors import MinissdError

INSTALL = "pip install 'minissd[cuda13]' (or cuda12)"
OTHER_CUDA = "CUDA's libraries are missing or of another version"
DAMAGED = "it is damaged, or does not fit this NumPy, Python or driver"
Array = np.ndarray  # in signatures: an array of NumPy, or of CuPy, which has the same methods
# how CUDA's runtime, its driver and cuBLAS say it, where CuPy's own pool is not asked
OUT_OF_MEMORY = ("cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED")


def array_module(*arrays: Any) -> Any:
    """The module (numpy or cupy) whose functions these arrays need.

    None and Python numbers have no say.  Raises TypeError when NumPy and CuPy arrays are mixed, or when an
    argument is no array at all: moving data between devices is always written out, never implied.
    """
    for array in arrays:
        if type(array) is not np.ndarray:
            break
    else:
        return np  # what is asked some thousand times in a training step, and by one thread at a time
    cupy = loaded_cupy()
    found = {}  # module name -> (module, the type that named it)
    for array in arrays:
        if isinstance(array, np.ndarray | np.generic):
            found["numpy"] = np, type(array)
        elif cupy is not None and isinstance(array, cupy.ndarray):
            found["cupy"] = cupy, type(array)
        elif array is not None and not isinstance(array, bool | int | float):
            raise TypeError(
                f"expected NumPy or CuPy arrays, got {_type_name(type(array))}; "
                "convert with numpy.asarray or minissd.device.to_device"
            )
    if len(found) > 1:
        names = " and ".join(_type_name(kind) for _, kind in found.values())
        raise TypeError(f"arrays on two devices in one operation: {names}; move one with to_device or to_numpy")
    if found:
        return next(iter(found.values()))[0]
    return np


def loaded_cupy() -> Any:
    """The cupy module if somebody imported it, else None; what merely has its name (an empty folder) is not CuPy."""
    cupy = sys.modules.get("cupy")
    return cupy if hasattr(cupy, "ndarray") else None


def to_device(x: Array, device: str) -> Array:
    """Array `x` on `device`: "cpu", "cuda" (the current GPU) or "cuda:1".  No copy if it is there already."""
    kind, index = parse_device(device)
    if kind == "cpu":
        return to_numpy(x)
    cupy = _require_gpu(device)
    if index is None:
        return cupy.asarray(x)
    with cupy.cuda.Device(index):
        return cupy.asarray(x)


def to_numpy(x: Array) -> np.ndarray:
    """Array `x` in host memory; waits for the device if it has to be copied."""
    cupy = loaded_cupy()
    if cupy is not None and isinstance(x, cupy.ndarray):
        return cupy.asnumpy(x)
    return np.asarray(x)


def wait_for_device(x: Array) -> None:
    """Wait until CuPy array `x` is computed, for a library that reads it past CuPy."""
    array_module(x).cuda.get_current_stream().synchronize()


def to_like(x: np.ndarray, reference: Array) -> Array:
    """NumPy array `x` on the device where `reference` lives (a mask drawn by a numpy Generator, say)."""
    return array_module(reference).asarray(x)


def gpu_available() -> bool:
    """True if CuPy is installed and can compute on at least one GPU."""
    try:
        _require_gpu("cuda")
    except MinissdError:
        return False
    return True


def resolve_device(device: str) -> str:
    """The device a user's word means: "auto" picks the GPU if there is one.  Raises MinissdError if it is missing."""
    if device == "auto":
        return "cuda" if gpu_available() else "cpu"
    kind, index = parse_device(device)
    if kind == "cuda":
        cupy = _require_gpu(device)
        if index is not None:
            cupy.cuda.Device(index).use()  # what an operation allocates goes to the current GPU
    return device


def device_for(device: str, place: int) -> str:
    """`resolve_device` for one of several processes on a machine, its number `place`: each takes the next GPU."""
    device = resolve_device(device)
    cards = _require_gpu(device).cuda.runtime.getDeviceCount() if device == "cuda" else 1
    return device if cards == 1 else resolve_device(f"cuda:{place % cards}")


def parse_device(device: str) -> tuple[str, int | None]:
    """("cpu", None), ("cuda", None) or ("cuda", index) from "cpu", "cuda", "cuda:1".  Raises MinissdError otherwise."""
    kind, _, index = str(device).partition(":")
    if device == "cpu":
        return "cpu", None
    if kind == "cuda" and device == "cuda":
        return "cuda", None
    if kind == "cuda" and index.isdecimal() and len(index) < 10:
        return "cuda", int(index)
    raise MinissdError(f"device {device!r} is not known: give cpu, cuda, cuda:N (the N-th GPU) or auto")


def card_report() -> dict[str, str]:
    """What there is of CuPy, CUDA and GPUs, in words: {"CuPy": ..., "GPU": ...}.  Whatever is missing, no error."""
    try:
        cupy = _import_cupy()
    except MinissdError as error:
        return {"CuPy": f"{error} (needed only for --device cuda)"}
    report = {}
    try:
        runtime = cupy.cuda.runtime
        report["CuPy"] = f"{cupy.__version__}, made for CUDA {_cuda_version(runtime.runtimeGetVersion())}"
        driver = runtime.driverGetVersion()
        report["driver"] = f"knows CUDA {_cuda_version(driver)}" if driver else "no NVIDIA driver"
        for index in range(_count_cards(cupy)):
            _try_out(cupy, index)
            report[f"GPU {index}"] = _describe_card(cupy, index)
    except MinissdError as error:
        report["GPU"] = str(error)
    except Exception as error:
        report["GPU"] = _does_not_work(error)
    return report


def ran_out_of_card_memory(error: BaseException) -> bool:
    """Whether this exception says that the memory of the GPU, not of the host, did not suffice."""
    cupy = loaded_cupy()
    if cupy is None:
        return False
    if isinstance(error, cupy.cuda.memory.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in OUT_OF_MEMORY)


def free_card_memory() -> None:
    """Give back to the GPU what CuPy keeps for later, though no array needs it."""
    sys.modules["cupy"].get_default_memory_pool().free_all_blocks()


def _require_gpu(device):
    """The cupy module, once it has computed on that GPU, or a MinissdError that says which part is missing."""
    index = parse_device(device)[1]
    try:
        cupy = _import_cupy()
        count = _count_cards(cupy)
        if (index or 0) >= count:
            raise MinissdError(f"there is no such GPU among {count}, counted from 0")
        _try_out(cupy, index)
    except MinissdError as error:
        raise MinissdError(f"device {device!r}: {error}; or use --device cpu") from None
    except Exception as error:
        raise MinissdError(f"device {device!r}: {_does_not_work(error)}; or use --device cpu") from None
    return cupy


def _import_cupy():
    """The cupy module.  MinissdError in one line, whatever goes wrong in loading it: that is compiled code."""
    try:
        cupy = importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name not in (None, "cupy"):
            raise MinissdError(f"CuPy is installed, but not {error.name}, which it needs: {INSTALL}") from None
        raise MinissdError(f"CuPy is not installed: {INSTALL}") from None
    except ImportError as error:  # a shared library of CUDA is not there, or of another version
        raise MinissdError(f"CuPy does not load ({_first_line(error)}): {OTHER_CUDA}: {INSTALL}") from None
    except Exception as error:
        raise MinissdError(f"CuPy does not load ({_kind_and_line(error)}): {DAMAGED}: {INSTALL}") from None
    if loaded_cupy() is None:
        place = cupy.__file__ or next(iter(cupy.__path__), "cupy")
        raise MinissdError(f"{place} has the name of CuPy, but is not CuPy: rename or remove it, then {INSTALL}")
    return cupy


def _does_not_work(error):
    """What a CuPy that loads has raised where nothing in particular was expected."""
    return f"CuPy does not work ({_kind_and_line(error)}): {DAMAGED}: {INSTALL}"


def _count_cards(cupy):
    """How many GPUs there are.  MinissdError if there is none, or the driver is too old for this CuPy."""
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except RuntimeError as error:  # CuPy's CUDARuntimeError is one
        reason = f"CuPy finds no usable GPU ({_first_line(error)})"
        driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if driver == 0:
            raise MinissdError(f"{reason}: there is no NVIDIA driver") from None
        if driver // 1000 < needed // 1000:
            raise MinissdError(
                f"{reason}: the driver knows CUDA {_cuda_version(driver)}, this CuPy is made for "
                f"{_cuda_version(needed)}: update the driver, or in place of this CuPy {INSTALL}"
            ) from None
        raise MinissdError(reason) from None
    if count == 0:
        raise MinissdError("CuPy finds no GPU")
    return count


@cache  # success only: an exception is not remembered
def _try_out(cupy, index):
    """One kernel and one matrix product: CuPy loads NVRTC and cuBLAS no sooner than it needs them.

    A GPU and a driver do not make a usable CUDA: these two libraries come with the toolkit or as packages.
    """
    try:
        with cupy.cuda.Device(index):
            ones = cupy.ones((2, 2), dtype=np.float32)
            cupy.add(ones @ ones, ones, out=ones)
    except MemoryError as error:
        raise MinissdError(f"the GPU has no memory left ({_first_line(error)}): another program holds it") from None
    except Exception as error:  # ImportError, RuntimeError, CompileException, and whatever a library raises
        major = cupy.cuda.runtime.runtimeGetVersion() // 1000
        raise MinissdError(
            f"CuPy finds the GPU, but cannot compute on it ({_first_line(error)}): {OTHER_CUDA}: "
            f"pip install 'cupy-cuda{major}x[ctk]' brings what this CuPy needs"
        ) from None


def _describe_card(cupy, index):
    with cupy.cuda.Device(index):
        found = cupy.cuda.runtime.getDeviceProperties(index)
        free, total = cupy.cuda.runtime.memGetInfo()
    return (
        f"{found['name'].decode()}, compute capability {found['major']}.{found['minor']}, "
        f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    )


def _cuda_version(number):
    """ "13.2" from 13020, as CUDA counts."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _first_line(error):
    """An error in one line; of CuPy's page on a failed import the line that says what failed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" =\t")] or [type(error).__name__]
    headings = [i for i, line in enumerate(lines[:-1]) if line.startswith("Original error")]
    return lines[headings[-1] + 1 if headings else 0]


def _kind_and_line(error):
    kind, line = type(error).__name__, _first_line(error)
    return kind if line == kind else f"{kind}: {line}"


def _type_name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"
