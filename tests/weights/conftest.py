"""What the tests of weights share: an SSD300 with few channels."""

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
