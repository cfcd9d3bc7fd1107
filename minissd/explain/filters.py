"""What a filter looks for: the image that excites it most, by gradient ascent (Olah et al. 2017).

With the parameters frozen, the image x climbs the mean a of one channel of a map (not to be confused
with the method of Zeiler and Fergus, a network run backwards):

    x <- x + rate * g / rms(g)          g = da/dx

from noise.  Left alone it ends in checkerboards that excite the filter and mean nothing, so it is kept smooth in two
ways: every step sees the image shifted by a few pixels (jitter), and it is blurred a little now and then.

Legend: N images, one for each filter, S their side in pixels, C their channels, H W D the map.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minissd.device import Array, array_module, to_device, to_like, to_numpy
from minissd.errors import MinissdError
from minissd.explain.taps import map_of, tapped
from minissd.models import Network, Normalized

NOISE = 12.0  # of 255: standard deviation of the noise that the ascent starts from
RATE = 6.0  # of 255: root mean square change of the pixels in one step
BLUR_EVERY = 2  # steps


class Ascent(NamedTuple):
    """What became of N images, in host memory."""

    images: np.ndarray  # (N, S, S, C) uint8
    start: np.ndarray  # (N,) mean over the map of max(activation, 0), for the noise
    end: np.ndarray  # (N,) the same for `images`, before they were rounded

    @property
    def rise(self) -> float:
        """The activation of all filters together, at the end in multiples of the start; inf if none had any."""
        start, end = float(self.start.sum()), float(self.end.sum())
        return end / start if start > 0 else float("inf")


def exciting_images(
    model: Network,
    layer: str,
    filters: Sequence[int],
    rng: np.random.Generator,
    *,
    steps: int = 48,
    jitter: int = 8,
    report: Callable | None = None,
) -> Ascent:
    """The `Ascent` for some filters, channel numbers of the map that a layer outputs.

    jitter: the largest shift, in pixels; report(done) is called after each step.  A layer before its ReLU has a slope
    everywhere; behind it, a filter that is silent in the noise stays so.  MinissdError for a layer or filter that is
    not there.
    """
    shape = (len(filters), model.input_size, model.input_size, model.channels)
    grey_noise = 127.5 + NOISE * rng.standard_normal(shape)
    mean, scale = (model.buffers[f"pixels.{key}"] for key in ("mean", "scale"))  # (C,) each
    x = (to_device(grey_noise.astype(model.dtype), model.device) - mean) * scale
    lowest, highest = (0 - mean) * scale, (255 - mean) * scale
    xp = array_module(x)
    with tapped(model, layer) as tap:
        start, _ = _climb(model, tap, layer, filters, x)
        for step in range(steps):
            shift = rng.integers(-jitter, jitter + 1, 2).tolist()
            _, slope = _climb(model, tap, layer, filters, xp.roll(x, shift, axis=(1, 2)))
            slope = xp.roll(slope, [-by for by in shift], axis=(1, 2))
            steepness = xp.sqrt((slope**2).mean(axis=(1, 2, 3), keepdims=True))
            x = x + RATE * scale * slope / xp.maximum(steepness, 1e-12)
            if step % BLUR_EVERY == 0:
                x = blurred(x)
            x = xp.clip(x, lowest, highest)  # what an image can show
            if report:
                report(step + 1)
        end, _ = _climb(model, tap, layer, filters, x)
    pixels = xp.clip(xp.rint(x / scale + mean), 0, 255).astype(np.uint8)
    return Ascent(to_numpy(pixels), to_numpy(start), to_numpy(end))


def blurred(x: Array) -> Array:
    """Maps (N, H, W, C) smoothed by 1/4 1/2 1/4 in both directions; the rim repeats beyond the edge."""
    xp = array_module(x)
    for axis in (1, 2):
        index = xp.arange(x.shape[axis])
        before, after = (xp.take(x, xp.clip(index + by, 0, len(index) - 1), axis=axis) for by in (-1, 1))
        x = x / 2 + (before + after) / 4
    return x


def _climb(model, tap, layer, filters, x):
    """(activations (N,), d(mean of filter n on image n) / d(image n), an array like x).

    The whole model runs; nothing comes down from above the tap, where the gradient is put in.
    """
    outputs, cache = model.forward(Normalized(x))
    maps = map_of(model, layer, tap)
    n, height, width, channels = maps.shape
    if not all(0 <= one < channels for one in filters):
        raise MinissdError(f"{model.name}: {layer} has the filters 0 to {channels - 1}, not {list(filters)}")
    xp = array_module(x)
    images, picked = xp.arange(n), to_like(np.array(filters), x)
    tap.injected = xp.zeros_like(maps)
    tap.injected[images, :, :, picked] = 1 / (height * width)
    slope, _ = model.backward(_zeros_like(outputs), cache)
    return xp.maximum(maps[images, :, :, picked], 0).mean(axis=(1, 2)), slope


def _zeros_like(outputs):
    """The outputs of a model, one array or a tuple of several, with 0 in the place of every number."""
    if isinstance(outputs, tuple):
        return tuple(map(_zeros_like, outputs))
    return array_module(outputs).zeros_like(outputs)
