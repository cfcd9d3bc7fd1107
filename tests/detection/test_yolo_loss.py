"""The YOLO loss: its terms, who is responsible, its gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs
from yolo_cases import ANCHORS, anchor_sets, batch

from minissd import naive
from minissd.detection import assign_predictors, yolo_loss, yolo_loss_backward
from minissd.device import to_numpy
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds


def terms_of(cache):
    return {
        "center": cache.center,
        "size": cache.size,
        "object": cache.object,
        "empty": cache.empty,
        "class": cache.classes,
    }


def one_object(boxes, *, label=0, target=(0.5, 0.5, 0.25, 0.25)):
    """Predictions (B, 5) of the only cell of an image, classes (1, 2) of 0, and the labels of the cell."""
    boxes = np.array(boxes, dtype=float)[None, None, None]
    return boxes, np.zeros((1, 1, 1, 1, 2)), np.full((1, 1, 1, 1), label + 1), np.array(target)[None, None, None, None]


# --- the loss ---


@given(seeds, anchor_sets)
def test_the_terms_equal_the_loops_and_add_up(seed, anchors):
    inputs = batch(seed, anchors)
    loss, cache = yolo_loss(*inputs, anchors)
    expected = naive.yolo_loss(*inputs, anchors)
    for name, term in terms_of(cache).items():
        np.testing.assert_allclose(term, expected[name], rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(loss, sum(expected.values()), rtol=1e-12)


@given(seeds, anchor_sets)
def test_a_perfect_prediction_costs_nothing(seed, anchors):
    boxes, classes, class_targets, box_targets = batch(seed, anchors)
    present = class_targets > 0
    units = 1 if anchors is None else anchors
    boxes[..., :2], boxes[..., 2:4] = box_targets[..., :2], np.sqrt(box_targets[..., 2:] / units)
    boxes[..., 4] = present if anchors is not None else present * [1, 0, 0]  # of equal overlaps the first
    classes[...] = class_targets[..., None] == [1, 2, 3]
    loss, cache = yolo_loss(boxes, classes, class_targets, box_targets, anchors)
    np.testing.assert_allclose(loss, 0, atol=1e-20)
    for gradient in yolo_loss_backward(cache):
        np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_the_weights_are_those_of_the_paper():
    """One cell, two predictors, errors written by hand; target: centre (.5, .5), roots of the size (.5, .5)."""
    inputs = one_object([[0.6, 0.7, 0.4, 0.8, 0], [0.5, 0.5, 0.01, 0.01, 0.4]])
    _, cache = yolo_loss(*inputs)
    overlap = assign_predictors(inputs[0], *inputs[2:]).overlap[0, 0, 0, 0]
    np.testing.assert_allclose(cache.center, 5 * (0.1**2 + 0.2**2))
    np.testing.assert_allclose(cache.size, 5 * (0.1**2 + 0.3**2))
    np.testing.assert_allclose(cache.object, overlap**2)
    np.testing.assert_allclose(cache.empty, 0.5 * 0.4**2)
    np.testing.assert_allclose(cache.classes, 1)


def test_roots_make_a_deviation_count_less_in_a_large_box():
    """10 % of the image too wide: of a small box, and of a large one."""
    small, large = (
        yolo_loss(*one_object([[0.5, 0.5, np.sqrt(w + 0.1), 0.5, 0]], target=(0.5, 0.5, w, 0.25)))[1].size
        for w in (0.05, 0.8)
    )
    assert small > 4 * large


@given(seeds, st.integers(2, 4))
def test_the_parts_of_a_batch_add_up(seed, images):
    inputs = batch(seed, images=images)
    parts = [yolo_loss(*(x[n : n + 1] for x in inputs), images=images)[0] for n in range(images)]
    np.testing.assert_allclose(yolo_loss(*inputs)[0], sum(parts))


# --- who is responsible ---


def test_v1_the_predictor_whose_box_overlaps_most_is_responsible_not_the_nearest_in_numbers():
    exact_but_thin, rough = [0.5, 0.5, 0.5, 0.1, 0], [0.6, 0.6, 0.6, 0.6, 0]
    boxes, _, class_targets, box_targets = one_object([exact_but_thin, rough])
    responsible, overlap = assign_predictors(boxes, class_targets, box_targets)
    assert overlap[0, 0, 0, 1] > overlap[0, 0, 0, 0]
    np.testing.assert_array_equal(responsible[0, 0, 0], [False, True])


def test_with_anchors_the_label_says_who_is_responsible_whatever_is_predicted():
    inputs = batch(0, ANCHORS)
    responsible, _ = assign_predictors(inputs[0], *inputs[2:], ANCHORS)
    np.testing.assert_array_equal(responsible, inputs[2] > 0)


@given(seeds)
def test_v1_there_is_one_responsible_predictor_in_each_cell_with_an_object(seed):
    boxes, _, class_targets, box_targets = batch(seed)
    responsible, overlap = assign_predictors(boxes, class_targets, box_targets)
    np.testing.assert_array_equal(responsible.sum(axis=-1), class_targets[..., 0] > 0)
    assert (overlap[responsible] == np.where(responsible, overlap, -1).max(axis=-1)[class_targets[..., 0] > 0]).all()


@given(seeds, anchor_sets)
def test_boxes_learn_where_they_are_responsible_and_classes_where_there_is_an_object(seed, anchors):
    inputs = batch(seed, anchors)
    responsible, overlap = assign_predictors(inputs[0], *inputs[2:], anchors)
    d_boxes, d_classes = yolo_loss_backward(yolo_loss(*inputs, anchors)[1])
    np.testing.assert_array_equal((d_boxes[..., :4] != 0).all(axis=-1), responsible)
    np.testing.assert_array_equal((d_boxes[..., :4] != 0).any(axis=-1), responsible)
    np.testing.assert_array_equal((d_classes != 0).all(axis=-1), inputs[2] > 0)
    confidence = inputs[0][..., 4]
    wanted = np.where(responsible, 2 * (confidence - overlap), confidence) / len(confidence)
    np.testing.assert_allclose(d_boxes[..., 4], wanted)


# --- the gradient ---


@given(seeds, anchor_sets)
def test_gradient_with_the_assignment_held_fixed(seed, anchors):
    boxes, classes, class_targets, box_targets = batch(seed, anchors, side=2)
    fixed = assign_predictors(boxes, class_targets, box_targets, anchors)
    check_backward(
        lambda boxes, classes: yolo_loss(boxes, classes, class_targets, box_targets, anchors, assignment=fixed),
        lambda dloss, cache: yolo_loss_backward(cache, dloss),
        [boxes, classes],
        names=["boxes", "classes"],
    )


@given(seeds, anchor_sets)
def test_equals_pytorch_with_autograd(seed, anchors):
    torch = pytest.importorskip("torch")
    inputs = batch(seed, anchors)
    loss, cache = yolo_loss(*inputs, anchors)
    gradients = yolo_loss_backward(cache)

    boxes, classes, class_targets, box_targets = map(torch.from_numpy, inputs)
    boxes.requires_grad_()
    classes.requires_grad_()
    units = torch.ones(boxes.shape[3], 2) if anchors is None else torch.from_numpy(anchors)
    present = (class_targets > 0).expand(boxes.shape[:-1])
    wanted = box_targets.expand(*boxes.shape[:-1], 4)
    with torch.no_grad():
        sizes = units * boxes[..., 2:4] ** 2
        both = (boxes[..., :2] / 3, sizes), (wanted[..., :2] / 3, wanted[..., 2:])  # centres and sizes; 3 cells a side
        first = torch.maximum(*(center - size / 2 for center, size in both))
        last = torch.minimum(*(center + size / 2 for center, size in both))
        shared = (last - first).clamp(min=0).prod(-1)
        overlap = shared / (sizes.prod(-1) + wanted[..., 2:].prod(-1) - shared)
        if anchors is None:
            present = present & torch.nn.functional.one_hot(overlap.argmax(-1), boxes.shape[3]).bool()
    box_error = torch.cat([boxes[..., :2] - wanted[..., :2], boxes[..., 2:4] - (wanted[..., 2:] / units).sqrt()], -1)
    one_hot = torch.nn.functional.one_hot(class_targets, 4)[..., 1:]
    expected = (
        5 * box_error[present].square().sum()
        + (boxes[..., 4] - overlap)[present].square().sum()
        + 0.5 * boxes[..., 4][~present].square().sum()
        + (classes - one_hot)[class_targets > 0].square().sum()
    ) / len(boxes)
    expected.backward()

    np.testing.assert_allclose(loss, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradients[0], boxes.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(gradients[1], classes.grad.numpy(), atol=1e-12)


# --- awkward input ---


@pytest.mark.filterwarnings("error")
def test_negative_roots_and_boxes_of_no_extent_give_numbers():
    for root in (-0.5, 0.0):
        loss, cache = yolo_loss(*one_object([[0.5, 0.5, root, root, -1.0]] * 2))
        assert np.isfinite(loss)
        d_boxes, _ = yolo_loss_backward(cache)
        assert np.isfinite(d_boxes).all()
        assert (d_boxes[0, 0, 0, 0, 2:4] < 0).all()  # the roots are to grow


@pytest.mark.filterwarnings("error")
def test_a_batch_without_objects_learns_that_there_is_none():
    boxes, *rest = batch(0, share=0, dtype=np.float32)
    loss, cache = yolo_loss(boxes, *rest)
    np.testing.assert_allclose(loss, 0.5 * (boxes[..., 4] ** 2).sum() / 2, rtol=1e-6)
    d_boxes, d_classes = yolo_loss_backward(cache)
    assert not d_boxes[..., :4].any() and not d_classes.any()


@pytest.mark.parametrize("anchors", [None, ANCHORS.astype(np.float32)])
def test_float32_stays_float32(anchors):
    loss, cache = yolo_loss(*batch(1, anchors, dtype=np.float32), anchors)
    assert {x.dtype for x in (loss, *terms_of(cache).values(), *yolo_loss_backward(cache))} == {np.dtype(np.float32)}


def test_wrong_shapes_are_named():
    boxes, classes, class_targets, box_targets = batch(0)
    for wrong in (boxes[:, 1:], boxes[0], boxes[..., :4]):
        with pytest.raises(ValueError, match="yolo_loss needs boxes") as raised:
            yolo_loss(wrong, classes, class_targets, box_targets)
        assert str(wrong.shape) in str(raised.value)
    with pytest.raises(ValueError, match="with anchors"):
        yolo_loss(boxes, classes, class_targets, box_targets, ANCHORS)  # labels of the kind without anchors


@pytest.mark.parametrize("anchors", [None, ANCHORS.astype(np.float32)])
def test_on_the_card_the_loss_never_waits(strict, anchors):
    inputs = batch(2, anchors, dtype=np.float32)
    loss, cache = yolo_loss(*inputs, anchors)
    there = None if anchors is None else strict.asarray(anchors)
    with count_syncs() as causes:
        loss_there, cache_there = yolo_loss(*map(strict.asarray, inputs), there)
        gradients_there = yolo_loss_backward(cache_there)
    assert causes == []
    np.testing.assert_allclose(to_numpy(loss_there), loss, rtol=1e-6)
    for expected, got in zip(yolo_loss_backward(cache), gradients_there, strict=True):
        np.testing.assert_allclose(to_numpy(got), expected, atol=1e-6)
