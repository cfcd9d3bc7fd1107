"""What holds for a small SSD whose stages and heads are wired by hand, forward and backward."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from minissd import engine, naive, ops
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import filled

# --- the library's functions in the shape of the exercises ---


def library_ssd_forward(x, stages, heads, classes):
    offsets, logits, caches = [], [], []
    for (w, b), head in zip(stages, heads, strict=True):
        x, *cache = _stage(x, w, b)
        if head:
            moves, of_offsets = engine.conv2d(x, *head[:2], pad=1)
            scores, of_logits = engine.conv2d(x, *head[2:], pad=1)
            offsets.append(moves.reshape(len(x), -1, 4))
            logits.append(scores.reshape(len(x), -1, classes + 1))
            cache += [of_offsets, of_logits]
        caches.append(tuple(cache))
    return np.concatenate(offsets, axis=1), np.concatenate(logits, axis=1), caches


def _stage(x, w, b):
    x, conv = engine.conv2d(x, w, b, pad=1)
    x, bend = engine.relu(x)
    x, pool = engine.max_pool2d(x, 2)
    return x, conv, bend, pool


def library_ssd_backward(d_offsets, d_logits, caches, grids):
    stages, heads, d_map = [], [], 0
    ends = np.cumsum([int(np.prod(grid)) if grid else 0 for grid in grids])
    for (conv, bend, pool, *of_head), grid, end in reversed(list(zip(caches, grids, ends, strict=True))):
        d_head = ()
        for d_rows, cache in zip((d_offsets, d_logits), of_head, strict=bool(grid)):
            d_output = d_rows[:, end - np.prod(grid) : end].reshape(len(d_rows), *grid[:2], -1)
            d_read, *d_weights = engine.conv2d_backward(d_output, cache)
            d_map, d_head = d_map + d_read, (*d_head, *d_weights)  # a map that is read more than once
        d_bend = engine.relu_backward(engine.max_pool2d_backward(d_map, pool), bend)
        d_map, *d_weights = engine.conv2d_backward(d_bend, conv)
        stages.append(tuple(d_weights))
        heads.append(d_head)
    return stages[::-1], heads[::-1]


def reference_ssd_forward(*arguments, **network):
    """On minissd.ops, as the exercises: the caches of other operations would not fit."""
    with engine.use("reference"):
        return library_ssd_forward(*arguments, **network)


def reference_ssd_backward(*arguments, **network):
    with engine.use("reference"):
        return library_ssd_backward(*arguments, **network)


# --- forward ---


@st.composite
def networks(draw, most=2, every_head=False):
    """Images and weights of a network with up to `most` stages; the first ones may have no head."""
    depth, classes = draw(st.integers(1, most)), draw(st.integers(1, 2))
    channels = [draw(st.integers(1, 2)) for _ in range(depth + 1)]
    size = 2**depth * draw(st.integers(1, 2)), 2**depth
    stages, heads = [], []
    for level, (before, after) in enumerate(pairwise(channels)):
        stages.append(_convolution(draw, before, after))
        k = draw(st.integers(1, 2))
        bare = level < depth - 1 and not every_head and draw(st.booleans())
        heads.append(() if bare else _convolution(draw, after, 4 * k) + _convolution(draw, after, (classes + 1) * k))
    x = draw(filled((draw(st.integers(1, 2)), *size, channels[0]), low=-3, high=3))
    return {"x": x, "stages": stages, "heads": heads, "classes": classes}


def _convolution(draw, before, after):
    return draw(filled((3, 3, before, after), low=-2, high=2)), draw(filled((after,), low=-2, high=2))


def _loops(x, stages, heads, classes):
    """offsets and logits of one image after the other, box by box."""
    rows = [], []
    for image in x:
        offsets, logits, m = [], [], image[None]
        for (w, b), head in zip(stages, heads, strict=True):
            m = naive.max_pool2d(np.maximum(naive.conv2d(m, w, b, pad=1), 0), 2)
            for part, of_image, count in zip((head[:2], head[2:]), (offsets, logits), (4, classes + 1), strict=True):
                if part:
                    output = naive.conv2d(m, *part, pad=1)[0]
                    for i, j in np.ndindex(output.shape[:2]):
                        of_image += np.split(output[i, j], output.shape[2] // count)
        rows[0].append(offsets)
        rows[1].append(logits)
    return tuple(map(np.array, rows))


def _says_of_every_box(function, **network):
    result = function(**network)
    require_equal(result if isinstance(result, np.ndarray) else result[:2], _loops(**network), what="(offsets, logits)")


def _can_go_back(function, **network):
    """With the student's caches, the library's backward pass has to work."""
    *outputs, caches = function(**network)
    kept = [len(cache) for cache in caches]
    wanted = [3 + 2 * bool(head) for head in network["heads"]]
    assert kept == wanted, f"caches holds {kept} caches for the stages, expected {wanted}"
    d_outputs = [np.arange(1.0, 1 + output.size).reshape(output.shape) for output in outputs]
    grids = _grids(network)
    found = reference_ssd_backward(*d_outputs, caches, grids)
    expected = reference_ssd_backward(*d_outputs, reference_ssd_forward(**network)[2], grids)
    require_equal(found, expected, what="with your caches, what a right backward pass gives")


def _grids(network):
    rows, columns = network["x"].shape[1:3]
    halved = [(rows // 2**level, columns // 2**level) for level in range(1, 1 + len(network["heads"]))]
    return [(*size, len(head[1]) // 4) if head else () for size, head in zip(halved, network["heads"], strict=True)]


SSD_FORWARD = (
    Property("has the offsets and logits of one stage and its head", networks(1), _says_of_every_box),
    Property("goes on from map to map", networks(), _says_of_every_box),
    Property("keeps what the backward pass needs", networks(), _can_go_back),
)


# --- backward ---


@st.composite
def ways_back(draw, **options):
    """What ssd_forward has kept, and gradients of its outputs."""
    network = draw(networks(**options))
    offsets, logits, caches = reference_ssd_forward(**network)
    gradients = {f"d_{name}": draw(filled(y.shape)) for name, y in (("offsets", offsets), ("logits", logits))}
    return gradients | {"caches": caches, "grids": _grids(network)}


def _along_every_path(d_offsets, d_logits, caches, grids):
    """Each number that a head has output sends its gradient down a path of its own; the paths add up."""
    stages = [[0, 0] for _ in caches]
    heads = [[0, 0, 0, 0] if grid else () for grid in grids]
    start = 0
    for top, grid in enumerate(grids):
        stop = start + (int(np.prod(grid)) if grid else 0)
        for place, d_rows in enumerate((d_offsets, d_logits) if grid else ()):
            d_output = d_rows[:, start:stop].reshape(len(d_rows), *grid[:2], -1)
            d_map, *heads[top][2 * place : 2 * place + 2] = ops.conv2d_backward(d_output, caches[top][3 + place])
            for level in range(top, -1, -1):
                conv, bend, pool = caches[level][:3]
                d_map, dw, db = ops.conv2d_backward(ops.relu_backward(ops.max_pool2d_backward(d_map, pool), bend), conv)
                stages[level] = [stages[level][0] + dw, stages[level][1] + db]
        start = stop
    return stages, heads


SSD_BACKWARD = (
    equals(_along_every_path, ways_back(most=1), statement="goes back through one head and its stage"),
    equals(
        _along_every_path,
        ways_back(every_head=True),
        statement="adds up what comes back from the head and from the next stage",
    ),
    equals(_along_every_path, ways_back(most=3), statement="goes back through maps without a head as well"),
)
