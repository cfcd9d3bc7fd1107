import numpy as np


def ap_area_under_curve(recall, precision):
    interpolated = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0)
    return float((steps * interpolated).sum())
