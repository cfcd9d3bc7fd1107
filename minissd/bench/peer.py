"""Whom minissd is measured beside."""

import importlib
import importlib.util

from minissd.bench.record import blas_threads
from minissd.errors import MinissdError


def load_peer(name=None):
    """The module `torch_peer`, set to as many threads as NumPy has, or None for no peer.

    name: "torch"; "none"; or None, which means torch if it is installed.
    """
    installed = importlib.util.find_spec("torch") is not None
    if name == "torch" and not installed:
        raise MinissdError("--peer torch: PyTorch is not installed: pip install torch, or use --peer none")
    if name == "none" or not installed:
        return None
    peer = importlib.import_module("minissd.bench.torch_peer")
    peer.set_threads(blas_threads())
    return peer
