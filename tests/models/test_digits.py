"""The lecture's networks for digits: their layers, and LeNet-5 in PyTorch."""

import numpy as np
import pytest

from minissd.models import build

DIGITS = tuple("0123456789")


def images(rng, count=3):
    return rng.integers(0, 256, (count, 28, 28, 1), np.uint8)


def test_lenet5_has_the_maps_and_parameters_of_1998(rng):
    model = build("lenet5", classes=DIGITS)
    shapes = {name: y.shape[1:] for name, y in model.trace(images(rng)) if name in ("c1", "s2", "c3", "s4", "c5", "f6")}
    assert shapes == {
        "c1": (28, 28, 6),
        "s2": (14, 14, 6),
        "c3": (10, 10, 16),
        "s4": (5, 5, 16),
        "c5": (120,),
        "f6": (84,),
    }
    sizes = {}
    for name, array in model.params.items():
        layer = name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + array.size
    # C1, C5 and F6 as the paper counts them; C3 with all maps connected; the last layer is 84 * 10 + 10
    assert sizes == {"c1": 156, "c3": 16 * (5 * 5 * 6 + 1), "c5": 48_120, "f6": 10_164, "output": 850}


def test_mlp_has_two_hidden_layers():
    model = build("mlp", classes=DIGITS, width=100)
    shapes = [array.shape for name, array in model.params.items() if name.endswith("w")]
    assert shapes == [(784, 100), (100, 100), (100, 10)]


@pytest.mark.parametrize("name", ["mlp", "lenet5"])
def test_the_training_images_of_mnist_come_out_normal(name, shared):
    from minissd.data import open_dataset

    dataset = open_dataset(shared / "data" / "mnist", "train", task="classify", limit=2000)
    x = build(name, classes=DIGITS).normalize(dataset.images)
    assert x.mean() == pytest.approx(0, abs=0.02) and x.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ["mlp", "lenet5"])
def test_dropout_acts_in_training_alone(name, rng):
    model, without = (build(name, classes=DIGITS, dropout=rate) for rate in (0.5, 0.0))
    assert model.options["dropout"] == 0.5 and model.params.keys() == without.params.keys()
    pixels = images(rng)
    np.testing.assert_array_equal(model.classify(pixels), without.classify(pixels))
    one, other = (model.forward(pixels, train=True, rng=np.random.default_rng(seed))[0] for seed in (0, 1))
    assert not np.allclose(one, other)


def test_photographs_are_refused(rng):
    with pytest.raises(ValueError, match=r"lenet5 reads images \(N, 28, 28, 1\)"):
        build("lenet5", classes=DIGITS).forward(np.zeros((1, 28, 28, 3), np.uint8))


def test_lenet5_is_that_of_pytorch(rng):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    model = build("lenet5", classes=DIGITS, dtype="float64")
    pixels, labels = images(rng), np.array([3, 0, 9])
    p = {name: torch.tensor(array, requires_grad=True) for name, array in model.params.items()}

    x = torch.tensor(model.normalize(pixels)).permute(0, 3, 1, 2)
    for name, pad in (("c1", 2), ("c3", 0)):
        x = functional.conv2d(x, p[f"{name}.w"].permute(3, 2, 0, 1), p[f"{name}.b"], padding=pad)
        x = functional.max_pool2d(x.relu(), 2)
    x = x.permute(0, 2, 3, 1).flatten(1)
    for name in ("c5", "f6"):
        x = (x @ p[f"{name}.w"] + p[f"{name}.b"]).relu()
    expected = x @ p["output.w"] + p["output.b"]
    expected_loss = functional.cross_entropy(expected, torch.tensor(labels))
    expected_loss.backward()

    logits, cache = model.forward(pixels, train=True)
    terms, loss_cache = model.loss(logits, labels)
    _, grads = model.backward(model.loss_backward(loss_cache), cache)
    np.testing.assert_allclose(logits, expected.detach(), atol=1e-10)
    assert terms["loss"] == pytest.approx(expected_loss.item())
    for name, parameter in p.items():
        np.testing.assert_allclose(grads[name], parameter.grad, atol=1e-10, err_msg=name)


def test_a_regressor_gives_one_number_and_learns_from_its_error(rng):
    model = build("slant", classes=DIGITS)
    outputs, cache = model.forward(images(rng, 4), train=True)
    assert outputs.shape == (4, 1)
    values = outputs[:, 0] + np.array([5, -5, 0.5, 0], np.float32)
    terms, loss_cache = model.loss(outputs, values)
    assert terms["loss"] == pytest.approx((4.5 + 4.5 + 0.125) / 4, rel=1e-5)
    d_outputs = model.loss_backward(loss_cache)
    np.testing.assert_allclose(d_outputs[:, 0], np.array([-1, 1, -0.5, 0]) / 4, atol=1e-6)
    _, grads = model.backward(d_outputs, cache, need_dx=False)
    assert grads.keys() == model.params.keys()


def test_the_estimate_is_the_output_of_a_forward_pass(rng):
    model, pictures = build("slant", classes=DIGITS), images(rng, 5)
    np.testing.assert_array_equal(model.estimate(pictures), model.forward(pictures)[0][:, 0])
