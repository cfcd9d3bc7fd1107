"""What the tests of training share: a few small images and a small model."""

import pytest

from minissd.data import Augmentation, ShapesDataset
from minissd.models import build
from minissd.training.curves import LearningCurves

SIZE = 64
PLAIN = Augmentation(expansion_probability=0, patches=(), mirror=0, photometric=None)  # the images as they are


@pytest.fixture(scope="session")
def shapes():
    """Eight generated images: two batches of four."""
    return ShapesDataset(8, size=SIZE)


@pytest.fixture(scope="session")
def held_out():
    return ShapesDataset(3, "val", size=SIZE)


@pytest.fixture
def plain():
    return PLAIN


@pytest.fixture(scope="session")
def new_model(shapes):
    """new_model(seed, ...) builds a fresh ssd-tiny for them."""

    def make(seed=0, **options):
        return build("ssd-tiny", classes=shapes.classes, seed=seed, input_size=SIZE, **options)

    return make


@pytest.fixture(autouse=True)
def no_pictures(request, monkeypatch):
    """No picture at the end of each run, which takes as long as a small training."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(LearningCurves, "draw", lambda self: None)


@pytest.fixture
def pictures():
    """A test with this fixture has them."""
