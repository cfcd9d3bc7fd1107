"""Streams, events, pinned memory and cuBLAS's switches of the strict stand-in for CuPy.

Work is done at once here, so what could go wrong on a card is asked instead: an array that was filled on a stream of
its own is there only once the stream that computes has waited for an event behind the copy, and that stream must have
waited for the other's work before, whose memory it may have got.
"""

import time
from types import SimpleNamespace

import numpy as np

on_the_way = []  # arrays whose copies the computing stream has not waited for


class Event:
    def __init__(self):
        self.time, self.copies = None, []

    def record(self, stream=None):
        self.time = time.perf_counter()
        self.copies = list((stream or computing).copies)

    def synchronize(self):
        tell("event")


class Stream:
    def __init__(self, null=False, non_blocking=False):
        self.copies, self.has_waited = [], False

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        self.copies, self.has_waited = [], False
        return event

    def wait_event(self, event):
        self.has_waited = True
        if self is computing:
            on_the_way[:] = [array for array in on_the_way if not any(array is copy for copy in event.copies)]

    def synchronize(self):
        tell("stream")


computing = Stream()
tell = print  # of a wait for the card; `install` puts the stand-in's own here


class PinnedMemory(bytearray):
    """What alloc_pinned_memory gives: a buffer."""


class Cublas:
    mode = 0

    def getMathMode(self, handle):
        return self.mode

    def setMathMode(self, handle, mode):
        self.mode = mode


def is_there(array):
    return not any(array is other for other in on_the_way)


def is_pinned(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array.obj if isinstance(array, memoryview) else array, PinnedMemory)


def set_array(self, arr, stream=None):
    """ndarray.set: from host memory, beside the work where a stream is given."""
    if not isinstance(arr, np.ndarray) or (arr.shape, arr.dtype) != (self.shape, self.dtype):
        raise TypeError("set takes a NumPy array of the same shape and dtype")
    self._host[...] = arr
    if stream is not None:
        if not is_pinned(arr):
            raise AssertionError("a copy beside the work needs pinned memory")
        if not stream.has_waited:
            raise AssertionError("the stream must wait for work that may still read this memory")
        stream.copies.append(self)
        on_the_way.append(self)


def install(module, wait):
    """Give a module in the shape of cupy these parts.  wait(cause): called at every wait for the card."""
    global tell
    tell = wait
    compute_types = {}
    module.ndarray.set = set_array
    cuda = module.cuda
    cuda.Stream, cuda.Event, cuda.cublas = Stream, Event, Cublas()
    cuda.get_current_stream = lambda: computing
    cuda.get_cublas_handle = lambda: 1
    cuda.get_elapsed_time = lambda start, end: (end.time - start.time) * 1e3
    cuda.alloc_pinned_memory = PinnedMemory
    cuda.Device.compute_capability, cuda.Device.pci_bus_id = "90", "0000:1B:00.0"
    module._core = SimpleNamespace(
        get_compute_type=lambda dtype: compute_types.get(np.dtype(dtype), 1),
        set_compute_type=lambda dtype, kind: compute_types.__setitem__(np.dtype(dtype), kind),
    )
