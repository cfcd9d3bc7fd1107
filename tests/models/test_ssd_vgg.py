"""The figures of the released networks: parameters, maps, default boxes, first values; the variant without atrous."""

import numpy as np
import pytest

from minissd.detection import default_boxes
from minissd.errors import MinissdError
from minissd.layers import Initializer
from minissd.models import build
from minissd.models.ssd_vgg import BOXES_300
from minissd.models.vgg import vgg_stages

VOC = tuple(f"class {i}" for i in range(20))


@pytest.fixture(scope="module")
def ssd300():
    return build("ssd300-vgg16", classes=VOC)


def count(model):
    return sum(array.size for array in model.params.values())


def test_ssd300(ssd300):
    assert count(ssd300) == 26_285_486
    assert ssd300.default_boxes.shape == (8732, 4)
    assert ssd300.spec.boxes_per_cell == (4, 6, 6, 6, 4, 4)
    assert [one.size[0] for one in ssd300.spec.maps] == [38, 19, 10, 5, 3, 1]
    np.testing.assert_array_equal(ssd300.params["head0.l2norm.scale"], np.full(512, 20))


def test_ssd512():
    """24,564 boxes; of its parameters, those of the extra layers and heads are not SSD300's."""
    model = build("ssd512-vgg16", classes=VOC)
    assert model.input_size == 512
    assert model.default_boxes.shape == (24564, 4)
    assert model.spec.boxes_per_cell == (4, 6, 6, 6, 6, 4, 4)
    trunk = {name: array.shape for name, array in model.params.items() if name.startswith("conv")}
    assert len(trunk) == 2 * 15
    assert model.params["extra10.conv10_2.w"].shape == (4, 4, 128, 256)


def test_maps_are_as_large_as_their_boxes_expect(ssd300):
    (offsets, logits), _ = ssd300.forward(np.zeros((1, 300, 300, 3), np.uint8))
    assert offsets.shape == (1, 8732, 4)
    assert logits.shape == (1, 8732, 21)


def test_pool3_rounds_up():
    """75 cells become 38; rounding down would lose the last row of the first map."""
    stages = vgg_stages(init=Initializer(np.random.default_rng(0)))
    shapes, x = {}, np.zeros((1, 300, 300, 1), np.float32)
    for name, layer in stages["conv1_4"].layers.items():
        if name.startswith("pool"):
            x, _ = layer.forward(x)
            shapes[name] = x.shape[1]
    assert shapes == {"pool1": 150, "pool2": 75, "pool3": 38}


def test_fc6_is_atrous(ssd300):
    fc6 = ssd300.stages["conv5_7"].layers["fc6"]
    assert fc6.geometry == {"stride": 1, "pad": 6, "dilation": 6}
    assert ssd300.params["conv5_7.fc6.w"].shape == (3, 3, 512, 1024)


def test_without_atrous_the_maps_are_the_same_and_fc6_is_whole(monkeypatch):
    """A sixteenth of the channels, for the whole fc6 has a hundred million weights."""
    from minissd.models import vgg  # its module

    monkeypatch.setattr(vgg, "GROUPS", tuple(tuple(width // 16 for width in group) for group in vgg.GROUPS))
    monkeypatch.setattr(vgg, "FULL_CHANNELS", 256)
    model = build("ssd300-vgg16", classes=VOC, atrous=False)
    assert model.params["conv6_7.fc6.w"].shape == (7, 7, 32, 256)
    (offsets, _), _ = model.forward(np.zeros((1, 300, 300, 3), np.uint8))
    assert offsets.shape == (1, 8732, 4)


def test_fresh_layers_start_as_caffes_xavier(ssd300):
    """Uniform with variance 1 / fan-in; biases 0."""
    weights = ssd300.params["extra6.conv6_2.w"]  # 3x3 from 256 channels
    bound = np.sqrt(3 / (9 * 256))
    assert np.abs(weights).max() <= bound
    assert weights.var() == pytest.approx(1 / (9 * 256), rel=0.01)
    assert not ssd300.params["extra6.conv6_2.b"].any()


def test_batch_norm_takes_the_place_of_the_biases():
    model = build("ssd300-vgg16", classes=VOC, batch_norm=True)
    assert not any(name.endswith(".b") for name in model.params if not name.startswith("head"))
    assert sum(name.endswith("gamma") for name in model.params) == 15 + 8


def test_other_sets_of_default_boxes(ssd300):
    model = build("ssd300-vgg16", classes=("a",), boxes="torchvision")
    assert model.options["boxes"] == "torchvision"
    model.set_boxes("ssd.pytorch")
    assert model.options["boxes"] == "ssd.pytorch"
    np.testing.assert_array_equal(model.default_boxes, default_boxes(BOXES_300["ssd.pytorch"]))
    assert not np.array_equal(model.default_boxes, ssd300.default_boxes)


def test_boxes_that_nobody_knows():
    with pytest.raises(MinissdError, match="'mine'.*ssd300-vgg16.*caffe, ssd.pytorch, torchvision"):
        build("ssd300-vgg16", classes=("a",), boxes="mine")
