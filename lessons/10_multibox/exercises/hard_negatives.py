"""The negatives worth learning from."""

import numpy as np


def hard_negatives(conf_loss, positive, ratio=3):
    """In each image the ratio * (number of its matched boxes) background boxes with the highest confidence loss, or all
    background boxes where there are fewer.

    conf_loss (N, P): -log softmax(logits)[class target] of each box, no two alike; positive (N, P) bool: matched boxes
    -> mask (N, P) bool.  Of 8732 boxes perhaps ten are matched: without a choice the thousands of easy background boxes
    would drown them.
    """
    raise NotImplementedError("choose the background boxes with the highest loss")
