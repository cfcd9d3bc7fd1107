"""The multibox loss as loops over images and default boxes (Liu et al. 2016, section 2.2)."""

import numpy as np

from minissd.naive.operations import log_softmax, smooth_l1


def hard_negatives(conf_loss, positive, ratio=3, if_none=0):
    """Mask (P,) of the negatives of one image with the highest loss, ratio to each of its positives, or if it has
    none, to each of `if_none`."""
    negatives = [box for box in range(len(conf_loss)) if not positive[box]]
    negatives.sort(key=lambda box: -conf_loss[box])  # stable: of equals the first stays first
    chosen = negatives[: ratio * (sum(map(bool, positive)) or if_none)]
    return np.array([box in chosen for box in range(len(conf_loss))], dtype=bool)


def multibox_loss(offsets, logits, offset_targets, class_targets, alpha=1.0, negative_ratio=3, if_none=0):
    """(L_conf + alpha * L_loc) / M of a batch; shapes as for `minissd.detection.multibox_loss`."""
    if not ((class_targets >= 0) & (class_targets < logits.shape[-1])).all():
        raise ValueError(f"multibox_loss needs class targets from 0 to {logits.shape[-1] - 1}")
    confidence, localization, matched = 0.0, 0.0, 0
    for n, targets in enumerate(class_targets):
        conf_loss = [-log_softmax(row)[target] for row, target in zip(logits[n], targets, strict=True)]
        positive = targets > 0
        negative = hard_negatives(conf_loss, positive, negative_ratio, if_none)
        matched += sum(positive) or if_none
        for box in range(len(targets)):
            if positive[box]:
                localization += smooth_l1(offsets[n, box], offset_targets[n, box], "sum")
            if positive[box] or negative[box]:
                confidence += conf_loss[box]
    return (confidence + alpha * localization) / matched if matched else 0.0
