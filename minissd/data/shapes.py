"""The generated set "shapes": coloured shapes on textured ground, without end and without a download.

Image i of a split is a pure function of (seed, split, i): nothing is stored, and any image can be made at any
time, by any thread.
"""

from collections.abc import Sequence

import numpy as np

from minissd.data.samples import Sample, check_limit, choose_classes
from minissd.data.shapes_drawing import OUTLINES, draw_ground, draw_mask, paint
from minissd.detection import Objects
from minissd.errors import MinissdError
from minissd.metrics.coco import Extents

SPLITS = ("train", "val", "test")
CLASSES = tuple(sorted(OUTLINES))
MOST_OBJECTS = 6
SIDES = (0.12, 0.5)  # smallest and largest of a shape, as a share of the image: square root of width times height
ASPECT_RATIO = 2.0  # the largest, before a shape is turned
LARGEST_TURN = np.pi / 6
ATTEMPTS = 6  # places tried for each shape
LEAST_VISIBLE = 0.5  # of each shape: what later shapes and the edge of the image have to leave in sight


class ShapesDataset:
    """`count` generated images, `size` pixels square (see samples.py for what a dataset offers).

    Shapes overlap and reach over the edge; each box is tight around the pixels of its shape that can be seen.
    classes: the kinds to draw, all of them if None; sides, aspect_ratio: as SIDES and ASPECT_RATIO.
    """

    task = "detect"

    def __init__(
        self,
        count: int,
        split: str = "train",
        size: int = 240,
        seed: int = 0,
        classes: Sequence[str] | None = None,
        sides: tuple[float, float] = SIDES,
        aspect_ratio: float = ASPECT_RATIO,
    ):
        check_limit(count)
        if split not in SPLITS:
            raise MinissdError(f"shapes has no split {split!r}; there are {', '.join(SPLITS)}")
        self.name = "shapes"
        self.classes = choose_classes(classes, CLASSES, "shapes")
        self.ids = [f"{split}-{index:05d}" for index in range(count)]
        self.notes: list[str] = []
        self.size = size
        self.sides, self.aspect_ratio = sides, aspect_ratio
        self._stream = [seed, SPLITS.index(split)]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        scene = self.scene(index)
        return Sample(self.ids[index], scene.picture, *scene.objects())

    def objects(self, index: int) -> Objects:
        """The Objects at a position; the scene has to be drawn for it."""
        return self.scene(index).objects()

    def extents(self, index: int) -> Extents:
        """Pixels of the image at a position and of the boxes."""
        return Extents.of_boxes((self.size, self.size), self.objects(index).corners)

    def scene(self, index: int) -> "Scene":
        """The `Scene` at a position, which also knows what is seen at each pixel."""
        position = range(len(self))[index]
        rng = np.random.default_rng([*self._stream, position])
        return draw_scene(self.classes, self.size, rng, self.sides, self.aspect_ratio)


class Scene:
    """A picture that grows shape by shape, and the record of which object is seen at each of its pixels."""

    def __init__(self, size, rng):
        self.size = size
        self.picture = draw_ground(size, rng)  # (size, size, 3) uint8
        self.owner = np.zeros((size, size), np.uint8)  # 0: the ground; k: the k-th object
        self.labels = []
        self.visible = [size * size]  # pixels that the ground and each object show
        self.least = [0]  # pixels that they have to show

    def add(self, mask, label, rng):
        """Draws a shape over the others, unless it or one of them would show too little -> whether it was."""
        inside, part = mask.meet(self.size)
        solid = mask.coverage[part] >= 0.5
        least = LEAST_VISIBLE * (mask.coverage >= 0.5).sum()
        visible = self.visible - np.bincount(self.owner[inside][solid], minlength=len(self.visible))
        if solid.sum() < least or (visible < self.least).any():
            return False
        self.labels.append(label)
        self.visible = [*visible, solid.sum()]
        self.least.append(least)
        self.owner[inside][solid] = len(self.labels)
        paint(self.picture, mask, rng)
        return True

    def objects(self):
        """The Objects as they are seen, each box tight around the pixels of its shape."""
        boxes = [_tight_box(self.owner == number) for number in range(1, 1 + len(self.labels))]
        corners = np.array(boxes, np.float32).reshape(-1, 4) / self.size
        return Objects(corners, np.array(self.labels, np.int64), np.zeros(len(boxes), bool))


def draw_scene(classes, size, rng, sides=SIDES, aspect_ratio=ASPECT_RATIO):
    """A random `Scene` with shapes of these classes, some of them over others."""
    scene = Scene(size, rng)
    for _ in range(rng.integers(1, MOST_OBJECTS + 1)):
        label = int(rng.integers(len(classes)))
        for _ in range(ATTEMPTS):
            if scene.add(draw_mask(_random_polygon(classes[label], size, rng, sides, aspect_ratio)), label, rng):
                break
    return scene


def _random_polygon(kind, size, rng, sides, aspect_ratio):
    """An outline stretched, turned and put somewhere -> (V, 2) pixels; its centre is in the image."""
    side = size * np.exp(rng.uniform(*np.log(sides)))
    root = np.exp(rng.uniform(-0.5, 0.5) * np.log(aspect_ratio))  # square root of the aspect ratio
    angle = rng.uniform(-LARGEST_TURN, LARGEST_TURN)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return OUTLINES[kind] * (side * root, side / root) @ rotation + rng.uniform(0, size, 2)


def _tight_box(mask):
    """Pixel edges x_min, y_min, x_max, y_max around the True of a mask (H, W)."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
