"""Settings that make no sense are refused in one line that names the option."""

import pytest

from minissd.models import build
from minissd.training import TrainConfig
from minissd.training.config import check_same_config


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"epochs": 0}, ["--epochs is 0", "at least 1"]),
        ({"batch_size": 0}, ["--batch-size is 0", "at least 1"]),
        ({"validate_every": -1}, ["--validate-every is -1", "at least 1"]),
        ({"workers": -1}, ["--workers is -1", "at least 0"]),
        ({"seed": -1}, ["--seed is -1", "at least 0"]),
        ({"lr": 0}, ["--lr is 0", "positive"]),
        ({"lr": float("nan")}, ["--lr is nan", "positive"]),
        ({"lr": float("inf")}, ["--lr is inf", "positive"]),
        ({"warmup": 1.0}, ["warmup is 1.0", "below 1"]),
        ({"warmup": -0.1}, ["warmup is -0.1", "at least 0"]),
        ({"schedule": "linear"}, ["--schedule 'linear'", "one-cycle, step"]),
        ({"augmentation": "heavy"}, ["--augmentation 'heavy'", "light"]),
        ({"negatives": "all"}, ["--negatives 'all'", "paper, every-image"]),
    ],
)
def test_refused(refused, settings, parts):
    with refused(*parts):
        TrainConfig(**settings)


def test_the_smallest_settings_that_make_sense():
    TrainConfig(epochs=1, batch_size=1, validate_every=1, workers=0, seed=0, lr=1e-12, warmup=0)


def test_an_augmentation_by_the_name_it_had_before(refused):
    assert TrainConfig(augmentation="notes") == TrainConfig(augmentation="ssd")
    began, model = {"augmentation": "notes", "clip": 10}, build("mlp", classes=("a", "b"))
    check_same_config(began, TrainConfig(augmentation="ssd"), model)
    with refused("augmentation is 'light'", "'ssd'"):
        check_same_config(began, TrainConfig(augmentation="light"), model)
