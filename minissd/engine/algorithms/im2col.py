"""Convolution as a matrix product (Chellapilla et al. 2006): the algorithm for every geometry.

With the patches as rows of a matrix, cols (N*OH*OW, KH*KW*C), a convolution is y = cols @ w + b.  The matrix is KH*KW
times the size of x, so it is never there as a whole: blocks of it that fit the cache are gathered, multiplied and
forgotten; the backward pass gathers them again, or at stride 1 the patches of dy instead.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from dataclasses import replace
from itertools import chain, groupby
from math import prod

from minissd.device import array_module
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.cpu.gathering import Scattering, gathering, window_blocks
from minissd.engine.cpu.threads import in_shares, threads_for
from minissd.engine.products import factor, matmul
from minissd.engine.runtime import empty
from minissd.engine.tuning import tuning_in_force
from minissd.ops.geometry import effective_kernel
from minissd.ops.windows import Windows


def supports(windows):
    """All windows."""
    return True


def forward_work(windows, filters):
    return _block_work(windows, filters)


def gradients_work(windows, filters, need_dx):
    if not need_dx:
        return _block_work(windows, filters)
    n, height, width, _ = windows.x_shape
    if windows.stride == (1, 1):  # patches of dy, for two products
        over_dy = replace(windows, x_shape=(n, *windows.out, filters), out=(height, width))
        work = _block_work(over_dy, windows.x_shape[3])
        return work._replace(calls=work.calls + 15, products=2 * work.products, weights=2 * work.weights)
    work, taps = _block_work(windows, filters), prod(windows.kernel)
    outputs = n * prod(windows.out)
    put_back = 2 * outputs * taps * windows.x_shape[3]
    return Work(
        calls=work.calls + 15 + taps * n,
        products=2 * work.products,
        numbers=work.numbers + put_back,
        pieces=work.pieces + outputs * taps,
        weights=2 * work.weights,
        shares=n,
    )


def _block_work(windows, filters):
    """To gather all patches, block by block, and multiply each with a matrix."""
    (n, _, _, c), (kh, kw) = windows.x_shape, windows.kernel
    outputs, patch = n * prod(windows.out), kh * kw * c
    copied = windows.kernel != (1, 1) or windows.stride != (1, 1)
    blocks = max(1, 4 * outputs * patch / tuning_in_force().sizes.im2col_block)
    return Work(
        calls=10 + 6 * blocks,
        products=outputs * patch * filters,
        numbers=copied * outputs * patch + 2 * outputs * filters,
        pieces=copied * outputs * kh,
        weights=blocks * patch * filters,
    )


def forward(x, w, b, windows, finish=unchanged):
    """y (N, OH, OW, D) of `conv2d`."""
    xp, d = array_module(x), w.shape[3]
    w_rows = factor(w.reshape(-1, d))  # (KH*KW*C, D)
    y = empty((x.shape[0], *windows.out, d), x)
    wide_b = None if b is None else xp.tile(b, windows.out[1])  # (OW*D,): NumPy is slow on many short vectors

    def multiply(images, rows, cols):
        out = y[images, rows].reshape(-1, d)  # a view
        matmul(cols, w_rows, out=out)
        if b is not None:
            lines = out.reshape(-1, len(wide_b))
            lines += wide_b
        finish(out)

    _for_each_block(multiply, x, windows, d)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (KH, KW, C, D) of `conv2d`."""
    if not need_dx:
        return None, _weight_gradient(dy, x, w, windows)
    mirrored = mirrored_windows(dy, windows)
    if mirrored is not None:
        return _backward_by_gathering(dy, x, w, mirrored)
    return _backward_by_scattering(dy, x, w, windows)


def _weight_gradient(dy, x, w, windows):
    """dw alone."""
    xp, d = array_module(x), w.shape[3]

    def multiply(images, rows, cols):
        return matmul(cols.T, dy[images, rows].reshape(-1, d))  # y = cols @ w   =>  dw = cols^T dy

    dy = factor(dy)
    return _total(xp, _for_each_block(multiply, x, windows, d), w)


def _backward_by_scattering(dy, x, w, windows):
    """dx, dw for any stride and dilation, as the formula says: dcols is put back where the patches came from."""
    xp, d = array_module(x), w.shape[3]
    w_rows = factor(w.reshape(-1, d))  # (KH*KW*C, D)
    dy, dx = factor(dy), Scattering(windows, like=x)

    def multiply_and_scatter(images, rows, cols):
        dy_rows = dy[images, rows].reshape(-1, d)  # (n*rows*OW, D)   one row per patch
        dw = matmul(cols.T, dy_rows)  # as in _weight_gradient
        dx.add(matmul(dy_rows, w_rows.T), images, rows)  # dcols = dy w^T, put back
        return dw

    # windows of one image overlap, so two threads must not work on the same
    dw = _total(xp, _for_each_block(multiply_and_scatter, x, windows, d, whole_images=True), w)
    return dx.total(), dw


def _backward_by_gathering(dy, x, w, mirrored):
    """dx, dw at stride 1, where both are products with one matrix, the patches of dy.

    A cell of x is seen by output (i, j) through tap (ky, kx) and by its neighbours through the other taps, in mirror
    image.  So dx is the convolution of dy with the mirrored kernel, and dw the product of the same patches with x.
    Nothing is scattered, and each patch gathered serves twice.
    """
    xp = array_module(x)
    kh, kw, c, d = w.shape
    w_mirrored = factor(xp.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(-1, c))  # (KH*KW*D, C)
    dx = empty(x.shape, x)
    x = factor(x)

    def multiply(images, rows, cols):  # cols: patches of dy, (n*rows*W, KH*KW*D)
        matmul(cols, w_mirrored, out=dx[images, rows].reshape(-1, c))
        return matmul(cols.T, x[images, rows].reshape(-1, c))  # (KH*KW*D, C)

    dw = _total(xp, _for_each_block(multiply, dy, mirrored, c), xp.empty((kh, kw, d, c), dtype=w.dtype))
    return dx, xp.ascontiguousarray(dw[::-1, ::-1].transpose(0, 1, 3, 2))


def mirrored_windows(dy, windows):
    """The windows over dy that see, for each cell of x, all outputs the cell contributed to; None if there are none.

    They exist at stride 1 when no pad is wider than the kernel reaches.
    """
    reach = [effective_kernel(k, d) - 1 for k, d in zip(windows.kernel, windows.dilation)]
    pads = tuple((r - before, r - after) for r, (before, after) in zip(reach, windows.pads))
    if windows.stride != (1, 1) or min(map(min, pads)) < 0:
        return None
    return Windows.over(dy.shape, windows.kernel, 1, pads, windows.dilation)


def _for_each_block(work, x, windows, outputs, whole_images=False):
    """work(images, rows, cols) for every block of the output, cols its patches (n*rows*OW, KH*KW*C), on all cores.

    outputs: number of channels they are multiplied to.  whole_images: all blocks of an image go to one thread.
    Returns for each thread the sum of what `work` returned.
    """
    xp = array_module(x)
    x = factor(x)
    patches_of = gathering(x, windows)
    threads = threads_for(prod(windows.out) * x[:, 0, 0].size * prod(windows.kernel) * outputs, xp)
    blocks = window_blocks(windows, xp, x.dtype.itemsize, threads)
    groups = _by_image(blocks) if whole_images else [[block] for block in blocks]

    def work_on_share(share):
        total = None
        for images, rows in chain.from_iterable(share):
            result = work(images, rows, patches_of(images, rows))
            if total is None:
                total = result
            else:
                total += result  # in place: for many channels it is large
        return total

    return in_shares(work_on_share, groups, xp)


def _by_image(blocks):
    """Consecutive blocks of the same images, in lists."""
    return [list(group) for _, group in groupby(blocks, key=lambda block: block[0].start)]


def _total(xp, parts, w):
    """Sum of the shares' gradients, in the shape of w; zero if there was nothing to do."""
    total = sum(parts[1:], parts[0]) if parts else xp.zeros_like(w)
    return total.reshape(w.shape)


IM2COL = Algorithm("im2col", "every geometry", supports, forward_work, gradients_work, forward, gradients)
