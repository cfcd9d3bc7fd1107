"""The part of CuPy's interface that `strict_cupy` offers: NumPy's names, with the keywords that CuPy has.

Add what the code needs and CuPy has: test_strict_cupy.py compares the tables with the real CuPy where it is
installed.
"""

# name(s) -> parameters in order; "*name" takes any number
FUNCTIONS = {
    "zeros ones empty": "shape dtype order",
    "full": "shape fill_value dtype order",
    "zeros_like ones_like": "a dtype order subok shape",
    "empty_like": "prototype dtype order subok shape",
    "full_like": "a fill_value dtype order subok shape",
    "arange": "start stop step dtype",
    "linspace": "start stop num endpoint retstep dtype axis",
    "eye": "N M k dtype order",
    "meshgrid": "*xi indexing sparse copy",
    "ascontiguousarray": "a dtype",
    "copy ravel": "a order",
    "sum prod mean": "a axis dtype out keepdims",
    "var std": "a axis dtype out ddof keepdims",
    "max min amax amin any all": "a axis out keepdims",
    "argmax argmin": "a axis dtype out keepdims",
    "cumsum cumprod": "a axis dtype out",
    "sort argsort": "a axis kind",
    "partition argpartition": "a kth axis",
    "searchsorted": "a v side sorter",
    "lexsort": "keys",
    "unique": "ar return_index return_inverse return_counts axis",
    "nonzero argwhere flatnonzero": "a",
    "bincount": "x weights minlength",
    "where": "condition x y",
    "take": "a indices axis out",
    "take_along_axis": "a indices axis",
    "put_along_axis": "arr indices values axis",
    "clip": "a a_min a_max out",
    "round around": "a decimals out",
    "dot outer": "a b out",
    "tensordot": "a b axes",
    "matmul": "*args out dtype casting",
    "einsum": "*operands dtype optimize",
    "reshape": "a newshape order",
    "transpose": "a axes",
    "swapaxes": "a axis1 axis2",
    "moveaxis": "a source destination",
    "squeeze expand_dims flip count_nonzero": "a axis",
    "broadcast_to": "array shape",
    "broadcast_arrays": "*args",
    "concatenate stack": "tup axis out dtype casting",
    "split array_split": "ary indices_or_sections axis",
    "repeat": "a repeats axis",
    "tile": "A reps",
    "roll": "a shift axis",
    "pad": "array pad_width mode constant_values",
    "triu tril": "m k",
    "allclose isclose": "a b rtol atol equal_nan",
    "array_equal": "a1 a2 equal_nan",
    "result_type": "*arrays_and_dtypes",
}
UFUNC_PARAMETERS = {1: "x out dtype casting", 2: "x1 x2 out dtype casting"}  # CuPy has no where=
UFUNCS = {  # number of operands -> names
    1: "abs absolute ceil cos exp exp2 expm1 fabs floor invert isfinite isinf isnan log log10 log1p "
    "log2 logical_not negative reciprocal rint sign signbit sin sqrt square tanh trunc",
    2: "add arctan2 bitwise_and bitwise_or bitwise_xor copysign divide equal floor_divide fmax fmin fmod "
    "greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum "
    "minimum mod multiply not_equal power remainder subtract true_divide",
}
METHODS = {
    "sum prod mean": "axis dtype out keepdims",
    "var std": "axis dtype out ddof keepdims",
    "max min any all": "axis out keepdims",
    "argmax argmin": "axis out dtype keepdims",
    "cumsum cumprod": "axis dtype out",
    "argsort sort": "axis kind",
    "argpartition partition": "kth axis",
    "astype": "dtype order casting subok copy",
    "clip": "min max out",
    "copy flatten ravel": "order",
    "dot": "b out",
    "fill": "value",
    "nonzero": "",
    "repeat": "repeats axis",
    "reshape": "*shape order",
    "round": "decimals out",
    "squeeze": "axis",
    "swapaxes": "axis1 axis2",
    "take": "indices axis out",
    "transpose": "*axes",
    "view": "dtype",
}
ATTRIBUTES = "dtype flags itemsize nbytes ndim shape size strides"
SAME_AS_NUMPY = (
    "bool_ dtype finfo float16 float32 float64 iinfo inf int8 int32 int64 nan newaxis pi promote_types uint8 uint32"
)
