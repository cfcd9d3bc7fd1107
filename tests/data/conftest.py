"""What the tests of data share."""

import numpy as np
import pytest
from coco_scenes import Scenes
from voc_scenes import put_tree
from voc_trees import Tree
from web import serve

from minissd.data.voc import VocDataset


@pytest.fixture
def tree(tmp_path):
    """An empty tree; `tree.add(...)` fills it."""
    return Tree(tmp_path / "tree")


@pytest.fixture
def pets(tree):
    """Three images: a dog, a cat with a dog, and nobody."""
    tree.add("one", [("dog", (1, 1, 20, 30))])
    tree.add("two", [("cat", (11, 6, 30, 25), True), ("dog", (5, 5, 9, 9))])
    return tree.add("three")


@pytest.fixture
def root(tmp_path):
    """An empty folder two levels below that of the test."""
    (tmp_path / "sets" / "pets").mkdir(parents=True)
    return tmp_path / "sets" / "pets"


@pytest.fixture
def scenes(tmp_path):
    """A COCO folder of three scenes (coco_scenes.py)."""
    return Scenes(tmp_path / "coco")


@pytest.fixture
def one_line():
    """Checks that a MinissdError says what it should, in one line."""

    def check(caught, *parts):
        message = str(caught.value)
        assert "\n" not in message
        for part in parts:
            assert str(part) in message, f"{part!r} is not in {message!r}"

    return check


@pytest.fixture
def gradient():
    """An image (30, 40, 3) in which every pixel differs from every other."""
    y, x = np.mgrid[:30, :40]
    return np.stack([x * 6, y * 8, x + y], axis=-1).astype(np.uint8)


@pytest.fixture
def site(monkeypatch):
    """A web server of our own (tests/web.py)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as site:
        yield site


@pytest.fixture
def opened(tmp_path):
    """A tree of two scenes opened: the XML of the first as given, that of the second as it should be."""

    def opened(text, **options):
        return VocDataset(put_tree(tmp_path / "data", {"img0": text}), "train", **options)

    return opened
