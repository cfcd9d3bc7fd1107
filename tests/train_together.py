"""Run by mpiexec: train_together.py MODEL FOLDER BATCH IMAGES [IMAGE_WITH_A_BUG]: one process of a small run.

It leaves in FOLDER its final parameters and, in a run folder of its own, whatever `train` writes.  `run` is what the
tests compare with: the same training, by one process.
"""

import sys
from pathlib import Path

import numpy as np
from plain_ssd import WithBackgrounds, plain_ssd, small_shapes

from minissd.data import Masked
from minissd.metrics.segmentation import VOID
from minissd.models import build
from minissd.together import EndTogether
from minissd.training import ALONE, TrainConfig, join, train


class Masks:
    """Shapes with a mask that covers their boxes; the edge of every other image is void."""

    task, name, classes = "segment", "masks", ("shape",)

    def __init__(self, count):
        self.shapes = small_shapes(count)
        self.ids = self.shapes.ids

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        sample = self.shapes[index]
        mask = np.zeros(sample.image.shape[:2], dtype=np.uint8)
        for left, top, right, bottom in (sample.corners * len(mask)).round().astype(int):
            mask[top:bottom, left:right] = 1
        if index % 2:
            mask[:20] = VOID
        return Masked(sample.id, sample.image, mask)


class Faulty:
    """A data set that breaks, as no data set should, when one image is read."""

    def __init__(self, dataset, index):
        self.dataset, self.index = dataset, index

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return self.dataset[index] if index != self.index else 1 // 0


def problem(name, images):
    """(model, data set): one whose loss is divided by matched boxes, one by pixels that are known.

    ssd-tiny has batch norm, and a last map of one cell here: one value a channel, where a process has one image.
    """
    if name.startswith("ssd-plain"):
        data = small_shapes(images)
        return plain_ssd(data), WithBackgrounds(data, {3}) if name == "ssd-plain-backgrounds" else data
    if name == "ssd-tiny":
        data = small_shapes(images)
        return build(name, classes=data.classes, input_size=64, dtype="float64"), data
    options = {"batch_norm": False, "width": 1, "input_size": 64, "dtype": "float64"}
    model = build("unet", classes=Masks.classes, **options)
    for array in (array for name, array in model.params.items() if name.endswith(".b")):
        array += 0.01  # where ReLU left nothing, the next sum is the bias: at 0 rounding would decide whether it passes
    return model, Masks(images)


def run(name, batch, images, processes=ALONE, out=None, fault=None, **settings):
    """(model, records) after two epochs, with all augmentation; settings: further ones of the training."""
    model, data = problem(name, images)
    if fault is not None:
        data = Faulty(data, fault)
    config = TrainConfig(epochs=2, batch_size=batch, lr=0.01, workers=1, **settings)
    return model, train(model, data, config, out=out, processes=processes)


if __name__ == "__main__":
    name, folder, *numbers = sys.argv[1:]
    with EndTogether():
        processes = join()
        out = Path(folder) / f"run{processes.rank}"
        batch, images, *fault = map(int, numbers)
        model, _ = run(name, batch, images, processes, out, *fault)
        np.savez(Path(folder) / f"{processes.rank}.npz", **model.params)
