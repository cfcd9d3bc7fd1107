"""An SSD of two convolutions without batch norm: what a loss adds up to then does not depend on how a batch is cut."""

import numpy as np

from minissd.data import ShapesDataset
from minissd.layers import Conv2d, Initializer, MaxPool2d, ReLU, Sequential
from minissd.models import build
from minissd.models.heads import Head
from minissd.models.ssd import SSD

SIZE = 64


def plain_ssd(dataset):
    """In float64, on the boxes of the first map of ssd-tiny; always the same."""
    spec = build("ssd-tiny", classes=dataset.classes, input_size=SIZE).spec
    init = _Init()
    layers = {"conv0": Conv2d(3, 4, 3, init=init, pad=1), "relu0": ReLU(), "pool": MaxPool2d(8)}
    spec = type(spec)(spec.input_size, spec.maps[:1])
    wiring = {"stages": {"stage0": Sequential(**layers)}, "heads": [Head(4, 6, len(dataset.classes), init=init)]}
    reading = {"input_size": SIZE, "init": init, "pixel_mean": (120, 120, 120), "pixel_scale": 1 / 60}
    return SSD("plain", dataset.classes, **wiring, box_sets={"own": spec}, boxes="own", **reading)


def small_shapes(count):
    return ShapesDataset(count, size=SIZE)


class WithBackgrounds:
    """A data set of whose images only `kept` (indices) keep their objects: the others count as background alone."""

    def __init__(self, dataset, kept):
        self.dataset, self.kept = dataset, kept

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        sample = self.dataset[index]
        if index in self.kept:
            return sample
        return sample._replace(corners=sample.corners[:0], labels=sample.labels[:0], difficult=sample.difficult[:0])


class _Init(Initializer):
    """All values of one kind, always the same, in float64."""

    def __init__(self):
        super().__init__(np.random.default_rng(3), "float64")

    def he(self, shape, fan_in=None):
        return self.rng.standard_normal(shape) / 5

    xavier = he
