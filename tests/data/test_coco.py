"""COCO JSON: what is read, what is dropped and said so, and one line for everything that is wrong."""

import numpy as np
import pytest
from coco_sets import CocoSet
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minissd.data.coco import CROWD, CocoDataset
from minissd.data.coco_annotation import STRANGERS
from minissd.data.images import read_image
from minissd.data.placing import NO_EXTENT, OUTSIDE, OVER_THE_EDGE
from minissd.data.samples import REPEATED, UNSEEN
from minissd.errors import MinissdError

PERSON, DOG, CAT = 1, 3, 7


@pytest.fixture
def coco(tmp_path):
    """An empty set; `coco.add(...)` fills it, `coco.save()` writes the file."""
    return CocoSet(tmp_path / "set")


@pytest.fixture
def pets(coco):
    """A person; a cat and a crowd of dogs; nobody; a crowd of dogs alone."""
    coco.add("one.png", [(PERSON, (0, 0, 20, 30))])
    coco.add("two.png", [(DOG, (4, 4, 30, 20), True), (CAT, (10.5, 5, 19.5, 20))])
    coco.add("three.png")
    return coco.add("four.png", [(DOG, (0, 0, 9, 9), True)])


def refused(coco, one_line, *parts, **options):
    with pytest.raises(MinissdError) as caught:
        CocoDataset(coco.save(), **options)
    one_line(caught, coco.folder / "boxes.json", *parts)


def test_a_file_is_read_as_it_is_written(pets):
    dataset = CocoDataset(pets.save())
    assert dataset.task == "detect" and dataset.name == "boxes"
    assert dataset.classes == ("person", "dog", "cat")  # in the order of their ids, 1, 3, 7
    assert dataset.ids == ["set/one.png", "set/two.png", "set/three.png", "set/four.png"] and len(dataset) == 4
    sample = dataset[1]
    assert sample.id == "set/two.png" and sample.image.shape == (30, 40, 3)
    np.testing.assert_allclose(sample.corners, [[10.5 / 40, 5 / 30, 30 / 40, 25 / 30]], rtol=1e-6)
    assert sample.labels.tolist() == [2] and sample.difficult.tolist() == [False]
    assert (sample.corners.dtype, sample.labels.dtype, sample.difficult.dtype) == (np.float32, np.int64, bool)
    assert dataset.objects(2).corners.shape == (0, 4)  # an image without objects stays
    assert dataset.image_path(0) == pets.folder / "one.png"


def test_crowds_are_not_learned_but_excused_in_a_score(pets):
    for_training, for_a_score = CocoDataset(pets.save()), CocoDataset(pets.save(), keep_others=True)
    assert for_training.notes == [f"{CROWD}: 2 (first: set/two.png)", f"{UNSEEN}: 1 (first: dog)"]
    assert for_a_score.notes == []
    assert [len(for_training.objects(i).labels) for i in range(4)] == [1, 1, 0, 0]
    objects = for_a_score.objects(1)
    assert objects.labels.tolist() == [1, 2] and objects.difficult.tolist() == [True, False]
    assert [len(for_a_score.objects(i).labels) for i in range(4)] == [1, 2, 0, 1]


def test_chosen_classes_give_the_labels_and_the_images(pets):
    both = CocoDataset(pets.save(), classes=["cat", "person"])
    assert both.classes == ("cat", "person") and both.ids == ["set/one.png", "set/two.png"]
    assert [both.objects(i).labels.tolist() for i in range(2)] == [[1], [0]]
    assert both.notes == ["images that show no chosen class, left out: 2 (first: set/three.png)"]
    everyone = CocoDataset(pets.save(), classes=["cat"], keep_others=True)
    assert len(everyone) == 4 and [len(everyone.objects(i).labels) for i in range(4)] == [0, 1, 0, 0]
    assert CocoDataset(pets.save(), classes=["cat", "dog", "person"]).ids == CocoDataset(pets.save()).ids


def test_the_limit_takes_the_first_images(pets):
    assert CocoDataset(pets.save(), limit=2).ids == ["set/one.png", "set/two.png"]
    assert CocoDataset(pets.save(), classes=["cat"], limit=2).ids == ["set/two.png"]


def test_categories_of_one_name_are_one_class(tmp_path):
    coco = CocoSet(tmp_path / "set", {0: "cell", 2: "cell", 1: "spot"})
    coco.add("a.png", [(0, (1, 1, 5, 5)), (1, (1, 1, 5, 5)), (2, (1, 1, 5, 5))])
    dataset = CocoDataset(coco.save())
    assert dataset.classes == ("cell", "spot") and dataset.objects(0).labels.tolist() == [0, 1]
    assert dataset.notes == [f"{REPEATED}: 1 (first: set/a.png)"]


def test_boxes_belong_to_the_image_that_their_id_names(coco):
    """The entries of a file come in any order; here, annotations are the other way round."""
    for number in range(5):
        coco.add(f"{number}.png", [(PERSON, (number, 0, 1 + k, 5)) for k in range(number)])
    coco.content["annotations"].reverse()
    dataset = CocoDataset(coco.save())
    for number in range(5):
        edges = dataset.objects(number).corners[:, [0, 2]] * 40
        np.testing.assert_allclose(edges[:, 0], number)
        assert sorted(np.round(edges[:, 1]).tolist()) == [number + 1 + k for k in range(number)]


def test_faulty_boxes_are_dropped_or_clipped_and_counted(coco):
    coco.add(
        "a.png",
        [
            (PERSON, (5, 5, 0, 9)),
            (PERSON, (9, 5, -2, 8)),
            (PERSON, (50, 5, 10, 9)),
            (PERSON, (-9, -9, 9, 9)),
            (PERSON, (30, 20, 20, 20)),
            (PERSON, (1, 2, 0.25, 8)),  # less than a pixel is still a box
        ],
    )
    dataset = CocoDataset(coco.save())
    expected = [[30 / 40, 20 / 30, 1, 1], [1 / 40, 2 / 30, 1.25 / 40, 10 / 30]]
    np.testing.assert_allclose(dataset.objects(0).corners, expected, rtol=1e-6)
    notes = [f"{remark}: {count} (first: set/a.png)" for remark, count in [(NO_EXTENT, 2), (OUTSIDE, 2)]]
    notes += [f"{OVER_THE_EDGE}: 1 (first: set/a.png)", f"{UNSEEN}: 2 (first: dog)"]
    assert sorted(dataset.notes) == sorted(notes)


sides = st.floats(-50, 90) | st.integers(-5, 45)


@given(boxes=st.lists(st.tuples(st.integers(0, 2), sides, sides, sides, sides), max_size=8))
def test_every_box_is_kept_or_named(tmp_path_factory, boxes):
    coco = CocoSet(tmp_path_factory.mktemp("coco") / "set")
    for number in range(3):
        coco.add(f"{number}.png", [(PERSON, box) for image, *box in boxes if image == number])
    coco.add("3.png", [(PERSON, (2, 2, 20 + k, 20)) for k in range(9)])  # lest most boxes look like fractions
    dataset = CocoDataset(coco.save())
    kept = np.concatenate([dataset.objects(i).corners for i in range(3)])
    assert (kept >= 0).all() and (kept <= 1).all() and (kept[:, 2:] > kept[:, :2]).all()
    fewer = [note for note in dataset.notes if "dropped" in note or note.startswith(REPEATED)]
    dropped = sum(int(note.split(": ")[1].split()[0]) for note in fewer)
    assert len(kept) + dropped == len(boxes)


def test_boxes_keep_their_place_in_scaled_images(coco):
    """The size in the JSON is the unit of the boxes, whatever became of the file."""
    coco.add("a.png", [(PERSON, (0, 0, 20, 15))], size=(40, 30), saved_size=(80, 60))
    np.testing.assert_allclose(CocoDataset(coco.save()).objects(0).corners, [[0, 0, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("orientation", "drawn_on_stored"),
    [*((one, False) for one in range(1, 9)), *((one, True) for one in (5, 6, 7, 8))],
)
def test_boxes_of_exif_turned_images_lie_on_what_they_mark(coco, orientation, drawn_on_stored):
    stored = np.zeros((30, 40, 3), np.uint8)
    stored[3:9, 4:20] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(coco.folder / "a.png", exif=exif)
    shown = read_image(coco.folder / "a.png")
    drawn_on = stored if drawn_on_stored else shown
    left, top, right, bottom = red_edges(drawn_on)
    height, width = drawn_on.shape[:2]
    box = {"image_id": 1, "category_id": 1, "bbox": [int(v) for v in (left, top, right - left, bottom - top)]}
    coco.content["images"] = [{"id": 1, "file_name": "a.png", "width": width, "height": height}]
    coco.content["annotations"] = [box]
    dataset = CocoDataset(coco.save())
    in_pixels = dataset[0].corners * np.tile(shown.shape[1::-1], 2)
    np.testing.assert_allclose(in_pixels, [red_edges(shown)], rtol=1e-6)


def red_edges(image):
    rows, columns = np.nonzero(image[..., 0])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


# What is wrong, in one line each.


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["no well-formed JSON"]),
        ('{"images": [', ["no well-formed JSON"]),
        ("[" * 100_000, ["no well-formed JSON"]),
        ("[1, 2]", ["list"]),
        ("{}", ["'categories'"]),
        ('{"categories": {}, "images": [], "annotations": []}', ["'categories'"]),
        ('{"categories": [], "images": [3], "annotations": []}', ["images[0]", "3"]),
        ('{"categories": [], "images": [], "annotations": []}', ["lists no image"]),
    ],
)
def test_files_that_are_none(tmp_path, one_line, text, parts):
    path = tmp_path / "boxes.json"
    path.write_text(text)
    with pytest.raises(MinissdError) as caught:
        CocoDataset(path)
    one_line(caught, path, *parts)


def test_files_that_cannot_be_read(tmp_path, one_line):
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xff"}')
    for path in (tmp_path / "latin.json", tmp_path / "none.json", tmp_path):
        with pytest.raises(MinissdError) as caught:
            CocoDataset(path)
        one_line(caught, path)


def test_all_images_that_cannot_be_read_are_counted(tmp_path, one_line):
    coco = CocoSet(tmp_path / "set")
    for name in ("one.png", "two.png", "three.png"):
        coco.add(name, [(3, [4, 3, 20, 15])])
    for name in ("one.png", "three.png"):
        (coco.folder / name).write_text("no picture")
    with pytest.raises(MinissdError) as caught:
        CocoDataset(coco.save())
    one_line(caught, "2 of 3 images", "one.png", "three.png")


@pytest.mark.parametrize(
    ("key", "change", "parts"),
    [
        ("categories", {"id": True}, ["categories[0]", "id"]),
        ("categories", {"id": "1"}, ["categories", "id 1", "more than once"]),
        ("categories", {"name": ""}, ["categories[0]", "name"]),
        ("categories", {"id": 1}, ["categories", "id 1", "more than once"]),
        ("images", {"id": None}, ["images[0]", "id"]),
        ("images", {"id": 99}, ["images", "id 99", "more than once"]),
        ("images", {"file_name": 7}, ["images[0]", "file_name"]),
        ("images", {"file_name": "a\nb.png"}, ["images[0]", "file_name"]),
        ("images", {"file_name": "two.png"}, ["two.png", "several ids"]),
        ("images", {"width": "wide"}, ["images[0]", "width and height"]),
        ("images", {"height": [30]}, ["images[0]", "width and height"]),
        ("images", {"height": float("nan")}, ["images[0]", "width and height"]),
        ("annotations", {"category_id": 4}, ["annotations[0]", "category_id"]),
        ("annotations", {"category_id": [1]}, ["annotations[0]", "category_id"]),
        ("annotations", {"image_id": {}}, ["annotations[0]", "image_id"]),
        ("annotations", {"bbox": {"x": 1}}, ["annotations[0]", "four numbers"]),
        ("annotations", {"bbox": [1, 2, 3]}, ["annotations[0]", "four numbers", "[1, 2, 3]"]),
        ("annotations", {"bbox": [1, 2, None, 4]}, ["annotations[0]", "four numbers"]),
        ("annotations", {"bbox": "1234"}, ["annotations[0]", "four numbers"]),
        ("annotations", {"bbox": [1, 2, float("nan"), 4]}, ["annotations[0]", "four numbers"]),
        ("annotations", {"bbox": [1, 2, 10**400, 4]}, ["annotations[0]", "four numbers"]),
    ],
)
def test_entries_that_are_wrong(pets, one_line, key, change, parts):
    pets.content[key][0].update(change)
    refused(pets, one_line, *parts)


def test_annotations_of_images_that_are_not_listed(pets):
    del pets.content["images"][1]
    dataset = CocoDataset(pets.save())
    assert len(dataset) == 3 and f"{STRANGERS}: 1 (first: 99)" in dataset.notes


def test_images_that_are_not_there(pets, one_line):
    (pets.folder / "two.png").unlink()
    (pets.folder / "three.png").unlink()
    refused(pets, one_line, "2 of them", "'two.png'")


def test_nothing_left_to_use(pets, one_line):
    refused(pets, one_line, "'horse'", "person, dog, cat", classes=["horse"])
    refused(pets, one_line, "no image shows any of dog", classes=["dog"])  # there are but crowds of them


def test_outlines_are_dropped_while_reading(pets, monkeypatch):
    from minissd.data import coco_annotation

    seen = []
    entries = coco_annotation._entries
    monkeypatch.setattr(coco_annotation, "_entries", lambda *a: seen.append(entries(*a)) or entries(*a))
    CocoDataset(pets.save())
    assert "segmentation" in str(pets.content) and "segmentation" not in str(seen)
