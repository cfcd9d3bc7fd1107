"""The layouts of networks on MobileNetV3: torchvision's mobilenet_v3_large and ssdlite320_mobilenet_v3_large."""

from minissd.models.mobilenet_v3 import BLOCKS, FIRST, TAIL
from minissd.weights.classes import COCO_90
from minissd.weights.layout import Layout, Reading, layers, normed
from minissd.weights.vgg_layouts import IMAGENET

TORCHVISION_LITE = Reading(mean=(127.5,) * 3, scale=(1 / 127.5,) * 3)
_C4, _LAST = len(BLOCKS) + 1, len(BLOCKS) + len(TAIL) + 1  # numbers of the block that C4 lies in, and of conv16


def _conv_norm(theirs, ours):
    """A convolution and its batch norm, the first two of a list."""
    return normed([((f"{theirs}.0", f"{theirs}.1"), (ours, f"{ours}_bn"))])


def _of_block(theirs, ours, parts):
    """The parts of a block, numbered from the first on."""
    names = {}
    for number, part in enumerate(parts):
        if part == "se":
            names |= layers((f"{theirs}.{number}.{fc}", f"{ours}.se.{fc}") for fc in ("fc1", "fc2"))
        elif part:
            names |= _conv_norm(f"{theirs}.{number}", f"{ours}.{part}")
    return names


def _trunk(place, c4, c4_widening):
    """All of the trunk.  place: number in the list of layers -> name; c4, c4_widening: block 13 and its first part."""
    names = _conv_norm(place(0), "conv0") | _conv_norm(place(_LAST), f"conv{_LAST}")
    channels = FIRST
    for i, block in enumerate((*BLOCKS, *TAIL), 1):
        widening = [] if block.inside == channels else ["" if i == _C4 else "expand"]
        parts = [*widening, "depthwise", *["se"] * block.excites, "project"]
        names |= _of_block(c4 if i == _C4 else f"{place(i)}.block", f"block{i}", parts)
        channels = block.out
    return names | _conv_norm(c4_widening, f"expand{_C4}")


def _of_ssd():
    """Trunk and extra layers; heads."""
    trunk = _trunk(
        lambda i: f"backbone.features.{f'0.{i}' if i < _C4 else f'1.{i - _C4}'}",
        c4="backbone.features.1.0",
        c4_widening=f"backbone.features.0.{_C4}",
    )
    heads = {}
    for i in range(4):
        for j, part in enumerate(("squeeze", "depthwise", "widen")):
            trunk |= _conv_norm(f"backbone.extra.{i}.{j}", f"extra{i}.{part}")
    for i in range(6):
        for theirs, ours in (("classification", f"head{i}.logits"), ("regression", f"head{i}.offsets")):
            place = f"head.{theirs}_head.module_list.{i}"
            heads |= normed([((f"{place}.0.0", f"{place}.0.1"), (f"{ours}.depthwise", f"{ours}.bn"))])
            heads |= layers([(f"{place}.1", f"{ours}.outputs")])
    return trunk, heads


_MODELS = ("ssdlite320-mobilenet-v3", "mobilenet-v3")
_TRUNK = _trunk(lambda i: f"features.{i}", c4=f"features.{_C4}.block", c4_widening=f"features.{_C4}.block.0")
MOBILENET_V3 = Layout(
    "torchvision mobilenet_v3_large",
    _TRUNK,
    signature=frozenset(_TRUNK),
    models=_MODELS,
    options={"reduced_tail": False},
    reading=IMAGENET,
)
_SSD_TRUNK, _SSD_HEADS = _of_ssd()
SSDLITE = Layout(
    "torchvision ssdlite320_mobilenet_v3_large",
    _SSD_TRUNK | _SSD_HEADS,
    signature=frozenset(_SSD_TRUNK),
    models=_MODELS,
    reading=TORCHVISION_LITE,
    classes=COCO_90,
    boxes="torchvision",
)
MOBILENET_V3_LAYOUTS = (SSDLITE, MOBILENET_V3)
