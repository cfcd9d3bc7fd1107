"""An atrous convolution is dense convolutions on interleaved grids.

With dilation r, outputs whose rows (and columns) agree modulo r only ever see inputs that agree modulo r too: the map
falls apart into r*r grids, each with an ordinary dense convolution.  The grids become images of a larger batch, and
any algorithm for dense convolutions takes them.

N batch, H W input map, OH OW output map, C channels; RY RX dilation, GH GW a grid's height and width.
"""

from dataclasses import replace

from minissd.device import array_module


def grids_of_inputs(x, windows):
    """x (N, H, W, C) -> its grids (N*RY*RX, GH, GW, C), borders included, and the dense windows over them."""
    out = tuple(-(-size // r) for size, r in zip(windows.out, windows.dilation, strict=True))
    reach = tuple(size + kernel - 1 for size, kernel in zip(out, windows.kernel, strict=True))
    grids = _take_apart(x, reach, windows.dilation, [before for before, _ in windows.pads])
    return grids, replace(windows, x_shape=grids.shape, pads=((0, 0), (0, 0)), dilation=(1, 1), out=out)


def grids_of_outputs(dy, windows):
    """dy (N, OH, OW, C) -> its grids (N*RY*RX, GH, GW, C), of the size that `grids_of_inputs` says the outputs have."""
    sizes = [-(-size // r) for size, r in zip(windows.out, windows.dilation, strict=True)]
    return _take_apart(dy, sizes, windows.dilation, (0, 0))


def put_together(grids, windows):
    """The grids of outputs (N*RY*RX, GH, GW, C) -> y (N, OH, OW, C)."""
    (ry, rx), (gh, gw, c) = windows.dilation, grids.shape[1:]
    y = grids.reshape(-1, ry, rx, gh, gw, c).transpose(0, 3, 1, 4, 2, 5).reshape(-1, gh * ry, gw * rx, c)
    return array_module(y).ascontiguousarray(y[:, : windows.out[0], : windows.out[1]])


def _take_apart(x, sizes, dilation, before):
    """Grids of `sizes` cells of x, which begins `before` cells into the first of each; what leaves the map is zero."""
    xp, (n, height, width, c) = array_module(x), x.shape
    (ry, rx), (gh, gw) = dilation, sizes
    whole = xp.zeros((n, gh * ry, gw * rx, c), dtype=x.dtype)
    here, there = zip(*(_overlap(*axis) for axis in zip(before, (height, width), whole.shape[1:3], strict=True)))
    whole[(slice(None), *there)] = x[(slice(None), *here)]
    grids = whole.reshape(n, gh, ry, gw, rx, c).transpose(0, 2, 4, 1, 3, 5)
    return xp.ascontiguousarray(grids).reshape(n * ry * rx, gh, gw, c)


def _overlap(before, size, room):
    """`size` cells stand in a row of `room`, from cell `before` on: the slice of them that lies in it, and of it."""
    start, stop = max(before, 0), max(max(before, 0), min(before + size, room))
    return slice(start - before, stop - before), slice(start, stop)
