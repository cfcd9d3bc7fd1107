import numpy as np


def affine_picture(image, matrix, fill):
    back, shift = np.linalg.inv(matrix[:, :2]), matrix[:, 2]
    moved = np.full(image.shape, fill)
    for i, j in np.ndindex(image.shape):
        x, y = back @ (np.array([j + 0.5, i + 0.5]) - shift)
        row, column = int(np.floor(y)), int(np.floor(x))
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            moved[i, j] = image[row, column]
    return moved
