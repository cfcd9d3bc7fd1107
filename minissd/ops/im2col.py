"""im2col and its adjoint col2im: a convolution becomes one matrix product.

N batch, H W input map, C channels, KH KW kernel, OH OW output map (lecture, "Convolution as a matrix product";
its example reads in column-major order, here rows run over (image, row, column) and columns over (ky, kx, c)).

The convolution itself never builds the whole matrix: `window_blocks` cuts the output into pieces whose patches fit
the cache, and `scatter_add` does for one piece what col2im does for all.
"""

from dataclasses import dataclass

from minissd.backend import array_module
from minissd.ops.geometry import effective_kernel, output_shape, pad_widths, pair

# Patches gathered at a time.  On a CPU they should still lie in the cache when the product reads them
# (1 to 4 MiB measured alike); on a card a launch costs more than the cache saves.
BLOCK_BYTES = {"numpy": 2 << 20, "cupy": 1 << 29}


@dataclass(frozen=True)
class Windows:
    """Where a kernel's windows lie on a batch of maps: all numbers a convolution or pooling needs."""

    x_shape: tuple  # (N, H, W, C)
    kernel: tuple  # (KH, KW)
    stride: tuple
    pads: tuple  # ((top, bottom), (left, right))
    dilation: tuple
    out: tuple  # (OH, OW)

    @classmethod
    def over(cls, x_shape, kernel, stride=1, pad=0, dilation=1, *, ceil_mode=False):
        if len(x_shape) != 4:
            raise ValueError(f"expected a batch of maps (N, H, W, C), got shape {tuple(x_shape)}")
        kernel, stride, dilation = pair(kernel, "kernel"), pair(stride, "stride"), pair(dilation, "dilation")
        pads = pad_widths(pad, kernel, dilation)
        out = output_shape(*x_shape[1:3], kernel, stride, pads, dilation, ceil_mode=ceil_mode)
        return cls(tuple(x_shape), kernel, stride, pads, dilation, out)

    @property
    def padded_size(self):
        """(rows, columns) the windows reach over: at least the padded map, more where ceil_mode overhangs."""
        return tuple(
            max(n + sum(p), (o - 1) * s + effective_kernel(k, d))
            for n, p, o, s, k, d in zip(
                self.x_shape[1:3], self.pads, self.out, self.stride, self.kernel, self.dilation, strict=True
            )
        )

    def pad(self, x, value=0):
        """x (N, H, W, C) with its border filled by `value` -> (N, *padded_size, C); x itself if there is none."""
        n, h, w, c = self.x_shape
        rows, columns = self.padded_size
        if (rows, columns) == (h, w):
            return x
        (top, _), (left, _) = self.pads
        padded = array_module(x).full((n, rows, columns, c), value, dtype=x.dtype)
        padded[:, top : top + h, left : left + w] = x
        return padded

    def crop(self, padded):
        """The inner (N, H, W, C) of a padded map: undoes `pad`."""
        (top, _), (left, _) = self.pads
        return padded[:, top : top + self.x_shape[1], left : left + self.x_shape[2]]

    def tap(self, padded, ky, kx):
        """What tap (ky, kx) of every window sees: a strided view (N, OH, OW, C) of the padded map."""
        y, x = ky * self.dilation[0], kx * self.dilation[1]
        (sy, sx), (oh, ow) = self.stride, self.out
        return padded[:, y : y + (oh - 1) * sy + 1 : sy, x : x + (ow - 1) * sx + 1 : sx]

    def taps(self):
        """All (ky, kx), row by row."""
        return [(ky, kx) for ky in range(self.kernel[0]) for kx in range(self.kernel[1])]

    def patches(self, padded):
        """Every window as a view (N, OH, OW, KH, KW, C) of the padded map; nothing is copied.  Do not write to it."""
        xp = array_module(padded)
        n, row, column, c = padded.strides
        (sy, sx), (dy, dx) = self.stride, self.dilation
        shape = (self.x_shape[0], *self.out, *self.kernel, self.x_shape[3])
        strides = (n, row * sy, column * sx, row * dy, column * dx, c)
        return xp.lib.stride_tricks.as_strided(padded, shape, strides)


def window_blocks(windows, xp, itemsize, threads=1):
    """Slices (images, output rows) that cover the output in pieces of about BLOCK_BYTES of patches.

    Smaller pieces where there would not be one for each of the threads.
    """
    n, (oh, ow) = windows.x_shape[0], windows.out
    row_bytes = ow * windows.kernel[0] * windows.kernel[1] * windows.x_shape[3] * itemsize
    rows = max(1, min(BLOCK_BYTES[xp.__name__] // row_bytes, -(-n * oh // threads)))
    images = max(1, rows // oh)
    for i in range(0, n, images):
        for r in range(0, oh, rows):
            yield slice(i, min(i + images, n)), slice(r, min(r + rows, oh))


def scatter_add(cols, padded, windows, images, rows):
    """Add a block of columns (n*rows*OW, KH*KW*C) back to the places of the padded map they were gathered from."""
    kh, kw = windows.kernel
    count = rows.stop - rows.start
    cols = cols.reshape(images.stop - images.start, count, windows.out[1], kh, kw, -1)
    (sy, sx), (dy, dx) = windows.stride, windows.dilation
    span = (windows.out[1] - 1) * sx + 1
    for ky, kx in windows.taps():
        top, left = rows.start * sy + ky * dy, kx * dx
        padded[images, top : top + (count - 1) * sy + 1 : sy, left : left + span : sx] += cols[:, :, :, ky, kx]


def im2col(x, kernel, stride=1, pad=0, dilation=1):
    """All patches of x (N, H, W, C) as the rows of a matrix (N*OH*OW, KH*KW*C)."""
    windows = Windows.over(x.shape, kernel, stride, pad, dilation)
    patches = windows.patches(windows.pad(x))
    return patches.reshape(-1, windows.kernel[0] * windows.kernel[1] * x.shape[3])


def col2im(cols, x_shape, kernel, stride=1, pad=0, dilation=1):
    """The adjoint of im2col: every entry of cols is added to the cell it came from -> (N, H, W, C).

    <im2col(x), cols> = <x, col2im(cols)> for all x and cols; so this is how gradients flow back through patches.
    """
    windows = Windows.over(x_shape, kernel, stride, pad, dilation)
    n, _, _, c = windows.x_shape
    expected = (n * windows.out[0] * windows.out[1], windows.kernel[0] * windows.kernel[1] * c)
    if cols.shape != expected:
        raise ValueError(f"cols has shape {cols.shape}, but these windows over {tuple(x_shape)} give {expected}")
    padded = array_module(cols).zeros((n, *windows.padded_size, c), dtype=cols.dtype)
    scatter_add(cols, padded, windows, slice(0, n), slice(0, windows.out[0]))
    return windows.crop(padded)
