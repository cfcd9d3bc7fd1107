"""A training example is the augmented image and the targets that match its augmented boxes."""

from functools import partial

import numpy as np
import pytest

from minissd.data.augmentation import Augmentation, augment
from minissd.data.prepare import DetectionPreparation
from minissd.data.shapes import ShapesDataset
from minissd.detection import match


@pytest.fixture
def default_boxes():
    centers = (np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) + 0.5) / 6
    boxes = [np.hstack([centers, np.full((36, 2), side)]) for side in (0.2, 0.5)]
    return np.concatenate(boxes).astype(np.float32)  # (72, 4)


@pytest.mark.parametrize("seed", range(5))
def test_targets_belong_to_the_augmented_boxes(default_boxes, seed):
    sample = ShapesDataset(3, size=80)[2]
    prepare = DetectionPreparation(partial(match, default_boxes=default_boxes, threshold=0.2), 48, Augmentation())
    image, class_targets, offset_targets = prepare(sample, np.random.default_rng(seed))
    seen = augment(sample, 48, Augmentation(), np.random.default_rng(seed))
    np.testing.assert_array_equal(image, seen.image)
    expected = match(seen.corners, seen.labels, default_boxes, 0.2)
    for ours, theirs in zip((class_targets, offset_targets), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert class_targets.dtype == np.int64 and offset_targets.dtype == np.float32
    assert (class_targets > 0).any()


def test_without_augmentation_nothing_is_random(default_boxes):
    sample = ShapesDataset(1, size=80)[0]
    image, class_targets, _ = DetectionPreparation(partial(match, default_boxes=default_boxes), 80)(sample, None)
    np.testing.assert_array_equal(image, sample.image)
    assert set(class_targets) - {0} <= set(sample.labels + 1)


def test_difficult_objects_are_learned_like_others(default_boxes):
    sample = ShapesDataset(1, size=80)[0]
    prepare = DetectionPreparation(partial(match, default_boxes=default_boxes), 80)
    hard = prepare(sample._replace(difficult=np.ones(len(sample.labels), bool)), None)
    for ours, theirs in zip(hard, prepare(sample, None), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_image_without_objects_is_all_background(default_boxes):
    sample = ShapesDataset(1, size=80)[0]
    empty = sample._replace(**{name: part[:0] for name, part in sample.objects._asdict().items()})
    prepare = DetectionPreparation(partial(match, default_boxes=default_boxes), 32, Augmentation())
    _, class_targets, offset_targets = prepare(empty, np.random.default_rng(0))
    assert not class_targets.any() and not offset_targets.any()
