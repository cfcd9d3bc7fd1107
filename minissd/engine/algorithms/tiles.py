"""Maps cut into the overlapping tiles that a Winograd convolution works on.

A 3x3 convolution at stride 1 makes each tile of 4x4 outputs from a tile of 6x6 inputs; neighbouring input tiles share
two rows or columns.  A last tile may hang over the edge; what lies there is read as zero and not written.

N batch, OH OW output map, T tiles of a block, TH TW tiles in a map's height and width.
"""

from math import prod
from typing import NamedTuple

from minissd.engine.cpu.threads import runs
from minissd.engine.tuning import tuning_in_force

STEP = 4  # outputs per tile and axis


class Block(NamedTuple):
    """Some rows of tiles, the same in a run of images."""

    images: slice
    rows: slice


class Tiling(NamedTuple):
    """How the outputs of a 3x3 convolution at stride 1 divide into tiles."""

    batch: int
    out: tuple  # (OH, OW)

    @property
    def strip(self):
        """How many neighbouring tiles are transformed by one product along a row: what fits best."""
        sizes, across = tuning_in_force().sizes, -(-self.out[1] // STEP)
        shortest, longest = sizes.shortest_strip, max(sizes.shortest_strip, sizes.longest_strip)
        if across < shortest:
            return max(1, across)
        return min(range(longest, shortest - 1, -1), key=lambda strip: -across % strip)

    @property
    def per_map(self):
        """(TH, TW): enough to cover the map, in whole strips."""
        down, across = (-(-size // STEP) for size in self.out)
        return down, -(-across // self.strip) * self.strip

    @property
    def total(self):
        return self.batch * prod(self.per_map)

    def shape(self, block):
        """(n, TH, TW) tiles in a block."""
        return block.images.stop - block.images.start, block.rows.stop - block.rows.start, self.per_map[1]

    def map_rows(self, block):
        """The slice of the map's rows that a block covers."""
        return slice(STEP * block.rows.start, min(STEP * block.rows.stop, self.out[0]))

    def blocks(self, limit, threads=1):
        """All tiles in blocks of about the same size, at most `limit` tiles unless one row of them is more; as many as
        threads can share evenly, if there are enough."""
        down, across = self.per_map
        if 0 < down * across <= limit:
            count = _even(-(-self.batch // (limit // (down * across))), 1, threads, self.batch)
            return [Block(images, slice(0, down)) for images in runs(self.batch, count)]
        count = _even(-(-down // max(1, limit // max(across, 1))), self.batch, threads, down)
        rows = runs(down, count)
        return [Block(slice(i, i + 1), part) for i in range(self.batch) for part in rows]


def _even(count, times, threads, most):
    """The least number from `count` to `most` of which `times` as many are a multiple of threads, or else `count`."""
    count = max(count, 1)
    return next((more for more in range(count, most + 1) if more * times % threads == 0), count)
