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


@pytest.mark.parametrize("task", ["detect", "classify"])
def test_labels_of_kitti_are_no_class(tmp_path, one_line, task):
    put_image(tmp_path / "image_2" / "img0.png")
    (tmp_path / "label_2").mkdir()
    line = "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59"
    (tmp_path / "label_2" / "img0.txt").write_text(f"{line}\n{line} 0.9\n")
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path, "train", task=task)
    one_line(caught, tmp_path / "label_2" / "img0.txt", "KITTI", "export it as PASCAL VOC, COCO or YOLO")
    for text in ("", line.replace("0.00", "x"), line.rpartition(" ")[0]):
        (tmp_path / "label_2" / "img0.txt").write_text(text)
        assert other_annotations(tmp_path) == ""


def test_images_that_nobody_has_annotated(tmp_path, one_line):
    put_image(tmp_path / "photos" / "img0.png")
    for place in (tmp_path / "photos", tmp_path / "photos" / "img0.png"):
        with pytest.raises(MinissdError) as caught:
            open_dataset(place, "train")
        one_line(caught, place, "images alone", "draw boxes")


@pytest.mark.parametrize("part", ["img0.png", "img0.xml"])
def test_a_file_of_a_folder(tmp_path, one_line, part):
    put(tmp_path / "mine", "img0.png", "img0.xml")
    with pytest.raises(MinissdError) as caught:
        open_dataset(tmp_path / "mine" / part, "train")
    one_line(caught, f"a part of {tmp_path / 'mine'}, give that")


@pytest.mark.parametrize("part", ["JPEGImages", "JPEGImages/img0.png", "Annotations/img0.xml", "ImageSets"])
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
