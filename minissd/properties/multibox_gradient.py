"""What holds for the gradient of the multibox loss, the boxes that count in it being given."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from minissd import detection, naive
from minissd.properties.core import Property, require_equal
from minissd.properties.multibox import batches, require_slope


@st.composite
def counted_batches(draw):
    """Matched boxes count, and some of the others."""
    case = draw(batches(max_boxes=2))
    positive = case["class_targets"] > 0
    others = draw(st.lists(st.booleans(), min_size=positive.size, max_size=positive.size))
    return case | {"counted": positive | np.reshape(others, positive.shape), "alpha": draw(st.sampled_from([1.0, 0.5]))}


@st.composite
def matched_batches(draw):
    case = draw(counted_batches())
    assume(case["class_targets"].any())
    return case


def loss_of_counted(offsets, logits, offset_targets, class_targets, counted, alpha):
    """(L_conf + alpha L_loc) / M, box by box."""
    total = 0.0
    for at in np.ndindex(class_targets.shape):
        if class_targets[at] > 0:
            total += alpha * naive.smooth_l1(offsets[at], offset_targets[at], "sum")
        if counted[at]:
            total -= naive.log_softmax(logits[at])[class_targets[at]]
    return total / max((class_targets > 0).sum(), 1)


def _nothing_without_objects(function, class_targets, counted, **case):
    nothing = np.zeros_like(class_targets), np.zeros_like(counted)
    with np.errstate(all="ignore"):
        found = function(**case, class_targets=nothing[0], counted=nothing[1])
    zeros = np.zeros(case["offsets"].shape), np.zeros(case["logits"].shape)
    require_equal(found, zeros, what="the gradients of a batch without an object")


def _only_what_counts(function, class_targets, counted, **case):
    d_offsets, d_logits = map(np.asarray, function(class_targets=class_targets, counted=counted, **case))
    require_equal(d_offsets[class_targets == 0], 0 * d_offsets[class_targets == 0], what="d_offsets of background")
    require_equal(d_logits[~counted], 0 * d_logits[~counted], what="d_logits of boxes that do not count")


def _shift_changes_nothing(function, **case):
    _, d_logits = function(**case)
    totals = np.asarray(d_logits).sum(axis=-1)
    require_equal(totals, np.zeros(totals.shape), what="the sum of d_logits over the classes")


def _slope_of_the_loss(function, offsets, logits, **case):
    d_offsets, d_logits = function(offsets, logits, **case)
    require_slope(d_offsets, lambda changed: loss_of_counted(changed, logits, **case), offsets, "offsets")
    require_slope(d_logits, lambda changed: loss_of_counted(offsets, changed, **case), logits, "logits")


MULTIBOX_GRADIENT = (
    Property("is 0 for a batch without an object", counted_batches(), _nothing_without_objects),
    Property("is 0 at boxes that do not count", matched_batches(), _only_what_counts),
    Property("adds up to 0 over the classes", matched_batches(), _shift_changes_nothing),
    Property("is what difference quotients of the loss measure", matched_batches(), _slope_of_the_loss),
)


def library_multibox_gradient(offsets, logits, offset_targets, class_targets, counted, alpha=1.0):
    """`multibox_loss_backward`, with `counted` in the place of its own choice."""
    _, cache = detection.multibox_loss(offsets, logits, offset_targets, class_targets, alpha)
    return detection.multibox_loss_backward(cache._replace(box_weight=counted / max((class_targets > 0).sum(), 1)))
