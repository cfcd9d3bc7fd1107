"""The images of an ablation: few, so that what helps can be seen, and kept in memory, for they are read many times."""

from pathlib import Path

from minissd.data import ShapesDataset, known_splits, open_dataset, resize_sample
from minissd.errors import MinissdError

SHAPES = "shapes"
KIND = ("ellipse",)  # one class: a short training would spend itself on telling classes apart
SIDES = (0.1, 0.7)  # of a shape, in sides of the image: so that no single map suits all
ASPECT_RATIO = 6  # so that no single box shape does
TEST_IMAGES = 200
SHARPNESS = 2  # pixels kept for a pixel that the network reads: a patch of an image is magnified


class InMemory:
    """One split of a data set for detection whose samples are made once: squares of `side` pixels."""

    task = "detect"

    def __init__(self, dataset, split, side):
        self.split = split
        self.name, self.classes, self.ids = dataset.name, dataset.classes, dataset.ids
        self.notes = dataset.notes
        self.samples = [resize_sample(dataset[i], side) for i in range(len(dataset))]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]

    def objects(self, index):
        return self.samples[index].objects


def open_pair(data, limit, input_size):
    """(training set, test set): at most `limit` images to train on, for a network that reads `input_size` pixels.

    data: "shapes", generated here with sizes and aspect ratios that range further than usual, or as for
    `open_dataset`: its splits train and test, or without a test, val.
    """
    side = SHARPNESS * input_size
    if data == SHAPES:
        looks = {"size": side, "classes": KIND, "sides": SIDES, "aspect_ratio": ASPECT_RATIO}
        training, test = ShapesDataset(limit, "train", **looks), ShapesDataset(TEST_IMAGES, "test", **looks)
        scored = "test"
    else:
        training = open_dataset(data, "train", limit=limit)
        scored, test = _scored(data, training)
    return InMemory(training, "train", side), InMemory(test, scored, side)


def _scored(data, training):
    """(split, the images to score), none of which may be among those to train on."""
    wanted = {"classes": training.classes, "limit": TEST_IMAGES, "keep_others": True}
    split = "test" if "test" in known_splits(data) else "val"
    test = open_dataset(data, split, **wanted)
    shared = set(training.ids) & set(test.ids)
    if shared:
        raise MinissdError(
            f"{Path(data)}: {len(shared)} images to train on are scored too ({min(shared)}, ...), which would say "
            "nothing: give data whose splits train and test (or val) share none"
        )
    return split, test
