import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def checkpoint(trained):
    return "--checkpoint", trained / "last.safetensors"


def test_annotated_copies_and_boxes_in_pixels(minissd, checkpoint, tree, tmp_path):
    out = tmp_path / "found"
    words = (tree.image("img0"), tree.image("img1"), *checkpoint, "--out", out, "--threshold", 0.05)
    outcome = minissd("detect", *words)
    assert outcome.status == 0, outcome.err
    assert {file.name for file in out.iterdir()} == {"img0.png", "img1.png", "detections.json"}
    assert Image.open(out / "img0.png").size == Image.open(tree.image("img0")).size
    found = json.loads((out / "detections.json").read_text())
    assert list(found) == [str(tree.image("img0")), str(tree.image("img1"))]
    for one in found[str(tree.image("img0"))]:
        x_min, y_min, x_max, y_max = one["box"]
        assert one["class"] in ("cat", "dog") and 0.05 <= one["score"] <= 1
        assert 0 <= x_min <= x_max <= 80 and 0 <= y_min <= y_max <= 60


def test_a_folder_stands_for_its_images(minissd, checkpoint, tree, tmp_path):
    (tree.root / "JPEGImages" / "notes.txt").write_text("no image")
    assert minissd("detect", tree.root / "JPEGImages", *checkpoint, "--out", tmp_path / "found").status == 0
    assert len(list((tmp_path / "found").glob("*.png"))) == 6


def test_images_of_one_name_do_not_overwrite_each_other(minissd, checkpoint, tree, tmp_path):
    other = tmp_path / "other" / "img0.png"
    other.parent.mkdir()
    Image.new("RGB", (50, 40)).save(other)
    minissd("detect", tree.image("img0"), other, *checkpoint, "--out", tmp_path / "found")
    assert len(list((tmp_path / "found").glob("*.png"))) == 2


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "1"])
def test_odd_images_work(minissd, checkpoint, tmp_path, mode):
    file = tmp_path / ("odd.tif" if mode == "CMYK" else "odd.png")
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).convert(mode).save(file)
    assert minissd("detect", file, *checkpoint, "--out", tmp_path / "found").status == 0


def test_a_single_bad_image_fails(refused, checkpoint, tmp_path):
    file = tmp_path / "text.jpg"
    file.write_text("no image")
    refused([file], "detect", file, *checkpoint, "--out", tmp_path / "found")
    assert not (tmp_path / "found").exists()


def test_a_bad_image_among_good_ones_is_named_and_the_good_ones_are_done(minissd, checkpoint, tree, tmp_path):
    tree.image("img1").write_bytes(b"")
    outcome = minissd("detect", tree.root / "JPEGImages", *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 1
    assert str(tree.image("img1")) in outcome.err and "1 of 6" in outcome.err
    assert len(list((tmp_path / "found").glob("*.png"))) == 5


def test_an_empty_folder_and_a_missing_image(refused, checkpoint, tmp_path):
    (tmp_path / "empty").mkdir()
    refused([tmp_path / "empty", "no image"], "detect", tmp_path / "empty", *checkpoint)
    refused([tmp_path / "nothing.jpg"], "detect", tmp_path / "nothing.jpg", *checkpoint)


def test_an_original_is_never_overwritten(refused, checkpoint, tree):
    image = tree.image("img0")
    before = image.read_bytes()
    refused([image, "--out"], "detect", image, *checkpoint, "--out", image.parent)
    assert image.read_bytes() == before


def test_numbered_names_do_not_meet_given_ones(minissd, checkpoint, tree, tmp_path):
    paths = [tmp_path / name for name in ("d/a.png", "e/a.png", "a-2.png", "f/A.png")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (50, 40)).save(path)
    minissd("detect", *paths, *checkpoint, "--out", tmp_path / "found")
    names = [file.name.lower() for file in (tmp_path / "found").glob("*.png")]
    assert len(set(names)) == 4


def test_brackets_in_a_name_are_no_markup(minissd, checkpoint, tmp_path):
    path = tmp_path / "a[/b]" / "[red].png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (50, 40)).save(path)
    outcome = minissd("detect", path, *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "found" / "[red].png").exists()
