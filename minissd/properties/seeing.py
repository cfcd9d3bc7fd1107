"""What holds for looking into a network: saliency, gradient ascent, projections, neighbours."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd.explain import nearest, neighbour_accuracy, principal_components
from minissd.explain.saliency_maps import weighted_sum
from minissd.gradcheck.digits import apart
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, halves

# --- the library's functions in the shape of the exercises ---


def grad_cam(maps, gradients, relu):
    return weighted_sum(maps[None], gradients[None], relu=relu)[0]


def pca_project(features, number):
    return principal_components(features, number).project(features)


def knn_vote(queries, known, labels, count):
    """neighbour_accuracy is 1 for the label that wins, and 0 for all others."""
    winners = []
    for query in queries:
        right = [x for x in np.unique(labels) if neighbour_accuracy(query[None], np.array([x]), known, labels, count)]
        winners.append(right[0])
    return np.array(winners)


# --- saliency ---


def _naive_cam(maps, gradients, relu):
    height, width, channels = maps.shape
    heat = np.zeros((height, width))
    for k in range(channels):
        alpha = sum(gradients[i, j, k] for i in range(height) for j in range(width)) / (height * width)
        for i in range(height):
            for j in range(width):
                heat[i, j] += alpha * maps[i, j, k]
    return np.maximum(heat, 0) if relu else heat


@st.composite
def _maps(draw, relu):
    shape = draw(st.tuples(few, few, few))
    return {"maps": draw(halves(shape)), "gradients": draw(halves(shape)), "relu": draw(relu)}


GRAD_CAM = (
    equals(_naive_cam, _maps(st.just(False)), statement="weighs each map by its mean gradient and adds them up"),
    equals(_naive_cam, _maps(st.just(True)), statement="drops what speaks against the answer with relu, after the sum"),
)


# --- gradient ascent ---


@st.composite
def _slopes(draw):
    shape = draw(st.tuples(few, few, few))
    gradient = draw(halves(shape))
    assume(gradient.any())
    return {"x": draw(halves(shape)), "gradient": gradient, "rate": draw(st.sampled_from([1.0, 2.0, 0.5]))}


def _no_slope():
    return few.flatmap(lambda side: st.fixed_dictionaries({"x": halves((side, side, 1)), "rate": st.just(1.0)}))


def _steps_by_rate(function, x, gradient, rate):
    step = function(x, gradient, rate) - x
    found = np.sqrt((step**2).mean())
    given, wanted = apart(found, rate)
    assert np.isclose(found, rate), f"the root mean square of the change is {given}, expected the rate {wanted}"


def _goes_uphill(function, x, gradient, rate):
    step = function(x, gradient, rate) - x
    assert (step * gradient).sum() > 0, "the step goes downhill: along it the activation falls"
    require_equal(step / np.abs(step).max(), gradient / np.abs(gradient).max(), what="the direction of the step")


def _whatever_the_scale(function, x, gradient, rate):
    far = function(x, 1000 * gradient, rate)
    require_equal(far, function(x, gradient, rate), what="the step for a gradient 1000 times as large", rtol=1e-6)


def _stays(function, x, rate):
    require_equal(function(x, np.zeros(x.shape), rate), x, what="the image after a step without a gradient")


ASCENT_STEP = (
    Property("goes uphill, in the direction of the gradient", _slopes(), _goes_uphill),
    Property("changes the pixels by `rate` in root mean square", _slopes(), _steps_by_rate),
    Property("steps as far however steep the slope is", _slopes(), _whatever_the_scale),
    Property("leaves the image as it is where there is no gradient", _no_slope(), _stays),
)


# --- projections ---


@st.composite
def _features(draw, every=False):
    """n points of D features that vary in D directions, each more than the next."""
    d = draw(st.integers(1, 3))
    features = draw(halves((draw(st.integers(d + 1, 6)), d)))
    values = np.linalg.eigvalsh(np.cov(features.T, bias=True).reshape(d, d))[::-1]
    assume(values[-1] > 0.1 and (values[:-1] - values[1:] > 0.1).all())
    return {"features": features, "number": d if every else draw(st.integers(1, d))}


def _has_a_coordinate_each(function, features, number):
    found = np.shape(function(features, number))
    assert found == (len(features), number), f"the result has shape {found}, expected {(len(features), number)}"


def _is_centred(function, features, number):
    scores = function(features, number)
    require_equal(scores.mean(axis=0), np.zeros(number), what="the mean of the projected points", atol=1e-6)


def _varies_most(function, features, number):
    d = features.shape[1]
    covariance = np.cov(features.T, bias=True).reshape(d, d)
    largest = np.linalg.eigvalsh(covariance)[::-1][:number]
    found = function(features, number)
    require_equal(found.var(axis=0), largest, what="the variances of the coordinates", rtol=1e-6)


def _keeps_distances(function, features, number):
    def distances(points):
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    found = distances(function(features, number))
    require_equal(found, distances(features), what="the distances between the projected points", rtol=1e-6, atol=1e-6)


PCA_PROJECT = (
    Property("gives each point `number` coordinates", _features(), _has_a_coordinate_each),
    Property("puts the mean of all points at the origin", _features(), _is_centred),
    Property("finds the directions of the largest variance, largest first", _features(), _varies_most),
    Property("keeps every distance if all components are there", _features(every=True), _keeps_distances),
)


# --- neighbours ---


def _naive_vote(queries, known, labels, count):
    winners = []
    for row in nearest(queries, known, count):
        voters = labels[row].tolist()
        winners.append(max(voters, key=lambda label: (voters.count(label), -voters.index(label))))
    return np.array(winners)


DIRECTIONS = np.array([[1, 0], [2, 1], [1, 1], [1, 2], [0, 1], [-1, 1], [-1, 0], [0, -1]], float)
QUERIES = np.array([[4, 1], [1, 4], [-1, 3]], float)  # none makes the same angle with two of the directions


@st.composite
def _votes(draw, most=5):
    """Queries, and known vectors in different directions, so that it is never open which is nearer."""
    queries = QUERIES[draw(st.lists(st.integers(0, len(QUERIES) - 1), min_size=1, max_size=2))]
    known = DIRECTIONS[draw(st.lists(st.integers(0, len(DIRECTIONS) - 1), min_size=1, max_size=5, unique=True))]
    known = known * draw(arrays(np.float64, (len(known), 1), elements=st.integers(1, 4).map(float)))
    labels = draw(arrays(np.int64, len(known), elements=st.integers(0, 2)))
    return {"queries": queries, "known": known, "labels": labels, "count": draw(st.integers(1, min(most, len(known))))}


def _whatever_the_length(function, queries, known, labels, count):
    lengths = np.arange(1.0, len(known) + 1)[:, None]
    found = function(queries, known * lengths, labels, count)
    require_equal(found, function(queries, known, labels, count), what="the answer for longer known vectors")


KNN_VOTE = (
    equals(_naive_vote, _votes(1), statement="gives the label at the smallest angle if there is one voter"),
    Property("does not mind how long the vectors are", _votes(), _whatever_the_length),
    equals(_naive_vote, _votes(), statement="lets `count` neighbours vote; of equal votes the nearest voter decides"),
)
