"""Data: reading annotated images, generating them, augmenting them, and dealing them out in batches.

The only place, beside viz, that knows pixels: what leaves it is uint8 RGB images, and boxes in their units.
"""

from minissd.data.affine import AffineAugmentation
from minissd.data.augmentation import LIGHT, PRESETS, Augmentation, augment, resize_sample
from minissd.data.catalogue import NAMES, known_splits, open_dataset
from minissd.data.class_folders import ClassFolders
from minissd.data.coco import CocoDataset
from minissd.data.download import cache_folder, fetch, fetched, place_of
from minissd.data.images import IMAGE_SUFFIXES, read_image
from minissd.data.loader import Batch, Loader
from minissd.data.mnist import Mnist
from minissd.data.photometric import Photometric
from minissd.data.pictures import as_rgb, open_picture
from minissd.data.prepare import DetectionPreparation
from minissd.data.prepare_classes import ClassificationPreparation, RegressionPreparation
from minissd.data.prepare_masks import SegmentationPreparation, mask_of_size
from minissd.data.published import DOWNLOADS
from minissd.data.samples import Labelled, Masked, Measured, Sample
from minissd.data.several import SeveralSets, places_as_text, places_in
from minissd.data.shapes import ShapesDataset
from minissd.data.slant import SlantedDigits
from minissd.data.subset import Subset
from minissd.data.video import video_support
from minissd.data.view import resize_image, with_channels
from minissd.data.voc import VocDataset
from minissd.data.voc_masks import VocMasks

__all__ = [
    "DOWNLOADS",
    "IMAGE_SUFFIXES",
    "LIGHT",
    "NAMES",
    "PRESETS",
    "AffineAugmentation",
    "Augmentation",
    "Batch",
    "ClassFolders",
    "ClassificationPreparation",
    "CocoDataset",
    "DetectionPreparation",
    "Labelled",
    "Loader",
    "Masked",
    "Measured",
    "Mnist",
    "Photometric",
    "RegressionPreparation",
    "Sample",
    "SegmentationPreparation",
    "SeveralSets",
    "ShapesDataset",
    "SlantedDigits",
    "Subset",
    "VocDataset",
    "VocMasks",
    "as_rgb",
    "augment",
    "cache_folder",
    "fetch",
    "fetched",
    "known_splits",
    "mask_of_size",
    "open_dataset",
    "open_picture",
    "place_of",
    "places_as_text",
    "places_in",
    "read_image",
    "resize_image",
    "resize_sample",
    "video_support",
    "with_channels",
]
