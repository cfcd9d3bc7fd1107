"""A loss that is not finite stops the run, says where it began, and leaves the last good checkpoint alone."""

import numpy as np
import pytest

from minissd.data import Batch, DetectionPreparation, Loader
from minissd.training import LAST, SGD, TrainConfig, load_checkpoint, train, train_step

CONFIG = TrainConfig(epochs=3, batch_size=4, workers=0)


def spoil_after(step, array, value):
    """A report that puts a bad value into `array` when `step` is done."""

    def report(record, total):
        if record["step"] == step:
            array.reshape(-1)[0] = value

    return report


def ids_of_step(shapes, step):
    epoch, batch = divmod(step - 1, 2)
    return ", ".join(shapes.ids[i] for i in Loader(shapes, None, 4, seed=CONFIG.seed).order(epoch)[batch])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["stage0.conv0.w", "stage1.bn1.gamma", "head2.logits.b"])
def test_a_parameter(tmp_path, shapes, new_model, refused, name, value):
    model = new_model()
    report = spoil_after(3, model.params[name], value)
    with refused("step 4", f"{name} is not finite", ids_of_step(shapes, 4), "--lr"):
        train(model, shapes, CONFIG, out=tmp_path, report=report)
    assert load_checkpoint(tmp_path / LAST).step == 2


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("stage0.conv0.w", "stage0.conv0"),
        ("stage2.conv0.w", "stage2.conv0"),
        ("head1.offsets.w", "head1.offsets"),
    ],
)
def test_an_overflow_in_a_layer(tmp_path, shapes, new_model, refused, name, layer):
    """All parameters are finite, and batch norm hands the fault on: the first layer to show it is named."""
    model = new_model()

    def report(record, total):
        if record["step"] == 1:
            model.params[name][...] = 3e38

    with refused("step 2", f"that of {layer};", ids_of_step(shapes, 2)):
        train(model, shapes, CONFIG, out=tmp_path, report=report)
    assert not (tmp_path / LAST).exists()


def test_running_statistics_are_not_blamed_for_they_are_not_read(shapes, new_model, refused):
    model = new_model()
    model.buffers["stage0.bn0.running_mean"][...] = np.nan
    model.params["stage2.conv0.w"][...] = 3e38
    with refused("that of stage2.conv0;"):
        train(model, shapes, CONFIG)


def test_a_learning_rate_far_too_high(tmp_path, shapes, new_model, refused):
    config = TrainConfig(epochs=3, batch_size=4, workers=0, lr=1e30)
    with refused("step 2", "stage0", "--lr"):
        train(new_model(), shapes, config, out=tmp_path)


def test_targets(shapes, new_model, refused):
    model = new_model()
    loader = Loader(shapes, DetectionPreparation(model.targets, 64), 4, workers=0)
    batch = next(loader.epoch(0))
    class_targets, offset_targets = batch.targets
    offset_targets[class_targets > 0] = np.nan
    with refused("step 8", "comes from the targets", ", ".join(batch.ids)):
        train_step(model, SGD(model.params, 0.01), Batch(batch.ids, batch.images, batch.targets), CONFIG, 7)


def test_a_buffer_stops_the_run_when_it_is_to_be_saved(tmp_path, shapes, new_model, refused):
    """Training does not read the running statistics: its loss stays finite, evaluation would suffer."""
    model = new_model()
    report = spoil_after(3, model.buffers["stage0.bn1.running_var"], np.nan)
    with refused("buffers/stage0.bn1.running_var is not finite", "step 4", tmp_path / LAST):
        train(model, shapes, CONFIG, out=tmp_path, report=report)
    assert load_checkpoint(tmp_path / LAST).step == 2


def test_the_kept_checkpoint_goes_on(tmp_path, shapes, new_model, refused):
    model = new_model()
    with refused("step 4"):
        train(model, shapes, CONFIG, out=tmp_path, report=spoil_after(3, model.params["head0.logits.w"], np.nan))
    checkpoint = load_checkpoint(tmp_path / LAST)
    records = train(checkpoint.model, shapes, CONFIG, out=tmp_path, resume=checkpoint)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(record["loss"]) for record in records)


def test_no_warning_of_numpy_comes_before_the_message(shapes, new_model, refused, recwarn):
    model = new_model()
    model.params["stage0.conv0.w"][...] = 3e38
    with refused("step 1"):
        train(model, shapes, CONFIG)
    assert [str(warning.message) for warning in recwarn] == []
