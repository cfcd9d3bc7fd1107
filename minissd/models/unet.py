"""U-Net: every pixel gets a class (Ronneberger et al. 2015).

N batch, S input size, C classes, W width.  Down the left side the maps lose size and gain meaning, up the right side
they gain size again; at each of the four levels a skip connection brings over what the left side still knew of places:

    images (N, S, S, 3)                                      logits (N, S, S, C)
        |                                                        ^ output: pointwise convolution
    encoder1 (N, S, S, W)  ------------ skip ------------->  decoder1 (N, S, S, W)
        | pool                                                   ^ up1
    encoder2 (N, S/2, S/2, 2W)  ------- skip ------------->  decoder2
       ...                                                      ...
    encoder4 (N, S/8, S/8, 8W)  ------- skip ------------->  decoder4
        | pool                                                   ^ up4
        +------------->  bottleneck (N, S/16, S/16, 16W)  -------+

Encoder, bottleneck and decoder are two 3x3 convolutions with ReLU each.  All of them pad with zeros, so that maps that
meet are of one size (the paper's own do without padding, and its skips cut the border off).  `up` is a transposed
convolution, 2x2 at stride 2, to half of the channels.

With several classes each has a logistic output of its own, against all else: the logits are as many as the classes,
and a pixel of which no class is likelier than not is background.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minissd import engine
from minissd.device import Array
from minissd.errors import MinissdError
from minissd.layers import Conv2d, ConvTranspose2d, Initializer, Layer, MaxPool2d, Sequential, prefixed
from minissd.metrics.segmentation import known_pixels, mask_loss, mask_loss_backward
from minissd.models.blocks import conv_relu
from minissd.models.network import Network
from minissd.models.ssd_tiny import TINY_PIXELS

LEVELS = 4
SKIPS = {
    "concatenate": (engine.concatenate, engine.concatenate_backward),
    "add": (engine.add, engine.add_backward),
}


def unet(
    classes: Sequence[str],
    *,
    init: Initializer,
    input_size: int = 160,
    width: int = 12,
    batch_norm: bool = True,
    skip: str = "concatenate",
) -> "UNet":
    """Build a U-Net for `classes` (names without background), reading input_size x input_size images.

    width: channels of the first map.  skip: "concatenate" or "add", how the two sides are joined.
    """
    smallest = 2**LEVELS
    if input_size < smallest or input_size % smallest:
        raise MinissdError(
            f"input size {input_size}: unet halves its maps {LEVELS} times, choose a multiple of {smallest}"
        )
    if width < 1:
        raise MinissdError(f"width {width}: unet needs at least 1 channel")
    if skip not in SKIPS:
        raise MinissdError(f"skip {skip!r} is not known: choose one of {', '.join(SKIPS)}")
    widths = [width * 2**i for i in range(LEVELS + 1)]  # of the encoders and the bottleneck
    options = {"init": init, "batch_norm": batch_norm}
    blocks = [_block(c_in, c_out, **options) for c_in, c_out in zip([3, *widths], widths)]
    ups = [ConvTranspose2d(2 * c, c, 2, init=init, stride=2) for c in widths[:LEVELS]]
    joined = 2 if skip == "concatenate" else 1
    decoders = [_block(joined * c, c, **options) for c in widths[:LEVELS]]
    output = Conv2d(width, len(classes), 1, init=init, filler="xavier")
    sides = {"encoders": blocks[:LEVELS], "bottleneck": blocks[LEVELS], "ups": ups, "decoders": decoders}
    return UNet(classes, **sides, output=output, skip=skip, input_size=input_size, init=init, **TINY_PIXELS)


def _block(c_in, c_out, *, init, batch_norm):
    first = conv_relu("0", c_in, c_out, init=init, batch_norm=batch_norm)
    return Sequential(**first, **conv_relu("1", c_out, c_out, init=init, batch_norm=batch_norm))


class UNet(Network):
    """Encoders, bottleneck, ups and decoders wired together.  reading: as for `Network`."""

    task = "segment"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        encoders: Sequence[Sequential],
        bottleneck: Sequential,
        ups: Sequence[ConvTranspose2d],
        decoders: Sequence[Sequential],
        output: Conv2d,
        skip: str,
        **reading: Any,
    ):
        super().__init__("unet", classes, **reading)
        self.encoders, self.bottleneck, self.output = encoders, bottleneck, output
        self.ups, self.decoders = ups, decoders
        self.pool = MaxPool2d(2)
        self.join, self.join_backward = SKIPS[skip]
        for i in range(LEVELS):
            self.adopt(**{f"encoder{i + 1}": encoders[i], f"up{i + 1}": ups[i], f"decoder{i + 1}": decoders[i]})
        self.adopt(bottleneck=bottleneck, output=output)

    @property
    def trunk(self) -> tuple[str, ...]:
        return *(f"encoder{i + 1}" for i in range(LEVELS)), "bottleneck"

    def class_of_outputs(self, name: str, classes: int, outputs: int) -> np.ndarray | None:
        return np.arange(classes) if name.startswith("output.") and outputs == classes else None

    def path(self) -> tuple[Sequential, ...]:
        return *self.encoders, self.bottleneck

    def forward(self, images: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """images (N, S, S, 3), uint8 RGB or normalised -> logits (N, S, S, C), caches."""
        x = self.normalize(images)
        skips, down, up = [], [], []
        for encoder in self.encoders:
            x, encoder_cache = encoder.forward(x, train, rng)
            skips.append(x)
            x, pool_cache = self.pool.forward(x)
            down.append((encoder_cache, pool_cache))
        x, bottleneck_cache = self.bottleneck.forward(x, train, rng)
        for i in reversed(range(LEVELS)):
            x, up_cache = self.ups[i].forward(x)
            x, join_cache = self.join(skips.pop(), x)
            x, decoder_cache = self.decoders[i].forward(x, train, rng)
            up.append((up_cache, join_cache, decoder_cache))
        logits, output_cache = self.output.forward(x)
        return logits, (down, bottleneck_cache, up, output_cache)

    def inferring(self) -> tuple[Layer, ...]:
        return *self.encoders, self.bottleneck, *self.ups, *self.decoders, self.output

    def infer(self, images: Any) -> Any:
        x = self.normalize(images)
        skips = []
        for encoder in self.encoders:
            x = encoder.infer(x)
            skips.append(x)
            x = self.pool.infer(x)
        x = self.bottleneck.infer(x)
        for up, decoder in zip(reversed(self.ups), reversed(self.decoders), strict=True):
            x = decoder.infer(self.join(skips.pop(), up.infer(x))[0])
        return self.output.infer(x)

    def backward(
        self, dy: Any, caches: Any, need_dx: bool = True, *, spend: bool = False
    ) -> tuple[Any, dict[str, Any]]:
        """dy: d_logits (N, S, S, C) -> d_images (N, S, S, 3) or None, grads.  The way back, from top right to top left.

        An encoder's map went two ways, over the skip and down through the pooling: two gradients meet and add up.
        spend: as for `Sequential`.
        """
        down, bottleneck_cache, up, output_cache = caches
        if not spend:
            down, up = list(down), list(up)
        dx, grads = self.output.backward(dy, output_cache)
        grads = prefixed("output", grads)
        d_skips = []
        for i in range(LEVELS):
            up_cache, join_cache, decoder_cache = up.pop()
            dx, decoder_grads = self.decoders[i].backward(dx, decoder_cache, spend=spend)
            d_skip, dx = self.join_backward(dx, join_cache)
            d_skips.append(d_skip)
            dx, up_grads = self.ups[i].backward(dx, up_cache)
            grads |= prefixed(f"decoder{i + 1}", decoder_grads) | prefixed(f"up{i + 1}", up_grads)
        goes_on = [need_dx, *(need_dx or not stage.frozen for stage in self.path())]  # below each stage, and the last
        if not goes_on[-1]:
            return None, grads
        dx, bottleneck_grads = self.bottleneck.backward(dx, bottleneck_cache, need_dx=goes_on[-2], spend=spend)
        grads |= prefixed("bottleneck", bottleneck_grads)
        for i in reversed(range(LEVELS)):
            if not goes_on[i + 1]:
                break
            encoder_cache, pool_cache = down.pop()
            dx, _ = self.pool.backward(dx, pool_cache)
            dx += d_skips[i]
            dx, encoder_grads = self.encoders[i].backward(dx, encoder_cache, need_dx=goes_on[i], spend=spend)
            grads |= prefixed(f"encoder{i + 1}", encoder_grads)
        return dx, grads

    def trace(
        self, images: Any, train: bool = False, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[str, Array]]:
        x = self.normalize(images)
        skips = []
        for i, encoder in enumerate(self.encoders, start=1):
            for name, y in encoder.trace(x, train, rng):
                yield f"encoder{i}.{name}", y
            skips.append(y)
            x, _ = self.pool.forward(y)
            yield f"pool{i}", x
        for name, y in self.bottleneck.trace(x, train, rng):
            yield f"bottleneck.{name}", y
        for i in reversed(range(LEVELS)):
            x, _ = self.ups[i].forward(y)
            yield f"up{i + 1}", x
            x, _ = self.join(skips.pop(), x)
            yield f"skip{i + 1}", x
            for name, y in self.decoders[i].trace(x, train, rng):
                yield f"decoder{i + 1}.{name}", y
        logits, _ = self.output.forward(y)
        yield "output", logits

    def segment(self, images: Any) -> Array:
        """images as for `forward` -> probabilities (N, S, S, C), on the model's device."""
        return engine.sigmoid(self.infer(images))[0]

    def loss_size(self, masks: Array) -> int:
        return known_pixels(masks)

    def loss(self, logits: Array, masks: Array, size: int | None = None) -> tuple[dict[str, Any], Any]:
        """The loss of `minissd.metrics.segmentation.mask_loss`; masks (N, S, S) uint8 class numbers, VOID left out."""
        loss, cache = mask_loss(logits, masks, size)
        return {"loss": loss}, cache

    def loss_backward(self, cache: Any) -> Any:
        return mask_loss_backward(cache)
