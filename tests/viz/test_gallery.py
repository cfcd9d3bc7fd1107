"""The gallery shows mistakes and nothing else, the surest first; the chart of a regression shows every image."""

import numpy as np
import pytest

from minissd.viz.gallery import COLUMNS, mistakes_gallery, surest_mistakes
from minissd.viz.regression import prediction_chart


def texts(figure):
    return [text.get_text() for panel in figure.axes for text in panel.texts]


def test_the_surest_mistakes_come_first(rng):
    probabilities = rng.dirichlet(np.ones(4), 50)
    labels = rng.integers(0, 4, 50)
    found = surest_mistakes(probabilities, labels, count=8)
    predicted = probabilities.argmax(axis=1)
    wrong = [i for i in range(50) if predicted[i] != labels[i]]
    assert found.tolist() == sorted(wrong, key=lambda i: -probabilities[i].max())[:8]
    assert len(surest_mistakes(probabilities, predicted)) == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [0, 1, COLUMNS + 1])
def test_each_mistake_has_both_classes_with_their_probabilities(rng, channels, count):
    images = rng.integers(0, 256, (count, 9, 9, channels), np.uint8)
    probabilities = np.tile([0.1, 0.7, 0.2], (count, 1))
    figure = mistakes_gallery(images, probabilities, np.full(count, 2), ("cat", "dog", "emu"), "Mistakes")
    assert texts(figure) == ["true emu  0.20", "said dog  0.70"] * count
    shown = [panel.images[0].get_array() for panel in figure.axes if panel.images]
    assert len(shown) == count
    for image, drawn in zip(images, shown, strict=True):
        np.testing.assert_array_equal(drawn, image[..., 0] if channels == 1 else image)
    figure.canvas.draw()


def test_the_chart_has_every_image_where_it_belongs(rng):
    values, predicted = rng.uniform(0, 9, 20), rng.uniform(0, 12, 20)
    figure = prediction_chart(predicted, values, "Counts", "number of cells")
    (panel,) = figure.axes
    np.testing.assert_allclose(panel.collections[0].get_offsets(), np.stack([values, predicted], axis=1))
    assert panel.get_xlim() == panel.get_ylim()  # so the diagonal is where they agree
    low, high = panel.get_xlim()
    assert low < min(values.min(), predicted.min()) and max(values.max(), predicted.max()) < high
    assert panel.get_xlabel() == "true number of cells"
    figure.canvas.draw()
