import numpy as np


def im2col(x, kernel, stride=1, dilation=1):
    tall, wide = ((k - 1) * dilation + 1 for k in kernel)
    rows = []
    for image in x:
        for top in range(0, x.shape[1] - tall + 1, stride):
            for left in range(0, x.shape[2] - wide + 1, stride):
                window = image[top : top + tall : dilation, left : left + wide : dilation]
                rows.append(window.reshape(-1))
    return np.array(rows)
