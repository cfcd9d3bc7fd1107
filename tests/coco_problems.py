"""Random detections of random objects, with all that COCO's rules are about: for the tests of its figures.

Drawn from a RandomState, whose numbers are the same in every version of NumPy.
"""

import numpy as np

from minissd.detection import Detections, Objects
from minissd.metrics import Extents

CLASSES = ("often", "seldom", "without detections", "without objects")
SIDES = np.array([8, 20, 32, 40, 90, 96, 130, 300])  # 32 and 96 are where small and medium end


def random_problem(seed):
    """detections, objects and extents of 8 images, in whole pixels: crowds, objects that lie on each other, areas of
    exactly 32x32, scores that are equal, boxes found twice, and in one image more than a hundred of one class."""
    rng = np.random.RandomState(seed)
    images = [_random_image(rng, crowded=i == 3) for i in range(8)]
    return tuple(map(list, zip(*images, strict=True)))


def _random_image(rng, crowded):
    count = rng.randint(1, 7) if crowded else rng.randint(0, 7)
    objects = _boxes(rng, count)
    objects[1::3] = objects[0::3][: len(objects[1::3])] + rng.randint(-4, 5, (len(objects[1::3]), 4))
    labels = rng.choice(3, count, p=[0.6, 0.2, 0.2])
    crowd = rng.rand(count) < 0.2
    areas = (objects[:, 2:] - objects[:, :2]).prod(axis=1) * rng.choice([1, 0.6], count)  # of an outline, perhaps

    many = 110 if crowded else 3
    near = np.repeat(np.arange(count), many)
    found = objects[near] + rng.randint(-9, 10, (len(near), 4))
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    found = np.concatenate([found, found[::5], _boxes(rng, 4)])
    found_labels = np.concatenate([labels[near], labels[near][::5], rng.randint(0, 4, 4)])
    found_labels = np.where(found_labels == 2, 3, found_labels)
    scores = rng.randint(1, 20, len(found)) / 20
    parts = Detections(found.astype(float), found_labels, scores), Objects(objects, labels, np.zeros(count, bool))
    return *parts, Extents((1, 1), areas, crowd)  # corners are in pixels already


def _boxes(rng, count):
    corner, sides = rng.randint(0, 200, (count, 2)), rng.choice(SIDES, (count, 2))
    return np.concatenate([corner, corner + sides], axis=1).astype(float)
