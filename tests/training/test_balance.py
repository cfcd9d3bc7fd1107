"""Images that show rare classes are drawn more often, and all of them at times."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data import Loader, Sample
from minissd.data.loader import drawn_by_weight
from minissd.detection import Objects
from minissd.errors import MinissdError
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, train
from minissd.training.balance import draw_weights, drawn_in_an_epoch
from minissd.training.tasks import TASKS

DETECT = TASKS["detect"]
EPOCHS = 60


class Skewed:
    """45 noisy images with a triangle, and 3 with a star."""

    task, name, classes, notes = "detect", "skewed", ("star", "triangle"), ()
    ids = tuple(f"image {i}" for i in range(48))

    def __len__(self):
        return len(self.ids)

    def objects(self, i):
        return Objects(np.array([[0.2, 0.2, 0.7, 0.7]], np.float32), np.array([int(i < 45)]), np.array([False]))

    def __getitem__(self, i):
        return Sample(self.ids[i], np.random.default_rng(i).integers(0, 256, (64, 64, 3), np.uint8), *self.objects(i))


@pytest.fixture
def skewed():
    return Skewed()


def draws(dataset, epochs=EPOCHS, **options):
    """Counter of the images' places over several epochs."""
    loader = Loader(dataset, None, 8, weights=draw_weights(dataset, DETECT), **options)
    return Counter(
        int(draw) % len(dataset) for epoch in range(epochs) for batch in loader.order(epoch) for draw in batch
    )


def test_weights_of_a_skewed_set(skewed):
    """A star is 15 times as rare: sqrt(15) as often."""
    np.testing.assert_allclose(draw_weights(skewed, DETECT), [1.0] * 45 + [15**0.5] * 3)
    images, expected = drawn_in_an_epoch(skewed, DETECT)["star"]
    assert images == 3 and expected == pytest.approx(48 * 3 * 15**0.5 / (45 + 3 * 15**0.5))


def test_rare_classes_are_drawn_more_often_and_each_image_at_times(skewed):
    count = draws(skewed)
    assert sum(count.values()) == EPOCHS * len(skewed) and set(count) == set(range(len(skewed)))
    assert min(count[i] for i in (45, 46, 47)) > 2.5 * max(count[i] for i in range(45))
    assert sum(count[i] for i in (45, 46, 47)) == pytest.approx(
        EPOCHS * drawn_in_an_epoch(skewed, DETECT)["star"][1], rel=0.1
    )
    assert count == draws(skewed) != draws(skewed, seed=1)


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=30), st.integers(0, 99))
def test_every_image_is_drawn_as_often_as_its_weight_makes(weights, seed):
    weights = np.array(weights)
    drawn = drawn_by_weight(weights, np.random.default_rng(seed))
    expected = weights * len(weights) / weights.sum()
    assert len(drawn) == len(set(drawn.tolist())) == len(weights)
    times = np.bincount(drawn % len(weights), minlength=len(weights))
    assert (np.abs(times - expected) < 1 + 1e-6).all()
    assert set(drawn.tolist()) == {i + len(weights) * k for i, n in enumerate(times) for k in range(n)}


def test_an_image_that_is_drawn_again_is_varied_anew_whatever_the_workers(skewed):
    def prepare(sample, rng):
        return np.zeros((2, 2, 3), np.uint8), rng.random(2)

    options = {"seed": 3, "weights": draw_weights(skewed, DETECT)}
    whole = list(Loader(skewed, prepare, 8, workers=0, **options).epoch(2))
    seen = Counter(np.concatenate([batch.targets[0] for batch in whole]).ravel().tolist())
    assert max(seen.values()) == 1
    for workers, start in ((2, 0), (2, 3)):
        again = Loader(skewed, prepare, 8, workers=workers, **options).epoch(2, start)
        for one, other in zip(again, whole[start:], strict=True):
            assert one.ids == other.ids
            np.testing.assert_array_equal(one.targets[0], other.targets[0])
    shares = [list(Loader(skewed, prepare, 8, part=(k, 3), **options).epoch(2)) for k in range(3)]
    assert [sum((share.ids for share in of_batch), ()) for of_batch in zip(*shares)] == [batch.ids for batch in whole]


def test_a_balanced_run_goes_on_bit_for_bit(skewed, tmp_path):
    config = TrainConfig(epochs=1, batch_size=16, balance=True)
    whole = build("ssd-tiny", classes=skewed.classes, input_size=64)
    train(whole, skewed, config, report=False)

    def stop(record, total):
        if record["step"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model = build("ssd-tiny", classes=skewed.classes, input_size=64)
        train(model, skewed, config, out=tmp_path, report=stop)
    run = load_checkpoint(tmp_path / LAST)
    with pytest.raises(MinissdError, match="balance is False"):
        train(run.model, skewed, replace(config, balance=False), out=tmp_path, resume=run)
    train(run.model, skewed, config, out=tmp_path, resume=run, report=False)
    for name, array in whole.params.items():
        np.testing.assert_array_equal(run.model.params[name], array)


def test_masks_and_labels_have_classes_too_but_numbers_have_none():
    class Masks:
        classes = ("a", "b")

        def __len__(self):
            return 3

        def mask(self, i):
            return np.array([[0, 255], [1 + (i == 2), 0]], np.uint8)

    np.testing.assert_allclose(draw_weights(Masks(), TASKS["segment"]), [1, 1, 2**0.5])

    class Labels(Masks):
        labels = np.array([0, 0, 1])

    np.testing.assert_allclose(draw_weights(Labels(), TASKS["classify"]), [1, 1, 2**0.5])
    with pytest.raises(MinissdError, match="--balance"):
        draw_weights(Labels(), TASKS["regress"])
