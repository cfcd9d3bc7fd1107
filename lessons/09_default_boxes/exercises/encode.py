"""From a default box to an object: what the network has to learn."""

import numpy as np


def encode(objects, default_boxes, variances=(0.1, 0.2)):
    """The offsets that turn default boxes into objects.

        t_cx = (g_cx - d_cx) / d_w / v_1        t_cy = (g_cy - d_cy) / d_h / v_1
        t_w  = log(g_w / d_w) / v_2             t_h  = log(g_h / d_h) / v_2

    g: objects (n, 4), d: the default box of each (n, 4), both c_x, c_y, w, h -> offsets (n, 4).  variances: v_1, v_2.
    Measured in sizes of the default box a small box and a large one have the same to learn, and the variances bring
    the numbers to a spread of about 1.
    """
    raise NotImplementedError("return the four offsets of each pair")
