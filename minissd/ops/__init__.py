"""Operations: `y, cache = f(x, ...)`, and right below each `dx, ... = f_backward(dy, cache)`.

Losses take `f_backward(cache, dloss)`; softmax, log_softmax and what computes shapes have no backward pass.  Maps are
NHWC, convolution weights (KH, KW, C, D); the data's own array module (NumPy or CuPy) does the work.  Arrays are float32
or float64, in any memory layout; arguments.py has the rules for what is refused.
"""

from minissd.ops.activations import (
    hard_sigmoid,
    hard_sigmoid_backward,
    hard_swish,
    hard_swish_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from minissd.ops.convolution import conv2d, conv2d_backward
from minissd.ops.depthwise import depthwise_conv2d, depthwise_conv2d_backward
from minissd.ops.dropping import dropout, dropout_backward, spatial_dropout, spatial_dropout_backward
from minissd.ops.fully_connected import linear, linear_backward
from minissd.ops.geometry import effective_kernel, output_size
from minissd.ops.joining import add, add_backward, concatenate, concatenate_backward
from minissd.ops.l2_normalisation import l2_normalize, l2_normalize_backward
from minissd.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
    smooth_l1,
    smooth_l1_backward,
)
from minissd.ops.normalisation import batch_norm, batch_norm_backward, fold_batch_norm
from minissd.ops.patches import col2im, im2col
from minissd.ops.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from minissd.ops.probabilities import log_softmax, softmax
from minissd.ops.resampling import upsample2d, upsample2d_backward
from minissd.ops.scaling import scale_channels, scale_channels_backward
from minissd.ops.transposed_convolution import conv_transpose2d, conv_transpose2d_backward

__all__ = sorted(name for name, value in globals().items() if callable(value))
