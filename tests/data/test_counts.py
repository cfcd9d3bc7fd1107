"""Data with boxes, read as the number of objects in each image."""

import numpy as np
import pytest

from minissd.data import Augmentation, RegressionPreparation, open_dataset
from minissd.data.counts import CountedObjects
from minissd.data.samples import Measured
from minissd.data.view import resize_image
from minissd.data.voc import VocDataset


def test_the_objects_of_the_chosen_classes_are_counted(pets):
    """one: a dog; two: a dog and a difficult cat; three: nobody."""
    for classes, counts in [(None, [1, 2, 0]), (["dog"], [1, 1, 0]), (["cat"], [0, 1, 0])]:
        dataset = open_dataset(pets.root, "train", task="regress", classes=classes)
        assert dataset.task == "regress" and dict(zip(dataset.ids, dataset.values.tolist())) == dict(
            zip(("one", "two", "three"), counts)
        )
        assert dataset.values.dtype == np.float32
        assert dataset[1].value == dataset.values[1] and dataset[1].id == dataset.ids[1]
    assert len(open_dataset(pets.root, "train", task="regress", classes=["cat"], limit=2)) == 2


def test_generated_pictures_too():
    dataset = open_dataset("shapes", "val", task="regress", size=32, limit=5)
    assert len(dataset) == 5 and dataset.values.tolist() == [len(dataset._dataset[i].labels) for i in range(5)]


def test_cells_by_the_readme_of_the_set(shared):
    counted = CountedObjects(VocDataset(shared / "data" / "bccd", "test", classes=["RBC"], keep_others=True))
    assert len(counted) == 72 and counted.values.sum() == 805


@pytest.mark.parametrize("settings", [None, Augmentation(photometric=None)])
def test_nothing_is_cut_off_a_picture_whose_number_is_of_all_of_it(gradient, settings):
    whole = resize_image(gradient, 16)
    swapped = [whole, whole[:, ::-1]]
    prepare = RegressionPreparation(16, settings)
    for seed in range(20):
        image, value = prepare(Measured("a", gradient, 3.5), np.random.default_rng(seed))
        assert any((image == one).all() for one in swapped)
        assert value == 3.5 and value.dtype == np.float32
