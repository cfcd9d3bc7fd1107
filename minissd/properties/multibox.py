"""What holds for the multibox loss, its parts and its gradient.

Symbols: N images, P default boxes, C + 1 classes with background, M matched boxes.
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minissd import detection, engine, naive
from minissd.gradcheck import GradientError, diagnose, numeric_gradient
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import half_numbers

# --- the logarithm of softmax ---


def logits(elements):
    shapes = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=2).map(lambda shape: (*shape[:-1], 3))
    return st.fixed_dictionaries({"x": shapes.flatmap(lambda shape: arrays(float, shape, elements=elements))})


def _probabilities(function, x):
    require_equal(np.exp(function(x)).sum(axis=-1), np.ones(x.shape[:-1]), what="the sum of exp(result) over a row")


def _survives(function, x):
    with np.errstate(all="ignore"):
        found = np.asarray(function(x))
    assert np.isfinite(found).all(), f"the result is not finite: {found}"
    require_equal(found, naive.log_softmax(x))


LOG_SOFTMAX = (
    Property("gives logarithms of probabilities that add up to 1", logits(half_numbers(-4, 4)), _probabilities),
    equals(naive.log_softmax, logits(half_numbers(-4, 4)), statement="gives the logarithm of each probability"),
    Property("survives logits of a thousand", logits(st.sampled_from([0.0, 1000.0, 999.0, -1000.0])), _survives),
)


# --- smooth L1 ---


@st.composite
def differences(draw):
    """Quarters from a seed, on both sides of the bend at 1: several at once, so that the diagnosis can compare."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = draw(st.sampled_from([(4,), (2, 3)]))
    return {name: rng.integers(-6, 7, shape) / 4 for name in ("pred", "target")}


def _rests_at_the_target(function, pred, target):
    require_equal(function(target, target), np.zeros(target.shape), what="the slope where the prediction is right")


def _no_outlier_rules(function, pred, target):
    slope = np.asarray(function(pred * 100, target))
    assert (np.abs(slope) <= 1).all(), f"a slope is {slope.flat[np.abs(slope).argmax()]:.9g}: an outlier pulls with it"


def require_slope(gradient, loss, x, name):
    """GradientError with a diagnosis unless `gradient` is what difference quotients of `loss(x)`, a number, give."""
    found = diagnose(gradient, numeric_gradient(loss, x))
    if found is not None:
        raise GradientError(f"the gradient of {name} {found.text}")


def _slope_of_smooth_l1(function, pred, target):
    require_slope(function(pred, target), lambda pred: naive.smooth_l1(pred, target, "sum"), pred, "pred")


SMOOTH_L1_GRADIENT = (
    Property("is 0 where the prediction is right", differences(), _rests_at_the_target),
    Property("is never steeper than 1", differences(), _no_outlier_rules),
    Property("is what difference quotients of the loss measure", differences(), _slope_of_smooth_l1),
)


def library_smooth_l1_gradient(pred, target):
    return engine.smooth_l1_backward(engine.smooth_l1(pred, target, reduction="sum")[1])


# --- hard negatives ---


@st.composite
def losses_of_boxes(draw):
    """conf_loss (N, P), no two alike, and which boxes are matched."""
    images, boxes = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    order = draw(st.permutations(range(images * boxes)))
    matched = draw(st.lists(st.sampled_from([False, False, True]), min_size=len(order), max_size=len(order)))
    conf_loss, positive = np.array(order, dtype=float).reshape(images, -1), np.array(matched).reshape(images, -1)
    return {"conf_loss": conf_loss, "positive": positive, "ratio": draw(st.sampled_from([1, 2, 3]))}


def _mine_each_image(conf_loss, positive, ratio):
    return np.array([naive.hard_negatives(*image, ratio) for image in zip(conf_loss, positive, strict=True)])


def _never_a_matched_box(function, conf_loss, positive, ratio):
    mask = np.asarray(function(conf_loss, positive, ratio))
    require_equal(mask & positive, np.zeros(positive.shape, bool), what="the mask at the matched boxes")


def _so_many_in_each_image(function, conf_loss, positive, ratio):
    count = np.asarray(function(conf_loss, positive, ratio)).sum(axis=1)
    wanted = np.minimum(ratio * positive.sum(axis=1), (~positive).sum(axis=1))
    require_equal(count, wanted, what="the number of boxes taken in each image")


HARD_NEGATIVES = (
    Property("never takes a matched box", losses_of_boxes(), _never_a_matched_box),
    Property("takes ratio times the matches of each image", losses_of_boxes(), _so_many_in_each_image),
    equals(_mine_each_image, losses_of_boxes(), statement="takes those with the highest loss"),
)


# --- the loss ---


@st.composite
def batches(draw, max_boxes=4):
    """Quarters from a seed, so that only the shape and the targets are left to be shrunk; of the differences between
    offsets and targets some are below 1 and some above."""
    images, boxes = draw(st.integers(1, 2)), draw(st.integers(1, max_boxes))
    targets = st.lists(st.sampled_from([0, 0, 1, 2]), min_size=images * boxes, max_size=images * boxes)
    class_targets = np.array(draw(targets)).reshape(images, boxes)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shapes = {"offsets": 4, "logits": 3, "offset_targets": 4}
    case = {name: rng.integers(-5, 6, (images, boxes, size)) / 4 for name, size in shapes.items()}
    return case | {"class_targets": class_targets}


@st.composite
def weighted_batches(draw):
    return draw(batches()) | {"alpha": draw(st.sampled_from([1.0, 0.5])), "negative_ratio": draw(st.integers(1, 2))}


def _nothing_without_objects(function, class_targets, **case):
    with np.errstate(all="ignore"):
        loss = function(**case, class_targets=np.zeros_like(class_targets))
    require_equal(loss, 0.0, what="the loss of a batch without an object")


def _background_has_no_place(function, class_targets, offsets, **case):
    elsewhere = np.where(class_targets[..., None] > 0, offsets, offsets + 1)
    expected = function(offsets=offsets, class_targets=class_targets, **case)
    found = function(offsets=elsewhere, class_targets=class_targets, **case)
    require_equal(found, expected, what="the loss, with the offsets of all background boxes changed")


def _same_for_a_batch_twice(function, alpha, negative_ratio, **case):
    twice = {name: np.concatenate([array, array]) for name, array in case.items()}
    expected = function(**case, alpha=alpha, negative_ratio=negative_ratio)
    found = function(**twice, alpha=alpha, negative_ratio=negative_ratio)
    require_equal(found, expected, what="the loss of all images twice")


MULTIBOX_LOSS = (
    Property("is 0 for a batch without an object", weighted_batches(), _nothing_without_objects),
    Property("does not look at the offsets of background boxes", weighted_batches(), _background_has_no_place),
    Property("is the same for a batch and for the batch twice", weighted_batches(), _same_for_a_batch_twice),
    equals(naive.multibox_loss, weighted_batches(), statement="is (L_conf + alpha L_loc) / M"),
)


def library_multibox_loss(*args, **kwargs):
    return detection.multibox_loss(*args, **kwargs)[0]
