import numpy as np


def hard_negatives(conf_loss, positive, ratio=3):
    loss = np.where(positive, -np.inf, conf_loss)  # matched boxes come last
    order = np.argsort(-loss, axis=1)  # boxes, hardest first
    rank = np.argsort(order, axis=1)  # place of each box in that order
    wanted = ratio * positive.sum(axis=1, keepdims=True)
    return (rank < wanted) & ~positive
