"""From a small map to a larger one."""

import numpy as np


def transposed_conv(x, kernel, stride):
    """Transposed convolution of one map with one kernel, no padding.

    x (H, W), kernel (K, K) -> y ((H - 1) * stride + K, (W - 1) * stride + K).

    Every cell stamps the kernel, times its value, onto y; neighbouring stamps begin `stride` cells apart and add up
    where they overlap:

        y[i * stride + a, j * stride + b] collects x[i, j] * kernel[a, b]
    """
    raise NotImplementedError("stamp the kernel")
