"""Kernels for the GPU, each with a twin in plain arrays beside the operation that launches it.

An operation reads as its formula, in array functions that run on both devices.  Only where such a chain of functions
would carry the same numbers through memory several times, or would loop in Python, one kernel does it in one go; the
tests compile each with NVRTC, run it on the CPU as the C++ that it is, and compare it with its twin.
"""

from minissd.engine.cuda.kernel import Kernel, on_card

__all__ = ["Kernel", "on_card"]
