"""Winograd's convolution down the rows only, F(4, 3): half of the multiplications of a 3x3 convolution at stride 1.

Where there are few channels, the transforms along both axes (winograd.py) cost more than the products they save.  Down
the rows alone they are one product with the map as it stands in memory, and along a row nothing needs to be gathered
either: the three cells under a window, 3*C numbers, lie together, and those of every third window do not overlap, so
a third of the rows of the im2col matrix is the transformed map itself, seen with other strides.  With the four rows of
outputs y of a tile, its six rows of inputs d and the kernel's three rows g, each of them (3*C, D),
    y = A^T [(B^T d) * (G g)],    dg = G^T [(B^T d)^T * (A dy)],
where * multiplies matrices: row p of B^T d, all its windows, with row p of G g.  dx is the convolution of dy with the
mirrored kernel.

C D channels in and out, n images, TH rows of tiles and L = n*TH*width cells of a block (tiles.py), 6 rows of a tile.
"""

from minissd.device import array_module
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.algorithms.tiles import STEP, Tiling
from minissd.engine.algorithms.winograd import mirrored
from minissd.engine.algorithms.winograd_transforms import A_T, B_T, TILE, G, down_the_rows, up_to_the_map
from minissd.engine.cpu.threads import in_turns, runs, threads_for
from minissd.engine.products import in_pieces
from minissd.engine.runtime import empty, loan
from minissd.engine.tuning import tuning_in_force

POINT_ONE = 1  # the row of the point 1: it goes into all four rows of outputs with factor 1


def supports(windows):
    """Whether these windows can be computed this way: 3x3 at stride 1, any pad."""
    return windows.kernel == (3, 3) and windows.stride == windows.dilation == (1, 1)


def forward_work(windows, filters):
    (n, _, _, c), (oh, ow) = windows.x_shape, windows.out
    cells = TILE * n * -(-oh // STEP) * (ow + 2)
    blocks = max(1, 4 * cells * (c + filters) / tuning_in_force().sizes.winograd_rows_block)
    return Work(
        calls=10 + 10 * blocks,
        products=cells * 3 * c * filters,
        numbers=cells * (c + filters),
        pieces=0,
        weights=TILE * 3 * c * filters * (1 + blocks),
    )


def gradients_work(windows, filters, need_dx):
    """Each gradient takes as much as the forward pass."""
    return forward_work(windows, filters).times(1 + need_dx)


def forward(x, w, b, windows, finish=unchanged):
    """y (N, OH, OW, D) of `conv2d`."""
    xp, d = array_module(x), w.shape[3]
    x, y = xp.ascontiguousarray(x), empty((x.shape[0], *windows.out, d), x)
    filters = _multiply(G, w)  # (6, 3*C, D)
    tiling, blocks = _blocks(windows, w, x)
    to_map = xp.asarray(A_T, dtype=x.dtype)

    def work(block):
        with loan() as scratch:
            rows = _transform(B_T, x, tiling, block, windows, scratch)  # (6, n, TH, width, C)
            results = scratch((*rows.shape[:4], d), x)
            cells = results.reshape(TILE, -1, d)  # (6, L, D)
            for phase, patches in enumerate(_patches(rows)):
                in_pieces(patches, filters, out=cells[:, phase : phase + 3 * patches.shape[1] : 3])
            if b is not None:
                results[POINT_ONE] += b
            out = y[block.images, tiling.map_rows(block)]
            up_to_the_map(to_map, results, out)
            finish(out)

    in_turns(work, blocks, xp)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (3, 3, C, D) of `conv2d`."""
    dx = forward(dy, *mirrored(dy, w, windows)) if need_dx else None
    return dx, weight_gradient(dy, x, w, windows)


def weight_gradient(dy, x, w, windows):
    """dw (3, 3, C, D) of `conv2d`."""
    xp, (c, d) = array_module(x), w.shape[2:]
    x, total = xp.ascontiguousarray(x), xp.zeros((TILE, 3 * c, d), dtype=w.dtype)
    tiling, blocks = _blocks(windows, w, x)

    def work(places):
        for block in blocks:
            with loan() as scratch:
                rows = _transform(B_T[places], x, tiling, block, windows, scratch)  # (places, n, TH, width, C)
                outputs = _transform(A_T.T[places], dy, tiling, block, windows, scratch)  # (places, n, TH, width, D)
                cells = outputs.reshape(len(rows), -1, d)
                for phase, patches in enumerate(_patches(rows)):
                    total[places] += patches.swapaxes(1, 2) @ cells[:, phase : phase + 3 * patches.shape[1] : 3]

    in_turns(work, runs(TILE, threads_for(total.size * x[..., 0].size, xp)), xp)  # no sums of threads to add up
    return _multiply(G.T, total).reshape(w.shape)


def _blocks(windows, w, x):
    """A tiling with one tile, the whole width, for each row of tiles, and its blocks."""
    tiling = Tiling(windows.x_shape[0], (windows.out[0], 1))
    threads = forward_work(windows, w.shape[3]).threads("winograd-rows", array_module(x))
    row = TILE * (windows.out[1] + 2) * sum(w.shape[2:]) * x.dtype.itemsize  # bytes
    limit = min(tuning_in_force().sizes.winograd_rows_block // row, -(-tiling.total // threads))
    return tiling, tiling.blocks(max(1, limit), threads)


def _transform(matrix, x, tiling, block, windows, scratch):
    """B^T d, or A dy, of the rows of a block: (rows of the matrix, n, TH, width, C), with two cells more than OW."""
    xp, (n, down, _) = array_module(x), tiling.shape(block)
    of_inputs = matrix.shape[1] == TILE
    pads = [before for before, _ in windows.pads] if of_inputs else (0, 0)
    rows = scratch((len(matrix), n, down, windows.out[1] + 2, x.shape[3]), x)
    down_the_rows(xp.asarray(matrix, dtype=x.dtype), x, block, pads, rows)
    return rows


def _patches(rows):
    """The three phases of the windows: views (6, L//3, 3*C) of transformed rows (6, n, TH, width, C).

    Two windows in a row, and the last of a block, reach into the next row: nobody reads what they give.
    """
    places, c = len(rows), rows.shape[4]
    flat = rows.reshape(places, -1, c)
    for phase in range(3):
        count = (flat.shape[1] - phase) // 3
        yield flat[:, phase : phase + 3 * count].reshape(places, count, 3 * c)


def _multiply(matrix, w):
    """matrix (m, k) times the k leading entries of w  ->  (m, 3*C, D)."""
    xp, (c, d) = array_module(w), (w.shape[-2] if w.ndim == 4 else w.shape[1] // 3, w.shape[-1])
    return (xp.asarray(matrix, dtype=w.dtype) @ w.reshape(matrix.shape[1], -1)).reshape(len(matrix), 3 * c, d)


WINOGRAD_ROWS = Algorithm(
    "winograd-rows", "3x3 kernels at stride 1 without holes", supports, forward_work, gradients_work, forward, gradients
)
