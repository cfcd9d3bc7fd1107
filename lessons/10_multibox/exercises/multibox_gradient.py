"""The gradient of the multibox loss."""

import numpy as np

from minissd.ops import log_softmax


def multibox_gradient(offsets, logits, offset_targets, class_targets, counted, alpha=1.0):
    """The gradients of the multibox loss with respect to `offsets` and `logits`.

        L = (L_conf + alpha L_loc) / M            M: matched boxes of the batch, at least 1

        L_loc  = sum over matched boxes (class_targets > 0) of smooth_L1(offsets - offset_targets)
        L_conf = sum over boxes that count of -log softmax(logits)[class target]

    offsets, offset_targets (N, P, 4); logits (N, P, C + 1); class_targets (N, P) integers, 0 for background; counted
    (N, P) bool: the matched boxes and the hard negatives, as chosen by the forward pass.  The choice is held fixed.
    Returns (d_offsets (N, P, 4), d_logits (N, P, C + 1)).  `log_softmax(logits)` works on the last axis.
    """
    raise NotImplementedError("differentiate both parts")
