"""What holds for the parts that make an SSD of VGG16: atrous kernels, receptive fields, heads."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from minissd import naive
from minissd.models.ssd import join
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, halves, named
from minissd.weights import decimate, dense_to_convolution

# --- a dense layer becomes an atrous convolution ---


@st.composite
def dense_layers(draw):
    """weight (D, C*size*size) of a dense layer on a (C, size, size) map, and how far apart the kept taps are."""
    size, step = draw(st.sampled_from([(3, 2), (2, 1), (4, 3), (5, 2)]))
    channels, outputs = draw(st.integers(1, 2)), draw(few)
    return {"weight": draw(halves((outputs, channels * size * size))), "size": size, "step": step}


def _kept_taps(weight, size, step):
    outputs, channels = weight.shape[0], weight.shape[1] // size**2
    taps = range(0, size, step)
    w = np.zeros((len(taps), len(taps), channels, outputs))
    for i, row in enumerate(taps):
        for j, column in enumerate(taps):
            for c in range(channels):
                for d in range(outputs):
                    w[i, j, c, d] = weight[d, (c * size + row) * size + column]
    return w


def _does_what_the_dense_layer_does(function, weight, size, step):
    """On a map of ones and twos, with the weights between the kept taps taken for zero."""
    outputs, channels = weight.shape[0], weight.shape[1] // size**2
    x = 1.0 + np.arange(size * size * channels).reshape(1, size, size, channels) % 2
    y = naive.conv2d(x, np.asarray(function(weight, size, step)), dilation=step)
    kept = np.zeros((size, size))
    kept[::step, ::step] = 1
    dense = (weight.reshape(outputs, channels, size, size) * kept).reshape(outputs, -1)
    expected = naive.linear(x.transpose(0, 3, 1, 2).reshape(1, -1), dense.T)
    require_equal(y[0, 0], expected, what="what the convolution with dilation `step` gives on a map of this size")


def library_atrous_kernel(weight, size, step):
    return decimate(dense_to_convolution(weight, (size, size)), (step, step, 1, 1))


ATROUS_KERNEL = (
    equals(_kept_taps, dense_layers(), statement="keeps every step-th tap, at its place"),
    Property(
        "makes the convolution that the dense layer is without the dropped taps",
        dense_layers(),
        _does_what_the_dense_layer_does,
    ),
)


# --- how far a cell sees ---


def _span(layers):
    """Cells of the input that one cell at the end can see, found by going back layer by layer."""
    seen = {0}
    for kernel, stride, dilation in reversed(layers):
        seen = {cell * stride + tap * dilation for cell in seen for tap in range(kernel)}
    return max(seen) - min(seen) + 1


_layers = st.lists(st.tuples(few, few, few), min_size=1, max_size=4)


def _one_layer_more(function, layers):
    after = function([*layers, (1, 1, 1)])
    require_equal(after, function(layers), what="the field with a 1x1 convolution after it")


RECEPTIVE_FIELD = (
    equals(_span, named(layers=_layers.map(lambda layers: layers[:1])), statement="is k_eff after one layer"),
    equals(_span, named(layers=_layers), statement="spans what a cell at the end sees of the input"),
    Property("is not changed by a 1x1 convolution", named(layers=_layers), _one_layer_more),
)


# --- heads, and the trunk below them ---


@st.composite
def head_outputs(draw):
    """The outputs of two heads, numbered through so that each number tells where it came from."""
    images, numbers, boxes_per_cell = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.tuples(few, few))
    shapes = [(images, draw(few), draw(few), k * numbers) for k in boxes_per_cell]
    sizes = [int(np.prod(shape)) for shape in shapes]
    outputs = [np.arange(start, start + n) + 0.5 for start, n in zip((0, sizes[0]), sizes, strict=True)]
    return {"outputs": [o.reshape(shape) for o, shape in zip(outputs, shapes, strict=True)], "numbers": numbers}


def _rows_of_boxes(outputs, numbers):
    images = []
    for n in range(len(outputs[0])):
        rows = []
        for output in outputs:
            for row, column in np.ndindex(output.shape[1:3]):
                cell = output[n, row, column]
                rows += [cell[i : i + numbers] for i in range(0, len(cell), numbers)]
        images.append(rows)
    return np.array(images)


def library_join_heads(outputs, numbers):
    return join([(output.reshape(len(output), -1, numbers),) for output in outputs])[0]


JOIN_HEADS = (equals(_rows_of_boxes, head_outputs(), statement="has a row for each box: map by map, cell by cell"),)


@st.composite
def trunks(draw):
    """A trunk of linear stages, x_l = stages[l] @ x_(l-1), and the gradient that each head sends to its map."""
    sizes = draw(st.lists(few, min_size=2, max_size=4))
    stages = [draw(halves((after, before), -3, 3)) for before, after in pairwise(sizes)]
    return {"d_heads": [draw(halves(len(stage), -3, 3)) for stage in stages], "stages": stages}


def _along_every_path(d_heads, stages):
    """One path for each head, down through all stages below it; the paths add up."""
    total = np.zeros(stages[0].shape[1])
    for level, d_map in enumerate(d_heads):
        for stage in reversed(stages[: level + 1]):
            d_map = np.array([sum(stage[i, j] * d_map[i] for i in range(len(d_map))) for j in range(stage.shape[1])])
        total = total + d_map
    return total


TRUNK_GRADIENT = (
    equals(
        _along_every_path,
        trunks().map(lambda case: {name: parts[:1] for name, parts in case.items()}),
        statement="goes back through one stage",
    ),
    equals(_along_every_path, trunks(), statement="adds up what each map receives from its head and from above"),
)
