"""Plain bilinear resizing: the formula in loops, and what OpenCV and PyTorch make of the same pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data import resize_image
from minissd.data.bilinear import FINE, bilinear
from minissd.properties.windows import seeds


def by_loops(image, size):
    height, width, _ = image.shape
    resized = np.zeros((size, size, image.shape[2]))
    for i in range(size):
        for j in range(size):
            y = min(max((i + 0.5) * height / size - 0.5, 0), height - 1)
            x = min(max((j + 0.5) * width / size - 0.5, 0), width - 1)
            for row, down in ((int(y), 1 - y % 1), (min(int(y) + 1, height - 1), y % 1)):
                for column, across in ((int(x), 1 - x % 1), (min(int(x) + 1, width - 1), x % 1)):
                    resized[i, j] += down * across * image[row, column]
    return resized


def noise(seed, height, width, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(1, 8), st.sampled_from([1, 3]))
def test_equals_the_loops(seed, height, width, size, channels):
    image = noise(seed, height, width, channels)
    resized = bilinear(image, size)
    assert (resized.dtype, resized.shape) == (np.uint8, (size, size, channels))
    difference = resized - by_loops(image, size)
    assert difference.min() > -1.3 and difference.max() < 0.8  # shares have eleven bits, and lower bits are cut off


SHAPES = [(500, 353), (600, 600), (299, 301), (37, 500), (1200, 900), (1, 1), (120, 80)]


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_opencv(shape):
    cv2 = pytest.importorskip("cv2")
    image = noise(0, *shape)
    difference = bilinear(image, 300).astype(int) - cv2.resize(image, (300, 300), interpolation=cv2.INTER_LINEAR)
    if min(shape) >= 300 or shape == (1, 1):
        assert not difference.any()
    assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 0.02  # an enlarged side


def test_stripes_between_the_places_looked_at_are_not_seen():
    stripes = np.zeros((40, 40, 1), np.uint8)
    stripes[:, 0::4] = 200  # at a quarter of the size, places are between columns 1 and 2 of each 4
    assert (bilinear(stripes, 10) == 0).all()
    averaged = resize_image(stripes, 10)
    assert 20 < averaged[5, 5, 0] < 80
    np.testing.assert_array_equal(resize_image(stripes, 10, "bilinear"), bilinear(stripes, 10))


def test_an_image_of_the_size_stays_as_it_is():
    image = noise(2, 30, 30)
    np.testing.assert_array_equal(bilinear(image, 30), image)


def test_the_ways_to_resize_are_named():
    with pytest.raises(ValueError, match="antialiased, bilinear, fine bilinear, got 'cubic'"):
        resize_image(noise(0, 4, 4), 2, "cubic")


@pytest.mark.parametrize(
    "shape", [(20, 30, 4), (20, 30, 2), (20, 30), (3, 20, 30), (0, 3, 3), (1, 20, 30, 3), (16, 16, 4)]
)
def test_other_pictures_are_refused_not_made_grey(shape):
    with pytest.raises(ValueError, match=r"got \(.*as_rgb"):
        resize_image(np.zeros(shape, np.uint8), 16)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int64, bool])
def test_other_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match="as uint8, got"):
        resize_image(np.zeros((20, 30, 3), dtype), 16)


@pytest.mark.parametrize("shape", SHAPES)
def test_fine_numbers_are_those_of_pytorch(shape):
    torch = pytest.importorskip("torch")
    image = noise(1, *shape)
    there = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))[None]
    expected = torch.nn.functional.interpolate(there, size=(300, 300), mode="bilinear", align_corners=False)
    resized = resize_image(image, 300, "fine bilinear")
    assert (resized.dtype, resized.shape) == (np.uint32, (300, 300, 3))
    np.testing.assert_allclose(resized / FINE, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=0.004)


def test_fine_numbers_of_an_image_of_the_size_count_the_same_parts():
    image = noise(2, 30, 30)
    np.testing.assert_array_equal(resize_image(image, 30, "fine bilinear"), image * np.uint32(FINE))
