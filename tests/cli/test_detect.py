"""`minissd detect` on images: the copies, the boxes, and what becomes of bad files and late failures."""

import json
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from minissd.cli import detect, search
from minissd.detection import Detections
from minissd.errors import MinissdError
from minissd.training import load_checkpoint, save_checkpoint


def found_in(out):
    return json.loads((out / "detections.json").read_text())


def test_annotated_copies_and_boxes_in_pixels(minissd, checkpoint, tree, tmp_path):
    out = tmp_path / "found"
    words = (tree.image("img0"), tree.image("img1"), *checkpoint, "--out", out, "--score", 0.05)
    outcome = minissd("detect", *words)
    assert outcome.status == 0, outcome.err
    assert {file.name for file in out.iterdir()} == {"img0.png", "img1.png", "detections.json"}
    assert Image.open(out / "img0.png").size == Image.open(tree.image("img0")).size
    found = found_in(out)
    assert list(found) == [str(tree.image("img0")), str(tree.image("img1"))]
    for one in found[str(tree.image("img0"))]:
        x_min, y_min, x_max, y_max = one["box"]
        assert one["class"] in ("cat", "dog") and 0.05 <= one["score"] <= 1
        assert 0 <= x_min <= x_max <= 80 and 0 <= y_min <= y_max <= 60


def test_the_size_of_batches_does_not_change_what_is_found(minissd, checkpoint, tree, tmp_path):
    Image.new("RGB", (90, 200)).save(tree.root / "JPEGImages" / "other.png")  # images of several sizes in one batch
    results = []
    for size in (1, 4, 100):
        out = tmp_path / str(size)
        words = ("--out", out, "--score", 0.05, "--batch-size", size, "--no-pictures")
        assert minissd("detect", tree.root / "JPEGImages", *checkpoint, *words).status == 0
        results.append(found_in(out))
    assert len(results[0]) == 7 and any(results[0].values())
    for other in results[1:]:
        assert list(other) == list(results[0])
        for path, objects in other.items():
            np.testing.assert_allclose(boxes(objects), boxes(results[0][path]), atol=0.2)


def test_each_class_has_the_threshold_of_its_checkpoint_unless_told_otherwise(minissd, checkpoint, tree, tmp_path):
    model = load_checkpoint(checkpoint[1]).model
    everything = model.predict(tree.image("img0"), score=0.05)
    cats = np.sort([score for name, score in zip(everything.names, everything.scores, strict=True) if name == "cat"])
    least = float(cats[len(cats) // 2])
    model.thresholds = {"cat": least, "dog": 0.99}
    save_checkpoint(tmp_path / "run" / "best.safetensors", model)
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").model.thresholds == model.thresholds
    assert model.predict(tree.image("img0")).scores.tolist() == cats[cats > least][::-1].tolist()

    words = ("detect", tree.image("img0"), "--checkpoint", tmp_path / "run", "--no-pictures", "--out")
    outcome = minissd(*words, tmp_path / "own")
    assert f"above cat {least:.2f}, dog 0.99: best F1 at the validation" in outcome.out
    (found,) = found_in(tmp_path / "own").values()
    assert [one["class"] for one in found] == ["cat"] * np.count_nonzero(cats > least)
    outcome = minissd(*words, tmp_path / "told", "--threshold", 0.05)
    assert "shown: what scores above 0.05" in outcome.out
    (found,) = found_in(tmp_path / "told").values()
    assert [one["class"] for one in found] == everything.names


def test_a_checkpoint_without_thresholds_shows_what_scores_above_a_half(minissd, checkpoint, tree, tmp_path):
    outcome = minissd("detect", tree.image("img0"), *checkpoint, "--out", tmp_path / "found", "--no-pictures")
    assert "shown: what scores above 0.5 " in outcome.out


def test_the_command_finds_what_predict_does(minissd, checkpoint, tree, tmp_path):
    model = load_checkpoint(checkpoint[1]).model
    paths = sorted((tree.root / "JPEGImages").glob("*.png"))
    minissd("detect", *paths, *checkpoint, "--out", tmp_path / "found", "--score", 0.05, "--no-pictures")
    predicted = model.predict(paths, score=0.05)
    assert any(found.names for found in predicted)
    for found, objects in zip(predicted, found_in(tmp_path / "found").values(), strict=True):
        assert found.names == [one["class"] for one in objects]
        np.testing.assert_allclose(found.scores, [one["score"] for one in objects], atol=1e-4)
        np.testing.assert_allclose(found.boxes, np.reshape([one["box"] for one in objects], (-1, 4)), atol=0.06)


def boxes(objects):
    return sorted(one["box"] for one in objects)


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_boxes_are_pixels_of_the_picture_as_it_is_shown_however_large_it_is(
    minissd, checkpoint, tmp_path, monkeypatch, orientation
):
    """A large JPEG is decoded at a reduced size, and one that is stored turned has its sides exchanged."""
    whole = Detections(np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([0]), np.array([0.9]))
    monkeypatch.setattr(search.Search, "_detect", lambda self, images: [whole] * len(images))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (2400, 2200)).save(tmp_path / "large.jpg", exif=exif)
    minissd("detect", tmp_path / "large.jpg", *checkpoint, "--out", tmp_path / "found")
    (objects,) = found_in(tmp_path / "found").values()
    size = (2400, 2200) if orientation == 1 else (2200, 2400)
    assert objects[0]["box"] == [0, 0, *size]
    assert Image.open(tmp_path / "found" / "large.jpg").size == size


def test_a_folder_stands_for_its_images(minissd, checkpoint, tree, tmp_path):
    (tree.root / "JPEGImages" / "notes.txt").write_text("no image")
    assert minissd("detect", tree.root / "JPEGImages", *checkpoint, "--out", tmp_path / "found").status == 0
    assert len(list((tmp_path / "found").glob("*.png"))) == 6


def test_a_pattern_stands_for_the_images_it_matches(minissd, refused, checkpoint, tree, tmp_path):
    pattern = tree.root / "JPEG*" / "img[02].png"
    assert minissd("detect", pattern, *checkpoint, "--out", tmp_path / "found").status == 0
    assert list(found_in(tmp_path / "found")) == [str(tree.image("img0")), str(tree.image("img2"))]
    refused([tree.root / "*.jpg", "no image or video"], "detect", tree.root / "*.jpg", *checkpoint)


def test_without_pictures_there_is_only_the_json(minissd, checkpoint, tree, tmp_path):
    minissd("detect", tree.image("img0"), *checkpoint, "--out", tmp_path / "found", "--no-pictures")
    assert [file.name for file in (tmp_path / "found").iterdir()] == ["detections.json"]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "1"])
def test_odd_images_work(minissd, checkpoint, tmp_path, mode):
    file = tmp_path / ("odd.tif" if mode == "CMYK" else "odd.png")
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).convert(mode).save(file)
    assert minissd("detect", file, *checkpoint, "--out", tmp_path / "found").status == 0
    assert Image.open(tmp_path / "found" / "odd.png").size == (4, 4)


def test_a_single_bad_image_fails(refused, checkpoint, tmp_path):
    file = tmp_path / "text.jpg"
    file.write_text("no image")
    refused([file], "detect", file, *checkpoint, "--out", tmp_path / "found")
    refused([tmp_path / "nothing.jpg"], "detect", tmp_path / "nothing.jpg", *checkpoint, "--out", tmp_path / "found")
    assert not (tmp_path / "found").exists()


def test_a_bad_image_among_good_ones_is_named_and_the_good_ones_are_done(minissd, checkpoint, tree, tmp_path):
    tree.image("img1").write_bytes(b"")
    outcome = minissd("detect", tree.root / "JPEGImages", *checkpoint, "--out", tmp_path / "found", "--batch-size", 3)
    assert outcome.status == 1
    assert str(tree.image("img1")) in outcome.err and "1 of 6" in outcome.err
    assert len(list((tmp_path / "found").glob("*.png"))) == 5 and len(found_in(tmp_path / "found")) == 5


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(refused, tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    words = ("--checkpoint", tmp_path / "not-looked-at", "--out", tmp_path / "file" / "found")
    refused([tmp_path / "file" / "found", "cannot be written"], "detect", tree.image("img0"), *words)


@pytest.mark.parametrize("error, status", [(MinissdError("the disk is full"), 1), (KeyboardInterrupt(), 130)])
def test_what_was_found_before_a_late_failure_is_kept(minissd, checkpoint, tree, tmp_path, monkeypatch, error, status):
    real, calls = search.Search._detect, []

    def fail_the_third_time(self, images):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return real(self, images)

    monkeypatch.setattr(search.Search, "_detect", fail_the_third_time)
    out = tmp_path / "found"
    outcome = minissd("detect", tree.root / "JPEGImages", *checkpoint, "--out", out, "--batch-size", 2)
    assert outcome.status == status
    assert list(found_in(out)) == [str(tree.image(f"img{i}")) for i in range(4)]
    assert len(list(out.glob("*.png"))) == 4
    assert status == 1 or "stopped after 4 of 6 files" in outcome.out


def test_detections_are_there_while_it_goes_on(minissd, checkpoint, tree, tmp_path, monkeypatch):
    """What a power cut would leave after each batch."""
    seen, search_batch, out = [], search.Search._search_batch, tmp_path / "found"

    def look(self, batch):
        seen.append(len(found_in(out)) if (out / "detections.json").exists() else 0)
        search_batch(self, batch)

    monkeypatch.setattr(search.Search, "_search_batch", look)
    words = ("detect", tree.root / "JPEGImages", *checkpoint, "--out", out, "--batch-size", 2, "--no-pictures")
    monkeypatch.setattr(detect, "SPARING", 0)
    for pause, expected in ((0, [0, 2, 4]), (60, [6, 6, 6])):  # of the second run, the file of the first
        monkeypatch.setattr(detect, "PAUSE", pause)
        seen.clear()
        assert minissd(*words).status == 0
        assert seen == expected and len(found_in(out)) == 6


def test_a_signal_to_end_keeps_what_was_found(minissd, checkpoint, tree, tmp_path, monkeypatch):
    search_batch, out = search.Search._search_batch, tmp_path / "found"

    def told_to_end(self, batch):
        search_batch(self, batch)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(search.Search, "_search_batch", told_to_end)
    words = ("detect", tree.root / "JPEGImages", *checkpoint, "--out", out, "--batch-size", 2, "--no-pictures")
    outcome = minissd(*words)
    assert outcome.status == 128 + signal.SIGTERM and "stopped after 2 of 6 files" in outcome.out
    assert list(found_in(out)) == [str(tree.image(f"img{i}")) for i in range(2)]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    "words",
    [
        ("--weights", "w.pth", "--model", "ssd300-vgg16", "--checkpoint", "c.safetensors"),
        ("--checkpoint", "c.safetensors", "--model", "ssd300-vgg16"),
        ("--checkpoint", "c.safetensors", "--classes", "cat,dog"),
    ],
)
def test_one_source_of_the_model_and_no_more(minissd, tree, words):
    outcome = minissd("detect", tree.image("img0"), *words)
    assert outcome.status == 2 and "--" in outcome.err


def test_brackets_in_a_name_are_no_markup(minissd, checkpoint, tmp_path):
    path = tmp_path / "a[/b]" / "[red].png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (50, 40)).save(path)
    outcome = minissd("detect", path, *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "found" / "[red].png").exists()


def test_a_video_without_opencv(minissd, refused, checkpoint, tree, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    clip = tmp_path / "clip.mp4"
    clip.touch()
    advice = "pip install 'minissd[video]'"
    refused([advice], "detect", clip, *checkpoint, "--out", tmp_path / "found")
    outcome = minissd("detect", clip, tree.image("img0"), *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 1 and advice in outcome.err
    assert (tmp_path / "found" / "img0.png").exists()
