"""COCO JSON as other tools write it: the boxes lie on their colours, or one line says what is the matter."""

import codecs
import json
from time import process_time
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from scenes import BLUE_BOX, RED_BOX, as_stored, scene
from voc_scenes import off_colour

from minissd.data.catalogue import open_dataset
from minissd.data.coco import CROWD, CocoDataset
from minissd.data.coco_annotation import LISTED_TWICE, NO_BOX, OUTLINED, ROOT, SCORED, read_annotation
from minissd.data.coco_images import MISSING
from minissd.data.coco_outlines import box_around
from minissd.data.placing import CORNERS, DRAWN_UNTURNED, NO_EXTENT, OVER_THE_EDGE, SCALED, WRONG_SIZE
from minissd.data.samples import NO_CLASS, REPEATED, UNSEEN
from minissd.errors import MinissdError


def sized(box):
    """x, y, width, height."""
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


class Scenes:
    """A COCO folder of scenes, each with a red box (category 1) and a blue one (category 2)."""

    def __init__(self, root, count=3):
        self.root, self.folder = root, root / "train"
        self.path = root / "annotations" / "instances_train.json"
        names = [f"img{number}.png" for number in range(count)]
        self.images = [{"id": 7 + i, "file_name": name, "width": 160, "height": 120} for i, name in enumerate(names)]
        boxes = [(image["id"], 1 + i, sized(box)) for image in self.images for i, box in enumerate((RED_BOX, BLUE_BOX))]
        self.boxes = [{"id": 1, "image_id": i, "category_id": c, "bbox": box, "iscrowd": 0} for i, c, box in boxes]
        self.categories = [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]
        for name in names:
            self.draw(name)

    def draw(self, name, pixels=None, orientation=None):
        exif = Image.Exif()
        if orientation:
            exif[0x0112] = orientation
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene() if pixels is None else pixels).save(self.folder / name, exif=exif)

    def save(self, encode=str.encode):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {"images": self.images, "annotations": self.boxes, "categories": self.categories}
        self.path.write_bytes(encode(json.dumps(content)))
        return self.root

    def open(self, split="train", **options):
        return open_dataset(self.save(), split, **options)


@pytest.fixture
def scenes(tmp_path):
    return Scenes(tmp_path / "coco")


def whole(dataset, count=3, notes=()):
    """Asserts that all boxes of `count` images are there and on their colours, and what is noted."""
    assert off_colour(dataset) == [] and len(dataset) == count
    for i in range(count):
        assert sorted(dataset.classes[label] for label in dataset.objects(i).labels) == ["blue", "red"]
    assert dataset.notes == [f"{remark}: {number} (first: {first})" for remark, number, first in notes]


def refused(one_line, scenes, *parts):
    with pytest.raises(MinissdError) as caught:
        scenes.open()
    one_line(caught, *parts)


# Numbers.


@pytest.mark.parametrize("of_images", [int, float, str, "{}.0".format, " {}".format])
@pytest.mark.parametrize("of_annotations", [int, float, str])
def test_ids_are_the_same_however_they_are_written(scenes, of_images, of_annotations):
    for image in scenes.images:
        image.update(id=of_images(image["id"]), width=of_images(160), height=of_images(120))
    for box in scenes.boxes:
        box.update(image_id=of_annotations(box["image_id"]), category_id=of_annotations(box["category_id"]))
    for category in scenes.categories:
        category["id"] = of_images(category["id"])
    whole(scenes.open())


def test_ids_that_are_words(scenes):
    for entry, key in [(one, "id") for one in scenes.images] + [(one, "image_id") for one in scenes.boxes]:
        entry[key] = f"image {entry[key]}"
    for entry, key in [(one, "id") for one in scenes.categories] + [(one, "category_id") for one in scenes.boxes]:
        entry[key] = "abc"[entry[key]]
    whole(scenes.open())


def test_boxes_of_no_listed_image_are_an_error_and_those_of_some_a_note(scenes, one_line):
    del scenes.images[0]
    assert scenes.open().notes[0].endswith("left out: 1 (first: 7)")
    for box in scenes.boxes:
        box["image_id"] += 1000
    refused(one_line, scenes, scenes.path, "no box belongs", "1007", "the id 8")


def test_boxes_of_strings_and_of_no_extent(scenes):
    scenes.boxes[0]["bbox"] = list(map(str, scenes.boxes[0]["bbox"]))
    scenes.boxes += [{"image_id": 7, "category_id": 1, "bbox": box} for box in ([9, 9, 0, 5], [50, 9, -5, 5])]
    whole(scenes.open(), notes=[(NO_EXTENT, 2, "train/img0.png")])


def test_fractions_are_refused(scenes, one_line):
    for box in scenes.boxes:
        box["bbox"] = (np.array(box["bbox"]) / [160, 120, 160, 120]).tolist()
    refused(one_line, scenes, "fractions")


def test_corners_for_widths_are_noticed(scenes):
    for box, corners in zip(scenes.boxes, (RED_BOX, BLUE_BOX) * 3):
        box["bbox"] = list(corners)
    notes = scenes.open().notes
    first = "(first: train/img0.png)"
    assert notes == [f"{OVER_THE_EDGE}: 3 {first}", f"{CORNERS}: 6 {first}"]


def test_sums_that_are_not_exact_reach_over_no_edge(scenes):
    scenes.boxes = [{"image_id": 8, "category_id": 2, "bbox": [90 + 1e-13, 0.1, 70.00000000001, 119.9]}]
    assert not [note for note in scenes.open().notes if OVER_THE_EDGE in note]
    scenes.boxes[0]["bbox"][2] = 70.1
    assert [note for note in scenes.open().notes if OVER_THE_EDGE in note]


def test_what_a_detector_wrote_is_noticed(scenes):
    for box in scenes.boxes:
        box["score"] = 0.9
    whole(scenes.open(), notes=[(SCORED, 6, "img0.png")])


# Sizes.


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 0, "height": 0}, {"height": 9}])
def test_without_sizes_those_of_the_files_count(scenes, size):
    for image in scenes.images:
        del image["width"], image["height"]
        image.update(size)
    whole(scenes.open(), notes=[(WRONG_SIZE, 3, "train/img0.png")])


def test_sizes_exchanged(scenes):
    for image in scenes.images:
        image.update(width=120, height=160)
    whole(scenes.open(), notes=[(WRONG_SIZE, 3, "train/img0.png")])


def test_pictures_shrunk_afterwards(scenes):
    for image in scenes.images:
        image.update(width=320, height=240)
    for box in scenes.boxes:
        box["bbox"] = [2 * side for side in box["bbox"]]
    whole(scenes.open(), notes=[(SCALED, 3, "train/img0.png")])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_drawn_before_the_turn(scenes, orientation):
    """The sizes and the boxes are those of the stored pixels."""
    across = scene()
    for image in scenes.images:
        shown = as_stored(across, {5: 5, 6: 8, 7: 7, 8: 6}[orientation])  # the picture that is stored as the scene
        np.testing.assert_array_equal(as_stored(shown, orientation), across)
        scenes.draw(image["file_name"], across, orientation)
    whole(scenes.open(), notes=[(DRAWN_UNTURNED, 3, "train/img0.png")])


def test_no_header_is_read_beyond_the_limit(scenes):
    (scenes.folder / "img2.png").write_bytes(b"broken")
    whole(scenes.open(limit=2), count=2)


# Paths.


@pytest.mark.parametrize(
    "written",
    [
        "{folder}/{name}",  # as it is on this machine
        "/home/ann/coco/train/{name}",
        "C:\\Users\\Ann\\coco\\train\\{name}",
        "train\\{name}",
        "./{name}",
        "../train/{name}",
        "train/{name}",
    ],
)
@pytest.mark.parametrize("name", ["img {}.png", "größe {}.png", "a/b{}.png"])
def test_paths_of_other_machines(scenes, written, name):
    for number, image in enumerate(scenes.images):
        (scenes.folder / image["file_name"]).unlink()
        scenes.draw(name.format(number))
        image["file_name"] = written.format(folder=scenes.folder, name=name.format(number))
    dataset = scenes.open()
    whole(dataset)
    assert dataset.ids[1].endswith(f"train/{name.format(1)}")


def test_names_that_are_escaped(scenes):
    for number, image in enumerate(scenes.images):
        scenes.draw(f"mein bild ä{number}.png")
        image["file_name"] = quote(f"mein bild ä{number}.png")
    scenes.draw("50%25.png")  # and one that only looks so
    scenes.images[0]["file_name"] = "50%25.png"
    whole(scenes.open())


def test_a_missing_image_is_not_taken_from_another_split(scenes):
    """val2017/img2.png is not there: train/img2.png is another picture."""
    scenes.images[2]["file_name"] = "val/img2.png"
    dataset = scenes.open()
    assert dataset.ids == ["train/img0.png", "train/img1.png"]
    assert dataset.notes == [f"{MISSING}: 1 (first: val/img2.png)"]


def test_a_missing_image_is_not_taken_from_where_the_command_is_run(scenes, monkeypatch, tmp_path):
    scenes.draw("../img0.png", scene()[::-1])
    (scenes.folder / "img0.png").unlink()
    monkeypatch.chdir(scenes.root)
    whole(scenes.open(), count=2, notes=[(MISSING, 1, "img0.png")])


def test_names_that_are_the_same_file_here(scenes, one_line):
    scenes.images[0]["file_name"], scenes.images[1]["file_name"] = "a/img2.png", "b/img2.png"
    refused(one_line, scenes, "'a/img2.png'", "'b/img2.png'", "both found as")


def test_some_images_are_missing_or_too_many(scenes, one_line):
    (scenes.folder / "img0.png").unlink()
    whole(scenes.open(), count=2, notes=[(MISSING, 1, "img0.png")])
    (scenes.folder / "img1.png").unlink()
    refused(one_line, scenes, "lists 3 images", "2 of them", "'img0.png'", "--images")


@pytest.mark.parametrize("place", ["train/data", "data", "images/train", "images"])
def test_folders_of_images(scenes, place):
    """FiftyOne has them in data/."""
    (scenes.root / place).parent.mkdir(exist_ok=True)
    scenes.folder.rename(scenes.root / "x")
    (scenes.root / place).parent.mkdir(exist_ok=True)
    (scenes.root / "x").rename(scenes.root / place)
    whole(scenes.open())


# Boxes and categories.


def test_a_box_around_the_outline(scenes):
    x, y, width, height = sized(BLUE_BOX)
    flat = [[x, y, x + width, y, x + width, y + 9], [x, y + 9, x, y + height]]
    mask = np.zeros((120, 160), np.uint8)
    mask[y : y + height, x : x + width] = 1
    for box, outline in zip(scenes.boxes[1::2], (flat, {"size": [120, 160], "counts": runs(mask)}, [])):
        box["segmentation"] = outline
        box["bbox"] = []
    del scenes.boxes[3]["bbox"]
    dataset = scenes.open()
    assert off_colour(dataset) == [] and [len(dataset.objects(i).labels) for i in range(3)] == [2, 2, 1]
    assert dataset.notes == [f"{OUTLINED}: 2 (first: img0.png)", f"{NO_BOX}: 1 (first: img2.png)"]


def runs(mask):
    """The run lengths of a mask, column by column, beginning with 0."""
    pixels = np.concatenate([[0], mask.T.reshape(-1), [2]])
    edges = np.flatnonzero(np.diff(pixels))
    return np.diff([0, *edges]).tolist()


def packed(counts):
    """The same as a string, as pycocotools writes it."""
    text = ""
    for place, count in enumerate(counts):
        value, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = not (value == 0 and not bits & 0x10) and not (value == -1 and bits & 0x10)
            text += chr((bits | (0x20 if more else 0)) + 48)
    return text


@pytest.mark.parametrize("seed", range(30))
def test_boxes_around_masks(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((rng.integers(1, 40), rng.integers(1, 40)), np.uint8)
    mask[tuple(rng.integers(0, mask.shape[axis], 5) for axis in (0, 1))] = 1
    top, left = rng.integers(0, mask.shape[0]), rng.integers(0, mask.shape[1])
    mask[top : top + rng.integers(0, 20), left : left + rng.integers(0, 20)] = 1
    rows, columns = np.nonzero(mask)
    expected = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    for counts in (runs(mask), packed(runs(mask))):
        assert box_around({"size": list(mask.shape), "counts": counts}) == expected


def test_a_string_of_pycocotools():
    """mask.encode of a 6x8 mask with rows 1 to 3 of columns 2 to 5."""
    assert packed([13, 3, 3, 3, 3, 3, 3, 3, 14]) == "=3300000;"
    assert box_around({"size": [6, 8], "counts": "=3300000;"}) == [2, 1, 4, 3]


@pytest.mark.parametrize(
    "outline",
    [None, "x", [], [[1, 2]], [[1, 2, 3]], [["a", 1, 2, 3]], {}, {"size": [3, 3], "counts": "abc"}, {"size": 3}],
)
def test_outlines_that_are_none(outline):
    assert box_around(outline) is None


def test_a_root_category_is_no_class(scenes):
    scenes.categories.insert(0, {"id": 0, "name": "cells", "supercategory": "none"})
    for category in scenes.categories[1:]:
        category["supercategory"] = "cells"
    assert scenes.open().classes == ("red", "blue")
    whole(scenes.open(), notes=[(ROOT, 1, "cells")])
    scenes.boxes.append({"image_id": 7, "category_id": 0, "bbox": [1, 1, 5, 5]})
    assert scenes.open().classes == ("cells", "red", "blue")  # a box is of it


def test_background_is_no_class(scenes):
    scenes.categories.append({"id": 9, "name": "_background_"})
    scenes.boxes.append({"image_id": 8, "category_id": 9, "bbox": [1, 1, 5, 5]})
    whole(scenes.open(), notes=[(NO_CLASS, 1, "train/img1.png")])


def test_categories_that_a_split_does_not_list(scenes):
    """Matched by name, whatever the order; what is not listed is not there."""
    scenes.save()
    scenes.path = scenes.root / "annotations" / "instances_val.json"
    scenes.categories.reverse()
    for number, category in enumerate(scenes.categories):
        category["id"] = 1 + number  # blue 1, red 2
    for box in scenes.boxes:
        box["category_id"] = 3 - box["category_id"]
    scenes.save()
    scenes.folder = scenes.root / "val"
    for image in scenes.images:
        scenes.draw(image["file_name"])
    train = open_dataset(scenes.root, "train")
    val = open_dataset(scenes.root, "val", classes=train.classes, keep_others=True)
    assert train.classes == val.classes == ("red", "blue")
    whole(val)
    scenes.categories = scenes.categories[1:]
    scenes.boxes = [box for box in scenes.boxes if box["category_id"] == 2]
    scenes.save()
    val = open_dataset(scenes.root, "val", classes=train.classes, keep_others=True)
    assert val.objects(0).labels.tolist() == [0] and off_colour(val) == []
    assert val.notes == [f"{UNSEEN}: 1 (first: blue)"]


def test_everything_twice(scenes):
    scenes.boxes += scenes.boxes
    scenes.images += scenes.images[:1]
    scenes.categories += scenes.categories
    whole(scenes.open(), notes=[(LISTED_TWICE, 1, "img0.png"), (REPEATED, 6, "train/img0.png")])


@pytest.mark.parametrize("crowd", [1, True, "1", "true", 1.0, "True"])
def test_crowds_by_any_word(scenes, crowd):
    scenes.boxes[0]["iscrowd"] = crowd
    scenes.boxes[1]["iscrowd"] = "false"
    assert scenes.open().notes == [f"{CROWD}: 1 (first: train/img0.png)"]


# Files.


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


def test_a_folder_of_images_is_for_coco_alone(scenes, tmp_path, one_line):
    scenes.save()
    (tmp_path / "pictures").mkdir()
    scenes.folder.rename(tmp_path / "pictures" / "train")
    for data in (scenes.path, scenes.root):
        for images in (tmp_path / "pictures" / "train", str(tmp_path / "pictures")):
            whole(open_dataset(data, "train", images=images))
    whole(CocoDataset(scenes.path, images=tmp_path / "pictures"))
    for data, images, part in [
        ("shapes", tmp_path, "generated"),
        (scenes.root, tmp_path / "gone", "gone is no folder"),
        (scenes.root, scenes.root, "3 of them are not in"),
    ]:
        with pytest.raises(MinissdError) as caught:
            open_dataset(data, "train", images=images)
        one_line(caught, part)


def test_the_folder_of_a_split_goes_before_one_that_has_more(scenes):
    """Two of three pictures of train/ are there; in images/ there are three of the same names, of another set."""
    (scenes.folder / "img0.png").unlink()
    for name in ("img0.png", "img1.png", "img2.png"):
        scenes.draw(f"../images/{name}", scene()[::-1])
    whole(scenes.open(), count=2, notes=[(MISSING, 1, "img0.png")])
