"""Slips that are seen by what a gradient lacks: a mask, a transpose, a path, the rest of a sum.

Each function recognises one, or returns None.  given: the arrays that the gradient is made of, by name.
"""

import itertools

import numpy as np

from minissd.gradcheck.pair import Diagnosis


def mask(pair):
    """Right but for entries that are 0 in one of the two: a mask was forgotten, or lets too little through."""
    wrong, zero = pair.wrong(pair.analytic), np.abs(pair.numeric) <= pair.atol
    if wrong.sum() < 2 or not (pair.known & ~wrong & ~zero).any():
        return None
    if zero[wrong].all():
        text = "is right where it has to differ from 0, and is not 0 where it has to be: a mask is missing"
        return Diagnosis("mask", f"{text} (a ReLU, dropout, boxes that do not count)")
    if (np.abs(pair.analytic[wrong]) <= pair.atol).all():
        return Diagnosis("mask", "is 0 at entries where it has to be more, right elsewhere: its mask takes too much")
    return None


def untransposed(pair, given):
    """A product of two of the given matrices would be right with one of them transposed."""
    matrices = {name: array for name, array in given.items() if array.ndim == 2}
    for (one, a), (other, b) in itertools.permutations(matrices.items(), 2):
        for left, right, right_is in ((a, b, other), (a.T, b, other), (a, b.T, other)):
            if left.shape[1] != right.shape[0] or not _is_product(pair, left, right):
                continue
            for name, x, y in ((one, left.T, right), (right_is, left, right.T)):
                if x.shape[1] == y.shape[0] and np.shape(x @ y) == pair.numeric.shape and pair.explains(x @ y):
                    return Diagnosis("factor not transposed", f"would be right with {name} transposed in the product")
    return None


def _is_product(pair, left, right):
    found = left @ right
    return found.shape == pair.analytic.shape and not pair._replace(numeric=pair.analytic).wrong(found).any()


def path(pair, given):
    """What is missing is one of the given arrays: the gradient that comes back on another way was not added."""
    if not pair.known.all():
        return None
    missing = pair.numeric - pair.analytic
    enough = np.sum(np.abs(missing) > pair.atol) > 2  # any two numbers are multiples of any others in some way
    for name, array in given.items():
        if array.shape != missing.shape or not array.any():
            continue
        if pair._replace(numeric=missing).explains(array):
            return Diagnosis("path", f"lacks {name}: two paths lead back to this input, and one of them is forgotten")
        axes = -1 if array.ndim else None
        share = (missing * array).sum(axes, keepdims=True) / np.maximum((array**2).sum(axes, keepdims=True), 1e-300)
        if enough and array.ndim and array.shape[-1] > 1 and pair._replace(numeric=missing).explains(share * array):
            text = f"lacks a multiple of {name} in each row: the path through a norm or a sum of the row is forgotten"
            return Diagnosis("path", text)
    return None


def rest_of_a_sum(pair):
    """The right gradient adds up to 0 along an axis and this one does not: the rest of a softmax."""
    if not pair.known.all():
        return None
    for axis, length in reversed(list(enumerate(pair.numeric.shape))):
        tolerance = pair.atol + pair.rtol * np.abs(pair.numeric).sum(axis).max(initial=0)
        sums = [np.abs(part.sum(axis)).max(initial=0) for part in (pair.numeric, pair.analytic)]
        if length > 1 and sums[0] <= tolerance < sums[1]:
            text = (
                f"has to add up to 0 along axis {axis} and does not: behind a softmax or a mean each entry depends on "
                "all of its row, and only the diagonal, each on itself, is here"
            )
            return Diagnosis("sum", text)
    return None
