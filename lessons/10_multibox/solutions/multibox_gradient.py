import numpy as np

from minissd.ops import log_softmax


def multibox_gradient(offsets, logits, offset_targets, class_targets, counted, alpha=1.0):
    positive = class_targets > 0
    matched = max(positive.sum(), 1)
    # (1) localization: the slope of smooth L1, at matched boxes
    d_offsets = np.clip(offsets - offset_targets, -1, 1) * positive[..., None] * alpha / matched
    # (2) confidence: softmax - one_hot, at boxes that count
    one_hot = class_targets[..., None] == np.arange(logits.shape[-1])  # (N, P, C + 1)
    d_logits = (np.exp(log_softmax(logits)) - one_hot) * counted[..., None] / matched
    return d_offsets, d_logits
