"""A kernel: CUDA C for one element, launched for all of them by CuPy's ElementwiseKernel."""

from functools import cache
from typing import NamedTuple

import numpy as np

from minissd.device import array_module


def on_card(*arrays):
    """Whether these arrays are CuPy's; TypeError as in `array_module`."""
    return array_module(*arrays) is not np


class Kernel(NamedTuple):
    """Called with its inputs, then its outputs, all of them arrays of the GPU or numbers; compiled at the first call.

    inputs, outputs: parameters as CuPy writes them, "T x, raw T y, int32 n".  T is the type of the arrays.  `body`
    computes element `i` of the outputs: x is the element of the input at the same place (shapes are broadcast),
    y[j] the j-th number of a "raw" one, which must be contiguous.
    """

    name: str
    inputs: str
    outputs: str
    body: str

    def __call__(self, *arguments, size=None):
        """size: how many elements there are, where all arrays are raw."""
        arrays = [argument for argument in arguments if not isinstance(argument, bool | int | float)]
        kernel = _compiled(self, array_module(*arrays).ElementwiseKernel)
        return kernel(*arguments) if size is None else kernel(*arguments, size=size)


@cache
def _compiled(kernel, make):
    return make(kernel.inputs, kernel.outputs, kernel.body, kernel.name)
