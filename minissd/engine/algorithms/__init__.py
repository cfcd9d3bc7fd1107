"""Algorithms that compute the same operation, each its own way."""

from minissd.engine.algorithms.banded import BANDED
from minissd.engine.algorithms.im2col import IM2COL
from minissd.engine.algorithms.strided import STRIDED
from minissd.engine.algorithms.taps import TAPS
from minissd.engine.algorithms.winograd import WINOGRAD
from minissd.engine.algorithms.winograd_rows import WINOGRAD_ROWS

# {name: Algorithm}, in the order in which "auto" tries them
ALGORITHMS = {algorithm.name: algorithm for algorithm in (BANDED, WINOGRAD, TAPS, WINOGRAD_ROWS, STRIDED, IM2COL)}
