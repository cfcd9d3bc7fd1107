"""What the programs that exported weights are for have to be told beside the weights: as lines of Python.

All count the background as a class, the first.
"""

import numpy as np

from minissd.detection import SSD300, MapSpec
from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.models import Network
from minissd.weights.layout import Reading
from minissd.weights.mobilenet_layouts import QFGAOHAO
from minissd.weights.mobilenet_v3_layouts import TORCHVISION_LITE
from minissd.weights.vgg_layouts import TORCHVISION_CAFFE

_CLOSE = 1e-6  # in parts of the numbers: float32


def reading_of(model: Network) -> Reading:
    """How a model normalises pixels."""
    return Reading(*(tuple(to_numpy(model.buffers[f"pixels.{key}"]).tolist()) for key in ("mean", "scale")))


def are_close(one: Reading, other: Reading) -> bool:
    return np.allclose(one, other, rtol=_CLOSE, atol=0)


def torchvision_vgg(model: Network, path: str) -> list[str]:
    lines = ["from torchvision.models.detection import ssd300_vgg16"]
    lines += _torchvision(model, "ssd300_vgg16", TORCHVISION_CAFFE)
    if model.options["boxes"] == "caffe":
        maps = [one for one in SSD300.maps if isinstance(one, MapSpec)]
        scales = [one.scale for one in maps] + [maps[-1].next_scale]
        steps, ratios = [int(one.step or 0) for one in maps], [list(map(int, one.ratios)) for one in maps]
        lines.insert(1, "from torchvision.models.detection.anchor_utils import DefaultBoxGenerator")
        lines.append(
            f"model.anchor_generator = DefaultBoxGenerator({ratios}, scales={_numbers(scales)}, steps={steps}, "
            "clip=False)"
        )
    return [*lines, *_loading(path)]


def torchvision_lite(model: Network, path: str) -> list[str]:
    lines = ["from torchvision.models.detection import ssdlite320_mobilenet_v3_large"]
    # torchvision halves the tail of its trunk unless it is given the weights of one
    trunk = "None" if model.options["reduced_tail"] else '"DEFAULT"'
    lines += _torchvision(model, "ssdlite320_mobilenet_v3_large", TORCHVISION_LITE, trunk)
    return [*lines, *_loading(path)]


def _torchvision(model, function, usual, trunk="None"):
    """The network on a trunk, with mean and deviation of its pixels in 0..1 unless they are the `usual` ones there."""
    reading, pixels = reading_of(model), ""
    if not are_close(reading, usual):
        mean, deviation = np.array(reading.mean) / 255, 1 / (255 * np.array(reading.scale))
        pixels = f", image_mean={_numbers(mean)}, image_std={_numbers(deviation)}"
    return [f"model = {function}(weights=None, weights_backbone={trunk}, num_classes={_classes(model)}{pixels})"]


def ssd_pytorch(model: Network, path: str) -> list[str]:
    reading = reading_of(model)
    if not np.allclose(reading.scale, 1):
        raise MinissdError(
            f"this {model.name} scales its pixels, and ssd.pytorch only takes a mean away: use --to torchvision"
        )
    clip = model.options["boxes"] == "ssd.pytorch"
    mean = tuple(float(f"{value:.6g}") for value in reading.mean[::-1])
    return [
        "from data import BaseTransform, voc",
        "from layers.functions import PriorBox",
        "from ssd import build_ssd",
        f'model = build_ssd("test", 300, {_classes(model)})',
        f'model.priors = PriorBox({{**voc, "clip": {clip}}}).forward()',
        *_loading(path),
        f"transform = BaseTransform(300, {mean})  # the mean as blue, green, red",
    ]


def qfgaohao(model: Network, path: str) -> list[str]:
    if not are_close(reading_of(model), QFGAOHAO):
        raise MinissdError(
            f"this {model.name} normalises its pixels otherwise than qfgaohao's program: use --to onnx, or train "
            "without the weights of others"
        )
    return [
        "from vision.ssd.mobilenetv1_ssd import create_mobilenetv1_ssd, create_mobilenetv1_ssd_predictor",
        f"model = create_mobilenetv1_ssd({_classes(model)}, is_test=True)",
        *_loading(path),
        "predictor = create_mobilenetv1_ssd_predictor(model)",
    ]


def _loading(path):
    return ["import torch", f"model.load_state_dict(torch.load({path!r}, weights_only=True))"]


def _classes(model):
    return len(model.classes) + 1


def _numbers(values):
    """A list with as many digits as float32 has."""
    return [float(f"{value:.8g}") for value in values]
