import numpy as np

from minissd.detection import hard_negatives
from minissd.ops import log_softmax


def multibox_loss(offsets, logits, offset_targets, class_targets, alpha=1.0, negative_ratio=3):
    positive = class_targets > 0  # (N, P)
    log_p = log_softmax(logits)  # (N, P, C + 1)
    conf_loss = -np.take_along_axis(log_p, class_targets[..., None], axis=-1)[..., 0]  # (N, P)
    counted = positive | hard_negatives(conf_loss, positive, negative_ratio)
    confidence = conf_loss[counted].sum()

    d = np.abs(offsets - offset_targets)[positive]  # (M, 4)
    localization = np.where(d < 1, 0.5 * d**2, d - 0.5).sum()
    return (confidence + alpha * localization) / max(positive.sum(), 1)
