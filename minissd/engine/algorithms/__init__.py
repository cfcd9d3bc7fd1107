"""The algorithms of `conv2d`, one file each; the other files here are parts that they share."""

from minissd.engine.algorithms.banded import BANDED
from minissd.engine.algorithms.im2col import IM2COL
from minissd.engine.algorithms.strided import STRIDED
from minissd.engine.algorithms.taps import TAPS
from minissd.engine.algorithms.winograd import WINOGRAD
from minissd.engine.algorithms.winograd_rows import WINOGRAD_ROWS

ALGORITHMS = {algorithm.name: algorithm for algorithm in (IM2COL, WINOGRAD, WINOGRAD_ROWS, STRIDED, TAPS, BANDED)}
