"""Groups of layers that several models are made of, as dictionaries of named layers for a `Sequential`."""

from minissd.layers import BatchNorm, Conv2d, ReLU


def conv_relu(suffix, c_in, c_out, kernel=3, *, init, pad=1, stride=1, dilation=1, batch_norm=False, prefix="conv"):
    """conv<suffix>, [bn<suffix>,] relu<suffix>.

    With batch norm, beta makes a bias pointless, and the weights start as He et al. propose for layers with a ReLU;
    without, as Caffe's "xavier" filler makes them, which the released SSD starts its own layers with.
    """
    start = {"bias": False, "filler": "he"} if batch_norm else {"filler": "xavier"}
    conv = Conv2d(c_in, c_out, kernel, init=init, pad=pad, stride=stride, dilation=dilation, **start)
    layers = {f"{prefix}{suffix}": conv}
    if batch_norm:
        layers[f"bn{suffix}"] = BatchNorm(c_out, init=init)
    return layers | {f"relu{suffix}": ReLU(in_place=True)}
