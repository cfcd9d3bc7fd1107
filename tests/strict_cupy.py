"""A strict stand-in for CuPy, so that a machine without a card finds code that only works on NumPy.

`cupy` below takes the place of the real module (the `strict` fixture puts it into `sys.modules`).  Its
`ndarray` holds a NumPy array but is none: it has only names, methods and keywords of CuPy (cupy_names.py),
refuses NumPy arrays as operands and never turns into one by itself; reductions give 0-d arrays.  What CuPy
allows at the price of waiting for the card (float(x), if x:, x[mask], nonzero) works and is recorded: see
`count_syncs`.  Stricter than CuPy: a NumPy array is no index, and numpy.exp(x) does not become cupy.exp(x).
"""

import contextlib
import operator
from types import ModuleType, SimpleNamespace

import numpy as np
import strict_card
import strict_kernels
import strict_streams
from cupy_names import ATTRIBUTES, FUNCTIONS, METHODS, SAME_AS_NUMPY, UFUNC_PARAMETERS, UFUNCS

# each operator has a swapped and an in-place form too
OPERATORS = "add sub mul truediv floordiv mod pow lshift rshift and or xor"
COMPARISONS_AND_SIGNS = "eq ne lt le gt ge neg pos abs invert"
TO_HOST = {"__bool__": bool, "__float__": float, "__int__": int, "get": np.copy}
TO_HOST |= {"item": np.ndarray.item, "tolist": np.ndarray.tolist, "__repr__": np.ndarray.__repr__}
SIZED_BY_DATA = {"nonzero", "argwhere", "flatnonzero", "unique", "bincount"}  # the host must learn the size

_listeners = []


@contextlib.contextmanager
def count_syncs():
    """A list that gets one entry, the cause, for every wait for the card within the block."""
    causes = []
    _listeners.append(causes)
    try:
        yield causes
    finally:
        _listeners.pop()  # blocks nest


def _sync(cause):
    for causes in _listeners:
        causes.append(cause)


class ndarray:
    """The rest of its methods and operators comes from the tables: see `_build`."""

    __slots__ = ("_host",)
    __hash__ = None
    __array_ufunc__ = None  # NumPy's operators then leave the work to ours; NumPy's functions raise TypeError

    def __init__(self, host):
        strict_card.pool.hold(host)
        self._host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion of a cupy.ndarray to NumPy: use minissd.device.to_numpy")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"numpy.{function.__name__} called on a cupy.ndarray: take it from array_module(x)")

    def __getitem__(self, index):
        return _device(self._host[_index(index)])

    def __setitem__(self, index, value):
        self._host[_index(index)] = _operand(value, "x[...] = value")

    def __iter__(self):
        return map(_device, self._host)

    def __len__(self):
        return len(self._host)

    def __matmul__(self, other):
        return cupy.matmul(self, other)

    @property
    def T(self):
        return _device(self._host.T)


def _device(result):
    """NumPy results as stand-in arrays, in tuples and lists too; scalars become 0-d arrays as in CuPy."""
    if isinstance(result, tuple | list):
        return type(result)(map(_device, result))
    if isinstance(result, np.ndarray | np.generic | bool | int | float):
        return ndarray(np.asarray(result))
    return result


def _host(value, where):
    """Stand-in arrays as NumPy arrays, in tuples and lists too; TypeError for a NumPy array."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"{where}: unsupported type numpy.ndarray, expected cupy.ndarray")
    return type(value)(_host(part, where) for part in value) if type(value) in (tuple, list) else value


def _operand(value, where):
    """Like `_host`, but only for one array or scalar: arithmetic takes no lists."""
    if not isinstance(value, ndarray | np.generic | bool | int | float):
        raise TypeError(f"{where}: unsupported type {type(value).__name__}, expected cupy.ndarray or scalar")
    return _host(value, where)


def _index(index):
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, ndarray) and part.dtype == bool:
            _sync("boolean mask")
    return _host(index, "x[index]")


def _call(function, name, parameters, args, kwargs):
    """function(*args, **kwargs) on the NumPy arrays within, if `parameters` allow these arguments."""
    allowed = parameters.split()
    if len(args) > len(allowed) and not parameters.startswith("*"):
        raise TypeError(f"cupy: {name} takes at most {len(allowed)} arguments, got {len(args)}")
    unknown = kwargs.keys() - set(allowed)
    if unknown:
        raise TypeError(f"cupy: {name} has no keyword {', '.join(sorted(unknown))}, only {parameters}")
    out = kwargs.get("out")
    if not isinstance(out, ndarray | None):
        raise TypeError(f"cupy: {name} needs a cupy.ndarray as out, got {type(out).__name__}")
    if name in SIZED_BY_DATA or (name == "where" and len(args) + len(kwargs) == 1):
        _sync(name)
    result = function(*_host(args, name), **{key: _host(value, name) for key, value in kwargs.items()})
    return _device(result) if out is None else out


def _function(function, name, parameters):
    return lambda *args, **kwargs: _call(function, name, parameters, args, kwargs)


def _ufunc(function, name, operands):
    def ufunc(*args, **kwargs):
        for operand in args[:operands]:
            _operand(operand, f"cupy.{name}")
        return _call(function, name, UFUNC_PARAMETERS[operands], args, kwargs)

    return ufunc


def _method(name, parameters):
    return lambda self, *args, **kwargs: _call(getattr(self._host, name), name, parameters, args, kwargs)


def _operator(name, swapped=False, in_place=False):
    function = getattr(operator, f"__{name}__")

    def method(self, *other):
        operands = [self._host, *(_operand(value, f"operator {name}") for value in other)]
        result = function(*operands[::-1] if swapped else operands)
        return self if in_place else _device(result)

    return method


def _to_host(name, function):
    def method(self):
        _sync(name)
        return function(self._host)

    return method


def _matmul(a, b, **options):
    """As cuBLAS: products of float16 are added up in float32 (and by NumPy's BLAS, which is far faster)."""
    if a.dtype != np.float16 or b.dtype != np.float16:
        return np.matmul(a, b, **options)
    return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)


def _array(obj, dtype=None):
    """A new array on the card: the one way in for NumPy arrays, lists and scalars."""
    parts = [getattr(part, "_host", part) for part in obj] if isinstance(obj, tuple | list) else obj
    return ndarray(np.array(getattr(parts, "_host", parts), dtype=dtype))


def _asarray(a, dtype=None):
    return a if isinstance(a, ndarray) and dtype in (None, a.dtype) else _array(a, dtype)


def expanded(table):
    return [(name, parameters) for names, parameters in table.items() for name in names.split()]


def _build():
    """The module; on the way `ndarray` gets its methods."""
    for name, parameters in expanded(METHODS):
        setattr(ndarray, name, _method(name, parameters))
    for name in ATTRIBUTES.split():
        setattr(ndarray, name, property(lambda self, name=name: getattr(self._host, name)))
    for name in OPERATORS.split():
        setattr(ndarray, f"__{name}__", _operator(name))
        setattr(ndarray, f"__r{name}__", _operator(name, swapped=True))
        setattr(ndarray, f"__i{name}__", _operator(f"i{name}", in_place=True))
    for name in COMPARISONS_AND_SIGNS.split():
        setattr(ndarray, f"__{name}__", _operator(name))
    for name, function in TO_HOST.items():
        setattr(ndarray, name, _to_host(name, function))

    module = ModuleType("cupy")
    for name, parameters in expanded(FUNCTIONS):
        setattr(module, name, _function(getattr(np, name), name, parameters))
    module.matmul = _function(_matmul, "matmul", FUNCTIONS["matmul"])
    for operands, names in UFUNCS.items():
        for name in names.split():
            setattr(module, name, _ufunc(getattr(np, name), name, operands))
    for name in SAME_AS_NUMPY.split():
        setattr(module, name, getattr(np, name))
    module.ndarray, module.array, module.asarray = ndarray, _array, _asarray
    module.asnumpy = lambda a: a.get() if isinstance(a, ndarray) else np.asarray(a)
    as_strided = _function(np.lib.stride_tricks.as_strided, "as_strided", "x shape strides")
    module.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))
    module.cuda, module.get_default_memory_pool = strict_card.cuda, lambda: strict_card.pool
    module.__version__ = "14.2.0"
    module.ElementwiseKernel = strict_kernels.ElementwiseKernel
    strict_streams.install(module, _sync)
    return module


cupy = _build()
