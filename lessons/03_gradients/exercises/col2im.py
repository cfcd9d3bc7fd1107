"""What im2col took apart goes back, and adds up."""

import numpy as np


def col2im(cols, x_shape, kernel, stride=1, dilation=1):
    """The adjoint of im2col: every entry of cols is added to the cell that im2col read it from.

    cols: (N*OH*OW, KH*KW*C), rows (n, i, j), columns (ky, kx, c); x_shape: (N, H, W, C); kernel: (KH, KW)
    -> x_shape

        x[n, i*stride + ky*dilation, j*stride + kx*dilation, c]  +=  cols[(n, i, j), (ky, kx, c)]

    OH = (H - (KH - 1) dilation - 1) // stride + 1, OW likewise; nothing is padded here.  It is how a gradient flows
    back through patches: a cell that several windows have read hears from all of them.
    """
    raise NotImplementedError("zeros, and then add window by window, or tap by tap")
