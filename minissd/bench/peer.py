"""Whom minissd is measured beside: PyTorch, and for inference the runtimes that people take on a CPU."""

import importlib
import importlib.util

from minissd.bench.record import blas_threads
from minissd.device import parse_device
from minissd.errors import MinissdError

RUNTIMES = {"onnxruntime": "onnxruntime", "openvino": "OpenVINO"}  # package -> what it is called
NAMES = ("torch", *RUNTIMES)


def load_runtimes(names):
    """The modules that run a network in each of the packages named, keys of RUNTIMES, at as many threads as NumPy."""
    for name in (*names, *(["onnx"] if names else [])):
        if importlib.util.find_spec(name) is None:
            raise MinissdError(
                f"--peer {','.join(names)}: {name} is not installed: pip install {name}, or leave it out"
            )
    return [importlib.import_module(f"minissd.bench.{name}_peer") for name in names]


def load_peer(name=None, device="cpu"):
    """The module `torch_peer`, set to as many threads as NumPy has, or None for no peer; for a GPU `torch_card`.

    name: "torch"; "none"; or None, which means torch if it is installed, and for a GPU made for CUDA.
    """
    installed = importlib.util.find_spec("torch") is not None
    if name == "torch" and not installed:
        raise MinissdError("--peer torch: PyTorch is not installed: pip install torch, or use --peer none")
    if name == "none" or not installed:
        return None
    if parse_device(device)[0] == "cuda":
        peer = importlib.import_module("minissd.bench.torch_card")
        if name == "torch" and not peer.usable():
            raise MinissdError("--peer torch: this PyTorch finds no GPU: install one made for CUDA, or use --peer none")
        return peer if peer.usable() else None
    peer = importlib.import_module("minissd.bench.torch_peer")
    peer.set_threads(blas_threads())
    return peer
