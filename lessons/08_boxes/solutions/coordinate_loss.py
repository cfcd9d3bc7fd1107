import numpy as np


def coordinate_loss(boxes, box_targets, responsible):
    wanted = np.concatenate([box_targets[:, :2], np.sqrt(box_targets[:, 2:])], axis=1)  # (K, 4)
    error = boxes[..., :4] - wanted[:, None]  # (K, B, 4)
    return 5.0 * (error[responsible] ** 2).sum()
