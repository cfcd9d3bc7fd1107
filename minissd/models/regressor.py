"""Image regression: one number from an image (lecture, "Introduction")."""

from minissd.errors import MinissdError
from minissd.layers import GlobalAvgPool2d, Linear
from minissd.models.blocks import conv_relu
from minissd.models.classifier import Feedforward
from minissd.models.ssd_tiny import TINY_PIXELS
from minissd.ops import smooth_l1, smooth_l1_backward

# (output channels, stride) of each convolution: a last cell sees 55 pixels of the input, about an object and what
# is around it.
CONVOLUTIONS = ((16, 2), (24, 2), (32, 1), (48, 2), (64, 1), (64, 1))


class Regressor(Feedforward):
    """images (N, S, S, C) -> numbers (N, 1).  layers: dict name -> Layer, whose last output is (N, 1)."""

    task = "regress"

    def loss_size(self, values):
        return len(values)

    def loss(self, outputs, values, size=None):
        """Mean smooth L1 of the difference to the values (N,): some annotations are far off, and count no more."""
        loss, cache = smooth_l1(outputs[:, 0], values.astype(outputs.dtype), reduction="sum")
        scale = 1 / (size or len(values))
        return {"loss": loss * scale}, (cache, scale)

    def loss_backward(self, cache):
        smooth_l1_cache, scale = cache
        return smooth_l1_backward(smooth_l1_cache, scale)[:, None]

    def estimate(self, images):
        """images as for `forward` -> numbers (N,), on the model's device."""
        outputs, _ = self.forward(images)
        return outputs[:, 0]


def counter(classes, *, init, input_size=160):
    """Counts the objects of `classes`, all together, in images of input_size x input_size pixels.

    Convolutions with batch norm, the mean over their last map, a linear layer: so every place of an image adds what
    it sees to the count, wherever it lies.
    """
    if input_size < 1:
        raise MinissdError(f"input size {input_size}: counter needs at least 1 pixel a side")
    layers, channels = {}, 3
    for i, (width, stride) in enumerate(CONVOLUTIONS):
        layers |= conv_relu(str(i), channels, width, init=init, stride=stride, batch_norm=True)
        channels = width
    layers |= {"pool": GlobalAvgPool2d(), "count": Linear(channels, 1, init=init, filler="xavier")}
    return Regressor("counter", classes, layers=layers, input_size=input_size, init=init, **TINY_PIXELS)
