import numpy as np


def ap_eleven_points(recall, precision):
    points = [k / 10 for k in range(11)]
    best = [precision[recall >= point].max(initial=0) for point in points]
    return float(np.mean(best))
