"""Sizes, pads and strides of sliding windows: the arithmetic that convolution and pooling share.

k_eff = k + (k - 1)(dilation - 1) is the extent of an atrous kernel (SSD notes, "Atrous algorithm"), and
    OH = floor((H + pad_before + pad_after - k_eff) / stride) + 1
the output size (lecture, "Padding and stride"; the floor is missing there).
"""


def pair(value, name="value"):
    """(vertical, horizontal) from an int or a pair of ints."""
    pair_ = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair_) != 2 or not all(isinstance(v, int) for v in pair_):
        raise ValueError(f"{name} must be an int or a pair of ints, got {value!r}")
    return pair_


def effective_kernel(k, dilation):
    """Extent of k taps with dilation - 1 holes between neighbours: k + (k - 1)(dilation - 1)."""
    return k + (k - 1) * (dilation - 1)


def pad_widths(pad, kernel, dilation=1):
    """((top, bottom), (left, right)) from any way to write a pad.

    pad: int; (vertical, horizontal); ((top, bottom), (left, right)); or "same", the lecture's rule:
    floor((k - 1) / 2) above and left, floor(k / 2) below and right, k the effective kernel.  At stride 1 that
    keeps the size, for even kernels too.
    """
    if isinstance(pad, str):
        if pad != "same":
            raise ValueError(f'pad must be "same" or numbers, got {pad!r}')
        extents = [effective_kernel(k, d) for k, d in zip(pair(kernel), pair(dilation), strict=True)]
        return tuple(((k - 1) // 2, k // 2) for k in extents)
    both = (pad, pad) if isinstance(pad, int) else tuple(pad)
    if len(both) != 2:
        raise ValueError(f"pad must be an int, a pair, ((top, bottom), (left, right)) or 'same', got {pad!r}")
    widths = tuple(pair(side, "pad") for side in both)
    if min(min(side) for side in widths) < 0:
        raise ValueError(f"pad must not be negative, got {pad!r}")
    return widths


def output_size(n, k, stride=1, pad=0, dilation=1, *, ceil_mode=False):
    """Number of windows along one axis of n cells.

    pad: int for both ends, or (before, after).  With `ceil_mode` a last, partly empty window is added where
    it still starts inside the input or the leading pad (Caffe; PyTorch).  ValueError if not one window fits.
    """
    before, after = pair(pad, "pad")
    if k < 1 or stride < 1 or dilation < 1:
        raise ValueError(f"kernel, stride and dilation must be at least 1, got {k}, {stride}, {dilation}")
    room = n + before + after - effective_kernel(k, dilation)
    if room < 0:
        extent = effective_kernel(k, dilation)
        raise ValueError(f"a kernel of extent {extent} does not fit into {n} cells padded by {before} + {after}")
    if not ceil_mode:
        return room // stride + 1
    size = -(-room // stride) + 1
    return size - 1 if (size - 1) * stride >= n + before else size


def output_shape(height, width, kernel, stride, pads, dilation=(1, 1), *, ceil_mode=False):
    """(OH, OW) of windows over a height x width map; `pads` as `pad_widths` gives them."""
    return tuple(
        output_size(n, k, s, p, d, ceil_mode=ceil_mode)
        for n, k, s, p, d in zip((height, width), kernel, stride, pads, dilation, strict=True)
    )
