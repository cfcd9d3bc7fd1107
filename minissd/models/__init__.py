"""Models: layers wired together, forward and backward.  `build(name)` makes any of them."""

import numpy as np

from minissd.backend import resolve_device
from minissd.errors import MinissdError
from minissd.layers import Initializer
from minissd.models.ssd import SSD
from minissd.models.ssd_tiny import ssd_tiny

MODELS = {"ssd-tiny": ssd_tiny}


def build(name, *, classes, seed=0, dtype="float32", device="cpu", **options):
    """A freshly initialised model: the same seed gives the same parameters, on every device.

    classes: names without background.  options: what the model itself takes (`input_size`).
    """
    if name not in MODELS:
        raise MinissdError(f"model {name!r} is not known: choose one of {', '.join(MODELS)}")
    if not classes:
        raise MinissdError(f"model {name!r} needs at least one class to tell from the background")
    init = Initializer(np.random.default_rng(seed), dtype, resolve_device(device))
    return MODELS[name](tuple(classes), init=init, **options)


__all__ = ["MODELS", "SSD", "build"]
