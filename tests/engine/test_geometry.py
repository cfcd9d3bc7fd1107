"""Sizes of windows: the notes' formulas, the maps of SSD300, and errors that name what does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import effective_kernel, output_size
from minissd.ops.geometry import pad_widths
from minissd.properties.convolution import KEEPS_THE_SIZE, library_same_padding


@pytest.mark.parametrize(("k", "rate", "extent"), [(3, 1, 3), (3, 2, 5), (3, 6, 13), (2, 3, 4), (1, 9, 1)])
def test_extent_of_an_atrous_kernel(k, rate, extent):
    """k_eff = k + (k - 1)(r - 1); rate 6 is that of SSD's fc6."""
    assert effective_kernel(k, rate) == extent == naive.extent(k, rate)


# The maps of SSD300, one after the other: (n, k, stride, pad, dilation, ceil_mode) -> size
SSD300 = {
    "conv 3x3 pad 1 keeps the size": (300, 3, 1, 1, 1, False, 300),
    "pool1": (300, 2, 2, 0, 1, False, 150),
    "pool2": (150, 2, 2, 0, 1, False, 75),
    "pool3": (75, 2, 2, 0, 1, True, 38),
    "pool4": (38, 2, 2, 0, 1, False, 19),
    "pool5": (19, 3, 1, 1, 1, False, 19),
    "fc6": (19, 3, 1, 6, 6, False, 19),
    "conv8_2": (19, 3, 2, 1, 1, False, 10),
    "conv9_2": (10, 3, 2, 1, 1, False, 5),
    "conv10_2": (5, 3, 1, 0, 1, False, 3),
    "conv11_2": (3, 3, 1, 0, 1, False, 1),
}


@pytest.mark.parametrize("row", SSD300.values(), ids=SSD300)
def test_sizes_of_the_maps_of_ssd300(row):
    *numbers, ceil_mode, size = row
    assert output_size(*numbers, ceil_mode=ceil_mode) == size


def test_trap_3_pool3_rounds_up():
    """75 cells in pairs: rounded down, the first map of SSD300 would have 37 x 37 cells, not 38 x 38."""
    assert output_size(75, 2, 2, ceil_mode=True) == 38
    assert output_size(1, 2, 2, ceil_mode=True) == 1  # partly filled, as the last one of an odd number is
    assert output_size(75, 2, 2) == 37


sizes, few = st.integers(1, 12), st.integers(1, 4)
pads = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(n=sizes, k=few, stride=sizes, pad=pads, dilation=few, ceil_mode=st.booleans())
def test_windows_counted_by_placing_them(n, k, stride, pad, dilation, ceil_mode):
    if ceil_mode:  # pooling, where a pad is smaller than the window
        pad = tuple(min(width, effective_kernel(k, dilation) - 1) for width in pad)
    try:
        expected = naive.output_size(n, k, stride, pad, dilation, ceil_mode)
    except ValueError:
        with pytest.raises(ValueError, match="does not fit"):
            output_size(n, k, stride, pad, dilation, ceil_mode=ceil_mode)
    else:
        assert output_size(n, k, stride, pad, dilation, ceil_mode=ceil_mode) == expected


@given(n=sizes, k=sizes, dilation=st.integers(1, 4))
def test_the_lectures_pads_keep_the_size_for_even_kernels_too(n, k, dilation):
    (above, below), left_right = pad_widths("same", k, dilation)
    assert (above, below) == left_right
    assert below - above in (0, 1)  # an even extent has its odd cell below
    KEEPS_THE_SIZE.holds(library_same_padding, n=n, k=k, dilation=dilation)


@pytest.mark.parametrize(
    ("pad", "widths"),
    [
        (2, ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
        ("same", ((0, 1), (1, 1))),
    ],
)
def test_all_spellings_of_a_pad(pad, widths):
    assert pad_widths(pad, (2, 3)) == widths


@pytest.mark.parametrize("pad", ["valid", -1, (1, 2, 3), ((1, 2), (3, -4)), 1.5, (1, "2")])
def test_pads_that_mean_nothing(pad):
    with pytest.raises((ValueError, TypeError)):
        pad_widths(pad, (3, 3))


def test_a_kernel_that_does_not_fit_is_named_with_its_extent():
    with pytest.raises(ValueError, match=r"extent 5 does not fit into 2 cells padded by 1 \+ 1"):
        output_size(2, 3, 1, 1, 2)


@pytest.mark.parametrize("numbers", [(5, 0, 1, 0, 1), (5, 3, 0, 0, 1), (5, 3, 1, 0, 0)])
def test_kernel_stride_and_dilation_are_at_least_one(numbers):
    with pytest.raises(ValueError, match="at least 1"):
        output_size(*numbers)
