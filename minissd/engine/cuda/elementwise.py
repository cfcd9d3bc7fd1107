"""Chains of element-wise steps as one kernel each: every number is read once and written once.

The twins are the lines beside which they are launched, in `engine/activations.py`, `engine/normalisation.py` and
`training/optim.py`.
Sums over many rows are in `sums.py`.
"""

from minissd.engine.cuda.kernel import Kernel

RELU_BACKWARD = Kernel("relu_backward", "T dy, T y", "T dx", "dx = dy * T(y > T(0))")

SCALE_AND_SHIFT = Kernel("scale_and_shift", "T x, T slope, T shift", "T y", "y = x * slope + shift")

BATCH_NORM_DX = Kernel(
    "batch_norm_dx",
    "T x, T dy, T mean, T slope, T per_centred, T constant",
    "T dx",
    "dx = dy * slope - ((x - mean) * per_centred + constant)",
)

SGD_UPDATE = Kernel(
    "sgd_update",
    "T g, float64 lr, float64 momentum, float64 weight_decay",
    "T v, T p",
    """
    v = v * T(momentum) + g + T(weight_decay) * p;
    p -= T(lr) * v;
    """,
)
