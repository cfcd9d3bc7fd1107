"""What data sets of image files with boxes hand out alike, whatever format their annotations have."""

from pathlib import Path

from minissd.data.images import ENOUGH_PIXELS, read_header, read_image
from minissd.data.samples import Remarks, Sample
from minissd.detection import Objects
from minissd.metrics.coco import Extents


class BoxedImages:
    """Image files and the Objects on each (see samples.py for what a dataset offers).

    A reader fills `ids`, `_paths` and `_objects`, one of each for an image, in the same order, and `remarks`, of which
    the `notes` give the numbers.
    """

    task = "detect"
    ids: list[str]
    remarks: Remarks
    _paths: list[Path]
    _objects: list[Objects]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The Sample at a position; its image is decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        return Sample(self.ids[index], read_image(self._paths[index], ENOUGH_PIXELS), *self._objects[index])

    def objects(self, index: int) -> Objects:
        """The Objects at a position, without reading the image."""
        return self._objects[index]

    def extents(self, index: int) -> Extents:
        """Pixels of the image at a position, as it is shown, and of the boxes; only the header of the file is read."""
        header = read_header(self._paths[index])
        size = (header.height, header.width) if header.swaps_sides else (header.width, header.height)
        return Extents.of_boxes(size, self._objects[index].corners)

    def image_path(self, index: int) -> Path:
        """The image file at a position, to be read at full size."""
        return self._paths[index]
