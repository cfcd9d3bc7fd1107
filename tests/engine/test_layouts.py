"""Memory layout does not matter to any operation, nor to any algorithm, forward or backward.

The cases are those of `minissd gradcheck`; tests/gradcheck/test_cases.py sees to it that none is left out.  Each is
computed on arrays (the inputs and dy) of every layout and compared with the same numbers in contiguous memory.
"""

import numpy as np
import pytest
import strict_cupy
from layouts import LAYOUTS

from minissd import engine
from minissd.detection import multibox_loss
from minissd.device import to_numpy
from minissd.gradcheck import cases as checks

MAPS = {
    "several of each": ((2, 7, 6, 3), 4),
    "one channel, as digits have": ((2, 7, 6, 1), 4),
    "one channel in and out": ((2, 7, 6, 1), 1),
    "one image": ((1, 7, 6, 3), 4),
    "one column": ((2, 7, 1, 3), 4),
    "one cell": ((1, 1, 1, 1), 1),
}
CASES = [name for name in checks.CASES if not name.startswith("model")]


def tuple_of(arrays):
    return arrays if isinstance(arrays, tuple) else (arrays,)


def contiguous(array):
    return np.array(array, order="C")


def run(forward, backward, inputs, dy):
    y, cache = forward(*inputs)
    gradients = backward(dy if isinstance(y, tuple) else dy[0], cache)
    return [to_numpy(array) for array in (*tuple_of(y), *tuple_of(gradients))]


def cases_of(name, maps, monkeypatch):
    """(forward, backward, inputs, [dy, ...]) for each of the maps that the kernel fits into."""
    for map_name in maps:
        for what, size in zip(("MAP", "OUT"), MAPS[map_name], strict=True):
            monkeypatch.setattr(checks, what, size)
        rng = np.random.default_rng(0)
        forward, backward, inputs = checks.CASES[name](rng)
        try:
            y, _ = forward(*inputs)
        except ValueError as error:
            assert "does not fit" in str(error)
            continue
        yield forward, backward, inputs, [np.asarray(rng.standard_normal(np.shape(part))) for part in tuple_of(y)]


def compare(name, maps, monkeypatch, to_place=lambda array: array):
    for forward, backward, inputs, dy in cases_of(name, maps, monkeypatch):
        for layout, lay_out in LAYOUTS.items():
            laid_out = [[lay_out(array) if array.ndim else array for array in arrays] for arrays in (inputs, dy)]
            expected = run(forward, backward, *([contiguous(array) for array in arrays] for arrays in laid_out))
            found = run(forward, backward, *([to_place(array) for array in arrays] for arrays in laid_out))
            for ours, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, right, rtol=1e-10, atol=1e-10, err_msg=layout)


@pytest.mark.parametrize("name", CASES)
def test_layout_does_not_matter(name, monkeypatch):
    compare(name, MAPS, monkeypatch)


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("layer")])
def test_nor_on_the_card(name, monkeypatch, strict):
    compare(name, ["one channel in and out"], monkeypatch, strict_cupy.ndarray)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_nor_that_of_labels_and_targets(layout, rng):
    logits, labels = rng.standard_normal((3, 4, 5)), layout(rng.integers(0, 5, (3, 4)).astype(np.int32))
    target, weight = layout(rng.random((3, 4, 5))), layout(rng.random((3, 4, 1)))
    offsets, offset_targets = rng.standard_normal((3, 4, 4)), layout(rng.standard_normal((3, 4, 4)))
    for loss, *targets in [
        (lambda labels: engine.cross_entropy(logits, labels), labels),
        (lambda target: engine.smooth_l1(logits, target), target),
        (lambda target, weight: engine.binary_cross_entropy(logits, target, weight=weight), target, weight),
        (lambda boxes, labels: multibox_loss(offsets, logits, boxes, labels), offset_targets, labels),
    ]:
        assert loss(*targets)[0] == pytest.approx(loss(*map(contiguous, targets))[0], rel=1e-12)


def test_digits_without_a_channel_axis_are_convolved_as_with_one(rng):
    """What "auto" takes the algorithm "banded" for: (N, 28, 28) images as `x[..., None]`."""
    images, w = rng.random((64, 28, 28)), rng.standard_normal((5, 5, 1, 6))
    y, cache = engine.conv2d(images[..., None], w, pad=2)
    assert cache.algorithm == "banded"
    corner = np.einsum("nij,ijd->nd", images[:, :3, :3], w[2:, 2:, 0])
    np.testing.assert_allclose(y[:, 0, 0], corner, atol=1e-12)
