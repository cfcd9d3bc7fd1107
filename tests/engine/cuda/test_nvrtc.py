"""Every kernel compiles with NVRTC, the compiler of the card, which needs no card; CuPy takes its parameters.

They come with `pip install 'minissd[cuda13]' nvidia-cuda-nvrtc nvidia-cuda-runtime`, the last for CUDA's headers.
"""

import importlib
import os
import pkgutil
from pathlib import Path

import pytest
from strict_kernels import parameters

import minissd.engine.cuda
from minissd.device import card
from minissd.engine.algorithms import winograd
from minissd.engine.cuda import Kernel

ARCHITECTURE = "sm_90"  # H100
NAMES = {"float16": "float16", "float32": "float", "float64": "double", "int32": "int", "int64": "long long"}
NAMES |= {"uint32": "unsigned int", "bool": "bool"}

SOURCE = """
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>
typedef {actual} T;
extern "C" __global__ void {name}({signature}, CIndexer<1, true> _ind) {{
    CUPY_FOR(i, _ind.size()) {{
        _ind.set(i);
        {bindings}
        {{ {body}; }}
    }}
}}
"""


def all_kernels():
    names = [info.name for info in pkgutil.iter_modules(minissd.engine.cuda.__path__)]
    modules = [importlib.import_module(f"minissd.engine.cuda.{name}") for name in names]
    found = [thing for module in (*modules, winograd) for thing in vars(module).values() if isinstance(thing, Kernel)]
    return {kernel.name: kernel for kernel in found}


KERNELS = all_kernels()


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy", exc_type=ImportError)


@pytest.fixture(scope="module")
def includes(cupy):
    """Where CuPy's headers and those of CUDA lie."""
    own = Path(cupy.__file__).parent / "_core" / "include"
    packages = Path(cupy.__file__).parents[1].glob("nvidia/*/include")
    cuda = [folder for folder in packages if (folder / "cuda_fp16.h").exists()]
    if os.environ.get("CUDA_PATH"):
        cuda.append(Path(os.environ["CUDA_PATH"], "include"))
    if not cuda:
        pytest.skip("needs the headers of CUDA: pip install nvidia-cuda-runtime, or set CUDA_PATH")
    return [own, *(own / "cupy" / "_cccl").glob("*"), *cuda, cuda[0] / "cccl"]


@pytest.fixture(scope="module")
def nvrtc(cupy):
    try:
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"needs NVRTC: pip install nvidia-cuda-nvrtc ({str(error).splitlines()[0]})")
    return cupy.cuda.nvrtc


def source_of(kernel, actual):
    """The kernel for one type T, with arrays as CuPy hands them over: CArray of one contiguous axis."""
    signature, bindings = [], []
    outputs = parameters(kernel.outputs)
    for one in (*parameters(kernel.inputs), *outputs):
        kind = "T" if one.kind == "T" else NAMES[one.kind]
        is_number = not one.raw and one.kind in ("int32", "int64", "float64")
        name = one.name if one.raw or is_number else f"_raw_{one.name}"
        signature.append(f"{kind} {name}" if is_number else f"CArray<{kind}, 1, true, true> {name}")
        if name != one.name:
            constant = "T &" if one in outputs else "const T "
            bindings.append(f"{constant.replace('T', kind)}{one.name} = {name}[_ind.get()];")
    parts = {"signature": ", ".join(signature), "bindings": " ".join(bindings), "body": kernel.body}
    return SOURCE.format(actual=actual, name=kernel.name, **parts)


def compile_for_card(nvrtc, source, includes):
    """(machine code, what the compiler says of its registers)"""
    program = nvrtc.createProgram(source, "kernel.cu", (), ())
    options = "--std=c++17", f"--gpu-architecture={ARCHITECTURE}", "--ptxas-options=-v"
    try:
        nvrtc.compileProgram(program, (*options, *(f"-I{folder}" for folder in includes)))
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program))
    return nvrtc.getCUBIN(program), nvrtc.getProgramLog(program)


def test_there_are_kernels():
    assert {"im2col", "col2im", "max_pool_backward", "sgd_update", "winograd_inputs", "overlap_bits"} <= KERNELS.keys()


@pytest.mark.parametrize("actual", ["float", "double"])
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_compiles_for_a_card_and_keeps_all_in_registers(nvrtc, includes, kernel, actual):
    code, report = compile_for_card(nvrtc, source_of(kernel, actual), includes)
    assert len(code) > 500
    assert "0 bytes stack frame, 0 bytes spill stores" in report  # tiles, too: their loops are unrolled


def test_patches_of_half_precision_compile(nvrtc, includes):
    assert compile_for_card(nvrtc, source_of(KERNELS["im2col"], "float16"), includes)


def test_what_does_not_compile_fails(nvrtc, includes):
    wrong = KERNELS["relu_backward"]._replace(body="dx = dy * nothing")
    with pytest.raises(pytest.fail.Exception, match="nothing"):
        compile_for_card(nvrtc, source_of(wrong, "float"), includes)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_cupy_reads_the_parameters(cupy, kernel):
    made = cupy.ElementwiseKernel(kernel.inputs, kernel.outputs, kernel.body, kernel.name)
    assert [one.name for one in made.params[: made.nargs]] == [
        one.name for one in (*parameters(kernel.inputs), *parameters(kernel.outputs))
    ]
    assert [one.raw for one in made.params[: made.nargs]] == [
        one.raw for one in (*parameters(kernel.inputs), *parameters(kernel.outputs))
    ]


def test_the_switch_for_tf32_is_the_one_of_cupy(cupy):
    assert importlib.import_module("cupy._core._routines_linalg").COMPUTE_TYPE_TF32 == card.TF32_COMPUTE
