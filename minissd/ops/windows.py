"""Windows over a batch of maps.  N batch, H W input map, C channels, KH KW kernel, OH OW output map."""

from dataclasses import dataclass

from minissd.arguments import Pad, Pair
from minissd.device import Array, array_module
from minissd.ops.geometry import effective_kernel, output_size, pad_widths, pair, whole


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
    def over(cls, x_shape, kernel: Pair, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1, *, ceil_mode=False):
        x_shape = tuple(whole(size, "a size of x") for size in x_shape)
        if len(x_shape) != 4 or 0 in x_shape[1:]:
            raise ValueError(f"expected a batch of maps (N, H, W, C), with cells and channels, got shape {x_shape}")
        kernel, stride = pair(kernel, "kernel", 1), pair(stride, "stride", 1)
        dilation = pair(dilation, "dilation", 1)
        pads = pad_widths(pad, kernel, dilation)
        axes = zip(x_shape[1:3], kernel, stride, pads, dilation, strict=True)
        out = tuple(output_size(*axis, ceil_mode=ceil_mode) for axis in axes)
        return cls(x_shape, kernel, stride, pads, dilation, out)

    @property
    def padded_size(self) -> tuple[int, ...]:
        """(rows, columns) the windows reach over: at least the padded map, more where ceil_mode overhangs."""
        axes = zip(self.x_shape[1:3], self.pads, self.out, self.stride, self.kernel, self.dilation, strict=True)
        return tuple(max(n + sum(p), (o - 1) * s + effective_kernel(k, d)) for n, p, o, s, k, d in axes)

    def pad(self, x: Array, value: float = 0) -> Array:
        """x (N, H, W, C) with its border filled by `value` -> (N, *padded_size, C); x itself if there is none."""
        if self.padded_size == self.x_shape[1:3]:
            return x
        padded = array_module(x).full((len(x), *self.padded_size, x.shape[3]), value, dtype=x.dtype)
        self.crop(padded)[...] = x
        return padded

    def crop(self, padded: Array) -> Array:
        """The inner (N, H, W, C) of a padded map: undoes `pad`."""
        (top, _), (left, _) = self.pads
        return padded[:, top : top + self.x_shape[1], left : left + self.x_shape[2]]

    def tap(self, padded: Array, ky: int, kx: int) -> Array:
        """What tap (ky, kx) of every window sees: a strided view (N, OH, OW, C) of the padded map."""
        y, x = ky * self.dilation[0], kx * self.dilation[1]
        (sy, sx), (oh, ow) = self.stride, self.out
        return padded[:, y : y + (oh - 1) * sy + 1 : sy, x : x + (ow - 1) * sx + 1 : sx]

    def taps(self) -> list[tuple[int, int]]:
        """All (ky, kx), row by row."""
        return [(ky, kx) for ky in range(self.kernel[0]) for kx in range(self.kernel[1])]
