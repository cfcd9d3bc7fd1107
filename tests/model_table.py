"""Every model in a size for tests, and batches to train it on: one row each in `CASES` for test_every_model.py."""

import sys
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from minissd.data import Batch
from minissd.metrics.segmentation import VOID
from minissd.models import build

CLASSES = ("a", "b", "c")
LR = {"detect": 1e-5, "classify": 1e-3, "segment": 1e-2, "regress": 1e-3}  # low enough that float32 stays on one path


class Case(NamedTuple):
    name: str
    options: dict = MappingProxyType({})
    large: bool = False  # on the stand-in half as many steps, and one image, must do
    dtype: str = "float32"  # float64 where rounding is magnified: depth, batch norms over few cells, rival boxes
    full: bool = False  # with all its channels: on a real card only
    lr: float | None = None  # in place of LR


CASES = {
    "ssd-tiny": Case("ssd-tiny", {"input_size": 96}, dtype="float64"),
    "ssd-small": Case("ssd-small", {"input_size": 64}, large=True, dtype="float64"),
    "ssd300-vgg16": Case("ssd300-vgg16", large=True),
    "ssd300-vgg16, all channels": Case("ssd300-vgg16", large=True, full=True, dtype="float64"),
    "ssd300-vgg16, batch norm": Case("ssd300-vgg16", {"batch_norm": True}, large=True, dtype="float64"),
    "ssd300-vgg16, not atrous": Case("ssd300-vgg16", {"atrous": False}, large=True),
    "ssd512-vgg16": Case("ssd512-vgg16", large=True),
    "ssd300-mobilenet": Case("ssd300-mobilenet", large=True, dtype="float64"),
    "ssdlite320-mobilenet-v3": Case("ssdlite320-mobilenet-v3", large=True, dtype="float64", lr=1e-4),
    "yolo-v1": Case("yolo-v1", {"width_multiplier": 1 / 32}, large=True, dtype="float64"),
    "yolo-tiny": Case("yolo-tiny", {"input_size": 96}, dtype="float64"),
    "yolo-tiny, anchors": Case("yolo-tiny", {"input_size": 64, "anchors": True}, dtype="float64"),
    "tiny": Case("tiny", {"input_size": 96}, dtype="float64"),
    "vgg16": Case("vgg16", {"input_size": 64}),
    "mobilenet": Case("mobilenet", {"input_size": 64}, large=True, dtype="float64"),
    "mobilenet-v3": Case("mobilenet-v3", {"input_size": 64}, large=True, dtype="float64"),
    "mlp": Case("mlp", {"width": 32}),
    "mlp, dropout": Case("mlp", {"width": 32, "dropout": 0.5}),
    "lenet5": Case("lenet5"),
    "slant": Case("slant"),
    "unet": Case("unet", {"input_size": 32, "width": 4}),
    "unet, sums": Case("unet", {"input_size": 32, "width": 4, "skip": "add"}),
}


def narrow_networks(monkeypatch, by=16):
    """Divides the channels of the networks on VGG16 and MobileNetV3 built from now on: the same code at a fraction of
    the cost."""
    names = "vgg", "ssd_vgg", "trunks", "mobilenet_v3", "ssdlite"
    vgg, ssd_vgg, trunks, mobilenet_v3, ssdlite = (sys.modules[f"minissd.models.{name}"] for name in names)
    monkeypatch.setattr(vgg, "GROUPS", tuple(tuple(width // by for width in group) for group in vgg.GROUPS))
    monkeypatch.setattr(vgg, "FULL_CHANNELS", vgg.FULL_CHANNELS // by)
    for module in (vgg, trunks):
        monkeypatch.setattr(module, "ATROUS_CHANNELS", module.ATROUS_CHANNELS // by)
    for name in ("EXTRAS_300", "EXTRAS_512"):
        extras = getattr(ssd_vgg, name)
        monkeypatch.setattr(ssd_vgg, name, tuple((narrow // by, wide // by, how) for narrow, wide, how in extras))
    by //= 2
    for name in ("BLOCKS", "TAIL"):
        blocks = [one._replace(inside=one.inside // by, out=one.out // by) for one in getattr(mobilenet_v3, name)]
        monkeypatch.setattr(mobilenet_v3, name, tuple(blocks))
    for name in ("FIRST", "LAST"):
        monkeypatch.setattr(mobilenet_v3, name, getattr(mobilenet_v3, name) // by)
    monkeypatch.setattr(ssdlite, "EXTRAS", tuple(width // by for width in ssdlite.EXTRAS))


def models_on(case, *devices, dtype=None):
    """The same model on each device."""
    options = {"classes": CLASSES, "dtype": dtype or case.dtype, **case.options}
    return [build(case.name, device=device, **options) for device in devices]


def batch_for(model, count=2, seed=0):
    """A Batch of `count` noisy images with a target each, of whatever kind the model learns."""
    rng = np.random.default_rng([11, seed])
    shape = (count, model.input_size, model.input_size, model.channels)
    images = rng.integers(0, 256, shape, np.uint8)  # without flat parts: no ties in a pool
    return Batch(tuple(f"image {i}" for i in range(count)), images, TARGETS[model.task](model, count, rng))


def _boxes(model, count, rng):
    targets = []
    for _ in range(count):
        sizes = rng.uniform((0.06, 0.25, 0.7), (0.15, 0.45, 0.95), (2, 3)).T  # small, middling, large: for every map
        centers = rng.uniform(sizes / 2, 1 - sizes / 2)
        corners = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1).astype(np.float32)
        targets.append(model.targets(corners, rng.integers(0, len(CLASSES), 3)))
    return tuple(map(np.stack, zip(*targets, strict=True)))


TARGETS = {
    "detect": _boxes,
    "classify": lambda model, count, rng: (rng.integers(0, len(CLASSES), count),),
    "regress": lambda model, count, rng: (rng.standard_normal(count).astype(np.float32),),
    "segment": lambda model, count, rng: (
        rng.choice(np.array([0, 1, 2, 3, VOID], np.uint8), (count, model.input_size, model.input_size)),
    ),
}
