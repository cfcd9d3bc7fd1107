"""The rate sweep finds the rate at which the loss is lowest, and leaves everything as it was."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from minissd.data import Labelled
from minissd.models import build
from minissd.training import TrainConfig, rate_sweep, sweep_rates, train
from minissd.training.finite import NotFinite

CONFIG = TrainConfig(epochs=1, batch_size=8, lr=0.05, augmentation="none", workers=0)


class Bars:
    """Sixteen noisy pictures, half of them with a bright bar above, half with one below."""

    task, name, classes, notes = "classify", "bars", ("above", "below"), ()
    labels = np.arange(16) % 2
    ids = tuple(f"picture {i}" for i in range(16))

    def __len__(self):
        return 16

    def __getitem__(self, i):
        image = np.random.default_rng(i).integers(0, 100, (28, 28, 1), np.uint8)
        image[14 * self.labels[i] :][:14] += 120
        return Labelled(self.ids[i], image, int(self.labels[i]))


@pytest.fixture
def network():
    return build("mlp", classes=Bars.classes, width=8)


def losses_like(monkeypatch, curve):
    """Steps whose loss is a function of the decimal logarithm of the rate."""
    monkeypatch.setattr(
        rate_sweep, "train_step", lambda model, optimizer, *_, **__: {"loss": curve(np.log10(optimizer.lr))}
    )


def test_the_suggestion_is_the_middle_of_the_valley(network, monkeypatch):
    losses_like(monkeypatch, lambda x: 2 + abs(x + 2) if x < -2 else 2 + 3 * (x + 2))
    found = sweep_rates(network, Bars(), CONFIG, report=False)
    low, high = found.valley
    assert 0.005 < low < 0.01 < high < 0.02  # the loss falls to 2 and doubles within two thirds of a decade beyond
    assert found.suggestion == pytest.approx((low * high) ** 0.5, rel=0.05)
    assert found.rates[0] == pytest.approx(5e-5) and len(found.rates) < 100  # it ended where the loss had doubled


def test_a_real_sweep_changes_nothing(network, tmp_path):
    before = {name: array.copy() for name, array in network.params.items()}
    found, again = (sweep_rates(network, Bars(), CONFIG, steps=40, report=False) for _ in range(2))
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert 1e-3 < found.suggestion < 5 and found.smooth.min() < 0.5 * found.smooth[0]
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, before[name])
    train(network, Bars(), CONFIG, report=False)
    fresh = build("mlp", classes=Bars.classes, width=8)
    train(fresh, Bars(), CONFIG, report=False)
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, fresh.params[name])
    found.write(tmp_path / "rate.csv")
    with open(tmp_path / "rate.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == found.losses.tolist()


def test_what_is_frozen_stays_so_in_a_sweep(network, monkeypatch):
    trained = []

    def step(model, optimizer, *arguments, **options):
        trained.append(set(optimizer.params))
        return {"loss": 1 / len(trained)}

    monkeypatch.setattr(rate_sweep, "train_step", step)
    sweep_rates(network, Bars(), replace(CONFIG, freeze="fc1,fc2"), report=False)
    assert trained[0] == {"fc3.w", "fc3.b"} and not any(layer.frozen for _, layer in network.leaves())


def test_without_a_rate_at_which_the_loss_falls(network, monkeypatch, refused):
    losses_like(monkeypatch, lambda x: 5 + x)
    with refused("bars", "did not fall", "--lr"):
        sweep_rates(network, Bars(), CONFIG, report=False)

    def step(*arguments, **options):
        raise NotFinite("at once")

    monkeypatch.setattr(rate_sweep, "train_step", step)
    with refused("bars", "diverges after 0 steps", "lower --lr"):
        sweep_rates(network, Bars(), CONFIG, report=False)
