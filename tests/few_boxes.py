"""A few boxes, as corners, for the tests of what the functions on boxes take and refuse."""

import numpy as np

PIXELS = np.array([[10, 20, 50, 60], [10, 20, 50, 40], [100, 100, 140, 180]])  # whole pixels
BOXES = np.array([[0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9]])
LABELS = np.array([0, 1])
SCORES = np.array([0.9, 0.8])
