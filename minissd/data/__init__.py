"""Data: reading annotated images, generating them, augmenting them, and dealing them out in batches.

The only place, beside viz, that knows pixels: what leaves it is uint8 RGB images, and boxes in their units.
"""

from minissd.data.augmentation import LIGHT, PRESETS, Augmentation, augment, resize_sample
from minissd.data.catalogue import NAMES, open_dataset
from minissd.data.download import DOWNLOADS, fetch
from minissd.data.images import read_image
from minissd.data.loader import Batch, Loader
from minissd.data.photometric import Photometric
from minissd.data.prepare import DetectionPreparation
from minissd.data.samples import Sample
from minissd.data.shapes import ShapesDataset
from minissd.data.view import resize_image
from minissd.data.voc import VocDataset

__all__ = [
    "DOWNLOADS",
    "LIGHT",
    "NAMES",
    "PRESETS",
    "Augmentation",
    "Batch",
    "DetectionPreparation",
    "Loader",
    "Photometric",
    "Sample",
    "ShapesDataset",
    "VocDataset",
    "augment",
    "fetch",
    "open_dataset",
    "read_image",
    "resize_image",
    "resize_sample",
]
