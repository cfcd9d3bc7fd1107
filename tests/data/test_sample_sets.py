"""The sample data beside the repository is read as its README counts it."""

import json

import numpy as np
import pytest

from minissd.data.coco import CocoDataset
from minissd.data.images import read_header, read_image
from minissd.data.placing import NO_EXTENT
from minissd.data.voc import VocDataset
from minissd.data.yolo import YoloDataset


def count(dataset):
    labels = np.concatenate([dataset.objects(index).labels for index in range(len(dataset))])
    numbers = np.bincount(labels, minlength=len(dataset.classes))
    return dict(zip(dataset.classes, numbers.tolist(), strict=True))


@pytest.mark.parametrize(
    ("split", "images", "rbc", "wbc", "platelets", "dropped"),
    [
        ("train", 205, 2382, 214, 209, ["BloodImage_00343"]),
        ("val", 87, 968, 87, 83, ["BloodImage_00338"]),
        ("trainval", 292, 3350, 301, 292, ["BloodImage_00338", "BloodImage_00343"]),
        ("test", 72, 805, 71, 69, []),
    ],
)
def test_bccd_without_its_two_boxes_of_no_extent(shared, split, images, rbc, wbc, platelets, dropped):
    dataset = VocDataset(shared / "data" / "bccd", split)
    assert len(dataset) == images
    assert count(dataset) == {"RBC": rbc - len(dropped), "WBC": wbc, "Platelets": platelets}
    expected = [f"{NO_EXTENT}: {len(dropped)} (first: {dropped[0]})"] if dropped else []
    assert dataset.notes == expected


def test_bccd_by_class(shared):
    dataset = VocDataset(shared / "data" / "bccd", "test", classes=["WBC"])
    assert count(dataset) == {"WBC": 71}
    assert all(len(dataset.objects(index).labels) > 0 for index in range(len(dataset)))


@pytest.mark.parametrize(
    ("name", "split", "images", "objects"),
    [
        ("pennfudan", "train", 120, {"person": 292}),
        ("pennfudan", "val", 50, {"person": 131}),
        ("raccoon", "train", 160, {"raccoon": 172}),
        ("raccoon", "val", 40, {"raccoon": 45}),
    ],
)
def test_sets_of_one_class(shared, name, split, images, objects):
    dataset = VocDataset(shared / "data" / name, split)
    assert len(dataset) == images and count(dataset) == objects and dataset.notes == []


def test_grey_raccoons_become_rgb(shared):
    dataset = VocDataset(shared / "data" / "raccoon", "trainval")
    for image_id in ("raccoon-150", "raccoon-152", "raccoon-161"):
        image = dataset[dataset.ids.index(image_id)].image
        assert image.shape[2] == 3 and (image == image[..., :1]).all()


def test_voc_mini(shared):
    train, val = (VocDataset(shared / "data" / "voc-mini", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (376, 94)
    assert train.classes == val.classes and len(train.classes) == 20
    numbers = [count(train)[name] for name in ("aeroplane", "cow", "dog", "person", "train", "tvmonitor")]
    assert numbers == [13, 95, 130, 223, 6, 38]
    assert sum(count(train).values()) == 1248 and sum(count(val).values()) == 354
    for dataset, difficult in ((train, 130), (val, 56)):
        assert sum(dataset.objects(i).difficult.sum() for i in range(len(dataset))) == difficult
        assert dataset.notes == []


def test_boxes_are_the_pixels_of_the_annotation(shared):
    """000001 of VOC2007, 353x500, has a dog in 48 240 195 371 and a person in 8 12 352 498."""
    dataset = VocDataset(shared / "data" / "voc-mini", "voc2007")
    index = dataset.ids.index("000001")
    objects = dataset.objects(index)
    assert [dataset.classes[label] for label in objects.labels] == ["dog", "person"]
    expected = np.array([[47, 239, 195, 371], [7, 11, 352, 498]]) / (353, 500, 353, 500)
    np.testing.assert_allclose(objects.corners, expected, rtol=1e-6)
    assert dataset[index].image.shape == (500, 353, 3)
    assert read_header(dataset.image_path(index))[:2] == (353, 500)
    np.testing.assert_array_equal(read_image(dataset.image_path(index)), dataset[index].image)


def test_voc_mini_as_coco(shared, tmp_path):
    """The same objects, written as COCO JSON, are the same objects."""
    voc = VocDataset(shared / "data" / "voc-mini", "val", keep_others=True)
    images, annotations = [], []
    for index in range(len(voc)):
        path = voc.image_path(index)
        width, height, _ = read_header(path)
        images.append({"id": index, "file_name": path.name, "width": width, "height": height})
        for corners, label, difficult in zip(*voc.objects(index), strict=True):
            x_min, y_min, x_max, y_max = (corners * (width, height, width, height)).tolist()
            box = {"image_id": index, "category_id": int(label), "iscrowd": int(difficult)}
            annotations.append({**box, "bbox": [x_min, y_min, x_max - x_min, y_max - y_min]})
    categories = [{"id": label, "name": name} for label, name in enumerate(voc.classes)]
    path = tmp_path / "val.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    coco = CocoDataset(path, shared / "data" / "voc-mini" / "JPEGImages", keep_others=True)
    assert coco.classes == voc.classes and len(coco) == len(voc) and coco.notes == []
    for index in range(len(voc)):
        ours, theirs = coco.objects(index), voc.objects(index)
        np.testing.assert_allclose(ours.corners, theirs.corners, atol=1e-6)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.difficult, theirs.difficult)


def test_voc_mini_as_yolo(shared, tmp_path):
    """The same objects, written as YOLO labels, are the same objects."""
    voc = VocDataset(shared / "data" / "voc-mini", "val", keep_others=True)
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").symlink_to(shared / "data" / "voc-mini" / "JPEGImages", target_is_directory=True)
    for index, image_id in enumerate(voc.ids):
        rows = []
        for (x_min, y_min, x_max, y_max), label, _ in zip(*voc.objects(index), strict=True):
            center = (x_min + x_max) / 2, (y_min + y_max) / 2
            rows.append(f"{label} {center[0]:.6f} {center[1]:.6f} {x_max - x_min:.6f} {y_max - y_min:.6f}\n")
        (tmp_path / "labels" / f"{image_id}.txt").write_text("".join(rows))
    (tmp_path / "val.txt").write_text("".join(f"images/{image_id}.jpg\n" for image_id in voc.ids))
    (tmp_path / "data.yaml").write_text(f"val: val.txt\nnames: [{', '.join(voc.classes)}]\n")
    yolo = YoloDataset(tmp_path, "val", keep_others=True)
    assert yolo.classes == voc.classes and len(yolo) == len(voc) and yolo.notes == voc.notes
    for index in range(len(voc)):
        ours, theirs = yolo.objects(index), voc.objects(index)
        np.testing.assert_allclose(ours.corners, theirs.corners, atol=2e-6)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
