"""Recipes: what they set, what goes before them, and what makes no sense."""

from dataclasses import asdict

import pytest

from minissd.training import RECIPES, TrainConfig, default_recipe, settings_of


def test_the_papers_recipe():
    """SSD paper, section 3: SGD with 1e-3, 0.9, 5e-4, batches of 32; the released solver: biases at twice the rate,
    without decay; the rate falls to a tenth twice."""
    config, options = settings_of("paper-voc0712", "ssd300-vgg16", {})
    assert (config.lr, config.momentum, config.weight_decay, config.batch_size) == (1e-3, 0.9, 5e-4, 32)
    assert (config.bias_lr, config.bias_decay, config.augmentation) == (2, False, "ssd")
    assert config.negatives == "paper"
    assert config.total_steps(per_epoch=100) == 120_000
    rates = [config.learning_rate(step, 120_000) for step in (79_999, 80_000, 100_000)]
    assert rates == pytest.approx([1e-3, 1e-4, 1e-5])
    assert options["batch_norm"] is False


def test_from_scratch_the_trunk_has_batch_norm():
    assert settings_of("scratch", "ssd300-vgg16", {})[1]["batch_norm"] is True
    assert default_recipe("ssd300-vgg16") == "scratch"
    assert "batch_norm" not in settings_of("scratch", "ssd-tiny", {})[1]  # which has it anyway


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_the_user_sets_goes_before_the_recipe(recipe):
    given = {"lr": 0.5, "batch_size": 7, "epochs": 3, "batch_norm": False}
    config, options = settings_of(recipe, "ssd300-vgg16", given)
    assert (config.lr, config.batch_size, config.total_steps(10)) == (0.5, 7, 30)
    assert options == {"batch_norm": False, "atrous": True, "boxes": "caffe"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_all_but_the_papers_learn_from_images_without_objects(recipe):
    expected = "paper" if recipe.startswith("paper-voc") else "every-image"
    assert settings_of(recipe, "ssd300-vgg16", {})[0].negatives == expected
    assert settings_of(recipe, "ssd300-vgg16", {"negatives": "paper"})[0].negatives == "paper"


def test_the_short_recipe_is_the_defaults_and_long_enough_for_small_sets():
    config, options = settings_of(default_recipe("ssd-tiny"), "ssd-tiny", {})
    assert config == TrainConfig(least_steps=1000)
    assert options == {"input_size": 240, "boxes": "own", "sampling": "pooling"}
    assert [config.total_steps(per_epoch) for per_epoch in (3, 25, 173)] == [1000, 1000, 40 * 173]
    for given, steps in (({"epochs": 10}, 30), ({"steps": 5}, 5)):
        assert settings_of("short", "ssd-tiny", given)[0].total_steps(per_epoch=3) == steps


@pytest.mark.parametrize(("batch_size", "expected"), [(None, 0.02), (4, 0.005), (32, 0.04)])
def test_the_rate_follows_the_batch_size(batch_size, expected):
    given = {"batch_size": batch_size} if batch_size else {}
    assert settings_of("short", "ssd-tiny", given)[0].lr == pytest.approx(expected)
    assert settings_of("scratch", "ssd300-vgg16", given)[0].lr == pytest.approx(0.01 * (batch_size or 32) / 32)
    assert settings_of("short", "ssd-tiny", given | {"lr": 0.5})[0].lr == 0.5


def test_steps_in_place_of_epochs():
    config, _ = settings_of("short", "ssd-tiny", {"steps": 25})
    assert config.total_steps(10) == 25
    assert asdict(config)["steps"] == 25


def test_what_makes_no_sense(refused):
    with refused("--recipe", "'quick'", "paper-voc07"):
        settings_of("quick", "ssd-tiny", {})
    with refused("--epochs", "--steps"):
        settings_of("short", "ssd-tiny", {"epochs": 2, "steps": 5})
    with refused("--batch-norm", "ssd-tiny", "--input-size"):
        settings_of("short", "ssd-tiny", {"batch_norm": True})
    for model in ("yolo-tiny", "unet", "mlp"):
        with refused("--negatives", model):
            settings_of("short", model, {"negatives": "paper"})
    with refused("--input-size", "ssd300-vgg16"):
        settings_of("scratch", "ssd300-vgg16", {"input_size": 200})
