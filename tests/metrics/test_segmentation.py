"""The loss and the scores of masks, against loops over pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs

from minissd import naive
from minissd.device import to_numpy
from minissd.gradcheck import check_backward
from minissd.metrics.segmentation import (
    VOID,
    known_pixels,
    mask_from,
    mask_loss,
    mask_loss_backward,
    overlaps,
    score_masks,
)

CLASSES = ("a", "b", "c")


@st.composite
def mask_sets(draw, most=3):
    """Lists of predicted and true masks of C classes, some of which do not occur; the true ones have void pixels."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = draw(st.integers(1, most))
    shapes = [tuple(rng.integers(1, 7, 2)) for _ in range(number)]
    values = np.array(draw(st.lists(st.integers(0, len(CLASSES)), min_size=1, max_size=4)), np.uint8)
    found = [rng.choice(values, shape) for shape in shapes]
    truth = [rng.choice(np.append(values, VOID), shape).astype(np.uint8) for shape in shapes]
    return found, truth


def counts(found, truth, number):
    """Over all known pixels of the set: (predicted and true, predicted, true) of a class."""
    pairs = [(p, t) for one, mask in zip(found, truth, strict=True) for p, t in zip(one.flat, mask.flat) if t != VOID]
    hits = sum(p == t == number for p, t in pairs)
    return hits, sum(p == number for p, _ in pairs), sum(t == number for _, t in pairs), pairs


@given(mask_sets())
def test_scores_are_those_of_loops(masks):
    found, truth = masks
    metrics = score_masks(found, truth, CLASSES)
    ious = []
    for number, name in enumerate(CLASSES, start=1):
        hits, predicted, true, pairs = counts(found, truth, number)
        union = predicted + true - hits
        expected = (hits / union, 2 * hits / (predicted + true)) if union else (np.nan, np.nan)
        assert (metrics["iou"][name], metrics["dice"][name]) == pytest.approx(expected, nan_ok=True)
        ious += [expected[0]] if union else []
    assert metrics["mean_iou"] == pytest.approx(np.mean(ious) if ious else np.nan, nan_ok=True)
    right = np.mean([p == t for p, t in pairs]) if pairs else np.nan
    assert metrics["pixel_accuracy"] == pytest.approx(right, nan_ok=True)
    hits, predicted, true, _ = counts(found, truth, 0)
    union = predicted + true - hits
    assert metrics["background_iou"] == pytest.approx(hits / union if union else np.nan, nan_ok=True)


@given(mask_sets())
def test_dice_follows_from_iou(masks):
    """Dice = 2 IoU / (1 + IoU): they rank alike, and Dice is never the lower one."""
    metrics = score_masks(*masks, CLASSES)
    for name, iou in metrics["iou"].items():
        assert metrics["dice"][name] == pytest.approx(2 * iou / (1 + iou), nan_ok=True)


@given(mask_sets())
def test_void_pixels_do_not_count_whatever_is_found_there(masks):
    found, truth = masks
    changed = [np.where(mask == VOID, (one + 1) % 4, one) for one, mask in zip(found, truth, strict=True)]
    np.testing.assert_equal(score_masks(changed, truth, CLASSES), score_masks(found, truth, CLASSES))


def test_pixels_are_added_up_over_the_set_before_dividing():
    """A large image counts for more than a small one: it is no mean of the images' own IoU."""
    found = [np.ones((1, 9), np.uint8), np.zeros((1, 1), np.uint8)]
    truth = [np.ones((1, 9), np.uint8), np.ones((1, 1), np.uint8)]
    assert score_masks(found, truth, ("a",))["iou"] == {"a": 0.9}


def test_the_truth_scores_1_and_nothing_found_0(rng):
    truth = [rng.integers(0, 4, (9, 8)).astype(np.uint8)]
    assert score_masks(truth, truth, CLASSES)["mean_iou"] == 1
    metrics = score_masks([np.zeros((9, 8), np.uint8)], truth, CLASSES)
    assert metrics["mean_iou"] == 0 and metrics["dice"] == dict.fromkeys(CLASSES, 0)


def test_the_matrix_has_the_truth_in_its_rows():
    iou, dice = overlaps(np.array([[5, 1], [2, 4]]))
    np.testing.assert_allclose(iou, [5 / 8, 4 / 7])
    np.testing.assert_allclose(dice, [10 / 13, 8 / 11])


def test_masks_of_two_sizes_are_refused():
    with pytest.raises((ValueError, IndexError)):
        score_masks([np.zeros((2, 3), np.uint8)], [np.zeros((3, 2), np.uint8)], ("a",))


def test_a_pixel_takes_the_likeliest_class_or_none():
    probabilities = np.array([[[0.9, 0.8], [0.5, 0.2], [0.4, 0.49], [0.1, 0.7]]])
    assert mask_from(probabilities).tolist() == [[1, 1, 0, 2]]


# --- the loss ---


@pytest.fixture
def masks(rng):
    return rng.choice(np.array([0, 1, 2, VOID], np.uint8), (2, 4, 5))


def naive_loss(logits, masks):
    """The mean over known pixels and classes of -log p where the pixel is of the class, -log (1 - p) elsewhere."""
    known = np.argwhere(masks != VOID)
    terms = [
        naive.binary_cross_entropy(logits[tuple(place)][k], np.float64(masks[tuple(place)] == k + 1), "sum")
        for place in known
        for k in range(logits.shape[-1])
    ]
    return np.mean(terms)


def test_the_loss_is_that_of_a_loop(masks, rng):
    logits = rng.standard_normal((*masks.shape, 2)) * 3
    assert mask_loss(logits, masks)[0] == pytest.approx(naive_loss(logits, masks))


def test_void_pixels_have_no_gradient_and_the_others_have(masks, rng):
    logits = rng.standard_normal((*masks.shape, 2))
    _, cache = mask_loss(logits, masks)
    d_logits = mask_loss_backward(cache)
    np.testing.assert_array_equal((d_logits != 0).all(axis=-1), masks != VOID)
    check_backward(
        lambda logits: mask_loss(logits, masks), lambda d, cache: mask_loss_backward(cache, d), [logits], rng=rng
    )


def test_parts_of_a_batch_add_up_to_the_whole(masks, rng):
    logits = rng.standard_normal((*masks.shape, 2))
    size = known_pixels(masks)
    whole, cache = mask_loss(logits, masks)
    parts = [mask_loss(logits[i : i + 1], masks[i : i + 1], size) for i in range(2)]
    assert sum(loss for loss, _ in parts) == pytest.approx(whole)
    together = np.concatenate([mask_loss_backward(cache) for _, cache in parts])
    np.testing.assert_allclose(together, mask_loss_backward(cache))


def test_nothing_known_gives_no_loss_and_no_gradient():
    loss, cache = mask_loss(np.ones((1, 2, 2, 1)), np.full((1, 2, 2), VOID, np.uint8))
    assert loss == 0 and not mask_loss_backward(cache).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_runs_on_the_stand_in_for_cupy(strict, masks, rng, dtype):
    logits = rng.standard_normal((*masks.shape, 2)).astype(dtype)
    size = known_pixels(masks)
    expected, cache = mask_loss(logits, masks, size)
    d_expected = mask_loss_backward(cache)
    with count_syncs() as syncs:
        loss, cache = mask_loss(strict.asarray(logits), strict.asarray(masks), size)
        d_logits = mask_loss_backward(cache)
    assert syncs == [] and loss.dtype == d_logits.dtype == np.dtype(dtype)
    np.testing.assert_allclose(to_numpy(loss), expected, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(d_logits), d_expected, rtol=1e-5)


def test_maps_and_masks_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 4, 4, 2\).*\(1, 4, 5\)"):
        mask_loss(np.zeros((1, 4, 4, 2)), np.zeros((1, 4, 5), np.uint8))
