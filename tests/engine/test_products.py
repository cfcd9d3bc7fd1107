"""Matrix products in each precision: what is rounded, what is not, and that the switches go back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs

from minissd.device import card, to_numpy
from minissd.engine import conv2d, conv2d_backward, conv_transpose2d, linear, linear_backward, products
from minissd.engine.products import factor, matmul, precision, precision_in_force
from minissd.engine.tuning import tuned
from minissd.properties.windows import seeds


def rounded(x):
    return x.astype(np.float16).astype(np.float32)


@pytest.fixture
def factors(rng):
    return rng.standard_normal((5, 7), dtype=np.float32), rng.standard_normal((7, 3), dtype=np.float32)


@pytest.mark.parametrize("on_card", [False, True])
def test_half_precision_rounds_the_factors_and_the_result_and_adds_up_in_single(strict, factors, on_card):
    a, b = map(strict.asarray, factors) if on_card else factors
    with precision("fp16"):
        product, out = matmul(a, b), (strict if on_card else np).empty((5, 3), dtype=np.float32)
        assert matmul(a, b, out=out) is out
    assert product.dtype == np.float32
    np.testing.assert_array_equal(to_numpy(out), to_numpy(product))
    exact = rounded(factors[0]) @ rounded(factors[1])
    np.testing.assert_allclose(to_numpy(product), exact, rtol=2**-10, atol=1e-6)
    assert not np.array_equal(to_numpy(product), factors[0] @ factors[1])


def test_the_sum_of_many_half_precision_products_does_not_stop_growing():
    """float16 itself has no number between 2048 and 2050."""
    ones = np.ones((1, 8192), np.float32)
    with precision("fp16"):
        assert matmul(ones, ones.T).item() == 8192


@pytest.mark.parametrize("name", ["tf32", "fp16"])
def test_double_precision_stays_what_it_is(factors, name):
    a, b = (array.astype(np.float64) for array in factors)
    with precision(name):
        np.testing.assert_array_equal(matmul(a, b), a @ b)
        assert factor(a) is a


def test_a_precision_ends_with_its_block():
    assert precision_in_force() == "fp32"
    with pytest.raises(KeyError), precision("fp16"), precision("tf32"):
        assert precision_in_force() == "tf32"
        raise KeyError
    assert precision_in_force() == "fp32"


def test_an_unknown_precision_is_refused(refused):
    with refused("'fp8'", "fp32, tf32, fp16"), precision("fp8"):
        pass


def test_tf32_throws_both_switches_and_throws_them_back(strict):
    def switches():
        return strict.cuda.cublas.getMathMode(1), strict._core.get_compute_type(np.float32)

    before = switches()
    with precision("tf32"):
        assert switches() == (card.TF32_MATH, card.TF32_COMPUTE)
        with precision("fp32"):
            assert switches() == before
        assert switches() == (card.TF32_MATH, card.TF32_COMPUTE)
    assert switches() == before


GEOMETRIES = [{"pad": 1}, {"stride": 2, "pad": 1}, {"pad": 2, "dilation": 2}]


@pytest.mark.parametrize("options", GEOMETRIES)
@pytest.mark.parametrize("on_card", [False, True])
def test_a_convolution_in_half_precision(strict, rng, options, on_card):
    """As exact as 10 bits of mantissa allow, with float32 in and out, and the same on both devices."""
    x, w = rng.standard_normal((2, 9, 8, 6), dtype=np.float32), rng.standard_normal((3, 3, 6, 5), dtype=np.float32)
    y, cache = conv2d(x, w, **options)
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    exact = [y, *conv2d_backward(dy, cache)[:2]]
    there = [strict.asarray(array) if on_card else array for array in (x, w, dy)]
    with precision("fp16"), count_syncs() as syncs:
        y, cache = conv2d(*there[:2], **options)
        found = [y, *conv2d_backward(there[2], cache)[:2]]
    assert syncs == [] and cache.algorithm == "im2col"
    for ours, right in zip(found, exact, strict=True):
        assert ours.dtype == np.float32
        error = np.abs(to_numpy(ours) - right).max() / np.abs(right).max()
        assert 0 < error < 2e-3


def test_other_layers_in_half_precision(rng, factors):
    x, w = factors
    y, cache = linear(x, w)
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    with precision("fp16"):
        rough = [linear(x, w)[0], *linear_backward(dy, cache)]
    for ours, right in zip(rough, [y, *linear_backward(dy, cache)], strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, right, atol=1e-2)
    x, w = rng.standard_normal((1, 3, 3, 2), dtype=np.float32), rng.standard_normal((3, 3, 4, 2), dtype=np.float32)
    y, _ = conv_transpose2d(x, w, stride=2)
    with precision("fp16"):
        np.testing.assert_allclose(conv_transpose2d(x, w, stride=2)[0], y, atol=2e-2)


def test_what_a_device_cannot_do_is_said(strict, monkeypatch, refused):
    card.check_precision("fp32", "cpu")
    for name in ("tf32", "fp16"):
        card.check_precision(name, "cuda")
        with refused(f"--precision {name}", "needs a GPU", "--device cuda"):
            card.check_precision(name, "cpu")
    with refused("'half'", "fp32, tf32, fp16"):
        card.check_precision("half", "cuda")
    monkeypatch.setattr(strict.cuda.Device, "compute_capability", "75")
    card.check_precision("fp16", "cuda")
    with refused("8.0 (Ampere)", "7.5", "fp16"):
        card.check_precision("tf32", "cuda")


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(1, 300), seeds)
def test_products_in_pieces(m, k, n, small, seed):
    """Whichever of the three numbers is the large one, into memory that is given or not, of any layout."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((m, 2 * k))[:, ::2], rng.standard_normal((n, k)).T
    with pytest.MonkeyPatch.context() as patch, tuned(small_product=small, least_rows=1, least_terms=1):
        patch.setattr(products, "blas_architecture", lambda: "SkylakeX")
        np.testing.assert_allclose(products.matmul(a, b), a @ b, atol=1e-12)
        every_second = np.zeros((2 * m, n))
        assert np.shares_memory(products.matmul(a, b, out=every_second[::2]), every_second) or not m * n
    np.testing.assert_allclose(every_second[::2], a @ b, atol=1e-12)
    assert not every_second[1::2].any()
