"""A trained trunk and fresh layers on one scale: the trunk computes what it did, and the first steps learn."""

import numpy as np
import pytest

from minissd.data import PRESETS, Loader, open_dataset
from minissd.detection import DefaultBoxSpec
from minissd.errors import MinissdError
from minissd.layers import Conv2d, Initializer, MaxPool2d, ReLU, Sequential
from minissd.models import build
from minissd.models.heads import Head, NormalizedHead
from minissd.models.ssd import SSD
from minissd.models.vgg import ATROUS_CHANNELS, GROUPS, vgg_stages
from minissd.training import SGD, task_of
from minissd.training.loop import train_step
from minissd.training.recipes import settings_of
from minissd.weights import balance, can_be_balanced, start_from

SIZE = 32
PIXELS = {"pixel_mean": (123, 117, 104), "pixel_scale": 1}


def small_ssd(rng):
    """Three stages, a normalised head at the first, and weights and biases as large as trained ones may be."""
    init = Initializer(rng)
    stages = {
        "one": Sequential(conv1=Conv2d(3, 8, 3, init=init, pad=1), relu1=ReLU(in_place=True), pool1=MaxPool2d(4)),
        "two": Sequential(conv2=Conv2d(8, 8, 3, init=init, pad=1), relu2=ReLU(in_place=True), pool2=MaxPool2d(2)),
        "three": Sequential(conv3=Conv2d(8, 6, 3, init=init, pad=1), relu3=ReLU(in_place=True), pool3=MaxPool2d(2)),
    }
    spec = DefaultBoxSpec.from_sizes(SIZE, (8, 4, 2), (8, 14, 20, 28), [(2,)] * 3)
    heads = [(Head if i else NormalizedHead)(width, 4, 2, init=init) for i, width in enumerate((8, 8, 6))]
    model = SSD("small", "ab", stages=stages, heads=heads, box_sets={"own": spec}, boxes="own", input_size=SIZE,
                init=init, **PIXELS)  # fmt: skip
    for name, array in model.params.items():
        if name.endswith(".b"):
            array[...] = rng.normal(0, 20, array.shape)
        elif name.startswith("two"):
            array *= 7
    return model


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)


def maps(model, images):
    """The map that each stage ends with."""
    x, found = model.normalize(images), []
    for stage in model.stages.values():
        x = stage.infer(x)
        found.append(x)
    return found


def test_what_is_trained_computes_what_it_did(rng, images):
    """Maps but for a factor, and what trained heads say exactly."""
    model = small_ssd(rng)
    maps_before, before = maps(model, images), model.infer(images)
    low, high = balance(model, images, fresh=())
    for was, now in zip(maps_before, maps(model, images), strict=True):
        factor = was.max() / now.max()
        assert low * 0.999 <= factor <= high * 1.001
        np.testing.assert_allclose(now * factor, was, rtol=1e-4, atol=1e-4 * was.max())
    for was, now in zip(before, model.infer(images), strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-3, atol=1e-4 * np.abs(was).max())


def test_every_map_has_rms_1_and_fresh_heads_answer_softly(rng, images):
    model = small_ssd(rng)
    fresh = {name for name in model.params if name.startswith(("three", "head2"))}
    kept = model.params["head1.logits.w"].copy()
    drawn = model.params["head2.logits.w"].copy()
    low, high = balance(model, images, fresh)
    for name, y in model.trace(images):
        if ".relu" in name:
            assert np.sqrt((y * y).mean()) == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(model.params["head2.logits.w"], 0.1 * drawn, rtol=1e-6)
    ratio = model.params["head1.logits.w"] / kept
    assert ratio.min() == pytest.approx(ratio.max(), rel=1e-5) and low * 0.999 <= ratio.min() <= high * 1.001


def test_networks_with_batch_norm_need_none_and_a_silent_layer_is_told(rng, images):
    assert not can_be_balanced(build("ssd-tiny", classes=["a", "b"], input_size=64))
    with pytest.raises(MinissdError, match="ssd-tiny cannot be balanced"):
        balance(build("ssd-tiny", classes=["a", "b"], input_size=64), images, ())
    model = small_ssd(rng)
    model.params["two.conv2.b"][...] = -1e9
    with pytest.raises(MinissdError, match=r"two\.conv2 outputs nothing"):
        balance(model, images, ())


def test_the_first_steps_from_a_real_trunk_learn(shared):
    """VGG16 with two heads, at 48 pixels and the paper's rate: it begins with the loss of who knows nothing."""
    size, classes, count = 48, ("dog", "cat", "person"), 4
    dataset = open_dataset(shared / "data" / "voc2012-animals", "train", classes=classes, limit=count)
    init = Initializer(np.random.default_rng(0))
    spec = DefaultBoxSpec.from_sizes(size, (6, 3), (14, 28, 45), [(2,), (2,)])
    heads = [NormalizedHead(GROUPS[3][-1], 4, len(classes), init=init), Head(ATROUS_CHANNELS, 4, 3, init=init)]
    wiring = {"stages": vgg_stages(init=init), "heads": heads, "box_sets": {"own": spec}, "boxes": "own"}
    model = SSD("ssd-vgg", classes, **wiring, input_size=size, init=init, **PIXELS)
    report = start_from(model, shared / "data" / "vgg16-trunk" / "vgg16-trunk.safetensors")
    prepare = task_of(model).preparation(model, PRESETS["none"])
    (batch,) = Loader(dataset, prepare, count, workers=0).epoch(0)
    balance(model, batch.images, report.untouched)

    config, _ = settings_of("paper-voc07", "ssd300-vgg16", {"steps": 6})
    bias = {"bias_lr": config.bias_lr, "bias_decay": config.bias_decay}
    optimizer = SGD(model.params, config.lr, **bias)
    steps = [train_step(model, optimizer, batch, config, step) for step in range(config.steps)]
    assert steps[0]["confidence"] == pytest.approx(4 * np.log(1 + len(classes)), rel=0.1)  # one box and its negatives
    losses = [step["loss"] for step in steps]
    assert losses[-1] < 0.8 * losses[0] and (np.diff(losses) < 0).all()
