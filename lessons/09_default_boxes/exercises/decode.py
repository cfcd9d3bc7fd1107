"""From predicted offsets back to boxes."""

import numpy as np


def decode(offsets, default_boxes, variances=(0.1, 0.2)):
    """Predicted offsets, as boxes: the inverse of `encode`.

        g_cx = d_cx + t_cx v_1 d_w        g_w = d_w exp(t_w v_2)        likewise g_cy and g_h

    offsets t (n, 4), default_boxes d (n, 4) c_x, c_y, w, h -> boxes g (n, 4) c_x, c_y, w, h.  Whatever a network
    predicts, exp makes a width of it that is larger than 0.
    """
    raise NotImplementedError("turn each default box into the predicted box")
