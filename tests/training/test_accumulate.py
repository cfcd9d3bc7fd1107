"""A batch in parts: the same update as the whole, for a network without batch norm."""

import numpy as np
import pytest
from plain_ssd import SIZE, WithBackgrounds, plain_ssd

from minissd.data import Batch, DetectionPreparation, Loader
from minissd.detection import NEGATIVES
from minissd.training import SGD, TrainConfig, train
from minissd.training.step import split_batch, train_step


@pytest.mark.parametrize("parts", [2, 3, 8])
@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("kept", [range(8), (1, 4), ()], ids=["objects", "some background", "background"])
def test_the_update_is_that_of_the_whole_batch(shapes, parts, negatives, kept):
    whole, pieces = plain_ssd(shapes), plain_ssd(shapes)
    data, prepare = WithBackgrounds(shapes, kept), DetectionPreparation(whole.targets, SIZE)
    batch = next(Loader(data, prepare, 8, workers=0).epoch(0))
    losses = []
    for model, accumulate in ((whole, 1), (pieces, parts)):
        config = TrainConfig(batch_size=8, accumulate=accumulate, negatives=negatives)
        optimizer = SGD(model.params, 0.01)
        losses.append([train_step(model, optimizer, batch, config, step) for step in range(2)])
    for one, other in zip(*losses, strict=True):
        assert one == pytest.approx(other, rel=1e-10)
    for name, array in whole.params.items():
        np.testing.assert_allclose(pieces.params[name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("images", "count", "sizes"), [(8, 3, [2, 3, 3]), (5, 8, [1] * 5), (4, 1, [4])])
def test_the_parts_are_nearly_equal_and_in_order(images, count, sizes):
    batch = Batch(tuple("abcdefgh"[:images]), np.arange(images), (np.arange(images) * 2,))
    parts = split_batch(batch, count)
    assert sorted(len(part.ids) for part in parts) == sizes
    assert sum((part.ids for part in parts), ()) == batch.ids
    np.testing.assert_array_equal(np.concatenate([part.targets[0] for part in parts]), batch.targets[0])


def test_a_run_ends_after_the_steps_asked_for(shapes, held_out, new_model, tmp_path):
    """Five steps of two batches an epoch: the third epoch is left half way, and validated all the same."""
    config = TrainConfig(steps=5, batch_size=4, workers=0, validate_every=10)
    records = train(new_model(), shapes, config, validation=held_out, out=tmp_path)
    assert [record["step"] for record in records if "loss" in record] == [1, 2, 3, 4, 5]
    assert [record["epoch"] for record in records if "validation" in record] == [3]


def test_more_parts_than_images_are_refused(refused):
    with refused("--accumulate 5", "4 images"):
        TrainConfig(batch_size=4, accumulate=5)
