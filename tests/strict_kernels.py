"""Kernels on the strict stand-in for CuPy: the C++ of an ElementwiseKernel is compiled for the CPU and run.

A "raw" array is read and written within its bounds only, or IndexError is raised: a card would return or ruin
whatever lies there.  Scalars and types are those that CuPy's parameters name.
"""

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

COMPILER = shutil.which("g++") or shutil.which("clang++")
ENVIRONMENT = dict(os.environ)  # a compiler finds its assembler by PATH, which some tests replace
CTYPES = {
    "float16": "_Float16", "float32": "float", "float64": "double", "int32": "int", "int64": "long long",
    "uint32": "unsigned int", "uint8": "unsigned char", "bool": "bool",
}  # fmt: skip

SOURCE = """
#include <cstring>
struct Bounds {{ long long wrong; }};
template <typename T> struct Raw {{
    T *data; long long size; Bounds *bounds;
    T &operator[](long long place) const {{
        if (place < 0 || place >= size) {{ bounds->wrong = place + 1; place = 0; }}
        return data[place];
    }}
}};
extern "C" long long run(long long elements, void **arrays, const long long *sizes, const double *numbers) {{
    Bounds bounds = {{0}};
    {typedefs}
    {head}
    for (long long i = 0; i < elements && !bounds.wrong; ++i) {{
        {element}
        {{ {body}; }}
    }}
    return bounds.wrong;
}}
"""


class Parameter(NamedTuple):
    kind: str  # "T" or the name of a type
    name: str
    raw: bool


def parameters(text):
    words = [part.split() for part in text.split(",")]
    return [Parameter(one[-2], one[-1], one[0] == "raw") for one in words]


class ElementwiseKernel:
    """As cupy.ElementwiseKernel; the arrays of the outputs have to be given."""

    def __init__(self, in_params, out_params, operation, name="kernel"):
        self.inputs, self.outputs = parameters(in_params), parameters(out_params)
        self.operation, self.name = operation, name
        taken = {"i", "n"} & {one.name for one in (*self.inputs, *self.outputs)}
        assert not taken, f"{name}: CuPy reserves the name {taken}"

    def __call__(self, *arguments, size=None):
        every = [*self.inputs, *self.outputs]
        if len(arguments) != len(every):
            raise TypeError(f"kernel {self.name} takes {len(every)} arguments, got {len(arguments)}")
        hosts = [self._host(*pair) for pair in zip(every, arguments, strict=True)]
        types = self._types(every, hosts)
        shape = self._shape(every, hosts, size)
        if np.prod(shape, dtype=int) == 0:
            return self._result(arguments)
        flat = [self._flat(one, host, shape) for one, host in zip(every, hosts, strict=True)]
        self._run(flat, types, int(np.prod(shape, dtype=int)))
        for one, array, host in zip(every, flat, hosts, strict=True):
            if one in self.outputs and not one.raw:
                host[...] = array.reshape(shape)
        return self._result(arguments)

    def _result(self, arguments):
        outputs = arguments[len(self.inputs) :]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _host(self, one, argument):
        if hasattr(argument, "_host"):
            host = argument._host
            if one.raw and not host.flags.c_contiguous:
                raise ValueError(f"kernel {self.name}: raw {one.name} is not contiguous")
            return host
        if isinstance(argument, np.ndarray) or one.raw:
            raise TypeError(f"kernel {self.name}: {one.name} is a {type(argument).__name__}, expected a cupy.ndarray")
        return argument

    def _types(self, every, hosts):
        """T and the other types; each array has the type of its parameter."""
        generic = {host.dtype for one, host in zip(every, hosts) if one.kind == "T" and isinstance(host, np.ndarray)}
        if len(generic) > 1:
            raise TypeError(f"kernel {self.name}: T is {' and '.join(map(str, generic))}")
        for one, host in zip(every, hosts, strict=True):
            if one.kind != "T" and isinstance(host, np.ndarray) and host.dtype != np.dtype(one.kind):
                raise TypeError(f"kernel {self.name}: {one.name} is {host.dtype}, expected {one.kind}")
        return {"T": CTYPES[generic.pop().name]} if generic else {}

    def _shape(self, every, hosts, size):
        shapes = [host.shape for one, host in zip(every, hosts) if isinstance(host, np.ndarray) and not one.raw]
        if (size is None) == (not shapes):
            raise ValueError(f"kernel {self.name}: size is for kernels whose arrays are all raw")
        shape = (size,) if size is not None else np.broadcast_shapes(*shapes)
        for one, host in zip(every, hosts, strict=True):
            if one in self.outputs and not one.raw and host.shape != shape:
                raise ValueError(f"kernel {self.name}: output {one.name} {host.shape} is not of shape {shape}")
        return shape

    def _flat(self, one, host, shape):
        if not isinstance(host, np.ndarray):
            return host
        return host.reshape(-1) if one.raw else np.ascontiguousarray(np.broadcast_to(host, shape)).reshape(-1)

    def _run(self, flat, types, elements):
        arrays = [value if isinstance(value, np.ndarray) else np.zeros(1) for value in flat]
        pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        sizes = (ctypes.c_longlong * len(arrays))(*(array.size for array in arrays))
        numbers = (ctypes.c_double * len(flat))(*(0 if isinstance(v, np.ndarray) else float(v) for v in flat))
        is_array = tuple(isinstance(value, np.ndarray) for value in flat)
        wrong = compiled(self._source(types, is_array))(elements, pointers, sizes, numbers)
        if wrong:
            raise IndexError(f"kernel {self.name} reaches number {wrong - 1} of a raw array, outside of it")

    def _source(self, types, is_array):
        head, element = [], []
        for place, one in enumerate([*self.inputs, *self.outputs]):
            kind = "T" if one.kind == "T" else CTYPES[one.kind]
            if not is_array[place]:
                head.append(f"const {kind} {one.name} = ({kind})numbers[{place}];")
            elif one.raw:
                head.append(f"const Raw<{kind}> {one.name} = {{({kind} *)arrays[{place}], sizes[{place}], &bounds}};")
            else:
                constant = "&" if one in self.outputs else ""
                head.append(f"{kind} *_{one.name} = ({kind} *)arrays[{place}];")
                element.append(f"{'' if constant else 'const '}{kind} {constant}{one.name} = _{one.name}[i];")
        typedefs = "".join(f"typedef {actual} {name}; " for name, actual in types.items())
        parts = {"typedefs": typedefs, "head": "\n    ".join(head), "element": " ".join(element)}
        return SOURCE.format(body=self.operation, **parts)


@cache
def compiled(source):
    """The function `run` of a source."""
    reason = why_not()
    if reason:
        pytest.skip(f"needs a C++ compiler (g++ or clang++) to run the kernels of a card on the CPU: {reason}")
    work = Path(tempfile.mkdtemp(dir=libraries().name))
    written, library = work / "kernel.cpp", work / "kernel.so"
    written.write_text(re.sub(r"#pragma unroll", "", source))
    done = compile_with(written, library)
    assert done.returncode == 0, done.stderr
    run = ctypes.CDLL(str(library)).run
    run.restype = ctypes.c_longlong
    run.argtypes = [ctypes.c_longlong, *[ctypes.c_void_p] * 3]
    return run


@cache
def libraries():
    """The folder of what this process compiled, removed when it ends: no run meets what another left."""
    return tempfile.TemporaryDirectory(prefix="minissd-kernels-", ignore_cleanup_errors=True)


def compile_with(source, library):
    command = [COMPILER, "-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-shared", source, "-o", library]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


@cache
def why_not():
    """What keeps even an empty program from being compiled, None if nothing does."""
    if COMPILER is None:
        return "there is none"
    with tempfile.TemporaryDirectory() as work:
        empty = Path(work, "empty.cpp")
        empty.write_text("#include <cstring>\n_Float16 half;\n")
        done = compile_with(empty, Path(work, "empty.so"))
    return None if done.returncode == 0 else f"{COMPILER}: {done.stderr.strip() or 'failed'}"
