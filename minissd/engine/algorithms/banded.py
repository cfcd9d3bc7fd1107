"""Convolution as a product with a banded matrix: the algorithm for small maps of few channels.

A convolution is a fully connected layer with shared parameters and many zeros.  Written out for one row of outputs: it
reads KH rows of the padded map, which lie one after the other in memory, and its weights are a band,

    y[n, i] = rows[n, i] @ band        rows (N, OH, KH*W*C), band (KH*W*C, OW*D)
    band[ky, j*stride + kx, c, j, d] = w[ky, kx, c, d]

W/KW times as many numbers are multiplied, most of them with zeros.  But the products are large, and patches are
gathered in pieces of KH*W*C numbers; im2col's pieces are KW*C long, five numbers in LeNet-5's first layer, and it
copies longer than it multiplies.

N batch, H W padded input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from minissd.device import array_module
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.cpu.gathering import pad
from minissd.engine.cpu.views import strided_view
from minissd.engine.products import matmul


def supports(windows):
    """Whether the rows that a window sees are neighbours."""
    return windows.dilation == (1, 1)


def forward_work(windows, filters):
    rows, length, outputs = _sizes(windows, filters)
    return Work(
        calls=12,
        products=rows * length * outputs,
        numbers=rows * (length + outputs),
        pieces=0,
        weights=length * outputs,
    )


def gradients_work(windows, filters, need_dx):
    return forward_work(windows, filters).times(1 + need_dx)


def _sizes(windows, filters):
    """N*OH, KH*W*C, OW*D"""
    n, _, _, c = windows.x_shape
    return n * windows.out[0], windows.kernel[0] * windows.padded_size[1] * c, windows.out[1] * filters


def forward(x, w, b, windows, finish=unchanged):
    """y (N, OH, OW, D) of `conv2d`."""
    y = _rows(x, windows) @ _band_matrix(w, windows)
    y = y.reshape(x.shape[0], *windows.out, w.shape[3])
    if b is not None:
        y += b
    finish(y)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (KH, KW, C, D) of `conv2d`."""
    xp = array_module(x)
    kh, _, c, d = w.shape
    (n, oh, ow, _), (height, width) = dy.shape, windows.padded_size
    dy_rows = dy.reshape(n * oh, ow * d)
    d_band = matmul(_rows(x, windows).T, dy_rows)  # (1) y = rows @ band  =>  dband = rows^T dy
    d_band = d_band.reshape(kh, width, c, ow, d)
    dw = _along_band(d_band, windows).sum(axis=3)  # (2) each weight stands in the band OW times
    if not need_dx:
        return None, dw
    d_rows = dy_rows @ _band_matrix(w, windows).T  # (3) and drows = dy band^T,
    d_rows = d_rows.reshape(n, oh, kh, width, c)
    padded = xp.zeros((n, height, width, c), dtype=x.dtype)
    stride = windows.stride[0]
    for ky in range(kh):  # (4) put back where the rows came from
        padded[:, ky : ky + (oh - 1) * stride + 1 : stride] += d_rows[:, :, ky]
    return windows.crop(padded), dw


def _rows(x, windows):
    """The KH rows that each row of outputs reads: (N*OH, KH*W*C)."""
    padded = array_module(x).ascontiguousarray(pad(windows, x))
    (n, height, width, c), oh = padded.shape, windows.out[0]
    row, length = width * c, windows.kernel[0] * width * c
    rows = strided_view(padded, 0, (n, oh, length), (height * row, windows.stride[0] * row, 1))
    return rows.reshape(n * oh, length)


def _band_matrix(w, windows):
    """The band (KH*W*C, OW*D) of a kernel."""
    kh, _, c, d = w.shape
    width, ow = windows.padded_size[1], windows.out[1]
    band = array_module(w).zeros((kh, width, c, ow, d), dtype=w.dtype)
    _along_band(band, windows)[...] = w[:, :, :, None]
    return band.reshape(kh * width * c, ow * d)


def _along_band(band, windows):
    """A view (KH, KW, C, OW, D) of what is not always 0 in a band (KH, W, C, OW, D): [ky, j*stride + kx, c, j, d]."""
    kh, width, c, ow, d = band.shape
    channel, column = ow * d, c * ow * d
    shape = (kh, windows.kernel[1], c, ow, d)
    return strided_view(band, 0, shape, (width * column, column, channel, windows.stride[1] * column + d, 1))


BANDED = Algorithm("banded", "kernels without holes", supports, forward_work, gradients_work, forward, gradients)
