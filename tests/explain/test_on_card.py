"""Everything that looks into a network, on the card: the numbers of the CPU, and only what is asked for comes over."""

from typing import NamedTuple

import numpy as np
import pytest
import strict_cupy
from strict_cupy import count_syncs

from minissd import explain
from minissd.device import to_device, to_numpy
from minissd.models import build

HOST_ONLY = {
    *("box_mask", "ink_mask", "pointing_game", "spread_over_image"),  # maps that came over, and masks
    *("clusters", "flattened", "purity", "feature_colours", "principal_components"),  # features that came over
    *("moved", "nearest", "neighbour_accuracy"),  # representations that came over
    *("find_layer", "tapped"),  # no arrays of their own: saliency and filters tap a layer
}
LABELS = np.array([1, 0])


class Row(NamedTuple):
    model: str
    function: object  # (model, images) -> arrays
    transfers: int  # however many steps and layers there are


def filters(model, _):
    return explain.exciting_images(model, "stage1.bn1", [0, 3], np.random.default_rng(2), steps=3)


ROWS = {
    "saliency": Row("ssd-tiny", lambda model, x: explain.saliency(model, x, "stage0.relu5", LABELS), 3),
    "saliency, local, ReLU": Row(
        "ssd-tiny", lambda model, x: explain.saliency(model, x, "stage0.relu5", LABELS, relu=True, local=True), 3
    ),
    "saliency of a classifier": Row("tiny", lambda model, x: explain.saliency(model, x, "stage1.relu1", LABELS)[:2], 2),
    "exciting_images": Row("ssd-tiny", filters, 3),
    "representations": Row("tiny", lambda model, x: explain.representations(model, "stage1.relu1", x), 1),
    "look": Row("unet", lambda model, x: explain.look(model, ["bottleneck.relu1"], x)["bottleneck.relu1"].output, 0),
    "map_of": Row("tiny", lambda model, x: explain.map_of(model, "one", explain.look(model, LAYER, x)[LAYER[0]]), 0),
    "black_image": Row("tiny", lambda model, _: explain.black_image(model), 0),
    "channels_of": Row("tiny", lambda model, _: np.array(explain.channels_of(model, LAYER[0])), 0),
    "grid_of": Row("ssd-tiny", lambda model, _: np.array(explain.grid_of(model, "stage1.relu1")), 0),
}
LAYER = ["stage1.relu1"]


def test_no_function_is_left_out():
    functions = {name for name in explain.__all__ if not isinstance(getattr(explain, name), type)}
    assert functions == {name.partition(",")[0] for name in ROWS if " of " not in name} | HOST_ONLY


def arrays_in(result):
    return [part for part in result if part is not None] if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_same_as_on_the_cpu(row, card, rng):
    images = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    cpu, there = (
        build(row.model, classes=("a", "b"), input_size=32, dtype="float64", device=device)
        for device in ("cpu", "cuda")
    )
    with count_syncs() as syncs:  # what happens on a real card it cannot count
        found = row.function(there, to_device(images, "cuda"))
    assert syncs == ["get"] * row.transfers or card is not strict_cupy.cupy
    for ours, theirs in zip(arrays_in(found), arrays_in(row.function(cpu, images)), strict=True):
        assert isinstance(ours, np.ndarray) == (row.transfers > 0 or ours.ndim < 4)
        atol = 1 if theirs.dtype == np.uint8 else 1e-9  # pixels may round to either side of a half
        np.testing.assert_allclose(to_numpy(ours).astype(float), theirs, rtol=1e-6, atol=atol)
