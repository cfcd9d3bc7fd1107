"""Batch norm on a map of one cell, where images that come one by one give one value a channel."""

import numpy as np
import pytest

from minissd.training import TrainConfig, train

NORM = "stage3.bn0"  # of ssd-tiny, which has that map where it reads 64 pixels


@pytest.mark.parametrize(
    ("images", "settings"),
    [(1, {"batch_size": 1}), (1, {"batch_size": 4, "accumulate": 4}), (2, {"batch_size": 4, "accumulate": 2})],
)
def test_a_trained_network_finds_what_it_found_in_training(shapes, new_model, plain, images, settings):
    """`images` at a time; on every map the answers of inference and of training are of one size, and close."""
    model = new_model()
    train(model, shapes, TrainConfig(**settings, lr=0.003, epochs=10, workers=0), augmentation=plain)
    pictures = np.stack([shapes[i].image for i in range(len(shapes))])
    inferred = model.infer(pictures)[1]
    parts = [pictures[i : i + images] for i in range(0, len(pictures), images)]
    trained = np.concatenate([model.forward(part, train=True)[0][1] for part in parts])
    for boxes in model.spec.slices:
        spread = trained[:, boxes].std()
        assert np.abs(trained[:, boxes] - inferred[:, boxes]).mean() < 0.8 * spread
        assert 0.5 * spread < inferred[:, boxes].std() < 2 * spread


@pytest.mark.parametrize("images", [1, 2])
def test_statistics_that_one_value_cannot_give_are_not_taken(shapes, new_model, images):
    model = new_model()
    pictures = np.stack([shapes[i].image for i in range(images)])
    model.forward(pictures, train=True)
    assert (model.buffers[f"{NORM}.running_var"] == 1).all() == (images == 1)
    assert (model.buffers["stage2.bn0.running_var"] != 1).any()  # on 2x2 cells
