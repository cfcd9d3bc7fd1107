"""Layers that stand still: the gradients of the others are right, and nothing is computed below them."""

import numpy as np
import pytest
from model_table import CASES, CLASSES, batch_for, models_on

from minissd.errors import MinissdError
from minissd.models import build
from minissd.models.freezing import frozen, of_trained

# of each wiring one: what is frozen, and of what a gradient is left out
FROZEN = [
    ("ssd-tiny", "trunk"),
    ("ssd-tiny", "stage0,stage1.conv0,head2.offsets"),
    ("ssd-tiny", "stage1"),
    ("yolo-tiny, anchors", "trunk"),
    ("yolo-tiny, anchors", "stage0.conv0"),
    ("lenet5", "trunk"),
    ("unet", "encoder1,encoder2.conv0"),
    ("unet", "trunk"),
]


def outputs_of(model, images):
    """A tuple of arrays, and the cache."""
    outputs, cache = model.forward(images, train=True, rng=np.random.default_rng(1))
    return outputs if isinstance(outputs, tuple) else (outputs,), cache


@pytest.mark.parametrize(("case", "names"), FROZEN)
def test_gradients_are_those_with_frozen_layers(case, names):
    """Of a weighted sum of all outputs, along a random direction of all that is trained, against two such sums."""
    (model,) = models_on(CASES[case], "cpu", dtype="float64")
    images, rng = batch_for(model).images, np.random.default_rng(2)
    for buffer in model.buffers.values():  # statistics that no batch has
        buffer *= 1 + 0.1 * rng.random(buffer.shape)
    with frozen(model, names) as trained:
        outputs, cache = outputs_of(model, images)
        weights = tuple(rng.standard_normal(array.shape) for array in outputs)
        dy = weights if len(weights) > 1 else weights[0]
        grads = of_trained(model, model.backward(dy, cache, need_dx=False, spend=True)[1])
        assert grads.keys() == trained.keys() < model.params.keys()
        directions = {name: rng.standard_normal(p.shape) * np.abs(p).mean() for name, p in trained.items()}
        along = sum((grads[name] * d).sum() for name, d in directions.items())
        sums = []
        for step in (1e-8, -2e-8):  # there, and to the other side; so small that hardly a maximum changes its place
            for name, p in trained.items():
                p += step * directions[name]
            outputs, _ = outputs_of(model, images)
            sums.append(sum((w * array).sum() for w, array in zip(weights, outputs, strict=True)))
    assert (sums[0] - sums[1]) / 2e-8 == pytest.approx(along, rel=1e-4)


def test_below_the_lowest_trained_layer_nothing_is_computed_or_kept(monkeypatch):
    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    images = batch_for(model).images

    def unwanted(*arguments, **options):
        raise AssertionError("a gradient was computed for a frozen layer that nothing needs")

    with frozen(model, "stage0,stage1.conv0,stage1.bn0"), monkeypatch.context() as patch:
        for layer in dict(model.leaves()).values():
            if layer.frozen:
                patch.setattr(layer, "backward", unwanted)
        outputs, caches = model.forward(images, train=True)
        assert {type(cache) for cache in caches[0][0]} == {type(None)}
        model.backward(outputs, caches, need_dx=False)
        with pytest.raises(ValueError, match="frozen"):
            model.backward(outputs, caches)
    outputs, caches = model.forward(images)
    d_images, grads = model.backward(outputs, caches)  # afterwards all is as before
    assert d_images.shape == images.shape and grads.keys() == model.params.keys()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("stage9", ["--freeze stage9", "trunk, stage0, stage1, stage2, stage3, head0"]),
        ("trunk,stage0.conv", ["--freeze stage0.conv", "stage0.conv0, stage0.bn0, stage0.conv1"]),
        ("trunk,head0,head1,head2,head3", ["nothing of ssd-tiny is left to train"]),
    ],
)
def test_names_that_mean_nothing(names, words):
    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    with pytest.raises(MinissdError) as refusal, frozen(model, names):
        pass
    assert all(word in str(refusal.value) for word in words)
    assert not any(layer.frozen for _, layer in model.leaves())


def test_a_layer_by_its_name_alone():
    model = build("ssd300-mobilenet", classes=CLASSES)
    with frozen(model, "conv0, bn0"):
        assert [name for name, layer in model.leaves() if layer.frozen] == ["to_conv11.conv0", "to_conv11.bn0"]
