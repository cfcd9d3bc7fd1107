"""COCO JSON with the paths of other machines: which file an image is, and when it is missing."""

from urllib.parse import quote

import pytest
from coco_scenes import refused, whole
from scenes import scene

from minissd.data.catalogue import open_dataset
from minissd.data.coco import CocoDataset
from minissd.data.coco_images import MISSING
from minissd.errors import MinissdError


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
