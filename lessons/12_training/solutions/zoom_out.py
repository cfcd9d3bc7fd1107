import numpy as np


def zoom_out(image, corners, side, left, top, color):
    height, width, _ = image.shape
    canvas = np.empty((side * height, side * width, 3), np.uint8)
    canvas[...] = color
    canvas[top : top + height, left : left + width] = image
    place = np.array([left / width, top / height, left / width, top / height])
    return canvas, (corners + place) / side
