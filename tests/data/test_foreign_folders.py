"""Annotations that are not read here are called by their name, whatever folders they lie in."""

import json

import pytest
from voc_scenes import put, put_image, put_tree

from minissd.data import open_dataset
from minissd.data.foreign_folders import other_annotations
from minissd.errors import MinissdError

LABELME = json.dumps({"version": "5", "shapes": [], "imagePath": "a.jpg"})
FOREIGN = {
    "annotations.xml": ("<annotations><version>1.1</version><image id='0'/></annotations>", "CVAT's own XML"),
    "imglab.xml": ("<dataset><images/></dataset>", "imglab"),
    "_annotations.csv": ("filename,width,height,class", "a table"),
    "cats.tfrecord": ("", "TensorFlow"),
    "train-00000.parquet": ("", "a table"),
    "wider_face_split.mat": ("", "Matlab"),
    "images.zip": ("", "unpack it"),
    "img0.json": (LABELME, "labelme"),
    "_annotations.createml.json": (json.dumps([{"image": "a.jpg", "annotations": []}]), "CreateML"),
}


@pytest.mark.parametrize("folder", ["", "train/", "images/train/"])
@pytest.mark.parametrize("name", FOREIGN)
def test_what_other_tools_write(tmp_path, one_line, name, folder):
    text, what = FOREIGN[name]
    put_image(tmp_path / f"{folder}img0.jpg")
    (tmp_path / f"{folder}{name}").write_text(text)
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path, "train")
    one_line(caught, tmp_path / f"{folder}{name}", what)


def test_voc_annotations_far_from_their_images(tmp_path, one_line):
    put(tmp_path, "pictures/of/img0.jpg", "boxes/of/img0.xml")
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path, "train")
    one_line(caught, "img0.xml", "VOC's XML", "beside them")


@pytest.mark.parametrize("part", ["JPEGImages", "Annotations", "ImageSets"])
def test_a_part_of_a_tree(tmp_path, one_line, part):
    put_tree(tmp_path / "tree")
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path / "tree" / part, "train")
    one_line(caught, f"a part of {tmp_path / 'tree'}")


def test_class_folders_are_called_so_to_who_wants_boxes(tmp_path, one_line):
    for name in ("oak", "elm"):
        put_image(tmp_path / name / "img0.jpg")
    assert other_annotations(tmp_path) == ""
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path, "train")
    one_line(caught, "class folders", "choose other data or another task")


def test_files_that_cannot_be_told(tmp_path):
    for name in ("a.json", "b.xml"):
        (tmp_path / name).write_text("{<")
    (tmp_path / "notes.md").write_text("x")
    assert other_annotations(tmp_path) == "" and other_annotations(tmp_path / "b.xml") == ""
