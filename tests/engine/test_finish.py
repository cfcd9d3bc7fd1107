"""What follows a convolution at once, applied to each part of its output: every number once, whatever the algorithm."""

import numpy as np
import pytest

from minissd.device import to_numpy
from minissd.engine import ALGORITHMS, conv2d
from minissd.engine.activations import RECTIFIED, clip_to_six, rectify
from minissd.engine.tuning import tuned
from minissd.ops.windows import Windows

SMALL = {
    "winograd_tiles": 4,
    "winograd_rows_block": 2000,
    "im2col_block": 2000,
    "strided_block": 2000,
}  # several blocks
CASES = {
    "several images": ((3, 9, 7, 2), 3, 4, {"pad": 1}),
    "one image": ((1, 17, 10, 2), 3, 4, {"pad": 1}),
    "many filters": ((1, 5, 5, 2), 3, 40, {"pad": 1}),  # of which each thread takes a part
    "holes": ((2, 9, 9, 2), 3, 4, {"pad": 2, "dilation": 2}),
    "stride": ((3, 9, 9, 2), 3, 4, {"pad": 1, "stride": 2}),
}


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("case", CASES)
def test_every_number_is_finished_once(name, case, rng, two_threads):
    x_shape, kernel, filters, options = CASES[case]
    x, w, b = (rng.standard_normal(shape) for shape in (x_shape, (kernel, kernel, x_shape[3], filters), (filters,)))
    if not ALGORITHMS[name].supports(Windows.over(x_shape, (kernel, kernel), **options)):
        pytest.skip("another geometry")

    def double(part):
        part *= 2

    with tuned(**SMALL, thread_products=1):
        expected, _ = conv2d(x, w, b, **options, algorithm=name)
        found, _ = conv2d(x, w, b, **options, algorithm=name, finish=double)
    np.testing.assert_array_equal(found, 2 * expected)


@pytest.mark.parametrize("name", ["im2col", "winograd"])
def test_on_a_card_too(name, rng, strict):
    x, w = (strict.asarray(rng.standard_normal(shape).astype("float32")) for shape in ((2, 9, 7, 2), (3, 3, 2, 4)))
    expected, _ = conv2d(x, w, pad=1, algorithm=name)
    found, _ = conv2d(x, w, pad=1, algorithm=name, finish=rectify)
    np.testing.assert_array_equal(to_numpy(found), np.maximum(to_numpy(expected), 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rectified_in_place(dtype, rng):
    whole = rng.standard_normal((3, RECTIFIED // 2, 2)).astype(dtype)  # several pieces, and a part of one
    for part in (whole, whole[:, ::3], whole[..., :1]):
        expected = np.maximum(part, 0)
        rectify(part)
        np.testing.assert_array_equal(part, expected)
    with np.errstate(invalid="raise"):
        odd = np.array([np.nan, -np.inf, np.inf, -0.0, 7], dtype)
        rectify(odd)
        np.testing.assert_array_equal(odd, np.array([np.nan, 0, np.inf, 0, 7], dtype))
        clip_to_six(odd)
        np.testing.assert_array_equal(odd, np.array([np.nan, 0, 6, 0, 6], dtype))
