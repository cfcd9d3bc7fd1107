"""Detections in VOC's and COCO's formats: their own ways to score give the figures that minissd gives."""

import contextlib
import io
import json

import numpy as np
import pytest
from coco_scenes import Scenes
from voc_trees import Tree

from minissd.data import open_dataset
from minissd.detection import Detections
from minissd.detection.metrics import evaluate_detections
from minissd.export.results import check_savable, other_pixels, save_coco, save_voc
from minissd.metrics import coco_metrics


def shaken(dataset, seed=0):
    """Detections near the objects of a data set, some of them of the wrong class, best first."""
    rng, found = np.random.default_rng(seed), []
    for i in range(len(dataset)):
        objects = dataset.objects(i)
        corners = np.repeat(objects.corners, 3, axis=0)
        corners = np.clip(corners + rng.normal(0, 0.03, corners.shape), 0, 1).astype(np.float32)
        corners = np.concatenate([np.minimum(corners[:, :2], corners[:, 2:] - 0.01), corners[:, 2:]], axis=1)
        labels = np.where(
            rng.random(len(corners)) < 0.2, rng.integers(0, len(dataset.classes)), objects.labels.repeat(3)
        )
        scores = np.sort(rng.random(len(corners)).astype(np.float32))[::-1]
        found.append(Detections(corners, labels, scores))
    return found


def test_pycocotools_reads_it_and_gives_the_same_figures(tmp_path):
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    scenes = Scenes(tmp_path / "set", count=6)
    for category, number in zip(scenes.categories, (18, 7)):  # blue comes first
        category["id"] = number
    for box in scenes.boxes:
        box["category_id"] = (18, 7)[box["category_id"] - 1]
        box["area"] = box["bbox"][2] * box["bbox"][3]
    for number, box in enumerate(scenes.boxes):
        box["id"] = number + 1
    dataset = scenes.open()
    assert dataset.classes == ("blue", "red")
    found = shaken(dataset)
    path = save_coco(dataset, found, tmp_path, "train")
    assert path == tmp_path / "coco_train_results.json"
    entries = json.loads(path.read_text())
    assert {entry["image_id"] for entry in entries} == {7, 8, 9, 10, 11, 12}
    objects = [dataset.objects(i) for i in range(len(dataset))]
    ours = coco_metrics(found, objects, [dataset.extents(i) for i in range(len(dataset))], dataset.classes)["coco"]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(scenes.path))
        score = evaluation.COCOeval(truth, truth.loadRes(str(path)), "bbox")
        score.evaluate(), score.accumulate(), score.summarize()
    assert 0.2 < ours["AP"] < 0.9
    np.testing.assert_allclose(score.stats[[0, 1, 2, 8]], [ours[name] for name in ("AP", "AP50", "AP75", "AR100")])


def kit_ap(lines, truth):
    """AP at IoU 0.5, area under the curve, as VOC's kit computes it from a class's lines; truth: id -> boxes (G, 4)."""
    rows = sorted(((float(s), i, np.array(box, float)) for i, s, *box in map(str.split, lines)), key=lambda r: -r[0])
    taken, hits = {i: np.zeros(len(boxes), bool) for i, boxes in truth.items()}, []
    for _, i, box in rows:
        low, high = np.maximum(truth[i][:, :2], box[:2]), np.minimum(truth[i][:, 2:], box[2:])
        inside = np.maximum(high - low + 1, 0).prod(axis=1)
        area = (box[2:] - box[:2] + 1).prod() + (truth[i][:, 2:] - truth[i][:, :2] + 1).prod(axis=1) - inside
        best = (inside / area).argmax() if len(area) else 0
        hits.append(bool(len(area)) and (inside / area)[best] >= 0.5 and not taken[i][best])
        if hits[-1]:
            taken[i][best] = True
    tp = np.cumsum(hits)
    recall = np.r_[0, tp / sum(map(len, truth.values())), 1]
    precision = np.r_[0, tp / np.arange(1, len(tp) + 1), 0]
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def test_the_voc_kit_gives_the_same_ap(tmp_path):
    tree = Tree(tmp_path / "tree")
    rng = np.random.default_rng(3)
    truth = {name: {} for name in ("cat", "traffic light", "unseen")}
    for k in range(8):
        low = rng.integers(1, 40, (2, 2))
        boxes = np.hstack([low, low + rng.integers(10, 38, (2, 2))])
        tree.add(f"{k:06d}", [(name, tuple(map(int, box))) for name, box in zip(truth, boxes)], size=(90, 80))
        for name, box in zip(truth, boxes):
            truth[name][f"{k:06d}"] = box[None]
    dataset = open_dataset(tree.root, "train", classes=("cat", "traffic light"))
    found = shaken(dataset)
    folder = save_voc(dataset, found, tmp_path, "test")
    assert {path.name for path in folder.iterdir()} == {
        "comp4_det_test_cat.txt",
        "comp4_det_test_traffic light.txt",
    }
    objects = [dataset.objects(i) for i in range(len(dataset))]
    ours = evaluate_detections(found, objects, dataset.classes, method="area")
    for name in dataset.classes:
        lines = (folder / f"comp4_det_test_{name}.txt").read_text().splitlines()
        assert kit_ap(lines, truth[name]) == pytest.approx(ours["AP"][name], abs=1e-12)
        assert 0.1 < ours["AP"][name] < 0.95


def test_an_exact_box_is_the_box_of_the_annotation(tmp_path):
    tree = Tree(tmp_path / "tree")
    tree.add("000007", [("cat", (5, 6, 30, 25))], size=(80, 60))
    dataset = open_dataset(tree.root, "train")
    exact = [Detections(dataset.objects(0).corners, np.array([0]), np.array([0.5], np.float32))]
    save_voc(dataset, exact, tmp_path, "val")
    line = (tmp_path / "voc" / "comp4_det_val_cat.txt").read_text()
    assert line == "000007 0.500000000 5.000 6.000 30.000 25.000\n"
    (entry,) = json.loads(save_coco(dataset, exact, tmp_path, "val").read_text())
    assert entry == {"image_id": 7, "category_id": 1, "bbox": [4, 5, 26, 20], "score": 0.5}


def test_classes_that_are_chosen_keep_their_numbers_and_nothing_found_is_a_list(tmp_path):
    scenes = Scenes(tmp_path / "set")
    scenes.save()
    dataset = open_dataset(scenes.root, "train", classes=("blue",))
    assert dataset.category_ids == [2]
    nothing = [Detections(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))] * len(dataset)
    assert json.loads(save_coco(dataset, nothing, tmp_path, "train").read_text()) == []


def test_what_cannot_be_told(tmp_path, refused):
    tree = Tree(tmp_path / "tree")
    tree.add("my cat", [("cat", (5, 6, 30, 25))], size=(80, 60))
    dataset = open_dataset(tree.root, "train")
    with refused("--save voc", "'my cat'"):
        check_savable(dataset, ["voc"])
    check_savable(dataset, ["coco"])
    second = Tree(tmp_path / "second")
    second.add("b", [("cat", (5, 6, 30, 25))], size=(80, 60), xml_size=(160, 120))
    assert not other_pixels(dataset) and other_pixels(open_dataset(second.root, "train"))
    with refused("--save coco", "one set at a time"):
        check_savable(open_dataset(f"{tree.root},{second.root}", "train"), ["coco"])
