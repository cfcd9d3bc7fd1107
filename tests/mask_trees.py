"""Small trees of masks for tests, written image by image."""

import numpy as np
from PIL import Image
from voc_trees import annotation_xml

COLOURS = ((40, 90, 160), (220, 60, 40), (240, 220, 60))  # background, class 1, class 2
PALETTE = (0, 0, 0, 128, 0, 0, 0, 128, 0) + (224,) * 3 * 253  # a shorter one would cost the large numbers a bit


class MaskTree:
    """Writes a tree: images painted in the colours of their masks, and the masks.  names: of the classes."""

    def __init__(self, root, names=("cat", "dog")):
        self.root = root
        self.lists = root / "ImageSets" / "Segmentation"
        for folder in ("JPEGImages", "SegmentationClass", "Annotations"):
            (root / folder).mkdir(parents=True)
        self.lists.mkdir(parents=True)
        (root / "Annotations" / "names.xml").write_text(annotation_xml([(one, (1, 1, 2, 2)) for one in names], (9, 9)))

    def add(self, image_id, mask, split="train"):
        mask = np.asarray(mask, np.uint8)
        picture = np.array(COLOURS, np.uint8)[np.where(mask < len(COLOURS), mask, 0)]
        Image.fromarray(picture).save(self.root / "JPEGImages" / f"{image_id}.png")
        indices = Image.fromarray(mask)
        indices.putpalette(PALETTE)
        indices.save(self.mask(image_id))
        with open(self.lists / f"{split}.txt", "a", encoding="utf-8") as file:
            print(image_id, file=file)
        return self

    def mask(self, image_id):
        return self.root / "SegmentationClass" / f"{image_id}.png"


def square_mask(rng, shape=(48, 64), number=1):
    """A mask (H, W) of one rectangle of class `number` somewhere."""
    mask = np.zeros(shape, np.uint8)
    y, x = (rng.integers(0, side // 2) for side in shape)
    mask[y : y + shape[0] // 2, x : x + shape[1] // 2] = number
    return mask
