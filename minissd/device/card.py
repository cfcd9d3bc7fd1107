"""What only a GPU has: tensor cores, copies beside its work, a clock of its own, memory that CuPy keeps.

Who imports this imports no cupy: an array of CuPy exists only where `minissd.device` has loaded it.
"""

import sys
from contextlib import contextmanager

import numpy as np

from minissd.device import loaded_cupy, parse_device
from minissd.errors import MinissdError

PRECISIONS = ("fp32", "tf32", "fp16")  # of matrix products: see `minissd.engine.products`
DEFAULT_MATH, TF32_MATH = 0, 3  # CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH of cublas_api.h
DEFAULT_COMPUTE, TF32_COMPUTE = 1, 7  # COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_TF32 of CuPy, what CUPY_TF32=1 would set
TF32_CAPABILITY = 80  # Ampere
_tensor_cores = False


@contextmanager
def tensor_cores(wanted):
    """Within the block cuBLAS may, or may not, round float32 factors to TF32; without CuPy there is no cuBLAS.

    There are two switches: CuPy asks its own for a product of two matrices, cuBLAS its handle's for a batch of them.
    """
    global _tensor_cores
    if wanted == _tensor_cores or loaded_cupy() is None:
        yield
        return
    before, _tensor_cores = _tensor_cores, wanted
    _throw_switches(wanted)
    try:
        yield
    finally:
        _tensor_cores = before
        _throw_switches(before)


def _throw_switches(on):
    cupy = sys.modules["cupy"]
    cupy.cuda.cublas.setMathMode(cupy.cuda.get_cublas_handle(), TF32_MATH if on else DEFAULT_MATH)
    cupy._core.set_compute_type(np.dtype(np.float32), TF32_COMPUTE if on else DEFAULT_COMPUTE)


def check_precision(precision, device):
    """MinissdError if a device (not "auto") cannot take matrix products that way, or there is no such precision."""
    if precision not in PRECISIONS:
        raise MinissdError(f"--precision {precision!r} is not known: choose one of {', '.join(PRECISIONS)}")
    if precision == "fp32":
        return
    if parse_device(device)[0] == "cpu":
        raise MinissdError(
            f"--precision {precision} needs a GPU: the CPU takes fp32; leave it out, or add --device cuda"
        )
    capability = int(sys.modules["cupy"].cuda.Device().compute_capability)
    if precision == "tf32" and capability < TF32_CAPABILITY:
        raise MinissdError(
            f"--precision tf32 needs a GPU of compute capability 8.0 (Ampere) or later, this one has "
            f"{capability / 10}: use fp32 or fp16"
        )


def uploaded(batches, device):
    """Yield (batch, moved): each of `batches`, and the same with its arrays on the GPU, None for the CPU.

    The next batch is on its way while the one in use is worked on: copied by a stream of its own, out of pinned
    memory, which the GPU can read without the processor.  Whoever asks for the next batch must have read a result of
    this one, as a training step reads its loss: the pinned memory of this one then serves again.
    """
    if parse_device(device)[0] == "cpu":
        yield from ((batch, None) for batch in batches)
        return
    batches, upload = iter(batches), _Upload()
    coming = None
    for batch in batches:
        sent = batch, *upload.send(batch)
        if coming is not None:
            yield upload.receive(coming)
        coming = sent
    if coming is not None:
        yield upload.receive(coming)


class _Upload:
    """Copies on a stream beside the one that computes."""

    def __init__(self):
        self.cuda = sys.modules["cupy"].cuda
        self.stream = self.cuda.Stream(non_blocking=True)

    def send(self, batch):
        """(moved, copied, pinned): arrays that will be there at the event `copied`; `pinned` must live as long."""
        cupy = sys.modules["cupy"]
        arrays = batch.images, *batch.targets
        there = [cupy.empty(array.shape, dtype=array.dtype) for array in arrays]
        # The pool may have handed out memory that work under way still reads.
        self.stream.wait_event(self.cuda.get_current_stream().record())
        pinned = [self._pinned(array) for array in arrays]
        for target, source in zip(there, pinned, strict=True):
            target.set(source, stream=self.stream)
        return batch._replace(images=there[0], targets=tuple(there[1:])), self.stream.record(), pinned

    def receive(self, sent):
        """(batch, moved), once the GPU waits for the copy; the host does not."""
        batch, moved, copied, _ = sent
        self.cuda.get_current_stream().wait_event(copied)
        return batch, moved

    def _pinned(self, array):
        memory = self.cuda.alloc_pinned_memory(max(array.nbytes, 1))
        copy = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
        copy[...] = array
        return copy


def milliseconds_on_card(work):
    """(ms, result) of work(), from the first to the last thing the GPU does for it, after all before it is done."""
    cuda = sys.modules["cupy"].cuda
    cuda.get_current_stream().synchronize()
    started, ended = cuda.Event(), cuda.Event()
    started.record()
    result = work()
    ended.record()
    ended.synchronize()
    return cuda.get_elapsed_time(started, ended), result


def memory_held():
    """Bytes of the GPU that CuPy's pool holds: arrays, and what was freed since `device.free_card_memory`."""
    return sys.modules["cupy"].get_default_memory_pool().total_bytes()


def describe_card():
    """The current GPU and what CuPy knows of it, for a record; versions of CUDA as 13020 for 13.2."""
    cupy = sys.modules["cupy"]
    runtime, device = cupy.cuda.runtime, cupy.cuda.Device()
    found = runtime.getDeviceProperties(device.id)
    return {
        "name": found["name"].decode(),
        "capability": f"{found['major']}.{found['minor']}",
        "memory_gib": round(runtime.memGetInfo()[1] / 2**30, 1),
        "bus_id": device.pci_bus_id,
        "cuda_of_driver": runtime.driverGetVersion(),
        "cuda": runtime.runtimeGetVersion(),
        "cupy": cupy.__version__,
    }
