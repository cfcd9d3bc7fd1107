"""The adjoint of a sliding window: from the outputs back to the cells they saw.

It is the gradient of a convolution with respect to its input, and it is the transposed convolution.  In one
dimension, with u = i*stride + k the cell of the padded map that output i sees through tap k,

    x[u] = sum over all i, k with i*stride + k = u of y[i] * w[k]

Cells of one phase, u = phase + stride*q, meet only the taps k = phase + stride*t, and these as y[q - t]: an ordinary
convolution of y at stride 1 with those taps, mirrored.  So every phase is computed by itself, and unlike with zeros
inserted between the outputs (Dumoulin and Visin 2016) nothing is multiplied by zero.
"""

from minissd.device import array_module
from minissd.ops.geometry import effective_kernel


def adjoint(y, w, windows, correlate):
    """y (N, OH, OW, ...), w (KH, KW, C, ...) -> x (N, H, W, C), the map that `windows` lie over.

    correlate(y, taps, pads): y correlated at stride 1 with some taps of w.
    """
    xp = array_module(y, w)
    (sy, sx), (ry, rx) = windows.stride, windows.dilation
    extents = [effective_kernel(k, r) for k, r in zip(windows.kernel, windows.dilation, strict=True)]
    dense = xp.zeros((*extents, *w.shape[2:]), dtype=w.dtype)  # an atrous kernel with zeros in its holes
    dense[::ry, ::rx] = w
    padded = xp.zeros((y.shape[0], *windows.padded_size, w.shape[2]), dtype=y.dtype)
    for py in range(min(sy, extents[0])):  # where the stride is larger than the kernel, the rest is never seen
        for px in range(min(sx, extents[1])):
            taps = dense[py::sy, px::sx][::-1, ::-1]
            part = correlate(y, taps, tuple((k - 1, k - 1) for k in taps.shape[:2]))
            rows, columns = part.shape[1:3]
            padded[:, py : py + rows * sy : sy, px : px + columns * sx : sx] = part
    return windows.crop(padded)
