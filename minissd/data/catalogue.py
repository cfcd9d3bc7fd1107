"""From a word on the command line to a dataset: a name of the catalogue, or the path of a VOC tree."""

from pathlib import Path

from minissd.data.download import DOWNLOADS, default_folder
from minissd.data.samples import check_limit
from minissd.data.shapes import SPLITS, ShapesDataset
from minissd.data.voc import VocDataset
from minissd.errors import MinissdError

SHAPES_COUNTS = dict(zip(SPLITS, (2000, 200, 500), strict=True))
NAMES = ("shapes", *DOWNLOADS)


def open_dataset(data, split, *, classes=None, limit=None, size=240, seed=0, keep_others=False):
    """The dataset that `data` names, one split of it (what a dataset offers: samples.py).

    data: "shapes" (generated), another name in NAMES (downloaded by `fetch`), or the path of a VOC tree.
    classes: the class names to use, in the order of their labels; None for all.  limit: at most so many
    images.  size: side of a generated image in pixels; seed: which shapes are generated; both are for
    "shapes" alone.  Raises MinissdError, saying what there is, for a name, split or class that is not there.
    """
    check_limit(limit)
    if data == "shapes":
        count = SHAPES_COUNTS.get(split, 1)  # of a split that does not exist, ShapesDataset complains
        return ShapesDataset(min(count, limit or count), split, size, seed, classes)
    if data in DOWNLOADS:
        root = default_folder() / data
        if not root.is_dir():
            raise MinissdError(f"{data} is not on this machine yet: run `minissd fetch {data}`")
        return VocDataset(root, split, classes, limit, keep_others)
    root = Path(data)
    if not root.is_dir():
        problem = "is a file" if root.exists() else "does not exist"
        names = ", ".join(NAMES)
        raise MinissdError(f"data {str(data)!r} {problem}: give the folder of a VOC tree, or one of {names}")
    return VocDataset(root, split, classes, limit, keep_others)
