import numpy as np

from minissd.ops import conv2d, max_pool2d, relu


def ssd_forward(x, stages, heads, classes):
    offsets, logits, caches = [], [], []
    for (w, b), head in zip(stages, heads):
        x, conv = conv2d(x, w, b, pad=1)
        x, bend = relu(x)
        x, pool = max_pool2d(x, 2)
        kept = (conv, bend, pool)
        if head:
            w_offsets, b_offsets, w_logits, b_logits = head
            moves, of_offsets = conv2d(x, w_offsets, b_offsets, pad=1)
            scores, of_logits = conv2d(x, w_logits, b_logits, pad=1)
            offsets.append(moves.reshape(len(x), -1, 4))
            logits.append(scores.reshape(len(x), -1, classes + 1))
            kept += (of_offsets, of_logits)
        caches.append(kept)
    return np.concatenate(offsets, axis=1), np.concatenate(logits, axis=1), caches
