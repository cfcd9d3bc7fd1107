"""Hard negative mining and the multibox loss."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.detection import hard_negatives, match_count, multibox_loss, multibox_loss_backward
from minissd.engine import log_softmax
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds

TIED_LOSSES = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def batch(seed, images=3, boxes=40, classes=3, matched=0.15, dtype=np.float64):
    """offsets, logits, offset_targets, class_targets."""
    rng = np.random.default_rng(seed)
    class_targets = rng.integers(1, classes + 1, (images, boxes)) * (rng.random((images, boxes)) < matched)
    shapes = (images, boxes, 4), (images, boxes, classes + 1), (images, boxes, 4)
    return *((2 * rng.standard_normal(shape)).astype(dtype) for shape in shapes), class_targets


def counts_as(positive, if_none):
    """Matches (N,) that the images count as."""
    return np.array([row.sum() if row.any() else if_none for row in positive])


@given(arrays(np.float64, (3, 17), elements=TIED_LOSSES), arrays(bool, (3, 17)), st.integers(0, 4), st.integers(0, 6))
def test_mining_takes_the_worst_negatives_of_each_image_and_the_first_of_equals(conf_loss, positive, ratio, if_none):
    chosen = hard_negatives(conf_loss, positive, ratio, if_none)
    expected = [naive.hard_negatives(*row, ratio, if_none) for row in zip(conf_loss, positive, strict=True)]
    np.testing.assert_array_equal(chosen, expected)
    np.testing.assert_array_equal(hard_negatives(conf_loss[0], positive[0], ratio, if_none), expected[0])


@given(seeds, st.floats(0, 1), st.integers(1, 4), st.sampled_from([0, 2, 9]))
def test_mining_counts(seed, share, ratio, if_none):
    rng = np.random.default_rng(seed)
    conf_loss, positive = rng.random((4, 30)).astype(np.float32), rng.random((4, 30)) < share
    chosen = hard_negatives(conf_loss, positive, ratio, if_none)
    wanted = np.minimum(ratio * counts_as(positive, if_none), (~positive).sum(axis=1))
    np.testing.assert_array_equal(chosen.sum(axis=1), wanted)
    assert not (chosen & positive).any()
    passed_over = np.where(~chosen & ~positive, conf_loss, -1).max(axis=1)
    assert (np.where(chosen, conf_loss, 2).min(axis=1) >= passed_over).all()


@given(seeds, st.sampled_from([0.5, 1.0]), st.integers(1, 3), st.sampled_from([0.0, 0.15]), st.sampled_from([0, 2]))
def test_gradient(seed, alpha, ratio, matched, if_none):
    offsets, logits, offset_targets, class_targets = batch(seed, images=2, boxes=12, matched=matched)
    options = {"alpha": alpha, "negative_ratio": ratio, "if_none": if_none}
    background_losses = np.sort(-log_softmax(logits)[..., 0], axis=1)
    assume(np.diff(background_losses, axis=1).min() > 1e-3)  # near ties: the choice could flip
    check_backward(
        lambda offsets, logits: multibox_loss(offsets, logits, offset_targets, class_targets, **options),
        lambda dloss, cache: multibox_loss_backward(cache, dloss),
        [offsets, logits],
        names=["offsets", "logits"],
    )


@given(seeds, st.sampled_from([0.0, 0.01, 0.05, 0.5]), st.sampled_from([0.5, 1.0]))
def test_equals_pytorch_with_autograd(seed, matched, alpha):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    inputs = batch(seed, matched=matched)
    loss, cache = multibox_loss(*inputs, alpha=alpha)
    gradients = multibox_loss_backward(cache)

    offsets, logits, offset_targets, class_targets = map(torch.from_numpy, inputs)
    offsets.requires_grad_()
    logits.requires_grad_()
    positive = class_targets > 0
    localization = F.smooth_l1_loss(offsets[positive], offset_targets[positive], reduction="sum")
    conf_loss = F.cross_entropy(logits.movedim(2, 1), class_targets, reduction="none")
    confidence = conf_loss[positive].sum()
    for one_loss, one_positive in zip(conf_loss, positive, strict=True):
        negatives = one_loss[~one_positive]
        count = min(3 * int(one_positive.sum()), len(negatives))
        confidence = confidence + negatives.topk(count).values.sum()
    expected = (confidence + alpha * localization) / max(int(positive.sum()), 1)
    expected.backward()

    np.testing.assert_allclose(loss, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(cache.confidence + alpha * cache.localization, loss, rtol=1e-12)
    np.testing.assert_allclose(gradients[0], offsets.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(gradients[1], logits.grad.numpy(), atol=1e-12)


@given(seeds)
def test_the_loss_is_divided_by_the_matches_of_the_whole_batch(seed):
    inputs = batch(seed)
    per_image = [multibox_loss(*(part[n : n + 1] for part in inputs))[0] for n in range(3)]
    matches = np.maximum((inputs[3] > 0).sum(axis=1), 1)
    np.testing.assert_allclose(multibox_loss(*inputs)[0], (per_image * matches).sum() / (inputs[3] > 0).sum())


def test_defaults_are_those_of_the_paper():
    inputs = batch(0)
    assert multibox_loss(*inputs)[0] == multibox_loss(*inputs, alpha=1, negative_ratio=3, if_none=0)[0]


@given(seeds, st.sampled_from([0.0, 0.02, 0.2]), st.integers(0, 4))
def test_an_image_without_matches_counts_as_one_with_some(seed, matched, if_none):
    inputs = batch(seed, matched=matched)
    loss, cache = multibox_loss(*inputs, if_none=if_none)
    np.testing.assert_allclose(loss, naive.multibox_loss(*inputs, if_none=if_none), rtol=1e-10)
    positive = inputs[3] > 0
    assert match_count(inputs[3], if_none) == sum(counts_as(positive, if_none))
    taught = (multibox_loss_backward(cache)[1] != 0).any(axis=-1).sum(axis=1)
    np.testing.assert_array_equal(taught, np.minimum(positive.sum(axis=1) + 3 * counts_as(positive, if_none), 40))


@given(seeds)
def test_where_every_image_has_a_match_the_rules_are_one(seed):
    inputs = batch(seed)
    assume((inputs[3] > 0).any(axis=1).all())
    results = []
    for if_none in (0, 10):
        loss, cache = multibox_loss(*inputs, if_none=if_none)
        results.append((loss, *multibox_loss_backward(cache)))
    for paper, other in zip(*results, strict=True):
        np.testing.assert_array_equal(paper, other)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("images", [1, 16])
def test_a_batch_without_objects_teaches_background_however_many_images(images):
    """Two classes, none of them surer than the other: -log p_0 is log 3 everywhere, three boxes for each match."""
    zeros = np.zeros((images, 40, 4), np.float32)
    loss, cache = multibox_loss(zeros, zeros[..., :3], zeros, np.zeros((images, 40), int), if_none=5)
    np.testing.assert_allclose(loss, 3 * np.log(3), rtol=1e-6)
    d_offsets, d_logits = multibox_loss_backward(cache)
    assert not d_offsets.any()
    np.testing.assert_allclose(d_logits.sum(axis=(0, 1)), [-2, 1, 1], rtol=1e-5)


def test_an_image_without_objects_teaches_beside_one_with():
    offsets, logits, offset_targets, class_targets = batch(4, images=2)
    class_targets[1] = 0
    for if_none, taught in ((0, 0), (3, 9)):
        _, cache = multibox_loss(offsets, logits, offset_targets, class_targets, if_none=if_none)
        assert (multibox_loss_backward(cache)[1][1] != 0).any(axis=-1).sum() == taught


@pytest.mark.filterwarnings("error")
def test_trap_7_a_batch_without_objects_has_loss_0_and_gradients_0():
    loss, cache = multibox_loss(*batch(0, matched=0, dtype=np.float32))
    assert loss == 0 and loss.shape == () and loss.dtype == np.float32
    assert cache.localization == cache.confidence == 0
    for gradient in multibox_loss_backward(cache):
        np.testing.assert_array_equal(gradient, 0)


@pytest.mark.filterwarnings("error")
def test_trap_13_logits_of_a_thousand_do_not_overflow():
    offsets, logits, offset_targets, class_targets = batch(0, dtype=np.float32)
    loss, cache = multibox_loss(offsets, logits * 1000, offset_targets, class_targets)
    assert np.isfinite(loss)
    assert all(np.isfinite(gradient).all() for gradient in multibox_loss_backward(cache))


def test_slip_background_is_a_class_of_its_own():
    logits = np.zeros((1, 2, 3))
    logits[..., 0] = [5, -5]  # sure of background; sure of the opposite
    _, cache = multibox_loss(np.zeros((1, 2, 4)), logits, np.zeros((1, 2, 4)), np.array([[2, 0]]))
    _, d_logits = multibox_loss_backward(cache)
    assert d_logits[0, 0, 2] < 0 < d_logits[0, 0, 0]  # the matched box: more of class 2, less background
    assert d_logits[0, 1, 0] < 0 < d_logits[0, 1, 1]  # the hard negative: more background


def test_float32_stays_float32():
    loss, cache = multibox_loss(*batch(1, dtype=np.float32))
    assert {x.dtype for x in (loss, *multibox_loss_backward(cache))} == {np.dtype(np.float32)}


def test_wrong_shapes_are_named():
    offsets, logits, offset_targets, class_targets = batch(0)
    with pytest.raises(ValueError, match=r"\(3, 39, 4\)"):
        multibox_loss(offsets[:, 1:], logits, offset_targets, class_targets)


@given(seeds, st.integers(1, 3), st.sampled_from([0.0, 0.03, 0.15]), st.sampled_from([0, 4]))
def test_the_losses_and_gradients_of_parts_add_up_to_those_of_the_batch(seed, first, matched, if_none):
    """With the M of the whole batch, each image contributes what it contributes there."""
    inputs = batch(seed, images=4, matched=matched)
    rule = {"if_none": if_none}
    loss, cache = multibox_loss(*inputs, **rule)
    parts = [
        multibox_loss(*(array[part] for array in inputs), matched=match_count(inputs[3], if_none), **rule)
        for part in (slice(0, first), slice(first, 4))
    ]
    np.testing.assert_allclose(sum(part_loss for part_loss, _ in parts), loss, rtol=1e-12)
    gradients = [multibox_loss_backward(part_cache) for _, part_cache in parts]
    for whole, *pieces in zip(multibox_loss_backward(cache), *gradients, strict=True):
        np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-12, atol=1e-15)
