"""U-Net: the lecture's layers, the numbers of the same network in PyTorch, and a few images learned by heart."""

import numpy as np
import pytest
from mask_trees import MaskTree, square_mask
from strict_cupy import count_syncs

from minissd.data import Batch, SegmentationPreparation, VocMasks
from minissd.device import to_device
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID
from minissd.models import build
from minissd.training import SGD, TrainConfig, evaluate, train, train_step

CLASSES = ("a", "b")
SKIPS = pytest.mark.parametrize("skip", ["concatenate", "add"])


def unet(classes=CLASSES, **options):
    return build("unet", classes=classes, **{"input_size": 32, "width": 2} | options)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (2, 32, 32, 3), np.uint8)


@pytest.fixture
def masks(rng):
    return rng.choice(np.array([0, 1, 2, VOID], np.uint8), (2, 32, 32))


def test_the_layers_are_those_of_the_lecture():
    """4 encoder blocks and the bottleneck of two 3x3 convolutions, 4 decoder blocks, a pointwise convolution."""
    params = build("unet", classes=("person",), width=8, batch_norm=False).params
    shapes = {name.removesuffix(".w"): array.shape for name, array in params.items() if name.endswith(".w")}
    widths = [d // 8 for d in (64, 128, 256, 512, 1024)]  # Ronneberger et al. 2015, figure 1, an eighth as wide
    expected = {"output": (1, 1, 8, 1)}
    for i, (c, d) in enumerate(zip([3, *widths], widths, strict=False), start=1):
        block = f"encoder{i}" if i < 5 else "bottleneck"
        expected |= {f"{block}.conv0": (3, 3, c, d), f"{block}.conv1": (3, 3, d, d)}
    for i, d in enumerate(widths[:4], start=1):
        expected[f"up{i}"] = (2, 2, d, 2 * d)
        expected |= {f"decoder{i}.conv0": (3, 3, 2 * d, d), f"decoder{i}.conv1": (3, 3, d, d)}
    assert shapes == expected


@SKIPS
def test_the_maps_on_both_sides_are_of_one_size(skip, images):
    outputs = dict(unet(skip=skip).trace(images))
    sides = [outputs[f"encoder{i}.relu1"].shape[1] for i in (1, 2, 3, 4)]
    assert sides == [outputs[f"decoder{i}.relu1"].shape[1] for i in (1, 2, 3, 4)] == [32, 16, 8, 4]
    assert outputs["bottleneck.relu1"].shape == (2, 2, 2, 32)
    assert outputs["skip1"].shape[3] == (4 if skip == "concatenate" else 2)


@SKIPS
def test_trace_ends_where_forward_does(skip, images):
    model = unet(skip=skip)
    *_, (name, last) = model.trace(images)
    assert name == "output"
    np.testing.assert_array_equal(last, model.forward(images)[0])


def test_probabilities_are_logistic_outputs_one_for_each_class(images):
    model = unet(("a", "b", "c"))
    logits, _ = model.forward(images)
    assert logits.shape == (2, 32, 32, 3)
    np.testing.assert_allclose(model.segment(images), 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_leaving_out_the_gradient_of_the_images_changes_no_other(images, rng):
    model = unet()
    logits, caches = model.forward(images, train=True)
    dy = rng.standard_normal(logits.shape).astype(np.float32)
    (d_images, grads), (nothing, same) = model.backward(dy, caches), model.backward(dy, caches, need_dx=False)
    assert d_images.shape == images.shape and nothing is None and grads.keys() == model.params.keys() == same.keys()
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, same[name], rtol=0, atol=1e-5 * np.abs(grad).max())


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"input_size": 40}, ["40", "multiple of 16"]),
        ({"input_size": 0}, ["0", "multiple of 16"]),
        ({"width": 0}, ["width 0", "at least 1"]),
        ({"skip": "jump"}, ["'jump'", "concatenate, add"]),
    ],
)
def test_refused_in_one_line(options, parts):
    with pytest.raises(MinissdError) as raised:
        unet(**options)
    message = str(raised.value)
    assert "\n" not in message and all(part in message for part in parts), message


# --- against PyTorch ---


@SKIPS
@pytest.mark.parametrize(("batch_norm", "train"), [(True, True), (True, False), (False, True)])
def test_outputs_loss_and_gradients_are_those_of_pytorch(images, masks, rng, skip, batch_norm, train):
    torch = pytest.importorskip("torch")
    import torch_unet

    model = unet(skip=skip, batch_norm=batch_norm, dtype="float64", width=3)
    for name, array in (model.params | model.buffers).items():  # no 0 and 1 that would hide a mix-up
        if not name.startswith("pixels") and array.ndim == 1:
            array[...] = rng.uniform(0.5, 1.5, array.shape)
    twin = torch_unet.TorchUNet(len(CLASSES), 3, skip, batch_norm).double().train(train)
    torch_unet.copy_weights(model, twin)
    x = torch.from_numpy(model.normalize(images).transpose(0, 3, 1, 2).copy()).requires_grad_()

    logits, caches = model.forward(images, train=train)
    terms, loss_cache = model.loss(logits, masks, model.loss_size(masks))
    d_images, grads = model.backward(model.loss_backward(loss_cache), caches)
    outputs = twin(x)
    known = torch.from_numpy(masks != VOID)
    target = torch.from_numpy(np.stack([masks == 1, masks == 2], axis=-1).astype(float))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(outputs.permute(0, 2, 3, 1)[known], target[known])
    losses.backward()

    np.testing.assert_allclose(logits, outputs.detach().numpy().transpose(0, 2, 3, 1), rtol=1e-7, atol=1e-9)
    assert float(terms["loss"]) == pytest.approx(losses.item(), rel=1e-9)
    pairs = {"images": (d_images, x.grad.numpy().transpose(0, 2, 3, 1))}
    for name, tensor in torch_unet.named_tensors(twin).items():
        if tensor.grad is not None:
            pairs[name] = grads[name], torch_unet.to_our_order(tensor.grad)
        elif train:  # running statistics
            pairs[name] = model.buffers[name], torch_unet.to_our_order(tensor)
    assert grads.keys() <= pairs.keys()
    for name, (ours, theirs) in pairs.items():
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8 * np.abs(theirs).max(), err_msg=name)


# --- in training ---


@pytest.fixture
def tree(tmp_path, rng):
    """Four images of one rectangle each."""
    tree = MaskTree(tmp_path / "tree", names=("block",))
    for i in range(4):
        tree.add(f"image{i}", square_mask(rng, (40, 40)))
    return VocMasks(tree.root, "train")


@SKIPS
def test_four_images_are_learned_by_heart(tree, skip):
    model = unet(tree.classes, width=4, skip=skip)
    config = TrainConfig(epochs=40, batch_size=4, lr=0.2, workers=0, augmentation="none")
    records = train(model, tree, config)
    assert records[-1]["loss"] < 0.2 * records[0]["loss"]
    metrics, _, _ = evaluate(model, tree, workers=0)
    assert metrics["mean_iou"] > 0.9


def test_a_training_step_on_the_card_is_that_on_the_host_and_waits_once(tree, strict):
    prepare = SegmentationPreparation(32)
    prepared = [prepare(sample, None) for sample in tree]
    images, masks = (np.stack(part) for part in zip(*prepared, strict=True))
    batch = Batch(tuple(tree.ids), images, (masks,))
    models = [unet(tree.classes, dtype="float64", device=device) for device in ("cpu", "cuda")]
    config = TrainConfig(batch_size=4)
    optimizers = [SGD(model.params, 0.01) for model in models]
    expected = train_step(models[0], optimizers[0], batch, config, 0)
    with count_syncs() as syncs:
        terms = train_step(models[1], optimizers[1], batch, config, 0)
    assert syncs == ["get"] and terms == pytest.approx(expected, rel=1e-9)
    for name, array in (models[1].params | models[1].buffers).items():
        on_host = (models[0].params | models[0].buffers)[name]
        np.testing.assert_allclose(strict.asnumpy(array), on_host, rtol=1e-7, atol=1e-9)
    found = models[1].segment(to_device(images, "cuda"))
    np.testing.assert_allclose(strict.asnumpy(found), models[0].segment(images), rtol=1e-7, atol=1e-9)


def test_a_batch_in_parts_has_the_gradients_of_the_whole(tree):
    """Without batch norm, which sees one part at a time; one image has more void pixels than the others."""
    prepare = SegmentationPreparation(32)
    images, masks = (np.stack(part) for part in zip(*(prepare(sample, None) for sample in tree), strict=True))
    masks[0, :20] = VOID
    batch = Batch(tuple(tree.ids), images, (masks,))
    models = [unet(tree.classes, dtype="float64", batch_norm=False) for _ in range(2)]
    losses = [
        train_step(model, SGD(model.params, 0.1), batch, TrainConfig(batch_size=4, accumulate=parts), 0)["loss"]
        for model, parts in zip(models, (1, 3), strict=True)
    ]
    assert losses[0] == pytest.approx(losses[1])
    for name, array in models[0].params.items():
        np.testing.assert_allclose(models[1].params[name], array, rtol=1e-9, atol=1e-12)
