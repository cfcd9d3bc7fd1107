"""What holds for the parts of a detector: the file of the lab is held to it, function by function."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.detection import (
    DefaultBoxSpec,
    average_precision,
    default_boxes,
    encode,
    hard_negatives,
    iou,
    judge,
    match,
    multibox_loss,
    multibox_loss_backward,
    nms,
    scales,
    to_centers,
)
from minissd.engine import l2_normalize, log_softmax
from minissd.properties.box_sets import corners, scored_corners
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.windows import seeds

CLASSES, SMALLEST, LARGEST = 2, 0.2, 0.6
MEAN_RGB, DEVIATION = np.array([131, 125, 120], np.float32), np.float32(58)
NORM = 4.0
PEAK = 0.012


def _boxes(map_sizes):
    sizes = scales(len(map_sizes), SMALLEST, LARGEST)
    return default_boxes(DefaultBoxSpec.from_sizes(1, map_sizes, sizes, [(2,)] * len(map_sizes)))


GRID = _boxes([3, 2])  # few enough to follow, with overlaps


def _centers():
    return corners(1, 4).map(lambda boxes: to_centers(boxes).astype(np.float32))


@st.composite
def _pairs(draw):
    objects = draw(_centers())
    boxes = GRID[draw(arrays(np.int64, len(objects), elements=st.integers(0, len(GRID) - 1)))]
    return {"objects": objects, "boxes": boxes}


@st.composite
def _labelled(draw):
    boxes = draw(corners(0, 4)).astype(np.float32)
    labels = draw(arrays(np.int64, len(boxes), elements=st.integers(0, CLASSES - 1)))
    return {"corners": boxes, "labels": labels, "boxes": GRID}


@st.composite
def _targets(draw):
    """Two images of eight boxes, some matched, none or all."""
    classes = draw(arrays(np.int64, (2, 8), elements=st.sampled_from([0, 0, 0, 1, 2])))
    rng = np.random.default_rng(draw(seeds))
    scale = draw(st.sampled_from([1, 500]))
    numbers = {name: rng.standard_normal((2, 8, 4)) for name in ("offsets", "offset_targets")}
    return numbers | {"logits": scale * rng.standard_normal((2, 8, CLASSES + 1)), "classes": classes}


def _encoded(function, objects, boxes):
    require_equal(function(objects, boxes), encode(objects, boxes), rtol=1e-4, atol=1e-5)


def _mined(function, loss, positive):
    mask = function(loss, positive)
    require_equal(np.asarray(mask).astype(bool), hard_negatives(loss, positive), what="the mask")


def _loss_and_gradients(function, offsets, logits, offset_targets, classes):
    loss, cache = multibox_loss(offsets, logits, offset_targets, classes)
    require_equal(function(offsets, logits, offset_targets, classes), (float(loss), *multibox_loss_backward(cache)))


def _encoded_and_decoded(function, objects, boxes):
    require_equal(function(encode(objects, boxes), boxes), objects, rtol=1e-5, atol=1e-6)


def _pooled(function, x):
    require_equal(function(x)[0], naive.max_pool2d(x, (2, 2), stride=2, ceil_mode=True))


def _normalised(function, x):
    expected = l2_normalize(x, np.full(x.shape[-1], NORM))[0]
    require_equal(function(x)[0], expected, rtol=1e-5)  # whatever small number stands under the root


def _window(function, corners, minimum, seed):
    rng = np.random.default_rng(seed)
    windows = [function(corners, minimum, rng) for _ in range(10)]
    for window in windows:
        whole = np.array_equal(window, [0, 0, 1, 1])
        assert whole or iou(window[None], corners).max() >= minimum, "a window shows too little of every object"
    rng = np.random.default_rng(seed)
    large = np.array([[0.05, 0.05, 0.95, 0.95]])
    assert any(function(large, minimum, rng).tolist() != [0, 0, 1, 1] for _ in range(10)), "no window is ever found"


def _rates(function, start, stop, total):
    rates = [PEAK * min((step + 1) / (0.2 * total), (total - step) / (0.8 * total)) for step in range(start, stop)]
    require_equal(np.array(function(start, stop, total)), np.array(rates))


def _hit(function, corners, scores, objects):
    truth = objects, np.zeros(len(objects), int), np.zeros(len(objects), bool)
    verdicts = judge((corners, np.zeros(len(scores), int), scores), truth)
    require_equal(function(corners, scores, objects), verdicts == 1)


few = st.integers(-9, 9).map(float)
maps = arrays(np.float64, st.tuples(st.just(1), st.integers(2, 5), st.integers(2, 5), st.just(2)), elements=few)
logits = arrays(np.float32, (2, 3), elements=st.sampled_from([-1000, -1, 0, 0.5, 3, 1000]))
pixels = arrays(np.uint8, (1, 1, 2, 3), elements=st.sampled_from([0, 1, 120, 125, 131, 255]))


@st.composite
def _curves(draw):
    hits = np.cumsum(draw(st.lists(st.booleans(), min_size=1, max_size=10)))
    return {"recall": hits / 10, "precision": hits / np.arange(1, len(hits) + 1)}


@st.composite
def _rankings(draw):
    loss = np.array(draw(st.permutations(range(16))), float).reshape(2, 8)
    return {"loss": loss, "positive": draw(arrays(bool, (2, 8)))}


@st.composite
def _halves(draw):
    total = draw(st.integers(2, 12))
    return {"start": draw(st.integers(0, total - 1)), "stop": total, "total": total}


@st.composite
def _crops(draw):
    return {"corners": draw(corners(1, 2)), "minimum": draw(st.sampled_from([0.1, 0.3])), "seed": draw(seeds)}


@st.composite
def _scored(draw):
    boxes, scores = draw(scored_corners(6))
    return {"corners": boxes, "scores": scores}


@st.composite
def _reported(draw):
    objects = draw(corners(0, 3))
    boxes = np.concatenate([objects, objects, draw(corners(0, 2))])
    return {"corners": boxes, "scores": np.array(draw(st.permutations(range(len(boxes)))), float), "objects": objects}


def _named(**strategies):
    return st.fixed_dictionaries(strategies)


# function of the detector -> what it has to hold
CLAIMS = {
    "scales": equals(
        lambda maps: scales(maps, SMALLEST, LARGEST),
        _named(maps=st.integers(2, 5)),
        statement="spreads the sides evenly from the smallest to the largest",
    ),
    "default_boxes": equals(
        _boxes,
        _named(map_sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3)),
        statement="puts four boxes into each cell, row by row",
        rtol=1e-5,
    ),
    "encode": Property("says how to get from box to object", _pairs(), _encoded),
    "decode": Property("undoes encode", _pairs(), _encoded_and_decoded),
    "match": equals(
        lambda corners, labels, boxes: match(corners, labels, boxes),
        _labelled(),
        statement="gives every object a default box",
        rtol=1e-4,
        atol=1e-5,
    ),
    "log_softmax": equals(
        lambda logits: log_softmax(logits), _named(logits=logits), statement="is finite for every logit", rtol=1e-5
    ),
    "hard_negatives": Property("takes the hardest negatives of each image", _rankings(), _mined),
    "multibox_loss": Property("is the multibox loss with its gradients", _targets(), _loss_and_gradients),
    "normalize": equals(
        lambda images: (images - MEAN_RGB) / DEVIATION,
        _named(images=pixels),
        statement="takes the mean colour away",
        rtol=1e-5,
    ),
    "max_pool": Property("takes the largest of what is there", _named(x=maps), _pooled),
    "l2_normalize": Property("gives every cell one length, and zeros none", _named(x=maps), _normalised),
    "choose_window": Property("chooses windows that show an object", _crops(), _window),
    "learning_rates": Property("goes on where it stopped", _halves(), _rates),
    "nms": equals(nms, _scored(), statement="keeps the best of each crowd"),
    "hits": Property("counts each object once", _reported(), _hit),
    "average_precision": equals(average_precision, _curves(), statement="reaches the eleven recalls"),
}
