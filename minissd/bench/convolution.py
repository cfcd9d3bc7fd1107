"""One convolution, forward and backward: 2x75x75, 3x3, 128 to 128 channels (conv2_2 of VGG at 150 pixels)."""

import numpy as np

from minissd.bench.agreement import require_agreement
from minissd.bench.figures import MINISSD, SPEED, Figure, Goal
from minissd.bench.timing import interleaved
from minissd.engine import conv2d, conv2d_backward

BATCH, SIDE, CHANNELS = 2, 75, 128
GOAL = Goal(SPEED, 0.9, 1.3)


def run(peer, repeat, report):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, BATCH, SIDE, SIDE, CHANNELS), dtype=np.float32)
    w = rng.standard_normal((3, 3, CHANNELS, CHANNELS), dtype=np.float32) / 34  # 34^2 = 3 * 3 * 128: y is of size 1
    b = rng.standard_normal(CHANNELS, dtype=np.float32)

    def ours():
        y, cache = conv2d(x, w, b, pad=1)
        return y, *conv2d_backward(dy, cache)

    sides = {MINISSD: ours}
    for memory_format in peer.MEMORY_FORMATS if peer else ():
        sides[memory_format] = peer.Convolution(x, w, b, dy, memory_format)
    check(sides)
    times = interleaved(sides, repeat, lambda done, total: report("timing", done, total))
    work = f"convolution {BATCH}x{SIDE}x{SIDE}, 3x3, {CHANNELS} to {CHANNELS}: forward + backward"
    return [Figure(work, "ms", times, GOAL)]


def check(sides):
    """Call every side once; all must give the same output and gradients."""
    ours = sides[MINISSD]()
    for memory_format, side in sides.items():
        if memory_format == MINISSD:
            continue
        side()
        for name, mine, theirs in zip(("y", "dx", "dw", "db"), ours, side.results(), strict=True):
            require_agreement(f"convolution, {name} ({memory_format})", mine, theirs)
