"""Image regression: one number from an image, learned with the smooth L1 loss (Girshick 2015, equation 3)."""

from typing import Any

from minissd.device import Array
from minissd.engine import smooth_l1, smooth_l1_backward
from minissd.models.classifier import Feedforward


class Regressor(Feedforward):
    """images (N, S, S, C) -> numbers (N, 1).  layers: dict name -> Layer, whose last output is (N, 1)."""

    task = "regress"

    def loss_size(self, values: Array) -> int:
        return len(values)

    def loss(self, outputs: Array, values: Array, size: int | None = None) -> tuple[dict[str, Any], Any]:
        """Mean smooth L1 of the differences to the values (N,), over `size` images, those of the batch unless given."""
        loss, cache = smooth_l1(outputs[:, 0], values.astype(outputs.dtype), reduction="sum")
        scale = 1 / (size or len(values))
        return {"loss": loss * scale}, (cache, scale)

    def loss_backward(self, cache: Any) -> Any:
        smooth_l1_cache, scale = cache
        return smooth_l1_backward(smooth_l1_cache, scale)[:, None]

    def estimate(self, images: Any) -> Array:
        """images as for `forward` -> numbers (N,), on the model's device."""
        return self.infer(images)[:, 0]
