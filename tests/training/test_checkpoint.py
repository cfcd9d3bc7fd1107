"""Checkpoints: what is saved is loaded, bit for bit; a save that fails leaves the old file."""

import json
import os
import resource
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import safetensors.numpy

from minissd.detection import fit_boxes
from minissd.models import build
from minissd.training import load_checkpoint, save_checkpoint
from minissd.weights import load_model, start_from


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "last.safetensors"


@pytest.fixture
def model(new_model, rng):
    """A model in which no array is as `build` makes it."""
    model = new_model(seed=5)
    for array in (model.params | model.buffers).values():
        array[...] = rng.uniform(0.1, 1, array.shape)
    return model


def some_velocity(model, rng):
    return {name: rng.standard_normal(array.shape).astype(array.dtype) for name, array in model.params.items()}


def same_arrays(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype
        np.testing.assert_array_equal(array, theirs[name])


@contextmanager
def disk_with_room_for(size):
    """Files cannot grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip(path, new_model, rng, dtype):
    model = new_model(seed=5, dtype=dtype)
    for array in model.buffers.values():
        array[...] = rng.uniform(1, 2, array.shape)
    velocity = some_velocity(model, rng)
    settings = {"config": {"lr": 0.02, "schedule": "one-cycle"}, "best_mAP": 1 / 3}
    save_checkpoint(path, model, velocity=velocity, step=42, settings=settings)
    loaded = load_checkpoint(path)
    assert (loaded.step, loaded.settings) == (42, settings)
    assert (loaded.model.name, loaded.model.classes) == (model.name, model.classes)
    assert (loaded.model.input_size, loaded.model.dtype) == (model.input_size, model.dtype)
    same_arrays(loaded.model.params, model.params)
    same_arrays(loaded.model.buffers, model.buffers)
    same_arrays(loaded.velocity, velocity)


def test_the_loaded_model_gives_the_same_outputs(path, model, rng):
    save_checkpoint(path, model)
    images = rng.integers(0, 256, (1, 64, 64, 3), np.uint8)
    for ours, theirs in zip(load_checkpoint(path).model.forward(images)[0], model.forward(images)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_boxes_of_given_shapes_are_those_of_the_loaded_model(path, shapes, new_model):
    fitted = fit_boxes(new_model().spec, [shapes.objects(i) for i in range(len(shapes))])
    model = new_model(boxes=tuple(np.array(of_map) for of_map in fitted.shapes))
    assert not np.array_equal(model.default_boxes, new_model().default_boxes)
    save_checkpoint(path, model)
    loaded = load_checkpoint(path).model
    assert loaded.spec == model.spec == fitted and loaded.options == model.options
    np.testing.assert_array_equal(loaded.default_boxes, model.default_boxes)
    images = np.stack([model.resized(shapes[i].image) for i in range(2)])
    for ours, theirs in zip(model.detect(images, score_threshold=0), loaded.detect(images, score_threshold=0)):
        same_arrays(ours._asdict(), theirs._asdict())
    later = new_model()
    later.set_boxes(fitted)
    assert later.options == model.options


def test_a_checkpoint_from_before_there_was_a_choice_of_boxes_and_sampling(path, shapes, new_model):
    """The network of that time, which halved its maps by strides."""
    former = new_model(sampling="strides")
    save_checkpoint(path, former)
    options = {name: value for name, value in former.options.items() if name not in ("boxes", "sampling")}
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.numpy.save_file(tensors, path, metadata | {"options": json.dumps(options)})
    loaded = load_checkpoint(path).model
    assert loaded.options == former.options
    images = np.stack([shapes[0].image])
    for ours, theirs in zip(loaded.forward(images)[0], former.forward(images)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_class_names_may_hold_anything(path):
    classes = ('comma, "quoted"', "Größe 米", "a/b.c")
    save_checkpoint(path, build("ssd-tiny", classes=classes, input_size=64))
    assert load_checkpoint(path).model.classes == classes


def test_without_momentum_or_settings(path, model):
    save_checkpoint(path, model)
    loaded = load_checkpoint(path)
    assert (loaded.velocity, loaded.step, loaded.settings) == ({}, 0, {})


def test_the_parameters_of_the_loaded_model_are_those_its_layers_use(path, model):
    """Loaded into the arrays that the layers hold, not beside them."""
    save_checkpoint(path, model)
    loaded = load_checkpoint(path).model
    assert loaded.params["stage0.conv0.w"] is loaded.stages["stage0"].layers["conv0"].params["w"]
    assert loaded.buffers["stage0.bn0.running_var"] is loaded.stages["stage0"].layers["bn0"].buffers["running_var"]


def test_from_the_card_and_back(path, model, rng, strict, new_model):
    on_card = new_model(device="cuda")
    for name, array in (on_card.params | on_card.buffers).items():
        array[...] = strict.asarray((model.params | model.buffers)[name])
    velocity = some_velocity(model, rng)
    save_checkpoint(path, on_card, velocity={name: strict.asarray(v) for name, v in velocity.items()})
    for device in ("cpu", "cuda"):
        loaded = load_checkpoint(path, device=device)
        for ours, theirs in (
            (loaded.model.params, model.params),
            (loaded.model.buffers, model.buffers),
            (loaded.velocity, velocity),
        ):
            assert all(isinstance(array, strict.ndarray) == (device == "cuda") for array in ours.values())
            same_arrays({name: strict.asnumpy(array) for name, array in ours.items()}, theirs)


def test_it_is_a_plain_safetensors_file(path, model):
    """Other programs can read it without minissd."""
    save_checkpoint(path, model, step=3)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata()["model"] == "ssd-tiny"
        assert file.metadata()["step"] == "3"
        np.testing.assert_array_equal(file.get_tensor("params/head0.logits.b"), model.params["head0.logits.b"])


@pytest.mark.parametrize("kind", ["params", "buffers", "velocity"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_not_finite_is_not_saved_and_the_old_file_stays(path, model, rng, refused, kind, value):
    velocity = some_velocity(model, rng)
    save_checkpoint(path, model, velocity=velocity, step=1)
    before = path.read_bytes()
    arrays = {"params": model.params, "buffers": model.buffers, "velocity": velocity}[kind]
    name = next(reversed(arrays))
    arrays[name].reshape(-1)[-1] = value
    with refused(f"{kind}/{name}", "step 2", path):
        save_checkpoint(path, model, velocity=velocity, step=2)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("room", [0, 1000, 1_000_000])
def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(path, model, refused, room):
    save_checkpoint(path, model, step=1)
    with disk_with_room_for(room), refused(path, "cannot be written", "disk has room"):
        save_checkpoint(path, model, step=2)
    assert os.listdir(path.parent) == [path.name]
    assert load_checkpoint(path).step == 1


def test_a_device_is_not_replaced(model, refused):
    with refused("/dev/full", "cannot be written"):
        save_checkpoint("/dev/full", model)
    assert not os.path.isfile("/dev/full")


def test_a_folder_that_cannot_be(tmp_path, model, refused):
    (tmp_path / "file").write_text("in the way")
    with refused(tmp_path / "file" / "last.safetensors", "cannot be written"):
        save_checkpoint(tmp_path / "file" / "last.safetensors", model)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path, model, refused):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with refused(locked, "cannot be written"):
        save_checkpoint(locked / "last.safetensors", model)


def test_a_folder_in_the_place_of_the_file(path, model, refused):
    path.mkdir(parents=True)
    with refused(path, "cannot be written"):
        save_checkpoint(path, model)
    assert path.is_dir()


def test_a_checkpoint_of_the_former_ssd300_mobilenet_says_what_changed_and_starts_a_training(path, refused):
    """It had no choice of boxes, and a fourth of them in each cell of the first map."""
    former = build("ssd300-mobilenet", classes=("cat", "dog"), boxes="caffe")
    former.options.pop("boxes")
    save_checkpoint(path, former)
    for load in (load_checkpoint, partial(load_model, None)):
        with refused(path, "before 2026-11-30", "2,278 default boxes", "--weights this file"):
            load(path)
    model = build("ssd300-mobilenet", classes=("cat", "dog"))
    start_from(model, path)
    np.testing.assert_array_equal(model.params["to_conv13.conv13_pw.w"], former.params["to_conv13.conv13_pw.w"])
