"""Published weights see the pixels, and answer with the boxes, that they do where they come from.

The other side is written out here as it stands in ssd.pytorch and in torchvision, on a network of few channels; all of
torchvision, from a photograph to boxes: test_torchvision.py.
"""

import numpy as np
import pytest

from minissd.data import DetectionPreparation, ShapesDataset
from minissd.detection import SSD300, decode, default_boxes, detections_from
from minissd.engine import softmax
from minissd.models import build
from minissd.training import answers, load_checkpoint, save_checkpoint, task_of
from minissd.weights import load, load_model, save

torch = pytest.importorskip("torch")
from weights import torch_layouts  # noqa: E402 (needs torch)

NARROW = {"widths": ((4, 4), (8, 8), (16, 16, 16), (32, 32, 32), (32, 32, 32)), "fc": 64}  # as the fixture `narrow`
RULES = {"ssd.pytorch": ("bilinear", False), "torchvision": ("fine bilinear", True), "caffe": ("antialiased", True)}


def suppressed(boxes, scores, threshold, top_k):
    """ssd.pytorch's nms: indices that stay of boxes (K, 4)."""
    order = np.argsort(scores, kind="stable")[-top_k:]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[-1], order[:-1]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[order, :2]), np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        order = order[~(shared > threshold * (area[order] + area[best] - shared))]
    return kept


def answered(offsets, logits, centers, clip_first, top_k=400):
    """[(label, score, corners)] of an image: ssd.pytorch's Detect, torchvision's postprocess_detections."""
    boxes = decode(offsets, centers)
    boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    boxes = np.clip(boxes, 0, 1) if clip_first else boxes
    found = []
    for label, scores in enumerate(softmax(logits).T[1:]):
        above = np.flatnonzero(scores > 0.01)
        for one in above[suppressed(boxes[above], scores[above], 0.45, top_k)]:
            found.append((label, scores[one], np.clip(boxes[one], 0, 1)))
    return found


def same(found, expected):
    """Whether these `Detections` are the same in another order."""
    rows = np.array(sorted((label, score, *box) for box, label, score in zip(*found, strict=True))).reshape(-1, 6)
    others = np.array(sorted((label, score, *box) for label, score, box in expected)).reshape(-1, 6)
    return rows.shape == others.shape and np.allclose(rows, others, atol=1e-5)


# --- clipping ---


@pytest.mark.parametrize("clip_first", [False, True], ids=["ssd.pytorch", "torchvision"])
def test_boxes_are_clipped_when_the_others_clip_them(clip_first, rng):
    centers = default_boxes(SSD300)[6000::25].astype(np.float64)  # large ones, many of them over the border
    agree = {True: 0, False: 0}
    for _ in range(60):
        offsets, logits = 1.5 * rng.standard_normal((len(centers), 4)), 2 * rng.standard_normal((len(centers), 4))
        expected = answered(offsets, logits, centers, clip_first)
        for ours in agree:
            (found,) = detections_from(offsets[None], logits[None], centers, limit=10_000, clip_first=ours)
            agree[ours] += same(found, expected)
            assert found.corners.min() >= 0 and found.corners.max() <= 1
    assert agree[clip_first] == 60
    assert agree[not clip_first] < 20


def test_on_the_card_they_are_clipped_at_the_same_time(strict, rng):
    centers = default_boxes(SSD300)[6000::25]
    output = [rng.standard_normal((2, len(centers), n)).astype(np.float32) * 2 for n in (4, 4)] + [centers]
    for clip_first in (True, False):
        there = detections_from(*map(strict.asarray, output), clip_first=clip_first)
        for ours, expected in zip(there, detections_from(*output, clip_first=clip_first), strict=True):
            np.testing.assert_array_equal(ours.labels, expected.labels)
            np.testing.assert_allclose(ours.corners, expected.corners, atol=1e-6)


# --- which rule a network follows ---


def rules_of(model):
    return model.resize, model.usage.clip_first


def test_the_rules_come_with_a_file_and_stay_with_the_network(tmp_path, narrow):
    module, _ = torch_layouts.ssd_pytorch(**NARROW)
    torch.save(module.state_dict(), tmp_path / "theirs.pth")
    model, _ = load_model("ssd300-vgg16", tmp_path / "theirs.pth")
    assert rules_of(model) == RULES["ssd.pytorch"]
    save(model, tmp_path / "ours.safetensors")
    save_checkpoint(tmp_path / "checkpoint.safetensors", model)
    again, _ = load_model("ssd300-vgg16", tmp_path / "ours.safetensors")
    resumed = load_checkpoint(tmp_path / "checkpoint.safetensors").model
    assert rules_of(again) == rules_of(resumed) == RULES["ssd.pytorch"]


def test_a_trunk_alone_leaves_our_own_rules(tmp_path, narrow):
    module, _ = torch_layouts.ssd_pytorch(**NARROW)
    torch.save(module.state_dict(), tmp_path / "theirs.pth")
    model = build("ssd300-vgg16", classes=("a",))
    load(model, tmp_path / "theirs.pth", heads=False)
    assert rules_of(model) == RULES["caffe"]


@pytest.mark.parametrize("boxes", RULES)
def test_the_rules_of_each_set_of_boxes(narrow, boxes):
    model = build("ssd300-vgg16", classes=("a",), boxes=boxes)
    assert rules_of(model) == RULES[boxes]
    assert rules_of(build("ssd-tiny", classes=("a",))) == RULES["caffe"]
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, 0::4] = 200  # between the places that plain bilinear looks at
    assert (model.resized(stripes).max() == 0) == (boxes != "caffe")
    np.testing.assert_array_equal(model.seen(stripes)[0], model.resized(stripes))
    colour = np.broadcast_to(np.array([200, 117, 4], np.uint8), (7, 9, 3))  # as it is, resized or not
    for image in (colour, np.broadcast_to(colour[:1, :1], (300, 300, 3))):
        np.testing.assert_array_equal(model.normalize(model.resized(image)[None])[0, 5, 5], (77, 0, -100))


def test_training_without_augmentation_sees_what_evaluation_sees(narrow):
    dataset = ShapesDataset(1, size=420, seed=3)
    for boxes in RULES:
        model = build("ssd300-vgg16", classes=dataset.classes, boxes=boxes)
        prepare = task_of(model).preparation(model, None)
        assert isinstance(prepare, DetectionPreparation)
        image, *_ = prepare(dataset[0], np.random.default_rng(0))
        np.testing.assert_array_equal(image, model.resized(dataset[0].image))


def test_evaluation_and_predict_see_the_same(narrow):
    dataset = ShapesDataset(2, size=420, seed=3)
    for boxes in RULES:
        model = build("ssd300-vgg16", classes=dataset.classes, boxes=boxes)
        evaluated = answers(model, dataset, workers=0)
        predicted = model.predict([sample.image for sample in dataset], score=0.01)
        for one, other in zip(evaluated, predicted, strict=True):
            assert len(one.scores) > 0
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
            np.testing.assert_allclose(420 * one.corners, other.boxes, atol=1e-3)


def test_a_large_photograph_is_decoded_in_full_where_it_is_not_averaged(tmp_path, narrow):
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (2100, 2100, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.jpg", quality=95)
    with Image.open(tmp_path / "large.jpg") as image:
        whole = np.asarray(image)
    model = build("ssd300-vgg16", classes=("a",), boxes="ssd.pytorch")
    np.testing.assert_array_equal(model.seen(tmp_path / "large.jpg")[0], model.resized(whole))
