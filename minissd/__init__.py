"""minissd: the SSD object detector written by hand in NumPy and CuPy.

    data = open_dataset("my_images", "train")
    model = build("ssd-tiny", classes=data.classes)
    train(model, data, TrainConfig(least_steps=1000), out="runs/mine")
    boxes, names, scores = model.predict("photo.jpg")

A data set of one's own is an object as `minissd.data.samples` describes it.  To read on: `minissd.models.ssd` (the
network), `minissd.training.step` (a step of training), `minissd.detection.multibox` (its loss), `minissd.ops` (every
operation with its backward pass).
"""

TYPE_CHECKING = False  # as `typing` has it, without the time that its import takes
if TYPE_CHECKING:
    from typing import Any

    from minissd.data import open_dataset
    from minissd.models import build
    from minissd.training import TrainConfig, evaluate, load_checkpoint, train

__version__ = "0.1.0"
__all__ = ["TrainConfig", "build", "evaluate", "load_checkpoint", "open_dataset", "train"]

_HOME = {"build": "minissd.models", "open_dataset": "minissd.data"}  # the others are of minissd.training


def __getattr__(name: str) -> "Any":
    """The names of `__all__`, loaded when first asked for: the command line imports this file before it can answer."""
    if name not in __all__:
        raise AttributeError(f"module 'minissd' has no attribute {name!r}")
    import importlib  # here, as all else: in the time that an import takes somebody may press Ctrl-C

    return getattr(importlib.import_module(_HOME.get(name, "minissd.training")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
