"""The slant of a digit is the angle by which it leans."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idx_files import idx, write, write_digits

from minissd.data import RegressionPreparation, open_dataset
from minissd.data.affine import Affine
from minissd.data.slant import slants


def upright(rng):
    """A blot that is symmetric from left to right: it leans to neither side."""
    half = rng.integers(0, 256, (28, 14), np.uint8)
    half[:6], half[-6:], half[:, :8] = 0, 0, 0
    return np.concatenate([half, half[:, ::-1]], axis=1)


@given(st.integers(0, 2**32 - 1), st.floats(-30, 30))
def test_a_stroke_that_leans_has_the_slant_of_its_lean(seed, degrees):
    """Each row is moved by what the angle says; the mean of two pixels is a moved row, to a fraction of a pixel."""
    image = upright(np.random.default_rng(seed)).astype(float)
    moved = np.zeros_like(image)
    for row in range(28):
        places = np.arange(28) - np.tan(np.radians(degrees)) * (13.5 - row)
        moved[row] = np.interp(places, np.arange(28), image[row], left=0, right=0)
    assert slants(moved[None])[0] == pytest.approx(degrees, abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_a_mirror_image_leans_to_the_other_side(seed):
    images = np.random.default_rng(seed).integers(0, 256, (3, 9, 7), np.uint8)
    np.testing.assert_allclose(slants(images[:, :, ::-1]), -slants(images), atol=1e-9)
    np.testing.assert_allclose(slants(images[:, ::-1]), -slants(images), atol=1e-9)


def test_a_thin_stroke_has_the_angle_it_is_turned_by():
    stroke = np.zeros((64, 64, 1), np.uint8)
    stroke[16:48, 31:33] = 255
    turned = Affine.about_the_centre(degrees=-20).resample(stroke, 0)  # with the clock: to the right
    assert slants(turned[None, ..., 0])[0] == pytest.approx(20, abs=0.5)


def test_no_ink_and_a_single_row_have_none():
    images = np.zeros((2, 9, 9), np.uint8)
    images[1, 4] = 200
    np.testing.assert_array_equal(slants(images), 0)


def test_a_data_set_for_regression(tmp_path, rng):
    root = write_digits(tmp_path / "digits")
    pixels = rng.integers(0, 256, (10, 28, 28), np.uint8)
    write(root / "t10k-images-idx3-ubyte.gz", idx(pixels))
    dataset = open_dataset(root, "test", task="regress")
    assert (dataset.task, len(dataset), dataset.values.dtype) == ("regress", 10, np.float32)
    np.testing.assert_allclose(dataset.values, slants(pixels), rtol=1e-6)
    sample = dataset[7]
    assert sample.id == dataset.ids[7] and sample.value == dataset.values[7]
    image, value = RegressionPreparation(28)(sample, None)
    np.testing.assert_array_equal(image[..., 0], pixels[7])
    assert value == dataset.values[7] and value.dtype == np.float32
    few = open_dataset(root, "test", task="regress", classes=["3", "5"], limit=1)
    assert len(few) == 1 and few.values[0] == dataset.values[3]


def test_the_digits_of_mnist_lean_to_the_right(shared):
    dataset = open_dataset(shared / "data" / "mnist", "test", task="regress")
    assert 2 < dataset.values.mean() < 10 and np.abs(dataset.values).max() < 80
