"""The stand-in is as strict as CuPy; its tables agree with the real one (checked where that is installed)."""

import gc
import inspect
import operator
import re

import cupy_names
import numpy as np
import pytest
import strict_card
import strict_cupy
from strict_cupy import count_syncs, cupy

HOST = np.arange(6.0, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def x():
    return cupy.asarray(HOST)


def same(device, host):
    assert isinstance(device, cupy.ndarray)
    assert (device.dtype, device.shape) == (host.dtype, host.shape)
    np.testing.assert_array_equal(cupy.asnumpy(device), host)


REFUSED = {
    "conversion": lambda x: np.asarray(x),
    "NumPy function": lambda x: np.concatenate([x, x]),
    "NumPy ufunc": lambda x: np.exp(x),
    "NumPy operand on the right": lambda x: x + HOST,
    "NumPy operand on the left": lambda x: HOST + x,
    "NumPy operand in place": lambda x: operator.iadd(x, HOST),
    "NumPy array into which to add": lambda x: operator.iadd(HOST.copy(), x),
    "NumPy operand of a ufunc": lambda x: cupy.maximum(x, HOST),
    "NumPy array in a function": lambda x: cupy.concatenate([x, HOST]),
    "NumPy array as out": lambda x: cupy.exp(x, out=HOST.copy()),
    "NumPy index": lambda x: x[np.array([0, 1])],
    "NumPy value assigned": lambda x: operator.setitem(x, 0, HOST[0]),
    "assignment to NumPy": lambda x: operator.setitem(HOST.copy(), 0, x[0]),
    "list operand": lambda x: x * [1, 2, 3],
    "list operand of a ufunc": lambda x: cupy.maximum(x, [1, 2, 3]),
    "keyword where of a ufunc": lambda x: cupy.divide(x, x, where=x > 0),
    "keyword where of a reduction": lambda x: x.sum(where=x > 0),
    "keyword initial": lambda x: cupy.max(x, initial=0),
    "keyword stable": lambda x: cupy.argsort(x, stable=True),
    "too many arguments": lambda x: cupy.sort(x, 0, None, None),
    "as a size": lambda x: range(x.max()),
}


@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_refused(x, act):
    with pytest.raises((TypeError, ValueError)) as raised:
        act(x)
    assert raised.type is TypeError or "implicit" in str(raised.value)


@pytest.mark.parametrize("name", ["einsum_path", "errstate", "testing", "random", "vectorize", "diff"])
def test_a_name_that_is_not_in_the_tables_does_not_exist(name):
    assert not hasattr(cupy, name)


ALLOWED = {
    "arithmetic": lambda xp, x: (x - 1) / (x + 2) ** 2 * x,
    "Python scalar on the left": lambda xp, x: 2 - x,
    "NumPy scalar on the left": lambda xp, x: np.float32(2) * x,
    "NumPy scalar on the right": lambda xp, x: x * np.float64(2),
    "comparison": lambda xp, x: (x > 2) & ~(x == 4) | (x <= 0),
    "matmul": lambda xp, x: x @ x.T,
    "slices": lambda xp, x: x[1:, ::2],
    "index arrays": lambda xp, x: x[xp.asarray([1, 0, 1]), xp.asarray([2, 2, 0])],
    "mask": lambda xp, x: x[x > 2],
    "reduction": lambda xp, x: x.mean(axis=1, keepdims=True),
    "reduction to a scalar": lambda xp, x: x.sum(),
    "scalar kept on the card": lambda xp, x: x / x.max(),
    "functions": lambda xp, x: xp.concatenate([xp.zeros_like(x), xp.where(x > 2, x, -1)], axis=1),
    "several results": lambda xp, x: xp.split(x, 3, axis=1)[1],
    "nonzero": lambda xp, x: xp.nonzero(x)[1],
    "strided view": lambda xp, x: xp.lib.stride_tricks.as_strided(x, (2, 2), (4, 4)),
    "truth of all": lambda xp, x: xp.array_equal(x, x),
}


@pytest.mark.parametrize("act", ALLOWED.values(), ids=ALLOWED)
def test_allowed_and_the_same_as_numpy(x, act):
    same(act(cupy, x), np.asarray(act(np, HOST)))


def test_reductions_give_arrays_not_scalars(x):
    assert x.sum().shape == ()
    assert isinstance(x.sum() * 2, cupy.ndarray)
    assert isinstance(x[0, 0], cupy.ndarray)


def test_views_and_out_write_through(x):
    x[0] += 10
    x.reshape(-1)[5] = -1
    cupy.multiply(x[:, 1], 0, out=x[:, 1])
    x[x == 12] = 7
    same(x, np.array([[10, 0, 7], [3, 0, -1]], dtype=np.float32))


SYNCHRONISING = {
    "__float__": lambda x: float(x.sum()),
    "__int__": lambda x: int(x.sum()),
    "__bool__": lambda x: 1 if (x > 2).all() else 0,
    "item": lambda x: x[0, 0].item(),
    "tolist": lambda x: x.tolist(),
    "get": lambda x: cupy.asnumpy(x),
    "boolean mask": lambda x: x[x > 2],
    "nonzero": lambda x: x.nonzero(),
    "flatnonzero": lambda x: cupy.flatnonzero(x),
    "unique": lambda x: cupy.unique(x),
    "where": lambda x: cupy.where(x > 2),
}


@pytest.mark.parametrize(("cause", "act"), SYNCHRONISING.items(), ids=SYNCHRONISING)
def test_every_wait_for_the_card_is_recorded(x, cause, act):
    with count_syncs() as outer:
        with count_syncs() as syncs:
            act(x)
        act(x)
    assert syncs == [cause]
    assert outer == [cause, cause]


def test_a_mask_assignment_waits_too(x):
    with count_syncs() as syncs:
        x[x > 2] = 0
    assert syncs == ["boolean mask"]


def test_arithmetic_does_not_wait(x):
    with count_syncs() as syncs:
        y = cupy.where(x > 2, x @ x.T @ x, 0)
        y[:, 1] += y.sum(axis=1) / len(y)
        assert y.shape == (2, 3)
    assert syncs == []


# --- the tables against the real thing ---


@pytest.fixture(scope="module")
def real():
    return pytest.importorskip("cupy", exc_type=ImportError)


def agree(ours, actual):
    """Our parameters are some of the real ones, in their order; keywords after a star have no order."""
    names = [name for name in ours.split() if not name.startswith("*")]
    found = [name for name in actual if name in names]
    return sorted(found) == sorted(names) if ours.startswith("*") else found == names


def real_parameters(function):
    """Names in the signature; where that says **kwargs, the words of the documentation too."""
    names = list(inspect.signature(function).parameters)
    words = set(re.findall(r"\w+", function.__doc__)) if "kwargs" in names else set()
    return [*names, *sorted(words - set(names))]


def test_functions_have_these_parameters(real):
    table = strict_cupy.expanded(cupy_names.FUNCTIONS)
    assert [name for name, ours in table if not agree(ours, real_parameters(getattr(real, name)))] == []


def test_methods_have_these_parameters(real):
    def documented(name):
        signature = getattr(real.ndarray, name).__doc__.splitlines()[0]  # ndarray.sum(self, axis=None, ...)
        return re.findall(r"(\w+)(?=[,=)])", signature.partition("(")[2])

    table = strict_cupy.expanded(cupy_names.METHODS)
    assert [name for name, ours in table if not agree(ours, documented(name))] == []


def test_ufuncs_take_this_many_operands(real):
    for operands, names in cupy_names.UFUNCS.items():
        assert [name for name in names.split() if getattr(real, name).nin != operands] == []


def test_attributes_and_operators_exist(real):
    operators = [f"__{prefix}{name}__" for name in strict_cupy.OPERATORS.split() for prefix in ("", "r", "i")]
    signs = [f"__{name}__" for name in strict_cupy.COMPARISONS_AND_SIGNS.split()]
    names = [*operators, *signs, *strict_cupy.TO_HOST, *cupy_names.ATTRIBUTES.split(), "T"]
    assert [name for name in names if not hasattr(real.ndarray, name)] == []
    for absent in ("__index__", "__imatmul__"):
        assert not hasattr(real.ndarray, absent)
        assert not hasattr(cupy.ndarray, absent)


def test_types_and_constants_are_those_of_numpy(real):
    for name in cupy_names.SAME_AS_NUMPY.split():
        theirs = getattr(real, name)
        assert theirs is getattr(np, name) or np.array_equal(theirs, getattr(np, name), equal_nan=True)


def test_memory_driver_and_errors_have_these_names(real):
    assert issubclass(real.cuda.memory.OutOfMemoryError, MemoryError)
    assert issubclass(real.cuda.compiler.CompileException, Exception)
    assert not issubclass(real.cuda.compiler.CompileException, RuntimeError)
    assert "Out of memory allocating 3 bytes" in str(real.cuda.memory.OutOfMemoryError(3, 2, 1))
    for pretended, theirs in ((strict_card.Pool, real.cuda.MemoryPool), (strict_card.Device, real.cuda.Device)):
        names = {name for name in vars(pretended) if not name.startswith("_")} - {"hold"}
        assert names and [name for name in names if not hasattr(theirs, name)] == []
    for name in vars(strict_card.runtime):
        assert callable(getattr(real.cuda.runtime, name))
    assert isinstance(real.cuda.runtime.driverGetVersion(), int)  # 0 without a driver, and no error


def test_the_pool_counts_what_lives():
    pool, size = cupy.get_default_memory_pool(), 1000 * 512
    before = pool.used_bytes()
    x = cupy.zeros(size // 4, dtype=np.float32)
    view = x[::2]
    assert pool.used_bytes() == before + size
    del x
    assert pool.used_bytes() == before + size  # the view needs it
    del view
    assert pool.used_bytes() == before
    pool.free_all_blocks()
    cupy.zeros(size // 4, dtype=np.float32)
    assert pool.total_bytes() == before + size and pool.free_bytes() == size


def test_the_pool_has_an_end():
    pool = cupy.get_default_memory_pool()
    gc.collect()
    pool.set_limit(size=pool.used_bytes() + 4096)
    try:
        x = cupy.zeros(512, dtype=np.float64)
        with pytest.raises(MemoryError, match="Out of memory allocating 512 bytes"):
            x[:1] + 1
    finally:
        pool.set_limit(size=0)
    assert (x[:1] + 1).shape == (1,)


CUDA_PARTS = (
    "cuda.Stream.record cuda.Stream.wait_event cuda.Stream.synchronize cuda.Event.record cuda.Event.synchronize "
    "cuda.get_current_stream cuda.get_elapsed_time cuda.alloc_pinned_memory cuda.get_cublas_handle "
    "cuda.Device.pci_bus_id cuda.Device.compute_capability _core.get_compute_type _core.set_compute_type ndarray.set "
    "ElementwiseKernel get_default_memory_pool cuda.runtime.getDeviceProperties cuda.runtime.memGetInfo "
    "cuda.runtime.driverGetVersion"
)


@pytest.mark.parametrize("path", CUDA_PARTS.split())
def test_streams_memory_and_switches_exist_on_both(real, path):
    for module in (real, cupy):
        operator.attrgetter(path)(module)
