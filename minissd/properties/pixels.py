"""What holds for images as numbers, and for the flattened network that reads them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.engine import cross_entropy, softmax
from minissd.layers import Flatten
from minissd.layers.initializer import Initializer
from minissd.models.network import Network
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, filled, half_numbers

small = half_numbers()
EXTREME = st.sampled_from([0.0, 1000.0, 999.0, -1000.0, -999.0])  # too large for exp, and not alike


@st.composite
def pictures(draw):
    """uint8 images (N, H, W, C), not square as a rule, so that exchanged axes are seen."""
    shape = draw(st.tuples(few, few, few, st.sampled_from([1, 3])))
    return draw(filled(shape, np.uint8, 0, 255))


def _flattened(images):
    """Pixel by pixel: column (y W + x) C + c."""
    n, h, w, c = images.shape
    rows = np.zeros((n, h * w * c), images.dtype)
    for i, y, x, k in np.ndindex(images.shape):
        rows[i, (y * w + x) * c + k] = images[i, y, x, k]
    return rows


def _one_row_each(function, images):
    rows = np.asarray(function(images))
    wanted = (len(images), images[0].size)
    if rows.shape != wanted:
        raise AssertionError(f"images {images.shape} make rows {wanted}, found shape {rows.shape}")


FLATTEN_IMAGES = (
    Property("makes one row of every image", pictures().map(lambda x: {"images": x}), _one_row_each),
    equals(
        _flattened,
        pictures().map(lambda x: {"images": x}),
        statement="reads row by row, and all channels of a pixel before the next pixel",
    ),
)


def library_flatten(images):
    """The layer that the models use."""
    return Flatten().forward(images)[0]


@st.composite
def _to_normalise(draw):
    images = draw(pictures())
    channels = images.shape[3]
    mean = draw(arrays(np.float64, channels, elements=st.sampled_from([0.0, 1.0, 100.0, 128.0])))
    scale = draw(arrays(np.float64, channels, elements=st.sampled_from([1.0, 0.5, 0.25])))
    return {"images": images, "mean": mean, "scale": scale}


def _normalised(images, mean, scale):
    x = np.zeros(images.shape)
    for at in np.ndindex(images.shape):
        x[at] = (int(images[at]) - mean[at[3]]) * scale[at[3]]
    return x


NORMALIZE_PIXELS = (
    equals(_normalised, _to_normalise(), statement="gives (x - mean) * scale, channel by channel", rtol=1e-5),
)


def library_normalize(images, mean, scale):
    """What a network does with the images it reads.  It takes square ones: a row of pixels at a time."""
    init = Initializer(np.random.default_rng(0), dtype="float64")
    network = Network("any", ("thing",), input_size=1, init=init, pixel_mean=mean, pixel_scale=scale)
    return network.normalize(images.reshape(-1, 1, 1, len(mean))).reshape(images.shape)


@st.composite
def logit_rows(draw, elements=small, rows=few):
    """{"logits": (N, K)}."""
    shape = draw(st.tuples(rows, st.integers(1, 4)))
    return {"logits": draw(arrays(np.float64, shape, elements=elements))}


def _rows_sum_to_one(function, logits):
    p = np.asarray(function(logits))
    if p.shape != logits.shape:
        raise AssertionError(f"logits {logits.shape} give probabilities of that shape, found {p.shape}")
    require_equal(p.sum(axis=1), np.ones(len(p)), what="the sum of each row")


def _ignores_a_shift(function, logits, shift):
    require_equal(function(logits + shift), function(logits), what=f"softmax(logits + {shift:g})")


def _softmax(logits):
    return naive.softmax(logits)


SOFTMAX_ROWS = (
    Property("gives rows that sum to 1", logit_rows(), _rows_sum_to_one),
    equals(_softmax, logit_rows(), statement="gives exp(z_u) / sum over v of exp(z_v)"),
    Property(
        "does not change when the same number is added to all logits",
        st.tuples(logit_rows(), st.integers(-3, 3)).map(lambda case: case[0] | {"shift": float(case[1])}),
        _ignores_a_shift,
    ),
    equals(
        _softmax,
        logit_rows(EXTREME),
        statement="stays finite for logits of 1000 and -1000, in all rows",
    ),
)


def library_softmax(logits):
    """The library's, by the name that its argument has here."""
    return softmax(logits)


@st.composite
def labelled_logits(draw, elements=small):
    """{"logits": (N, K), "labels": (N,)}."""
    logits = draw(logit_rows(elements))["logits"]
    labels = draw(arrays(np.int64, len(logits), elements=st.integers(0, logits.shape[1] - 1)))
    return {"logits": logits, "labels": labels}


def _knows_nothing(function, rows, classes):
    labels = np.arange(rows) % classes
    require_equal(function(np.zeros((rows, classes)), labels), np.log(classes), what="the loss of equal logits")


CROSS_ENTROPY_LOSS = (
    Property(
        "is log K where all K classes are equally likely",
        st.fixed_dictionaries({"rows": few, "classes": st.integers(1, 4)}),
        _knows_nothing,
    ),
    equals(naive.cross_entropy, labelled_logits(), statement="is the mean of -log(probability of the label)"),
    equals(
        naive.cross_entropy,
        labelled_logits(EXTREME),
        statement="stays finite for logits of 1000 and -1000",
    ),
)


def library_cross_entropy(logits, labels):
    """The loss without its cache."""
    return cross_entropy(logits, labels)[0]


@st.composite
def _shuffled_layers(draw):
    n, k, d = draw(st.tuples(few, st.integers(1, 4), few))
    x = draw(filled((n, k)))
    w = draw(filled((k, d)))
    return {"x": x, "w": w, "order": np.array(draw(st.permutations(range(k))))}


def _same_answers(function, x, w, order):
    rearranged = np.asarray(function(w, order))
    if rearranged.shape != w.shape:
        raise AssertionError(f"weights {w.shape} stay {w.shape}, found {rearranged.shape}")
    require_equal(x[:, order] @ rearranged, x @ w, what="x[:, order] @ your weights")


SHUFFLED_WEIGHTS = (Property("lets the layer answer on shuffled pixels as before", _shuffled_layers(), _same_answers),)
