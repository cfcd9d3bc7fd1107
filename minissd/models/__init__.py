"""Models: layers wired together, forward and backward.  `build(name)` makes any of them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.layers import Initializer
from minissd.models import ssd_tiny, trunks, unet, yolo_tiny, yolo_v1
from minissd.models.classifier import Classifier
from minissd.models.detector import Predictions
from minissd.models.digits import lenet5, mlp, slant
from minissd.models.mobilenet import ssd300_mobilenet
from minissd.models.network import Network, Normalized
from minissd.models.regressor import Regressor
from minissd.models.ssd import SSD
from minissd.models.ssd_vgg import ssd300_vgg16, ssd512_vgg16
from minissd.models.ssdlite import ssdlite320_mobilenet_v3
from minissd.models.trunks import TRUNK_OF
from minissd.models.yolo import YOLO


class Kind(NamedTuple):
    task: str  # what it is trained for
    make: Callable[..., Network]  # (classes, *, init, **options)


MODELS = {
    "ssd-tiny": Kind("detect", ssd_tiny.ssd_tiny),
    "ssd-small": Kind("detect", ssd_tiny.ssd_small),
    "ssd300-vgg16": Kind("detect", ssd300_vgg16),
    "ssd512-vgg16": Kind("detect", ssd512_vgg16),
    "ssd300-mobilenet": Kind("detect", ssd300_mobilenet),
    "ssdlite320-mobilenet-v3": Kind("detect", ssdlite320_mobilenet_v3),
    "yolo-v1": Kind("detect", yolo_v1.yolo_v1),
    "yolo-tiny": Kind("detect", yolo_tiny.yolo_tiny),
    "tiny": Kind("classify", trunks.tiny),
    "vgg16": Kind("classify", trunks.vgg16),
    "mobilenet": Kind("classify", trunks.mobilenet),
    "mobilenet-v3": Kind("classify", trunks.mobilenet_v3),
    "mlp": Kind("classify", mlp),
    "lenet5": Kind("classify", lenet5),
    "slant": Kind("regress", slant),
    "unet": Kind("segment", unet.unet),
}


def build(
    name: str,
    *,
    classes: Sequence[str],
    seed: int = 0,
    dtype: npt.DTypeLike = "float32",
    device: str = "cpu",
    **options: Any,
) -> Any:
    """A freshly initialised model: the same seed gives the same parameters, on every device.

    A `Network`: of the name it depends whether it is an `SSD`, a `YOLO`, a `Classifier`, ...

    classes: names without background.  options: what the model itself takes (`options_of` lists it).
    """
    if name not in MODELS:
        raise MinissdError(f"model {name!r} is not known: choose one of {', '.join(MODELS)}")
    if isinstance(classes, str | int):  # the letters of a string would be classes
        raise MinissdError(f"classes of {name} are {classes!r}: give a list of names, as ['cat', 'dog']")
    classes = tuple(classes)
    if not classes:
        raise MinissdError(f"model {name!r} needs at least one class to tell from the background")
    twice = next((one for place, one in enumerate(classes) if one in classes[:place]), None)
    if twice is not None:
        raise MinissdError(f"classes of {name} have {twice!r} more than once: give each name once")
    known = options_of(name)
    for option in options:
        if option not in known:
            raise MinissdError(f"{name} has no option {option}: it takes {', '.join(known) or 'none'}")
    init = Initializer(np.random.default_rng(seed), dtype, resolve_device(device))
    options = known | options
    model = MODELS[name].make(classes, init=init, **options)
    model.options = {"dtype": str(init.dtype), **options}
    if isinstance(model, SSD) and "boxes" in options:
        model.options["boxes"] = model.boxes  # shapes as JSON has them, whatever they came in
    return model


def options_of(name: str) -> dict[str, Any]:
    """{option: default} of a model."""
    parameters = inspect.signature(MODELS[name].make).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in ("classes", "init")}


__all__ = [
    "MODELS",
    "SSD",
    "TRUNK_OF",
    "YOLO",
    "Classifier",
    "Network",
    "Normalized",
    "Predictions",
    "Regressor",
    "build",
    "options_of",
]
