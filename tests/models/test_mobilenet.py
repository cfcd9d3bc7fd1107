"""MobileNet: the published layers, the same numbers as a PyTorch network with its weights, and the SSD on it."""

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.layers import Initializer, Sequential
from minissd.models import build
from minissd.models.mobilenet import mobilenet_stages

# Howard et al. 2017, table 1: channels out and stride of the 13 blocks
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
CLASSES = ("a", "b", "c")


@pytest.fixture
def trunk():
    """Both stages as one, in float64, its batch norms no identities."""
    trunk = Sequential(**mobilenet_stages(init=Initializer(np.random.default_rng(0), "float64")))
    rng = np.random.default_rng(1)
    for name, array in trunk.params.items():
        if "bn" in name:
            array += rng.uniform(-0.3, 0.3, array.shape)
    return trunk


def torch_mobilenet(torch, parameters, images):
    """MobileNet in training, in PyTorch's functions: images (N, 3, H, W) -> (N, 1024, H / 32, W / 32)."""
    functional, parameters = torch.nn.functional, iter(parameters)

    def conv_bn_relu(convolve, x, stride):
        y = convolve(x, next(parameters), stride)
        gamma, beta = next(parameters), next(parameters)
        return functional.batch_norm(y, None, None, gamma, beta, training=True).relu()

    def conv(x, w, stride):
        return functional.conv2d(x, w.permute(3, 2, 0, 1), None, stride, w.shape[0] // 2)

    def depthwise(x, w, stride):
        """Tap by tap: PyTorch's own takes half a minute in float64."""
        height, width = x.shape[2:]
        x = functional.pad(x, (1, 1, 1, 1))
        taps = [(i, j, x[:, :, i : i + height : stride, j : j + width : stride]) for i in range(3) for j in range(3)]
        return sum(tap * w[i, j][:, None, None] for i, j, tap in taps)

    x = conv_bn_relu(conv, images, 2)
    for width, stride in BLOCKS:
        x = conv_bn_relu(depthwise, x, stride)
        x = conv_bn_relu(conv, x, 1)
        assert x.shape[1] == width
    return x


def test_forward_and_backward_are_those_of_pytorch(trunk, rng):
    torch = pytest.importorskip("torch")
    parameters = [torch.tensor(array, requires_grad=True) for array in trunk.params.values()]
    images = rng.standard_normal((2, 40, 70, 3))
    expected = torch_mobilenet(torch, parameters, torch.tensor(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    dy = rng.standard_normal(tuple(expected.shape))
    expected.backward(torch.tensor(dy))

    y, caches = trunk.forward(images, train=True)
    _, grads = trunk.backward(dy, caches)
    np.testing.assert_allclose(y, expected.detach(), atol=1e-10)
    for parameter, name in zip(parameters, trunk.params, strict=True):
        theirs = parameter.grad.numpy()
        np.testing.assert_allclose(grads[name], theirs, atol=1e-7 * np.abs(theirs).max(), err_msg=name)


def test_the_layers_and_maps_of_the_table(rng):
    stages = mobilenet_stages(init=Initializer(np.random.default_rng(0)))
    assert list(stages["to_conv11"].layers)[:9] == [
        *("conv0", "bn0", "relu0"),
        *("conv1_dw", "bn1_dw", "relu1_dw"),
        *("conv1_pw", "bn1_pw", "relu1_pw"),
    ]
    assert [sum("_dw" in name and "conv" in name for name in stage.layers) for stage in stages.values()] == [11, 2]
    x, shapes = rng.standard_normal((1, 300, 300, 3)).astype(np.float32), []
    for stage in stages.values():
        x, _ = stage.forward(x)
        shapes.append(x.shape)
    assert shapes == [(1, 19, 19, 512), (1, 10, 10, 1024)]


@pytest.mark.parametrize(("boxes", "count"), [("own", 3000), ("qfgaohao", 3000), ("caffe", 1917)])
def test_the_ssd_predicts_for_the_default_boxes_of_six_maps(boxes, count, rng):
    model = build("ssd300-mobilenet", classes=CLASSES, boxes=boxes)
    (offsets, logits), caches = model.forward(rng.integers(0, 256, (1, 300, 300, 3), np.uint8))
    assert (offsets.shape, logits.shape) == ((1, count, 4), (1, count, 4))
    assert model.default_boxes.shape == (count, 4)
    _, grads = model.backward((np.ones_like(offsets), np.ones_like(logits)), caches, need_dx=False)
    assert {name: grad.shape for name, grad in grads.items()} == {
        name: array.shape for name, array in model.params.items()
    }
    assert all(np.isfinite(grad).all() and grad.any() for grad in grads.values())


def test_shapes_that_fit_may_take_the_place_of_its_own_boxes():
    model = build("ssd300-mobilenet", classes=CLASSES)
    shapes = [[[0.1, 0.2]] * 6] * 6
    assert build("ssd300-mobilenet", classes=CLASSES, boxes=shapes).options["boxes"] == shapes
    with pytest.raises(MinissdError, match="choose one of own, qfgaohao, caffe"):
        build("ssd300-mobilenet", classes=CLASSES, boxes="torchvision")
    with pytest.raises(MinissdError, match="build it with these boxes"):
        model.set_boxes("caffe")
