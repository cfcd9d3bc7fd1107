"""A trained trunk and the fresh layers behind it, brought to one scale before they are trained together.

Without batch norm nothing keeps the activations of a trunk near 1: those of VGG16 have a root mean square (rms) of 3 to
60 and reach 1,600.  Fresh layers that read them answer with logits of tens; the gradient of what they read by their
weights grows with the square of its scale, so that a rate that suits the trunk throws them about, and after a few steps
nothing behind the trunk answers any more, or the loss is not finite.

A convolution, a ReLU and a max pooling all hand a factor on: relu((a x) * w + a b) = a relu(x * w + b) for a > 0.  The
scale of a trained layer can therefore be taken out of it without changing what the trunk computes, but for that factor
(Kraehenbuehl et al. 2016, "Data-dependent initializations of convolutional neural networks").  With g the factor that
is out already, x = x_trained / g, and for every convolution in turn

    b <- b / g;    s = rms(relu(x * w + b));    w <- w / s,  b <- b / s,  g <- g s

leaves maps of rms 1.  The same makes fresh layers output rms 1 too (Mishkin and Matas 2016, "All you need is a good
init"), where Xavier's rule loses a factor of sqrt(2) in every layer with a ReLU.
"""

from collections.abc import Collection
from typing import Any

from minissd.device import Array, array_module
from minissd.errors import MinissdError
from minissd.layers import Conv2d, MaxPool2d, ReLU
from minissd.models import Network
from minissd.models.heads import NormalizedHead
from minissd.models.ssd import SSD

ENOUGH_IMAGES = 4  # with their thousands of cells, maps of so many tell the scale
# Of fresh heads, in parts of what Xavier's rule draws.  Their first answers are noise; hard negative mining picks the
# loudest of it, and what silences it soonest is a silent trunk.
FRESH_HEADS = 0.1


def can_be_balanced(model: Network) -> bool:
    """Whether a model is an SSD whose stages hand factors on, as those of VGG16 do without batch norm."""
    kinds = (Conv2d, MaxPool2d, ReLU)
    return isinstance(model, SSD) and all(
        type(layer) in kinds for stage in model.stages.values() for layer in stage.layers.values()
    )


def balance(model: SSD, images: Array, fresh: Collection[str]) -> tuple[float, float]:
    """Bring the maps of a model to rms 1, trained layers and fresh ones alike, and let fresh heads answer softly.

    images (N, S, S, 3): a few that it is to learn from, as `forward` takes them, on the model's device; fresh: the
    names of the parameters that are not trained, as the `untouched` of a Report.  The trained part computes what it
    did before, but for a factor on each map.  Returns the lowest and the highest rms that a trained layer's map had.
    MinissdError for a model that `can_be_balanced` refuses, and for images that leave a layer silent.
    """
    if not can_be_balanced(model):
        raise MinissdError(f"{model.name} cannot be balanced: that is for SSDs on VGG16 without batch norm")
    factor = _rms(model.normalize(images))
    model.buffers["pixels.scale"] /= factor
    x, were = model.normalize(images), []
    for i, ((name, stage), head) in enumerate(zip(model.stages.items(), model.heads, strict=True)):
        for key, layer in stage.layers.items():
            if not isinstance(layer, Conv2d):
                x = layer.infer(x)
                continue
            x, rms = _to_rms_1(layer, x, factor, f"{name}.{key}")
            factor *= rms
            were += [] if f"{name}.{key}.w" in fresh else [factor]
        _adapt(head, factor, fresh, f"head{i}")
    return min(were), max(were)


def _to_rms_1(layer: Conv2d, x: Array, factor: float, name: str) -> tuple[Array, float]:
    """Scale a convolution so that its map has rms 1 once it has gone through ReLU; that map, and the rms it had."""
    w, b = layer.params["w"], layer.params["b"]
    b /= factor
    y = array_module(x).maximum(layer.infer(x), 0)
    rms = _rms(y)
    if not rms > 0:
        raise MinissdError(f"{name} outputs nothing but zeros for the first images: look at these, and at the weights")
    for array in (w, b, y):
        array /= rms
    return y, rms


def _adapt(head: Any, factor: float, fresh: Collection[str], name: str) -> None:
    """Trained weights of a head get the factor that its map has lost, fresh ones become small."""
    for key, part in (("offsets", head.offsets), ("logits", head.logits)):
        if f"{name}.{key}.w" in fresh:
            part.params["w"] *= FRESH_HEADS
        elif not isinstance(head, NormalizedHead):  # to which a factor makes no difference
            part.params["w"] *= factor


def _rms(x: Array) -> float:
    return float(array_module(x).sqrt((x * x).mean(dtype="float64")))
