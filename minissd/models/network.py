"""What every model shares: a name, classes, and the images it reads."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from minissd.data.bilinear import FINE
from minissd.data.view import resize_image, with_channels
from minissd.device import Array, array_module, to_device
from minissd.engine.cpu.locks import fork_safe_lock
from minissd.engine.cpu.threads import in_turns, runs
from minissd.engine.runtime import empty
from minissd.layers import Initializer, Layer, Sequential
from minissd.models.cost import summary_of

_lock = fork_safe_lock()  # for networks on their way into or out of `inference`
ONE_SIDED = 20  # pixels that reach so many times farther above 0 than below it cannot be normalised, even if sharpened
PIXELS = "give pixels 0..255 as uint8, which the network normalises itself"
PREPARE = "np.stack([model.resized(image) for image in images]) makes them of RGB uint8 images of any size"


class Normalized(NamedTuple):
    """Marks images as normalised already, for `forward` and whatever else takes images."""

    pixels: Array  # (N, S, S, channels) floats


class Network(Layer):
    """A model reads square images of S pixels a side, with as many channels as `pixel_mean` has.

    The normalisation of the pixels, x -> (x - mean) * scale for RGB values 0..255, belongs to the weights that were
    trained with it, so it stands among the buffers ("pixels.mean", "pixels.scale") and is saved with them.

    A model defines `forward`, `backward`, `trace` and, with `task` for what it is trained for, its loss: `loss_size`,
    `loss` and `loss_backward`.  `loss_settings` names the fields of a `TrainConfig` that the first two take as well.
    `options` is what `build` was given: with name and classes enough to build the model again.
    """

    task: str
    loss_settings: tuple[str, ...] = ()
    resize = "antialiased"  # how `resized` does it, a name in minissd.data.view.RESIZES

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        *,
        input_size: int,
        init: Initializer,
        pixel_mean: Sequence[float],
        pixel_scale: float | Sequence[float],
    ):
        super().__init__()
        self.name, self.classes, self.input_size = name, tuple(classes), input_size
        self.dtype, self.device = init.dtype, init.device
        self.channels = len(pixel_mean)
        self.options: dict[str, Any] = {}
        self._inferring = 0  # open blocks of `inference`
        pixels = {"mean": pixel_mean, "scale": np.broadcast_to(pixel_scale, self.channels)}
        for key, values in pixels.items():
            self.buffers[f"pixels.{key}"] = to_device(np.array(values, dtype=init.dtype), init.device)  # (channels,)

    @property
    def trunk(self) -> tuple[str, ...]:
        """The names of the children that turn images into features, as a trained trunk does, and know no classes."""
        return ()

    def class_of_outputs(self, name: str, classes: int, outputs: int) -> np.ndarray | None:
        """(outputs,) the label that each number a layer outputs speaks of, -1 for those that speak of none.

        name: of a parameter, whose last axis counts the outputs; classes, outputs: of such a model, not this one alone.
        None for a layer that knows no classes, or that cannot have so many outputs.
        """
        return None

    def path(self) -> tuple[Sequential, ...]:
        """What the images go through from the first layer on, one after the other, whatever branches off."""
        return ()

    def backward(self, dy: Any, cache: Any, need_dx: bool = True, *, spend: bool = False) -> tuple[Any, dict[str, Any]]:
        """As for `Layer`.  spend: empty `cache` on the way, as for `Sequential`."""
        return super().backward(dy, cache, need_dx)

    def loss_size(self, *targets: Any, **settings: Any) -> int:
        """What the loss of a batch is divided by: its images, or its matched boxes."""
        raise NotImplementedError(f"{self._kind} has no loss: define loss_size(self, *targets) -> int")

    def loss(self, outputs: Any, targets: Any, size: int | None = None) -> tuple[dict[str, Any], Any]:
        """terms, cache: "loss" and its parts, 0-d arrays.  size: of the whole batch, if `outputs` are part of it."""
        raise NotImplementedError(
            f"{self._kind} has no loss: define loss(self, outputs, targets, size) -> terms, cache"
        )

    def loss_backward(self, cache: Any) -> Any:
        """The gradient of the loss with respect to the outputs, the dy of `backward`."""
        raise NotImplementedError(f"{self._kind} has no loss: define loss_backward(self, cache) -> dy")

    def trace(
        self, images: Any, train: bool = False, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[str, Array]]:
        """Yield (name, output) of every layer in the order of `forward`; arguments as for that."""
        raise NotImplementedError(f"{self._kind} has no trace: define trace(self, images, train=False, rng=None)")

    @property
    def predicts(self) -> str:
        """How many boxes, in words, if it is a detector."""
        return ""

    def summary(self) -> str:
        """A table of the layers: name, output, parameters, multiply-adds for one image; `print(model.summary())`."""
        return summary_of(self)

    def extra_repr(self) -> str:
        count = len(self.classes)
        return f"{self.name}, {count} class{'es' * (count != 1)}, {self.input_size} x {self.input_size} pixels"

    def resized(self, image: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) or (H, W, 1) uint8 of any size as the network reads it: (S, S, channels) uint8.

        Of a network whose `resize` is "fine bilinear" uint32, in parts of 1 / FINE.
        """
        return resize_image(with_channels(image, self.channels), self.input_size, self.resize)

    def normalize(self, images: Any) -> Array:
        """Images in the model's dtype: uint8 x, or what `resized` makes -> (x - mean) * scale.

        Floats are taken as normalised already.  Normalised pixels lie on both sides of 0, while 0..255 and 0..1 have
        next to nothing below it: arrays in host memory of which this is true are refused (a GPU would have to be
        waited for), for what came out would look like an answer.  `Normalized(x)` is taken as it is.
        """
        if isinstance(images, Normalized):
            return images.pixels.astype(self.dtype, copy=False)
        self._check_images(images)
        if images.dtype.kind == "u":
            x = empty(images.shape, self.buffers["pixels.mean"])
            means, scales = self._along_a_row("pixels.mean"), self._along_a_row("pixels.scale")

            def of_images(one):
                x[one] = images[one]
                if images.dtype == np.uint32:
                    x[one] *= 1 / FINE
                rows = x[one].reshape(-1, self.input_size * self.channels)  # NumPy is slow on vectors of 3
                rows -= means
                rows *= scales

            xp = array_module(x)
            in_turns(of_images, runs(len(x), len(x) if xp is np else 1), xp, products=False)
            return x
        return images.astype(self.dtype, copy=False)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """For many calls of `infer` in a row: what depends on the parameters alone is computed only once.  Batch norms
        are folded into convolutions, which keep their transformed filters.

        Within the block the network is what it was on entering, whatever happens to its parameters; NumPy refuses to
        change them.  The blocks of several threads may overlap: what the first one prepared is dropped with the last.
        """
        with _lock:
            if not self._inferring:
                self._prepared = self._prepare()
            self._inferring += 1
        try:
            yield
        finally:
            with _lock:
                self._inferring -= 1
                if not self._inferring:
                    self._prepared.close()

    def _prepare(self):
        """An ExitStack of all that holds within `inference`."""
        params = [array for array in self.params.values() if isinstance(array, np.ndarray)]
        with ExitStack() as prepared:
            for layer in self.inferring():
                prepared.enter_context(layer.prepared())
            for array in params:
                prepared.callback(setattr, array.flags, "writeable", array.flags.writeable)
                array.flags.writeable = False
            return prepared.pop_all()

    def inferring(self) -> tuple[Layer, ...]:
        """The layers whose `infer` that of the network calls."""
        return ()

    def _check_images(self, images):
        """TypeError or ValueError unless these are images as the network reads them, with what to do about it."""
        expected = (self.input_size, self.input_size, self.channels)
        reads = f"{self.name} reads images (N, {', '.join(map(str, expected))})"
        if not hasattr(images, "dtype"):
            raise TypeError(f"{reads} in one array, got {type(images).__qualname__}: {PREPARE}")
        array_module(images, self.buffers["pixels.mean"])  # on one device
        if images.ndim != 4 or images.shape[1:] != expected or len(images) == 0:
            raise ValueError(f"{reads}, got {images.shape}: {_advice(images.shape, expected)}")
        own = (np.uint8, np.uint32) if self.resize == "fine bilinear" else (np.uint8,)
        if images.dtype not in own and images.dtype.kind != "f":
            raise TypeError(f"{self.name} reads uint8 images or normalised floats, got {images.dtype}: {PIXELS}")
        if images.dtype.kind == "f" and isinstance(images, np.ndarray) and images.size:
            low, high = images.min(), images.max()
            if not (low <= -high / ONE_SIDED or low == high):  # NaN too; one value alone shows nothing
                raise ValueError(
                    f"{self.name} takes floats as normalised pixels, which lie on both sides of 0, and these are from "
                    f"{low:g} to {high:g}: {PIXELS}, or minissd.models.Normalized(images) if they are"
                )

    def _along_a_row(self, buffer):
        """A buffer (channels,) repeated for every pixel of a row -> (S * channels,)."""
        values = self.buffers[buffer]
        return array_module(values).tile(values, self.input_size)


def _advice(shape, expected):
    """What to do about images of this shape."""
    size, _, channels = expected
    if shape == (0, *expected):
        return "give at least one"
    if shape == expected:
        return "one image needs an axis in front, image[None]"
    if shape in ((size, size), (len(shape) == 3 and shape[0], size, size)) and channels == 1:
        return "grey images need an axis of one channel, images[..., None]"
    if len(shape) == 4 and shape[1:] == (channels, size, size):
        return "move the channels to the end, images.transpose(0, 2, 3, 1)"
    if shape[-1:] != (channels,):
        return f"they need {channels} channel{'s' * (channels > 1)}; minissd.data.as_rgb makes RGB of other images"
    return PREPARE
