"""NumPy or CuPy, chosen by the arrays themselves: the only file that imports cupy.

There is one source for both devices.  An operation asks its own arguments where they live,

    xp = array_module(x, w)
    y = xp.maximum(x, 0)

and runs there.  No global switch exists, so a network on the card and one on the CPU live side by side.
A CuPy array can only exist once somebody imported cupy; `array_module` therefore looks for the module in
`sys.modules` and a machine without CuPy never pays for the question.
"""

import importlib
import sys

import numpy as np

from minissd.errors import MinissdError


def array_module(*arrays):
    """The module (numpy or cupy) whose functions these arrays need.

    None and Python numbers have no say.  Raises TypeError when NumPy and CuPy arrays are mixed, or when an
    argument is no array at all: moving data between devices is always written out, never implied.
    """
    cupy = sys.modules.get("cupy")
    found = {}  # module name -> (module, the type that named it)
    for array in arrays:
        if isinstance(array, np.ndarray | np.generic):
            found["numpy"] = np, type(array)
        elif cupy is not None and isinstance(array, cupy.ndarray):
            found["cupy"] = cupy, type(array)
        elif array is not None and not isinstance(array, bool | int | float):
            raise TypeError(
                f"expected NumPy or CuPy arrays, got {_type_name(type(array))}; "
                "convert with numpy.asarray or minissd.backend.to_device"
            )
    if len(found) > 1:
        names = " and ".join(_type_name(kind) for _, kind in found.values())
        raise TypeError(f"arrays on two devices in one operation: {names}; move one with to_device or to_numpy")
    if found:
        return next(iter(found.values()))[0]
    return np


def to_device(x, device):
    """Array `x` on `device`: "cpu", "cuda" (the current card) or "cuda:1".  No copy if it is there already."""
    kind, index = parse_device(device)
    if kind == "cpu":
        return to_numpy(x)
    cupy = _require_gpu(device)
    if index is None:
        return cupy.asarray(x)
    with cupy.cuda.Device(index):
        return cupy.asarray(x)


def to_numpy(x):
    """Array `x` in host memory; waits for the device if it has to be copied."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(x, cupy.ndarray):
        return cupy.asnumpy(x)
    return np.asarray(x)


def wait_for_device(x):
    """Wait until CuPy array `x` is computed, for a library that reads it past CuPy."""
    array_module(x).cuda.get_current_stream().synchronize()


def to_like(x, reference):
    """NumPy array `x` on the device where `reference` lives (a mask drawn by a numpy Generator, say)."""
    return array_module(reference).asarray(x)


def gpu_available():
    """True if CuPy is installed and sees at least one card."""
    try:
        cupy = importlib.import_module("cupy")
        return cupy.cuda.runtime.getDeviceCount() > 0
    except (ImportError, RuntimeError):  # CuPy's CUDARuntimeError ("no device", "driver too old") is a RuntimeError
        return False


def resolve_device(device):
    """The device a user's word means: "auto" picks the card if there is one.  Raises MinissdError if it is missing."""
    if device == "auto":
        return "cuda" if gpu_available() else "cpu"
    kind, index = parse_device(device)
    if kind == "cuda":
        cupy = _require_gpu(device)
        if index is not None:
            cupy.cuda.Device(index).use()  # what an operation allocates goes to the current card
    return device


def device_for(device, place):
    """`resolve_device` for one of several processes on a machine, its number `place`: each takes the next card."""
    device = resolve_device(device)
    cards = _require_gpu(device).cuda.runtime.getDeviceCount() if device == "cuda" else 1
    return device if cards == 1 else resolve_device(f"cuda:{place % cards}")


def parse_device(device):
    """("cpu", None), ("cuda", None) or ("cuda", index) from "cpu", "cuda", "cuda:1".  Raises MinissdError otherwise."""
    kind, _, index = str(device).partition(":")
    if device == "cpu":
        return "cpu", None
    if kind == "cuda" and device == "cuda":
        return "cuda", None
    if kind == "cuda" and index.isdecimal():
        return "cuda", int(index)
    raise MinissdError(f"device {device!r} is not known: give cpu, cuda, cuda:N (the N-th card) or auto")


def _require_gpu(device):
    """The cupy module, or a MinissdError that says which part is missing."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:
        raise MinissdError(
            f"device {device!r} needs CuPy, which is not installed: "
            "pip install 'minissd[cuda13]' (or cuda12), or use --device cpu"
        ) from None
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise MinissdError(f"device {device!r}: CuPy finds no usable card ({reason}): use --device cpu") from None
    index = parse_device(device)[1] or 0
    if index >= count:
        raise MinissdError(f"device {device!r}: there is no such card among {count}, counted from 0: use --device cpu")
    return cupy


def _type_name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"
