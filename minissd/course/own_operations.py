"""The student's functions in the place of the library's: under the library's names, with its arguments and results.

An exercise asks for `conv_as_product(x, w, b, stride, pad)`, the library has `y, cache = conv2d(x, w, b, stride=...)`.
What an exercise does not cover (dilation, padding of one side only) is left to the library.
"""

import numpy as np

from minissd import ops
from minissd.ops.convolution import conv2d_windows
from minissd.ops.pooling import pooling_windows

SAME = (  # exercises that take and return what the library's functions of their names do
    *("iou", "nms", "to_centers", "to_corners", "encode", "decode", "best_free_boxes", "match", "hard_negatives"),
    *("one_cycle", "output_size"),
)


def operations(own):
    """{name of an operation: function} for `minissd.engine.use`, made of the student's functions."""
    makers = (_convolution, _pooling, _activations, _losses, _joints)
    return {name: function for make in makers for name, function in make(own).items()}


def connect(own, names, itself):
    """In the globals of a student's file, put the student's own functions where it imports the library's."""
    theirs = own.operations | {name: own[name] for name in SAME} | _patches(own) | {"softmax": own["softmax_rows"]}
    for name, value in names.items():
        if name in theirs and name != itself and getattr(value, "__module__", "").startswith("minissd."):
            names[name] = theirs[name]


def _patches(own):
    def im2col(x, kernel, stride=1, pad=0, dilation=1):
        return own["im2col"](np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0))), kernel, stride, dilation=dilation)

    def col2im(cols, x_shape, kernel, stride=1, pad=0, dilation=1):
        n, height, width, c = x_shape
        padded = own["col2im"](cols, (n, height + 2 * pad, width + 2 * pad, c), kernel, stride, dilation=dilation)
        return padded[:, pad : pad + height, pad : pad + width]

    return {"im2col": im2col, "col2im": col2im}


def _convolution(own):
    def conv2d(x, w, b=None, *, stride=1, pad=0, dilation=1):
        windows = conv2d_windows(x, w, b, stride, pad, dilation)
        plain = _plain(windows)
        if plain is None or windows.dilation != (1, 1):
            y, cache = ops.conv2d(x, w, b, stride=stride, pad=pad, dilation=dilation)
            return y, (None, cache)
        bias = np.zeros(w.shape[3], w.dtype) if b is None else b
        return _like(own["conv_as_product"](x, w, bias, *plain), x), (plain, (x, w, b is not None))

    def conv2d_backward(dy, cache):
        plain, cache = cache
        if plain is None:
            return ops.conv2d_backward(dy, cache)
        x, w, has_bias = cache
        dx, dw, db = (_like(one, x) for one in own["conv2d_gradient"](dy, x, w, *plain))
        return dx, dw, db if has_bias else None

    def linear_backward(dy, cache):
        return tuple(_like(one, dy) for one in own["linear_gradient"](dy, *cache))

    return {
        "conv2d": conv2d,
        "conv2d_backward": conv2d_backward,
        "linear": ops.linear,  # whose cache is (x, w)
        "linear_backward": linear_backward,
    }


def _pooling(own):
    def max_pool2d(x, kernel, *, stride=None, pad=0, ceil_mode=False):
        windows = pooling_windows(x, kernel, stride, pad, ceil_mode)
        plain = _plain(windows)
        size = tuple(n + sum(both) for n, both in zip(x.shape[1:3], windows.pads, strict=True))
        if plain is None or windows.padded_size != size or windows.kernel[0] != windows.kernel[1]:
            y, cache = ops.max_pool2d(x, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode)
            return y, (None, cache)
        return _like(own["max_pool"](x, windows.kernel[0], *plain), x), (plain, (x, windows))

    def max_pool2d_backward(dy, cache):
        plain, cache = cache
        if plain is None:
            return ops.max_pool2d_backward(dy, cache)
        x, windows = cache
        padded = windows.pad(x, -np.inf)  # the exercise knows no padding
        return windows.crop(_like(own["max_pool_gradient"](dy, padded, windows.kernel[0], plain[0]), x))

    return {"max_pool2d": max_pool2d, "max_pool2d_backward": max_pool2d_backward}


def _activations(own):
    def relu(x):
        return np.maximum(x, 0), x

    def relu_backward(dy, x):
        return _like(own["relu_gradient"](dy, x), dy)

    def l2_normalize(x, scale, eps=1e-10):
        return _like(own["l2_normalize"](x, scale, eps), x), (x, scale, eps)

    def l2_normalize_backward(dy, cache):
        return tuple(_like(one, dy) for one in own["l2_normalize_gradient"](dy, *cache))

    return {
        "relu": relu,
        "relu_backward": relu_backward,
        "l2_normalize": l2_normalize,
        "l2_normalize_backward": l2_normalize_backward,
    }


def _losses(own):
    def log_softmax(x):
        return _like(own["stable_log_softmax"](x), x)

    def smooth_l1(pred, target, *, reduction="mean"):
        loss, (_, scale) = ops.smooth_l1(pred, target, reduction=reduction)
        return loss, (pred, target, scale)

    def smooth_l1_backward(cache, dloss=1):
        pred, target, scale = cache
        return _like(own["smooth_l1_gradient"](pred, target) * scale * dloss, pred)

    return {"log_softmax": log_softmax, "smooth_l1": smooth_l1, "smooth_l1_backward": smooth_l1_backward}


def _joints(own):
    def upsample2d_backward(dy, cache):
        return _like(own["upsample_gradient"](dy, cache[2]), dy)

    def concatenate_backward(dy, cache):
        return tuple(_like(one, dy) for one in own["skip_gradient"](dy, cache[0]))

    return {
        "upsample2d": ops.upsample2d,  # whose cache ends with the factor
        "upsample2d_backward": upsample2d_backward,
        "concatenate": ops.concatenate,  # whose cache begins with the channels of the first map
        "concatenate_backward": concatenate_backward,
    }


def _plain(windows):
    """(stride, pad) as two numbers, where both are the same in all directions; else None."""
    pads = {number for pair in windows.pads for number in pair}
    if len(pads) > 1 or windows.stride[0] != windows.stride[1]:
        return None
    return windows.stride[0], pads.pop()


def _like(array, x):
    """An array of the student's in the dtype that the library works in."""
    return np.asarray(array).astype(x.dtype, copy=False)
