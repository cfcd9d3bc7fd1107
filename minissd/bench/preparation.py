"""Preparation of a training image: JPEG decoded, augmented as the SSD paper does, matched to SSD300's boxes."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from minissd.bench.figures import MINISSD, OWN_RATE, Figure, Goal
from minissd.bench.timing import interleaved
from minissd.data import PRESETS, DetectionPreparation, Sample, ShapesDataset, augment, open_dataset, read_image
from minissd.data.images import ENOUGH_PIXELS
from minissd.detection import SSD300, decode, default_boxes, iou, match, to_corners
from minissd.errors import MinissdError

IMAGES = 64
SIZE = 300  # pixels: the network's input
PHOTOGRAPH = 500, 375  # width, height of most PASCAL VOC images
QUALITY, GRAIN = 95, 8  # of the JPEG; standard deviation of its noise: together about 90 kB, as much as theirs
GOAL = Goal(OWN_RATE, 100, 200)
OVERLAP = 0.5  # from which a default box has to answer for an object
TOLERANCE = 1e-3  # of a side of the image, for boxes that went through offsets and back


def run(peer, repeat, report, data=None):
    """One thread does it all, so a rate is that of one core; the peer has no such work.

    data: what `open_dataset` takes; generated JPEG files unless given.
    """
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            dataset, source = JpegShapes(folder, IMAGES), "generated JPEGs"
        else:
            dataset = open_dataset(data, "train", limit=IMAGES, size=SIZE)
            source = dataset.name
        boxes = default_boxes(SSD300)
        prepare = DetectionPreparation(lambda *objects: match(*objects, boxes), SIZE, PRESETS["ssd"])

        def ours():
            return [prepare(dataset[i], np.random.default_rng([0, i])) for i in range(len(dataset))]

        check(ours(), dataset, boxes)
        times = interleaved({MINISSD: ours}, repeat, lambda done, total: report("timing", done, total))
    rates = {MINISSD: [1e3 * len(dataset) / time for time in times[MINISSD]]}
    return [Figure(f"decode, augment, match at {SIZE}x{SIZE}, one core ({source})", "images/s", rates, GOAL)]


class JpegShapes:
    """The generated shapes as JPEG files of the size of photographs."""

    name, task, notes = "shapes", "detect", ()

    def __init__(self, folder, count):
        self.shapes = ShapesDataset(count, size=max(PHOTOGRAPH))
        self.classes, self.ids = self.shapes.classes, self.shapes.ids
        self.paths = [Path(folder, f"{name}.jpg") for name in self.ids]
        self.annotations = [self.shapes.objects(i) for i in range(count)]  # relative to the image, whatever its shape
        for i, path in enumerate(self.paths):
            photograph(self.shapes[i].image, np.random.default_rng(i)).save(path, quality=QUALITY)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        return Sample(self.ids[index], read_image(self.paths[index], ENOUGH_PIXELS), *self.objects(index))

    def objects(self, index):
        return self.annotations[index]


def photograph(picture, rng):
    """A picture (H, W, 3) in the shape and with the grain of a photograph, without which it would decode too fast."""
    pixels = np.asarray(Image.fromarray(picture).resize(PHOTOGRAPH))
    return Image.fromarray((pixels + rng.normal(0, GRAIN, pixels.shape)).clip(0, 255).astype(np.uint8))


def check(prepared, dataset, boxes):
    """Every image has its size, and its targets say what the definition of matching says of the augmented objects."""
    for i, (image, class_targets, offset_targets) in enumerate(prepared):
        expected = augment(dataset[i], SIZE, PRESETS["ssd"], np.random.default_rng([0, i]))
        if image.shape != (SIZE, SIZE, 3) or image.dtype != np.uint8 or not np.array_equal(image, expected.image):
            raise MinissdError(f"{dataset.ids[i]}: not the {SIZE}x{SIZE} image that its seed gives: run the tests")
        if not targets_fit(class_targets, offset_targets, expected, boxes):
            raise MinissdError(
                f"{dataset.ids[i]}: the targets do not lead back to the objects of the image: not timed; run the tests"
            )


def targets_fit(class_targets, offset_targets, sample, boxes):
    """Whether the boxes that overlap an object answer for one, decoding to it with its class, and each is answered."""
    matched = class_targets > 0  # (P,)
    if len(sample.labels) == 0:
        return not matched.any()
    answers = to_corners(decode(offset_targets[matched], boxes[matched]))  # (M, 4)
    same_box = np.abs(answers[:, None] - sample.corners).max(axis=2) <= TOLERANCE  # (M, G)
    same_class = class_targets[matched][:, None] == sample.labels + 1
    overlapping = iou(to_corners(boxes), sample.corners).max(axis=1) > OVERLAP + TOLERANCE
    return bool(
        (same_box & same_class).any(axis=1).all()
        and (same_box & same_class).any(axis=0).all()
        and matched[overlapping].all()
    )
