"""Data augmentation (Liu et al. 2016, SSD, sections 2.2 and 3.6): a new view every epoch.

In the order of the released SSD:

    photometric distortion   colours of the picture                                  photometric.py
    expansion                the picture lies on a canvas up to 4 x 4 times its size, in the mean colour
    sampling                 the whole canvas, or a patch of it that overlaps some object enough, or any patch
    centre rule              an object stays if its centre is in the patch, and is clipped
    resize                   to the square input of the network
    mirror                   left and right swapped

The minimum overlap holds with any object, not with all, as in the released SSD.  The paper gives the size of a patch as
0.1 to 1 "of the original image size": that is its area, for the released SSD takes 0.3 to 1 for the side and
0.3^2 = 0.09.  Of a picture with objects every patch keeps one at
least, for by the paper's rule, which counts negatives per positive, one without would teach nothing.

Small objects reach none of the larger overlaps.  An overlap that no patch reaches is put aside and another is drawn,
as in the released SSD, which looks for a patch for each and draws among those that it found; the whole canvas in its
place would come up in half of all looks at VOC.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minissd.data.affine import AffineAugmentation
from minissd.data.photometric import Photometric, random_color_matrix
from minissd.data.samples import Sample
from minissd.data.view import View, contains_centers, resize_image, view_mask, view_objects, view_pixels
from minissd.detection import Objects, iou

MEAN_COLOR = (123, 117, 104)  # of natural images, in the order R, G, B
ATTEMPTS = 50  # patches tried until one fits


class WindowLook(NamedTuple):
    """One random look at a picture: a window on it, and a change of its colours (None for none)."""

    view: View
    color_matrix: tuple | None

    def pixels(self, image: np.ndarray, size: int) -> np.ndarray:
        """(H, W, C) uint8 -> (size, size, C) uint8; a picture of one channel has no colours to change."""
        matrix = self.color_matrix if image.shape[2] == 3 else None
        return view_pixels(self.view, image, size, MEAN_COLOR, matrix)

    def mask(self, mask: np.ndarray, size: int, outside: int) -> np.ndarray:
        """(H, W) uint8 -> (size, size) uint8; `outside` where there is no picture."""
        return view_mask(self.view, mask, size, outside)

    def objects(self, objects: Objects) -> Objects:
        return view_objects(self.view, objects)


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; the defaults are those of the SSD paper (sections 2.2, 3.6).

    `mirror` and `flip` are how often left and right, top and bottom are swapped; flip is for pictures without
    an up, such as those of a microscope.
    """

    expansion: float = 4.0  # largest side of the canvas, in sides of the picture; 1: no expansion
    expansion_probability: float = 0.5
    # Minimum overlaps; 0.0 is any patch.  Each that can be reached is as likely as the whole canvas; (): that always.
    patches: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)
    patch_side: tuple[float, float] = (0.3, 1.0)  # smallest and largest, in sides of the canvas
    aspect_ratio: tuple[float, float] = (0.5, 2.0)  # of a patch, the canvas being square
    mirror: float = 0.5
    flip: float = 0.0
    photometric: Photometric | None = Photometric()  # None: colours stay as they are

    def look(self, corners: np.ndarray, rng: np.random.Generator) -> WindowLook:
        """A random WindowLook at a picture with objects `corners` (G, 4)."""
        view = random_view(corners, self, rng)
        return WindowLook(view, random_color_matrix(self.photometric, rng) if self.photometric else None)


# For masks, labels and very short runs: the SSD paper's recipe makes objects 4 times smaller or cuts out a tenth of a
# picture, which a long training turns to account and a short one only finds hard.
LIGHT = Augmentation(
    expansion=1.0,
    patches=(0.0,),
    patch_side=(0.6, 1.0),
    aspect_ratio=(0.75, 1.33),
    photometric=Photometric(contrast=0.2, saturation=0.2, hue=9),
)

# For a detector from scratch on a few hundred pictures: objects of all sizes and shapes, without which it learns their
# boxes by heart.  Two looks of three are patches, for a patch that is drawn twice is drawn twice as often.
MEDIUM = replace(LIGHT, patches=(0.0, 0.0), patch_side=(0.4, 1.0), aspect_ratio=(0.5, 2.0), expansion=1.4)

# None: the whole image as it is.
PRESETS = {
    "ssd": Augmentation(),
    "medium": MEDIUM,
    "light": LIGHT,
    "digits": AffineAugmentation(),
    "none": None,
}
FORMER_NAMES = {"notes": "ssd"}  # of presets, in the settings of older runs


def preset_name(name: Any) -> Any:
    """The name in PRESETS for one that a preset had before; any other as it is."""
    return FORMER_NAMES.get(name, name) if isinstance(name, str) else name


def augment(sample: Sample, size: int, settings: Augmentation | AffineAugmentation, rng: np.random.Generator) -> Sample:
    """A random look at a sample, `size` pixels square -> Sample."""
    look = settings.look(sample.corners, rng)
    return Sample(sample.id, look.pixels(sample.image, size), *look.objects(sample.objects))


def resize_sample(sample: Sample, size: int, resize: str = "antialiased") -> Sample:
    """The whole image, `size` pixels square -> Sample with the same objects: what evaluation looks at."""
    return sample._replace(image=resize_image(sample.image, size, resize))


def random_view(corners: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> View:
    """A random View of a picture with objects `corners` (G, 4): expansion, sampling, mirror and flip."""
    window = random_sampling(random_canvas(settings, rng), corners, settings, rng)
    mirror, flip = (rng.random(2) < (settings.mirror, settings.flip)).tolist()
    x_min, y_min, x_max, y_max = window.tolist()
    return View(x_min, y_min, x_max, y_max, mirror, flip)


def random_canvas(settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Expansion: corners (4,) of a canvas around the picture, which is 0..1 on both axes.

    The canvas has `side` times the picture's sides; the picture may lie anywhere on it.
    """
    side = rng.uniform(1, settings.expansion) if rng.random() < settings.expansion_probability else 1.0
    origin = -rng.uniform(0, side - 1, 2)  # of the canvas, seen from the picture
    return np.concatenate([origin, origin + side])


def random_sampling(
    canvas: np.ndarray, corners: np.ndarray, settings: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Corners (4,) of the whole canvas or of a patch: each overlap in `settings.patches` that some patch reaches is
    as likely as the whole canvas."""
    for choice in rng.permutation(1 + len(settings.patches)):
        if choice == 0:
            break
        patch = random_patch(canvas, corners, settings.patches[choice - 1], settings, rng)
        if patch is not None:
            return patch
    return canvas


def random_patch(
    canvas: np.ndarray, corners: np.ndarray, min_overlap: float, settings: Augmentation, rng: np.random.Generator
) -> np.ndarray | None:
    """Corners (4,) of a patch of the canvas that overlaps some object by `min_overlap` and keeps some object.

    All attempts are drawn at once and the first that fits is taken; None if none does.
    """
    patches = random_rectangles(canvas, settings, rng)  # (ATTEMPTS, 4)
    if len(corners) == 0:
        return patches[0]
    corners = corners.astype(np.float64)
    fits = (iou(patches, corners) >= min_overlap).any(axis=1)
    fits &= contains_centers(patches[:, None], corners[None]).any(axis=1)
    return patches[fits.argmax()] if fits.any() else None


def random_rectangles(canvas: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """(ATTEMPTS, 4) random corners inside the canvas: side and aspect ratio uniform in their ranges.

    A patch of side s and ratio r has width s sqrt(r) and height s / sqrt(r) of the canvas; ratios that would
    not fit, outside of s^2..1/s^2, are left out of the range.
    """
    side = rng.uniform(*settings.patch_side, ATTEMPTS)
    narrowest, widest = settings.aspect_ratio
    ratio = rng.uniform(np.maximum(narrowest, side**2), np.minimum(widest, side**-2.0))
    extent = np.stack([side * np.sqrt(ratio), side / np.sqrt(ratio)], axis=1)  # (ATTEMPTS, 2) of the canvas
    origin = rng.uniform(0, 1, (ATTEMPTS, 2)) * (1 - extent)
    in_canvas = np.concatenate([origin, origin + extent], axis=1)
    return np.tile(canvas[:2], 2) + in_canvas * np.tile(canvas[2:] - canvas[:2], 2)
