"""A classifier's example is a view of the picture and the label as it was."""

import numpy as np
import pytest

from minissd.data.augmentation import PRESETS, Augmentation, resize_sample
from minissd.data.loader import Loader
from minissd.data.prepare_classes import ClassificationPreparation
from minissd.data.samples import Labelled
from minissd.data.view import resize_image, with_channels


@pytest.fixture
def sample(gradient):
    return Labelled("a", gradient, 7)


def test_without_augmentation_it_is_a_resize(sample):
    image, label = ClassificationPreparation(16)(sample, None)
    np.testing.assert_array_equal(image, resize_image(sample.image, 16))
    np.testing.assert_array_equal(image, resize_sample(sample, 16).image)
    assert label == 7 and label.dtype == np.int64


@pytest.mark.parametrize("preset", ["ssd", "light"])
def test_every_view_shows_the_picture_alone(preset):
    """No colour of the canvas, however far the augmentation zooms out for boxes."""
    settings = PRESETS[preset]
    green = Labelled("a", np.full((50, 60, 3), (0, 200, 0), np.uint8), 1)
    prepare = ClassificationPreparation(12, Augmentation(**{**vars(settings), "photometric": None}))
    for seed in range(50):
        image, label = prepare(green, np.random.default_rng(seed))
        assert image.shape == (12, 12, 3) and image.dtype == np.uint8 and (image == (0, 200, 0)).all() and label == 1


def test_views_are_random_and_repeatable(sample):
    prepare = ClassificationPreparation(20, Augmentation())
    first, same, other = (prepare(sample, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_crops_and_mirrors_are_what_changes(sample):
    settings = Augmentation(patches=(), mirror=1.0, photometric=None)
    image, _ = ClassificationPreparation(20, settings)(sample, np.random.default_rng(0))
    np.testing.assert_array_equal(image, resize_image(sample.image, 20)[:, ::-1])
    crops = Augmentation(patches=(0.0,), mirror=0.0, photometric=None)
    spans = [
        np.ptp(ClassificationPreparation(20, crops)(sample, np.random.default_rng(seed))[0][..., 0].astype(int))
        for seed in range(30)
    ]  # red grows with x alone, so its range is the width of the patch
    assert min(spans) < 0.6 * np.ptp(sample.image[..., 0].astype(int)) and len(set(spans)) > 10


def test_one_channel_stays_one(gradient):
    grey = Labelled("a", np.ascontiguousarray(gradient[..., :1]), 3)
    image, _ = ClassificationPreparation(28)(grey, None)
    np.testing.assert_array_equal(image, resize_image(gradient, 28)[..., :1])
    crop, _ = ClassificationPreparation(28, Augmentation(photometric=None))(grey, np.random.default_rng(1))
    assert crop.shape == (28, 28, 1) and crop.dtype == np.uint8


def test_colours_become_luma_and_grey_three_equal_channels():
    colours = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255), (77, 77, 77), (255, 255, 255)]], np.uint8)
    grey = with_channels(colours, 1)
    assert grey[0, :, 0].tolist() == [76, 150, 29, 77, 255]
    np.testing.assert_array_equal(with_channels(grey, 3), grey.repeat(3, axis=2))
    assert with_channels(colours, 3) is colours and with_channels(grey, 1) is grey
    shades = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(with_channels(with_channels(shades, 3), 1), shades)  # and back, whatever the shade


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_preset_gives_the_channels_that_a_network_reads(gradient, preset, channels):
    for image in (gradient, np.ascontiguousarray(gradient[..., :1])):
        seen, _ = ClassificationPreparation(28, PRESETS[preset], channels)(
            Labelled("a", image, 3), np.random.default_rng(2)
        )
        assert seen.shape == (28, 28, channels) and seen.dtype == np.uint8


def test_the_loader_stacks_labels(sample):
    class Two:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return sample._replace(id=str(index), label=index)

    (batch,) = Loader(Two(), ClassificationPreparation(8), 2, workers=0, shuffle=False).epoch(0)
    assert batch.images.shape == (2, 8, 8, 3) and [part.tolist() for part in batch.targets] == [[0, 1]]
