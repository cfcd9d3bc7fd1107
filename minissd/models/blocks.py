"""Groups of layers that several models are made of, as dictionaries of named layers for a `Sequential`."""

from typing import Any

from minissd.layers import BatchNorm, Conv2d, Initializer, Layer, ReLU


def conv_relu(
    suffix: str,
    c_in: int,
    c_out: int,
    kernel: int = 3,
    *,
    init: Initializer,
    pad: int = 1,
    stride: int = 1,
    dilation: int = 1,
    batch_norm: bool = False,
    prefix: str = "conv",
    pool: Layer | None = None,
) -> dict[str, Layer]:
    """conv<suffix>, [pool<suffix>,] [bn<suffix>,] relu<suffix>.

    With batch norm, beta makes a bias pointless, and the weights start as He et al. propose for layers with a ReLU;
    without, as Caffe's "xavier" filler makes them, which the released SSD starts its own layers with.
    """
    start: dict[str, Any] = {"bias": False, "filler": "he"} if batch_norm else {"filler": "xavier"}
    conv = Conv2d(c_in, c_out, kernel, init=init, pad=pad, stride=stride, dilation=dilation, **start)
    layers: dict[str, Layer] = {f"{prefix}{suffix}": conv}
    if pool:
        layers[f"pool{suffix}"] = pool
    if batch_norm:
        layers[f"bn{suffix}"] = BatchNorm(c_out, init=init)
    return layers | {f"relu{suffix}": ReLU(in_place=True)}
