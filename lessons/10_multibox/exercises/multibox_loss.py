"""The loss of an SSD."""

import numpy as np

from minissd.detection import hard_negatives
from minissd.ops import log_softmax


def multibox_loss(offsets, logits, offset_targets, class_targets, alpha=1.0, negative_ratio=3):
    """The multibox loss of a batch.

        L = (L_conf + alpha L_loc) / M            M: matched boxes of the whole batch; L = 0 if there are none

        L_loc  = sum over matched boxes, and their four numbers, of smooth_L1(offset - target)
        L_conf = sum over matched boxes and hard negatives of -log softmax(logits)[class target]

    offsets, offset_targets (N, P, 4); logits (N, P, C + 1); class_targets (N, P) integers, 0 for background, so a box
    is matched where its target is above 0.  Returns a number.
    smooth_L1(d) = 0.5 d^2 where |d| < 1, |d| - 0.5 elsewhere.
    `log_softmax(logits)` works on the last axis; `hard_negatives(conf_loss, positive, ratio)` -> mask, all (N, P).
    """
    raise NotImplementedError("add up both parts and divide")
