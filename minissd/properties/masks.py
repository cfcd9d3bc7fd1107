"""What holds on the way back up: transposed convolution, upsampling, skips, and the masks at the end."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.engine import concatenate, concatenate_backward, conv_transpose2d, upsample2d, upsample2d_backward
from minissd.gradcheck import check_backward
from minissd.gradcheck.digits import apart
from minissd.metrics.segmentation import VOID, mask_loss, mask_loss_backward, overlaps, pixel_confusion
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, half_numbers
from minissd.properties.windows import seeds

digits = half_numbers()


@st.composite
def _stamps(draw):
    side, k = st.integers(1, 3), draw(few)
    x = draw(arrays(float, st.tuples(side, side), elements=digits))
    return {"x": x, "kernel": draw(arrays(float, (k, k), elements=digits)), "stride": draw(few)}


def _transposed(x, kernel, stride):
    """By the loops of the library's oracle, which knows batches and channels."""
    return naive.conv_transpose2d(x[None, :, :, None], kernel[:, :, None, None], stride=stride)[0, :, :, 0]


def _adjoint(function, x, kernel, stride):
    y = function(x, kernel, stride)
    a = np.arange(1.0, y.size + 1).reshape(y.shape)  # any map of that size
    down = naive.conv2d(a[None, :, :, None], kernel[:, :, None, None], stride=stride)[0, :, :, 0]
    up, across = (y * a).sum(), (down * x).sum()
    left, right = apart(up, across)
    assert np.isclose(up, across), f"<y, a> is {left}, but <x, conv(a)> is {right}, for a = 1, 2, 3, ..."


TRANSPOSED_CONV = (
    equals(_transposed, _stamps(), statement="stamps the kernel once for every cell, and adds where stamps overlap"),
    Property("is the transpose of the convolution with that kernel", _stamps(), _adjoint),
)


def transposed_conv(x, kernel, stride):
    """The library's own, for one map."""
    return conv_transpose2d(x[None, :, :, None], kernel[:, :, None, None], stride=stride)[0][0, :, :, 0]


@st.composite
def _upsampled(draw):
    n, h, w, c, factor = (draw(few) for _ in range(5))
    return {"dy": draw(arrays(float, (n, h * factor, w * factor, c), elements=digits)), "factor": factor}


def _upsample_gradient(function, dy, factor):
    n, height, width, c = dy.shape
    x = np.zeros((n, height // factor, width // factor, c))
    check_backward(lambda x: upsample2d(x, factor), lambda dy, _: function(dy, factor), (x,), names=("x",))


UPSAMPLE_GRADIENT = (Property("is the gradient of upsampling", _upsampled(), _upsample_gradient),)


def upsample_gradient(dy, factor):
    """The library's own, after a forward pass."""
    n, height, width, c = dy.shape
    _, cache = upsample2d(np.zeros((n, height // factor, width // factor, c)), factor)
    return upsample2d_backward(dy, cache)


@st.composite
def _joined(draw):
    shape = draw(st.lists(few, min_size=1, max_size=3))  # (N, H, W), and fewer
    a, b = draw(few), draw(few)
    return {"dy": draw(arrays(float, (*shape, a + b), elements=digits)), "channels": a}


def _skip_gradient(function, dy, channels):
    a, b = np.zeros((*dy.shape[:-1], channels)), np.zeros((*dy.shape[:-1], dy.shape[-1] - channels))
    check_backward(concatenate, lambda dy, _: function(dy, channels), (a, b), names=("a", "b"))


SKIP_GRADIENT = (Property("is the gradient of joining two maps", _joined(), _skip_gradient),)


def skip_gradient(dy, channels):
    """The library's own, after a forward pass."""
    _, cache = concatenate(dy[..., :channels], dy[..., channels:])
    return concatenate_backward(dy, cache)


@st.composite
def _labelled_pixels(draw):
    shape = draw(few), draw(few)
    logits = np.random.default_rng(draw(seeds)).standard_normal(shape).round(2)
    return {"logits": logits, "mask": draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, VOID])))}


def _mask_gradient(function, logits, mask):
    def forward(logits):
        return mask_loss(logits[None, :, :, None], mask[None])

    check_backward(forward, lambda dy, _: function(logits, mask) * dy, (logits,), names=("logits",))


MASK_GRADIENT = (Property("is the gradient of the mean loss of the known pixels", _labelled_pixels(), _mask_gradient),)


def mask_gradient(logits, mask):
    """The library's own, for one mask of one class."""
    return mask_loss_backward(mask_loss(logits[None, :, :, None], mask[None])[1])[0, :, :, 0]


@st.composite
def _two_masks(draw):
    shape = draw(few), draw(few)
    found = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1])))
    return {"found": found, "truth": draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, VOID])))}


def mask_scores(found, truth):
    """(IoU, Dice) of class 1, as the library counts."""
    iou, dice = overlaps(pixel_confusion(found, truth, 1))
    return float(iou[1]), float(dice[1])


def _related(function, found, truth):
    iou, dice = function(found, truth)
    require_equal(np.float64(dice), np.float64(2 * iou / (1 + iou)), what="Dice, from the IoU")


MASK_SCORES = (
    equals(mask_scores, _two_masks(), statement="counts shared pixels over those of either, where the truth is known"),
    Property("gives a Dice of 2 IoU / (1 + IoU)", _two_masks(), _related),
)
