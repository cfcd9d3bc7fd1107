"""The data, folder, checkpoint and settings that a run takes, and those that it refuses before a step is done."""

import pytest

from minissd.data import ShapesDataset
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, train

CONFIG = TrainConfig(epochs=3, batch_size=4, validate_every=2, workers=2)


@pytest.mark.parametrize("use", ["training", "validation"])
def test_nothing_to_learn_or_to_score_is_an_error_before_any_step(tmp_path, shapes, held_out, new_model, refused, use):
    class Bare(ShapesDataset):
        def objects(self, index):
            return type(super().objects(index))(*(part[:0] for part in super().objects(index)))

    bare = Bare(4, "val", size=64)
    sets = (bare, held_out) if use == "training" else (shapes, bare)
    with refused("not one of the 4 images", "cross"):
        train(new_model(), sets[0], CONFIG, validation=sets[1], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_other_images_is_not_gone_on_with(tmp_path, shapes, new_model, refused):
    train(new_model(), shapes, CONFIG, out=tmp_path)
    checkpoint = load_checkpoint(tmp_path / LAST)
    fewer = ShapesDataset(7, size=64)
    with refused("not the 8 images that the run began with: 1 gone (train-00007)"):
        train(checkpoint.model, fewer, CONFIG, out=tmp_path, resume=checkpoint)
    other = ShapesDataset(8, size=64, seed=1)  # the same names
    with refused("other classes or objects in the 8 images"):
        train(checkpoint.model, other, CONFIG, out=tmp_path, resume=checkpoint)
    with refused("other images, classes or objects than the run began with"):  # without the folder, which names them
        train(checkpoint.model, fewer, CONFIG, resume=checkpoint)


def test_a_folder_that_holds_another_run_is_not_written_into(tmp_path, shapes, new_model, refused):
    one, other = tmp_path / "one", tmp_path / "other"
    train(new_model(), shapes, CONFIG, out=one)
    with refused(one, "holds a run already", "resume="):
        train(new_model(), shapes, CONFIG, out=one)
    train(build("ssd-tiny", classes=shapes.classes, input_size=96), shapes, CONFIG, out=other)
    before = (other / "log.jsonl").read_bytes()
    checkpoint = load_checkpoint(one / LAST)
    with refused(other, "another run"):
        train(checkpoint.model, shapes, CONFIG, out=other, resume=checkpoint)
    assert (other / "log.jsonl").read_bytes() == before


def test_a_run_goes_on_with_the_settings_that_it_began_with(tmp_path, shapes, new_model, refused):
    train(new_model(), shapes, TrainConfig(epochs=1, batch_size=4), out=tmp_path)
    checkpoint = load_checkpoint(tmp_path / LAST)
    with refused("lr is 0.001", "began with 0.005"):
        train(checkpoint.model, shapes, TrainConfig(epochs=1, batch_size=4, lr=0.001), resume=checkpoint)
    longer = TrainConfig(epochs=2, batch_size=4, workers=0)
    assert len(train(checkpoint.model, shapes, longer, out=tmp_path, resume=checkpoint)) == 4


def test_a_run_goes_on_whatever_it_says_of_a_loss_that_is_not_its_models(tmp_path, shapes):
    """Runs of before there was a choice of negatives are taken as the paper's, for which only an SSD has a use."""
    model = build("yolo-tiny", classes=shapes.classes, input_size=64)
    train(model, shapes, TrainConfig(epochs=1, batch_size=4, workers=0), out=tmp_path)
    checkpoint = load_checkpoint(tmp_path / LAST)
    del checkpoint.settings["config"]["negatives"]
    longer = TrainConfig(epochs=2, batch_size=4, workers=0)
    assert len(train(checkpoint.model, shapes, longer, resume=checkpoint)) == 2
