"""Convolution at strides above 1: patches are views of the map, so that nothing is gathered and nothing scattered.

Where a window starts every s cells, its KW*C numbers of one row lie together in memory, and those of every m-th window,
m = ceil(KW/s), do not overlap: they are the rows of a matrix that the map already is, seen with other strides.  The
rows of cells that agree modulo s see the same rows of the kernel, ky = rho, rho + s, ...; they are put one below the
other (the one copy, with the padding) and multiplied with all of these at once:
    Z[u, j, a] = (cells s*j .. s*j + KW - 1 of row s*u + rho) . w[rho + a*s]
    y[i, j]    = sum over rho and a of Z[i + a, j, a]
The gradients are products with views as well.  With dZ[u, j, a] = dy[u - a, j],
    dw[rho + a*s] = (the same patches)^T dZ[., ., a]
    dx[row s*u + rho, column s*v + sigma] = sum over b and a of dZ[u, v - b, a] . w[rho + a*s, sigma + b*s]^T
where dZ[u, v - b], ..., dZ[u, v] lie together.  With im2col each number of dx is put together from up to KH*KW others,
in as many passes over memory.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map, n images of a block, s stride;
U rows of a class rho, A rows of the kernel that they see, J windows in a row, with those that start on its padding.
"""

from math import prod
from typing import NamedTuple

from minissd.device import array_module
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.cpu.threads import in_turns, runs, threads_for
from minissd.engine.cpu.views import on_the_map, strided_view
from minissd.engine.products import matmul
from minissd.engine.runtime import empty, loan
from minissd.engine.tuning import tuning_in_force


def supports(windows):
    """Whether these windows can be computed this way."""
    fits = all(1 < s <= k for s, k in zip(windows.stride, windows.kernel, strict=True))
    return fits and windows.dilation == (1, 1)


def forward_work(windows, filters):
    phases, rows, results, products, blocks = _counts(windows, filters)
    return Work(
        calls=3 + blocks * windows.stride[0] * (phases + 10),
        products=products,
        numbers=rows + results,
        pieces=windows.x_shape[0] * prod(windows.out) * windows.kernel[0],
        weights=blocks * prod(windows.kernel) * windows.x_shape[3] * filters,
        shares=windows.x_shape[0],
    )


def gradients_work(windows, filters, need_dx):
    phases, rows, results, products, blocks = _counts(windows, filters)
    work = forward_work(windows, filters)
    return Work(
        calls=blocks * windows.stride[0] * ((4 + need_dx) * phases + 12 + 6 * need_dx),
        products=(1 + need_dx) * products,
        numbers=(1 + need_dx) * rows + results,
        pieces=(1 + need_dx) * work.pieces,
        weights=(phases + need_dx) * work.weights,
        shares=work.shares,
    )


def _counts(windows, filters):
    """m; numbers of the rows of all classes, and of the results Z; multiply-adds; blocks."""
    (n, _, _, c), (oh, ow), (s, sx), (kh, kw) = windows.x_shape, windows.out, windows.stride, windows.kernel
    phases = _phases(windows)
    starts = n * -(-ow // phases) * phases  # windows, in one row of each image
    depths = [len(range(rho, kh, s)) for rho in range(s)]
    rows = sum(starts * (oh + depth - 1) * sx * c for depth in depths)
    results = sum(starts * (oh + depth - 1) * depth * filters for depth in depths)
    return phases, rows, results, results * kw * c, max(1, 4 * (rows + results) / tuning_in_force().sizes.strided_block)


class RowClass(NamedTuple):
    """The rows rho, rho + s, ... of a block's padded maps."""

    taps: slice  # rows of the kernel that see them
    shape: tuple  # (n, U, J)
    here: tuple  # slices (rows, columns) of what of them lies on the map
    there: tuple  # slices (images, rows, columns) of the map: the same cells


def forward(x, w, b, windows, finish=unchanged):
    """y (N, OH, OW, D) of `conv2d`."""
    xp, (oh, ow), d = array_module(x), windows.out, w.shape[3]
    y = empty((x.shape[0], oh, ow, d), x)

    def work(images):
        parts = []
        with loan() as scratch:
            for rows in _classes(windows, images):
                depth = len(w[rows.taps])
                results = scratch((*rows.shape, depth, d), x)  # Z
                matrix = w[rows.taps].transpose(1, 2, 0, 3).reshape(-1, depth * d)  # (KW*C, A*D)
                with loan() as own:
                    patches = _patches(_rows_of(x, rows, windows, own), windows)
                    for phase, part in enumerate(patches):
                        matmul(part, matrix, out=results.reshape(-1, depth * d)[phase :: len(patches)])
                parts += [results[:, a : a + oh, :ow, a] for a in range(depth)]
            out = xp.add(*parts[:2], out=y[images])
            for part in parts[2:]:
                out += part
        if b is not None:
            out += b
        finish(out)

    in_turns(work, _blocks(x, w, windows), xp)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (KH, KW, C, D) of `conv2d`."""
    xp, (kh, kw, c, d) = array_module(x), w.shape
    dx = empty(x.shape, x) if need_dx else None

    def work(images):
        dw = xp.zeros((kh, kw, c, d), dtype=w.dtype)
        classes = list(_classes(windows, images))
        if need_dx and not _cover(classes, windows):
            dx[images] = 0  # some cells are in no window
        for rows in classes:
            with loan() as scratch:
                d_results = _d_results(dy[images], rows, windows, scratch)  # dZ
                with loan() as own:
                    patches = _patches(_rows_of(x, rows, windows, own), windows)
                    for phase, part in enumerate(patches):  # (1) Z = patches w  =>  dw = patches^T dZ
                        d_matrix = matmul(part.T, d_results[len(patches) - 1 + phase :: len(patches)])  # (KW*C, A*D)
                        dw[rows.taps] += d_matrix.reshape(kw, c, -1, d).transpose(2, 0, 1, 3)
                if need_dx:  # (2)
                    dx[rows.there] = _d_rows(d_results, w, rows, windows, scratch)[(slice(None), *rows.here)]
        return dw

    parts = in_turns(work, _blocks(x, w, windows), xp)
    return dx, sum(parts[1:], parts[0]) if parts else xp.zeros_like(w)


def _blocks(x, w, windows):
    """Slices of the images."""
    n, (oh, ow), (c, d) = x.shape[0], windows.out, w.shape[2:]
    threads = threads_for(n * oh * ow * w.size, array_module(x))
    numbers = oh * ow * (windows.stride[1] * c + -(-windows.kernel[0] // windows.stride[0]) * d)  # of one image
    count = -(-n * numbers * x.dtype.itemsize // tuning_in_force().sizes.strided_block)
    return runs(n, min(n, -(-max(count, 1) // threads) * threads)) if n else []


def _classes(windows, images):
    """One RowClass for each rho."""
    (s, sx), (oh, ow), phases = windows.stride, windows.out, _phases(windows)
    j = -(-(ow + phases - 1) // phases) * phases
    columns = on_the_map(0, sx * j, 1, windows.pads[1][0], windows.x_shape[2])
    for rho in range(s):
        depth = len(range(rho, windows.kernel[0], s))
        rows = on_the_map(rho, oh + depth - 1, s, windows.pads[0][0], windows.x_shape[1])
        shape = images.stop - images.start, oh + depth - 1, j
        yield RowClass(slice(rho, None, s), shape, (rows[0], columns[0]), (images, rows[1], columns[1]))


def _cover(classes, windows):
    """Whether every cell of the map is in a row of some class."""
    height, width = windows.x_shape[1:3]
    seen, (_, across) = sum(rows.here[0].stop - rows.here[0].start for rows in classes), classes[0].here
    return seen == height and across.stop - across.start == width


def _phases(windows):
    """m: every m-th window of a row is clear of the others."""
    return -(-windows.kernel[1] // windows.stride[1])


def _rows_of(x, rows, windows, scratch):
    """The rows of a class, with their padding (n*U*J*s, C) and KW cells more for a window that would leave the end."""
    (n, u, j), (s, c) = rows.shape, (windows.stride[1], x.shape[3])
    flat = scratch((n * u * j * s + windows.kernel[1], c), x)
    flat[n * u * j * s :] = 0
    padded, (down, across) = flat[: n * u * j * s].reshape(n, u, j * s, c), rows.here
    padded[:, : down.start] = padded[:, down.stop :] = 0
    padded[:, :, : across.start] = padded[:, :, across.stop :] = 0
    padded[:, down, across] = x[rows.there]
    return flat


def _patches(flat, windows):
    """[m views (n*U*J/m, KW*C) of rows]: the windows of each phase."""
    m, s, c = _phases(windows), windows.stride[1], flat.shape[1]
    count = (len(flat) - windows.kernel[1]) // (s * m)
    return [_view(flat, phase * s, (count, windows.kernel[1] * c), m * s) for phase in range(m)]


def _d_results(dy, rows, windows, scratch):
    """dZ (m - 1 + n*U*J, A*D) of a block's dy (n, OH, OW, D); the first m - 1 are zero, for what looks back."""
    (n, u, j), (oh, ow), d, before = rows.shape, windows.out, dy.shape[3], _phases(windows) - 1
    depth = u - oh + 1
    flat = scratch((before + n * u * j, depth * d), dy)
    flat[:before] = 0
    d_results = flat[before:].reshape(n, u, j, depth, d)
    d_results[:, :, ow:] = 0
    for a in range(depth):
        d_results[:, :a, :ow, a] = d_results[:, a + oh :, :ow, a] = 0
        d_results[:, a : a + oh, :ow, a] = dy
    return flat


def _d_rows(d_results, w, rows, windows, scratch):
    """The gradient (n, U, J*s, C) of the rows of a class."""
    (n, u, j), s, c, before = rows.shape, windows.stride[1], w.shape[2], _phases(windows) - 1
    d_rows = scratch((n * u * j, s, c), w)
    for sigma in range(s):
        taps = w[rows.taps, sigma::s][:, ::-1]  # (A, B, C, D)   what dZ[v - B + 1] .. dZ[v] are multiplied with
        matrix = taps.transpose(1, 0, 3, 2).reshape(-1, c)  # (B*A*D, C)
        reach = taps.shape[1]
        for phase in range(reach):
            out = d_rows[phase::reach, sigma]
            view = _view(d_results, before + phase - (reach - 1), (len(out), len(matrix)), reach)
            matmul(view, matrix, out=out)
    return d_rows.reshape(n, u, j * s, c)


def _view(matrix, first, shape, step):
    """shape (count, k): k numbers from the start of each row first, first + step, ... of a contiguous matrix."""
    row = matrix.shape[1]
    return strided_view(matrix, first * row, shape, (step * row, 1))


STRIDED = Algorithm(
    "strided",
    "strides of 2 and more, not above the kernel's size, and kernels without holes",
    supports,
    forward_work,
    gradients_work,
    forward,
    gradients,
)
