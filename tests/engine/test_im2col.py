"""im2col and col2im: the loops, the lecture's worked example, and adjoint to each other without any error."""

import numpy as np
import pytest
from hypothesis import given

from minissd import naive
from minissd.engine import col2im, im2col
from minissd.properties.gradients import ADJOINT
from minissd.properties.windows import convolutions, seeds


@given(geometry=convolutions(), seed=seeds)
def test_im2col_is_the_loops(geometry, seed):
    x = geometry.x(seed)
    expected = naive.im2col(x, geometry.kernel, **geometry.options)
    np.testing.assert_array_equal(im2col(x, geometry.kernel, **geometry.options), expected)


@given(geometry=convolutions(), seed=seeds)
def test_adjoint_exactly_on_integers(geometry, seed):
    """<im2col(x), c> = <x, col2im(c)>: the one property that makes col2im the gradient of im2col."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, geometry.x_shape)
    c = rng.integers(-9, 10, im2col(x, geometry.kernel, **geometry.options).shape)
    ADJOINT.holds(col2im, x=x, cols=c, kernel=geometry.kernel, **geometry.options)
    back = col2im(c, geometry.x_shape, geometry.kernel, **geometry.options)
    expected = naive.col2im(c, geometry.x_shape, geometry.kernel, **geometry.options)
    np.testing.assert_array_equal(back, expected)


LECTURE = np.array([[1, 2, 3, 1], [4, 5, 6, 1], [7, 8, 9, 1]])


def test_lectures_convolution_as_a_matrix_product():
    """Row by row the six windows give 12, 16, 11, 24, 28, 17."""
    cols = im2col(LECTURE[None, :, :, None], (2, 2))
    np.testing.assert_array_equal(cols[0], [1, 2, 4, 5])
    np.testing.assert_array_equal(cols[3], [4, 5, 7, 8])
    np.testing.assert_array_equal(cols @ np.ones(4), [12, 16, 11, 24, 28, 17])


def test_slip_the_lecture_prints_the_windows_column_by_column():
    """Its matrix, 12, 24, 16, 28, 11, 17, is ours of the transposed image."""
    printed = [[1, 4, 2, 5, 3, 6], [4, 7, 5, 8, 6, 9], [2, 5, 3, 6, 1, 1], [5, 8, 6, 9, 1, 1]]
    cols = im2col(LECTURE.T[None, :, :, None], (2, 2))
    np.testing.assert_array_equal(cols.T, printed)
    np.testing.assert_array_equal(cols.sum(axis=1), [12, 24, 16, 28, 11, 17])


def test_col2im_names_both_shapes():
    with pytest.raises(ValueError, match=r"\(5, 4\).*\(1, 3, 4, 1\).*\(6, 4\)"):
        col2im(np.zeros((5, 4)), (1, 3, 4, 1), (2, 2))


def test_im2col_needs_a_batch_of_maps():
    with pytest.raises(ValueError, match=r"\(N, H, W, C\).*\(3, 4\)"):
        im2col(LECTURE, (2, 2))
