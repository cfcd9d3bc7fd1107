"""Pixels, areas and crowds of the images of every kind of data set, for COCO's figures."""

import numpy as np
import pytest
from coco_sets import CocoSet
from voc_trees import Tree

from minissd.data import ShapesDataset, open_dataset
from minissd.data.coco import CocoDataset
from minissd.data.samples import extents_of
from minissd.data.several import SeveralSets
from minissd.data.subset import Subset


def test_of_a_coco_file_areas_are_those_that_it_states(tmp_path):
    coco = CocoSet(tmp_path / "set")
    coco.add("a.png", [(1, (0, 0, 20, 30)), (3, (10, 5, 9.5, 20), True), (7, (5, 5, 10, 10)), (7, (5, 5, 10, 10))])
    coco.add("b.png")
    for annotation, area in zip(coco.content["annotations"], (123.5, "80", None, 1), strict=True):
        annotation["area"] = area
    dataset = CocoDataset(coco.save(), keep_others=True)
    extents = dataset.extents(0)
    assert extents.size == (40, 30)
    assert dataset.objects(0).labels.tolist() == [0, 1, 2]  # the cat that is there twice counts once
    assert extents.areas.tolist() == [123.5, 80, 100] and extents.crowd.tolist() == [False, True, False]
    assert dataset.extents(1).areas.shape == (0,)


def test_of_an_image_that_is_turned_as_it_is_shown(tmp_path):
    coco = CocoSet(tmp_path / "set")
    coco.add("a.png", [(1, (0, 0, 20, 30))], size=(30, 40), saved_size=(40, 30), orientation=6)
    assert CocoDataset(coco.save()).extents(0).size == (30, 40)


def test_of_other_sets_areas_are_those_of_the_boxes(tmp_path):
    tree = Tree(tmp_path / "tree")
    tree.add("a", [("cat", (6, 5, 30, 24)), ("dog", (1, 1, 32, 32))], size=(80, 60))
    voc = open_dataset(tree.root, "train")
    assert voc.extents(0).size == (80, 60)
    assert voc.extents(0).areas.tolist() == [25 * 20, 32 * 32]  # whole, not as float32 has the fractions
    assert not voc.extents(0).crowd.any()
    assert Subset(voc, [0]).extents(0).size == (80, 60)
    together = SeveralSets([voc, voc], voc.classes)
    assert len(together) == 2 and together.extents(1).areas.tolist() == [25 * 20, 32 * 32]


class OfOnesOwn:
    """A data set without extents."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __getitem__(self, i):
        return self.dataset[i]


@pytest.mark.parametrize("wrap", [lambda dataset: dataset, OfOnesOwn, lambda dataset: Subset(dataset, range(3))])
def test_of_generated_images_and_of_sets_of_ones_own(wrap):
    shapes = ShapesDataset(3, size=64)
    extents = extents_of(wrap(shapes), 2)
    corners = shapes.objects(2).corners
    assert extents.size == (64, 64)
    np.testing.assert_allclose(extents.areas, 64**2 * (corners[:, 2:] - corners[:, :2]).prod(axis=1), rtol=1e-5)
