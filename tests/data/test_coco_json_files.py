"""COCO JSON files as other tools write them: read, or one line says what the file is."""

import codecs
import json
from time import process_time

import pytest
from coco_scenes import refused, whole
from PIL import Image

from minissd.data.catalogue import open_dataset
from minissd.data.coco_annotation import read_annotation
from minissd.errors import MinissdError


@pytest.mark.parametrize(
    "encode",
    [lambda text: codecs.BOM_UTF8 + text.encode(), lambda text: text.encode("utf-16"), lambda t: t.encode("utf-16-be")],
)
def test_encodings(scenes, encode):
    whole(open_dataset(scenes.save(encode), "train"))


def test_an_encoding_that_is_not_read(scenes, one_line):
    scenes.save(lambda text: text.replace("red", "größe").encode("latin-1"))
    with pytest.raises(MinissdError) as caught:
        open_dataset(scenes.root, "train")
    one_line(caught, scenes.path, "save it as UTF-8")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ('{"_via_settings": {}, "_via_img_metadata": {}}', "VIA"),
        ('{"a.jpg123": {"filename": "a.jpg", "size": 123, "regions": []}}', "VIA"),
        ('{"version": "5.0", "shapes": [], "imagePath": "a.jpg"}', "labelme"),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]', "list of results"),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]', "annotations alone"),
        ('{"description": "", "tags": [], "size": {"height": 1, "width": 1}, "objects": []}', "Supervisely"),
        ('[{"image": "a.jpg", "annotations": []}]', "CreateML"),
        ('[{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}]', "Label Studio"),
        ('[{"data_row": {}, "media_attributes": {}}]', "Labelbox"),
        ('{"type": "FeatureCollection", "features": []}', "GeoJSON"),
        ('[{"name": "a.jpg", "labels": []}]', "BDD100K"),
        ('{"data_row": 1}\n{"data_row": 2}', "one JSON after another"),
        ('{"images": [], "categories": []}', "no list 'annotations', only images"),
        ('{"a": 1}', "no COCO annotation"),
    ],
)
def test_json_of_other_tools(tmp_path, one_line, content, part):
    path = tmp_path / "boxes.json"
    path.write_text(content)
    with pytest.raises(MinissdError) as caught:
        open_dataset(path, "train")
    one_line(caught, path, part)


def test_no_boxes_at_all(scenes, one_line):
    scenes.boxes.clear()
    refused(one_line, scenes, "none of its 3 images", "nothing to learn")


def test_a_folder_with_some_labels_json_is_no_coco_set(tmp_path):
    for name in ("oak", "elm"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.png")
    (tmp_path / "labels.json").write_text('{"0": "oak", "1": "elm"}')
    (tmp_path / "oak" / "labels.json").write_text("[]")
    assert open_dataset(tmp_path, "trainval", task="classify").classes == ("elm", "oak")


def test_a_duplicate_is_found_in_linear_time(tmp_path):
    """At the end of 40,000 images: it took a minute when every id was counted by itself."""
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(40_000)]
    path = tmp_path / "boxes.json"
    for key, value in (("id", 39_998), ("file_name", "39998.png")):
        listed = [*images[:-1], images[-1] | {key: value}]
        path.write_text(json.dumps({"images": listed, "annotations": [], "categories": []}))
        start = process_time()
        with pytest.raises(MinissdError, match="39998"):
            read_annotation(path)
        assert process_time() - start < 5


def test_a_file_of_another_split_than_that_asked_for_is_noted(scenes):
    scenes.save()
    assert open_dataset(scenes.path, "train").notes == []
    val = scenes.path.rename(scenes.path.with_name("instances_valid2017.json"))
    scenes.folder.rename(scenes.root / "valid")
    for split in ("val", "valid2017"):
        assert open_dataset(val, split).notes == []
    assert open_dataset(val, "test").notes[0].startswith("instances_valid2017.json was given and is what is opened")
