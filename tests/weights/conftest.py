"""What the tests of weights share: an SSD300 with few channels, and models as if trained."""

import pytest

from minissd.models import build, trunks, vgg

GROUPS = ((4, 4), (8, 8), (16, 16, 16), (32, 32, 32), (32, 32, 32))  # output channels of a narrow VGG16
FC_CHANNELS = 256  # of its fully connected layers, a quarter of which SSD keeps


@pytest.fixture
def narrow(monkeypatch):
    """narrow(name, classes=...) builds a model on a VGG16 of few channels."""
    monkeypatch.setattr(vgg, "GROUPS", GROUPS)
    for module in (vgg, trunks):
        monkeypatch.setattr(module, "ATROUS_CHANNELS", FC_CHANNELS // 4)
    monkeypatch.setattr(vgg, "FULL_CHANNELS", FC_CHANNELS)

    def make(name="ssd300-vgg16", *, classes=("a", "b"), **options):
        return build(name, classes=classes, **options)

    return make


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.fixture
def trained(rng):
    """trained(name, ...) is a model none of whose arrays are as `build` makes them."""

    def make(name="ssd-tiny", classes=("a", "b"), **options):
        model = build(name, classes=classes, **options)
        for array in (model.params | model.buffers).values():
            array[...] = rng.uniform(1, 2, array.shape)
        return model

    return make
