"""From a word to a dataset."""

import pytest

from minissd.data import catalogue
from minissd.data.catalogue import NAMES, open_dataset
from minissd.errors import MinissdError


def refused(one_line, *arguments, says, **options):
    with pytest.raises(MinissdError) as caught:
        open_dataset(*arguments, **options)
    one_line(caught, *says)


def test_shapes_by_name():
    dataset = open_dataset("shapes", "val", size=32, seed=3, limit=7, classes=["star"])
    assert dataset.name == "shapes" and len(dataset) == 7 and dataset.classes == ("star",)
    assert dataset[0].image.shape == (32, 32, 3)
    other_seed = open_dataset("shapes", "val", size=32, seed=4, limit=1, classes=["star"])
    assert (dataset[0].image != other_seed[0].image).any()
    assert len(open_dataset("shapes", "train")) == 2000
    assert len(open_dataset("shapes", "val", limit=10**6)) == 200


def test_a_voc_tree_by_path(pets):
    for data in (pets.root, str(pets.root)):
        assert open_dataset(data, "train", classes=["cat"], limit=1).ids == ["two"]


def test_a_known_set_that_is_not_here(monkeypatch, tmp_path, one_line):
    monkeypatch.setattr(catalogue, "default_folder", lambda: tmp_path)
    refused(one_line, "voc2007", "train", says=["minissd fetch voc2007"])


def test_what_is_no_data(tmp_path, one_line):
    (tmp_path / "file").write_text("x")
    refused(one_line, "shape", "train", says=["'shape'", "does not exist", *NAMES])
    refused(one_line, tmp_path / "file", "train", says=["is a file", *NAMES])
    refused(one_line, tmp_path, "train", says=["no VOC tree"])


def test_wrong_words(one_line):
    refused(one_line, "shapes", "trainval", says=["'trainval'", "train, val, test"])
    refused(one_line, "shapes", "train", limit=0, says=["limit"])
