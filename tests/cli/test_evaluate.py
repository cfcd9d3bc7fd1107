import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from voc_trees import Tree

from minissd.cli.results import DetectionResults
from minissd.errors import MinissdError
from minissd.training import load_checkpoint, save_checkpoint

PICTURES = {"precision_recall.png", "average_precision.png", "thresholds.png", "detections.png"}


def test_metrics_and_pictures_lie_beside_the_checkpoint(minissd, trained, tree):
    outcome = minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", "train")
    assert outcome.status == 0, outcome.err
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["AP"].keys() == {"cat", "dog"} and 0 <= metrics["mAP"] <= 1
    assert {"mAP", "recall", "method"} <= metrics.keys()
    assert {file.name for file in trained.iterdir()} >= PICTURES
    for name in PICTURES:
        Image.open(trained / name).verify()
    assert "cat" in outcome.out and "mAP" in outcome.out


def test_a_run_folder_stands_for_its_best_checkpoint(minissd, refused, trained, tree, tmp_path):
    words = ("--checkpoint", trained, "--data", tree.root, "--split", "train")
    newest = minissd("evaluate", *words)
    assert newest.status == 0, newest.err
    assert "last.safetensors, step 4: the newest, for it has no validation" in newest.out
    last = load_checkpoint(trained / "last.safetensors")
    save_checkpoint(trained / "best.safetensors", last.model, step=2, settings={"best": 0.25})
    best = minissd("detect", tree.image("img0"), "--checkpoint", trained, "--out", tmp_path / "found")
    assert "best.safetensors, step 2: the best by its validations, validation 0.250" in best.out
    refused([tmp_path / "found", "best.safetensors"], "evaluate", "--checkpoint", tmp_path / "found")


@pytest.mark.parametrize(("option", "name"), [("--method", "area"), ("--metric", "coco")])
def test_out_and_metric(minissd, trained, tree, tmp_path, option, name):
    words = ("--data", tree.root, "--split", "train", option, name, "--out", tmp_path / "scores")
    outcome = minissd("evaluate", "--checkpoint", trained, *words)
    assert outcome.status == 0, outcome.err
    metrics = metrics_in(tmp_path / "scores")
    assert metrics["method"] == name
    assert metrics["thresholds"].keys() == {"cat", "dog"} and "best F1 on these images" in outcome.out
    if name == "coco":
        assert len(metrics["coco"]) == 12 and metrics["mAP"] == metrics["coco"]["AP"]
        assert "IoU 0.5:0.95, coco" in outcome.out and "ARlarge" in outcome.out
    with open(tmp_path / "scores" / "classes.csv", newline="") as file:
        cat, dog = csv.DictReader(file)
    assert (cat["class"], dog["class"], dog["objects"]) == ("cat", "dog", "6")
    assert float(cat["AP"]) == metrics["AP"]["cat"] and float(dog["f1"]) == metrics["thresholds"]["dog"]["f1"]
    assert {file.name for file in (tmp_path / "scores").iterdir()} >= PICTURES


def test_detections_are_saved_for_others(minissd, trained, tree, tmp_path, monkeypatch):
    monkeypatch.setattr(DetectionResults, "draw", lambda *_, **__: None)
    words = ("--checkpoint", trained, "--data", tree.root, "--split", "train", "--out", tmp_path / "scores")
    outcome = minissd("evaluate", *words, "--save", "voc", "--save", "coco")
    assert outcome.status == 0, outcome.err
    results = json.loads((tmp_path / "scores" / "coco_train_results.json").read_text())
    files = [tmp_path / "scores" / "voc" / f"comp4_det_train_{name}.txt" for name in ("cat", "dog")]
    assert sum(len(file.read_text().splitlines()) for file in files) == len(results) > 0
    assert f"detections: {tmp_path / 'scores' / 'voc'}\n" in outcome.out
    assert minissd("evaluate", *words, "--save", "yolo").status == 2


def test_several_overlaps_give_their_mean_and_each(minissd, trained, tree, monkeypatch):
    monkeypatch.setattr(DetectionResults, "draw", lambda *_, **__: None)
    words = ("--checkpoint", trained, "--data", tree.root, "--split", "train")
    alone = []
    for overlap in ("0.5", "0.3"):
        assert minissd("evaluate", *words, "--iou", overlap, "--out", trained / overlap).status == 0
        alone.append(metrics_in(trained / overlap))
    outcome = minissd("evaluate", *words, "--iou", "0.5,0.3", "--out", trained / "both")
    both = metrics_in(trained / "both")
    assert "mAP at IoU 0.3" in outcome.out and both["iou_threshold"] == [0.3, 0.5]
    assert both["at"]["0.3"]["mAP"] == alone[1]["mAP"] and both["at"]["0.5"]["AP"] == alone[0]["AP"]
    assert both["mAP"] == pytest.approx((alone[0]["mAP"] + alone[1]["mAP"]) / 2)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--metric", "map"), ["'map' is not known", "voc07", "coco"]),
        (("--iou", "half"), ["'half'", "0.5,0.75"]),
        (("--iou", "0.5,1.5"), ["'0.5,1.5'", "0.95"]),
        (("--metric", "coco", "--iou", "0.5"), ["overlaps of its own", "--metric voc"]),
    ],
)
def test_metrics_and_overlaps_that_there_are_not(refused, trained, tree, words, parts):
    refused(parts, "evaluate", "--checkpoint", trained, "--data", tree.root, *words)
    assert not (trained / "metrics.json").exists()


def test_a_class_without_objects_is_null_in_json(minissd, trained, tree):
    tree.add("lonely", [("cat", (5, 5, 30, 25))], size=(80, 60)).list("test", "lonely\n")
    assert minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root).status == 0
    assert json.loads((trained / "metrics.json").read_text())["AP"]["dog"] is None


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", bytes(100)])
def test_what_is_no_checkpoint_is_refused(refused, tree, tmp_path, content):
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    refused([file], "evaluate", "--checkpoint", file, "--data", tree.root)


def test_a_missing_checkpoint(refused, tree, tmp_path):
    refused([tmp_path / "x"], "evaluate", "--checkpoint", tmp_path / "x", "--data", tree.root)


def test_data_of_other_classes(refused, trained):
    refused(["cat", "ellipse"], "evaluate", "--checkpoint", trained / "last.safetensors", "--data", "shapes")


def metrics_in(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_metrics_say_what_they_are_of(minissd, trained, tree):
    words = ("--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", "train", "--iou", 0.6)
    assert minissd("evaluate", *words).status == 0
    metrics = metrics_in(trained)
    assert {key: metrics[key] for key in ("checkpoint", "step", "data", "split", "limit", "images")} == {
        "checkpoint": "last.safetensors",
        "step": 4,
        "data": str(tree.root),
        "split": "train",
        "limit": None,
        "images": 6,
    }
    assert (metrics["iou_threshold"], metrics["method"], metrics["classes"]) == (0.6, "voc07", ["cat", "dog"])


def test_another_question_does_not_overwrite_an_answer(minissd, trained, tree, monkeypatch):
    """The same question does, and each answer is where it is said to be, with its pictures."""
    drawn = []
    monkeypatch.setattr(DetectionResults, "draw", lambda *arguments, **_: drawn.append(arguments[-1]))
    tree.list("test", "img0\nimg1\n")
    checkpoint = ("--checkpoint", trained / "last.safetensors", "--data", tree.root)
    places = []
    for words in (
        ("--split", "train"),
        ("--split", "test"),
        ("--split", "train", "--iou", 0.75),
        ("--split", "train", "--method", "area"),
        ("--split", "train", "--limit", 3),
        ("--split", "test"),
        ("--split", "train"),
    ):
        outcome = minissd("evaluate", *checkpoint, *words)
        assert outcome.status == 0, outcome.err
        (line,) = (line for line in outcome.out.splitlines() if line.startswith("metrics.json and pictures: "))
        places.append(Path(line.partition(": ")[2]))
    assert places[0] == places[6] == trained and places[1] == places[5] and len(set(places)) == 5
    asked = [(one["split"], one["iou_threshold"], one["method"], one["images"]) for one in map(metrics_in, places[:5])]
    assert asked == [
        ("train", 0.5, "voc07", 6),
        ("test", 0.5, "voc07", 2),
        ("train", 0.75, "voc07", 6),
        ("train", 0.5, "area", 6),
        ("train", 0.5, "voc07", 3),
    ]
    assert drawn == places
    assert places[1] == trained / "evaluation-last-tree-test-iou0.5-voc07"


def test_metrics_of_which_nothing_is_known_stay(minissd, trained, tree):
    (trained / "metrics.json").write_text('{"mAP": 0.5}')
    words = ("--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", "train")
    assert minissd("evaluate", *words).status == 0
    assert metrics_in(trained) == {"mAP": 0.5}


def test_figures_are_printed_and_written_before_anything_is_drawn(minissd, trained, tree, monkeypatch):
    def broken(*_, **__):
        raise MinissdError("the font is broken")

    monkeypatch.setattr(DetectionResults, "draw", broken)
    outcome = minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", "train")
    assert outcome.status == 1 and "the font is broken" in outcome.err
    assert "mAP" in outcome.out and 0 <= metrics_in(trained)["mAP"] <= 1


def test_images_that_were_trained_on_are_counted(minissd, trained, tree):
    tree.add("new", [("cat", (5, 5, 30, 25))], size=(80, 60)).list("test", "img0\nimg3\nnew\n").list("val", "new\n")
    words = ("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root)
    assert "2 of the 3 images are images that the network was trained on (first: img0)" in minissd(*words).out
    assert "trained on" not in minissd(*words, "--split", "val").out


def test_images_of_other_data_that_have_the_same_ids_may_be_others(minissd, trained, tmp_path):
    other = Tree(tmp_path / "other").add("img0", [("cat", (5, 5, 30, 25))], size=(80, 60)).list("test", "img0\n")
    out = minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", other.root).out
    assert "1 of the 1 images have the ids of images that the network was trained on (first: img0): if they are" in out


def test_data_that_lack_a_class_are_scored_on_the_others(minissd, trained, tmp_path):
    """In a tree of their own, where no file names a dog, but a fish, which the network does not know."""
    other = Tree(tmp_path / "other").add("a", [("cat", (5, 5, 30, 25)), ("fish", (40, 5, 60, 25))], size=(80, 60))
    words = ("--checkpoint", trained / "last.safetensors", "--data", other.root, "--split", "train")
    outcome = minissd("evaluate", *words)
    assert outcome.status == 0, outcome.err
    metrics = metrics_in(trained)
    assert metrics["AP"]["dog"] is None and metrics["mAP"] == metrics["AP"]["cat"]
    assert "none there" in outcome.out and "mAP, of 1 of 2 classes" in outcome.out
    assert "other classes" in outcome.out  # than those that the network knows


def test_a_split_without_any_object_to_find_is_an_error(refused, trained, tree):
    tree.add("empty", [], size=(80, 60)).list("test", "empty\n")
    tree.add("hard", [("cat", (5, 5, 30, 25), True)], size=(80, 60)).list("val", "hard\n")
    for split in ("test", "val"):  # one object that nobody has to find is none to find
        words = ("--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", split)
        refused(["object" if split == "test" else "to find"], "evaluate", *words)
    assert not (trained / "metrics.json").exists()
