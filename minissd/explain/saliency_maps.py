"""What an answer rests on: gradient-weighted sums of a layer's maps.

    L_ij = sum over channels k of  alpha_k A_ijk          alpha_k = mean over all locations of  d(score) / d(A_k)

A_k are the layer's maps and the score is a logit.  With a final ReLU, which leaves what speaks for the answer and drops
what speaks against it, this is Grad-CAM (Selvaraju et al. 2017); the plain sum has none.

The mean asks what a feature counts for anywhere.  A default box of an SSD looks at one place only, and to forget which
costs the map much of its precision; the local form, with d(score) / d(A_ijk) itself in the place of alpha_k, keeps it
(HiResCAM, Draelos and Carin 2020).

Legend: N images, H W the map's size, D channels, C classes, P default boxes.
"""

from typing import NamedTuple

import numpy as np

from minissd.detection import decode, to_corners
from minissd.device import Array, array_module, to_device, to_numpy
from minissd.engine import softmax
from minissd.errors import MinissdError
from minissd.explain.taps import map_of, tapped
from minissd.models import SSD, Classifier, Network


class Saliency(NamedTuple):
    """What speaks for the given classes in N images, in host memory."""

    maps: np.ndarray  # (N, H, W)
    probabilities: np.ndarray  # (N,) of the class; of an SSD that of its surest default box
    corners: np.ndarray | None  # (N, 4) this box as it was predicted; None of a classifier


def saliency(
    model: Network, images: Array, layer: str, labels: np.ndarray, *, relu: bool = False, local: bool = False
) -> Saliency:
    """The `Saliency` of a layer, by its name in `trace`, for the class labels (N,) on images (N, S, S, C).

    MinissdError for a layer that is not there or outputs no map, and for a model without class logits.
    """
    labels = to_device(labels, model.device)
    explain = _explainer(model)
    with tapped(model, layer) as tap:
        outputs, cache = model.forward(images)
        maps = map_of(model, layer, tap)
        d_outputs, probabilities, corners = explain(model, outputs, labels)
        model.backward(d_outputs, cache, need_dx=False)
    total = weighted_sum(maps, tap.gradient, relu=relu, local=local)
    return Saliency(to_numpy(total), to_numpy(probabilities), None if corners is None else to_numpy(corners))


def weighted_sum(maps: Array, gradients: Array, *, relu: bool = False, local: bool = False) -> Array:
    """maps A and gradients d(score)/dA, both (N, H, W, D) -> L (N, H, W)."""
    alpha = gradients if local else gradients.mean(axis=(1, 2), keepdims=True)
    total = (alpha * maps).sum(axis=-1)
    return array_module(total).maximum(total, 0) if relu else total


def surest_boxes(logits: Array, labels: Array) -> Array:
    """logits (N, P, C+1), labels (N,) without background -> (N,) the default box with the highest probability.

    It comes through any non-maximum suppression, so it is the one that found the surest detection of the class.
    """
    rows = array_module(logits).arange(len(logits))
    return softmax(logits)[rows, :, labels + 1].argmax(axis=1)


def _explainer(model):
    """(model, outputs, labels) -> d(scores) / d(outputs), probabilities (N,), corners (N, 4) or None."""
    if isinstance(model, Classifier):
        return _explain_classifier
    if isinstance(model, SSD):
        return _explain_ssd
    raise MinissdError(f"{model.name}: saliency explains the class logits of classifiers and SSDs: choose one of those")


def _explain_classifier(_, logits, labels):
    rows = array_module(logits).arange(len(logits))
    return _one_at(logits, rows, labels), softmax(logits)[rows, labels], None


def _explain_ssd(model, outputs, labels):
    """The score is the logit of the one default box that is surest of the class."""
    offsets, logits = outputs
    xp = array_module(logits)
    rows, boxes = xp.arange(len(logits)), surest_boxes(logits, labels)
    d_outputs = xp.zeros_like(offsets), _one_at(logits, rows, boxes, labels + 1)
    corners = to_corners(decode(offsets[rows, boxes], model.default_boxes[boxes]))
    return d_outputs, softmax(logits)[rows, boxes, labels + 1], corners


def _one_at(like, *places):
    """Zeros in the shape of an array, but for a 1 at each place."""
    ones = array_module(like).zeros_like(like)
    ones[places] = 1
    return ones
