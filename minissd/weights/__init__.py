"""Weights in files: reading what the world has published without running any of it, and writing our own.

`load(model, path)` recognises a file by the names in it and maps it onto the model; `load_model` builds the model too;
`start_from` takes over what fits, for a training of other classes or sizes; `balance` makes a trained trunk and fresh
layers fit for being trained together.  `export` writes the files of others.
"""

from minissd.weights.balancing import ENOUGH_IMAGES, balance, can_be_balanced
from minissd.weights.decimation import decimate, dense_to_convolution
from minissd.weights.exporting import TARGETS, export
from minissd.weights.layouts import LAYOUTS
from minissd.weights.loading import load, load_model
from minissd.weights.reading import read_weights
from minissd.weights.recognition import options_for
from minissd.weights.report import Report
from minissd.weights.saving import save
from minissd.weights.warm_start import start_from

__all__ = [
    "ENOUGH_IMAGES",
    "LAYOUTS",
    "TARGETS",
    "Report",
    "balance",
    "can_be_balanced",
    "decimate",
    "dense_to_convolution",
    "export",
    "load",
    "load_model",
    "options_for",
    "read_weights",
    "save",
    "start_from",
]
