"""Where the parts of a VOC set lie: VOC's own folders, and those of the tools that write its XML.

    Annotations/ID.xml, JPEGImages/ID.jpg, ImageSets/Main/SPLIT.txt     VOC, CVAT, VoTT, Supervisely
    annotations/ID.xml, images/ID.jpg                                   Label Studio, Oxford pets, raccoons, Kaggle
    labels/ID.xml, data/ID.jpg                                          FiftyOne
    SPLIT/ID.xml, SPLIT/ID.jpg                                          Roboflow, TensorFlow's tutorial
    SPLIT/annotations/ID.xml, SPLIT/images/ID.jpg
    ID.xml, ID.jpg                                                      LabelImg

An ID is the path of an image inside of its folder without the suffix, so that subfolders are part of it.  Without
lists, splits are the folders that are called train, val or the like; without those, they are made (splits.py).
"""

import os
from pathlib import Path
from typing import NamedTuple

from minissd.data.images import IMAGE_SUFFIXES
from minissd.data.samples import split_names
from minissd.data.splits import MADE_SPLITS, SPLIT_WORDS, in_made_split
from minissd.data.voc_files import files_in, images_in, is_shown, matched, spelling, written_link
from minissd.data.voc_lists import lists_in, read_split, splits_of
from minissd.errors import MinissdError

PARTS = ("Annotations", "JPEGImages", "ImageSets/Main")
LISTS = Path(PARTS[2])
_ANNOTATIONS = ("annotations", "annotation", "annots", "xmls", "xml", "labels", "label", "ann")
_IMAGES = ("jpegimages", "images", "image", "imgs", "img", "data", "pictures", "photos")

UNLABELLED = "images on the list without an XML file, taken as images without objects"
NO_XML = "images without an XML file, left out"
NO_IMAGE = "XML files without an image, left out"
NO_SPLIT = "images outside of the folders of splits, left out"


class VocPlaces(NamedTuple):
    """The files of a set.  ids are the same in every split."""

    root: Path
    folder: str  # the name of the folder of images, for paths on lists
    images: dict[str, list[Path]]  # id -> its images: mostly one
    xmls: dict[str, Path]  # id -> its annotation
    lists: dict[str, Path]  # name -> list

    @property
    def has_splits(self):
        """Whether the set says itself what its splits are."""
        return bool(self.lists or self._folders())

    def splits(self):
        """The names of the splits."""
        return splits_of(self.lists) if self.lists else self._folders() or list(MADE_SPLITS)

    def ids(self, split, remarks):
        """The ids of a split; what is missing goes into the remarks.  Raises MinissdError if there is no such split."""
        if self.lists:
            ids = read_split(self.lists, split, self.images, self.folder, remarks, self.root)
            remarks[UNLABELLED] += [one for one in ids if one not in self.xmls]
            return ids
        everything, folders = self.images.keys() | self.xmls.keys(), self._folders()
        name = next((name for name in split_names(split.lower()) if name in self.splits()), None)
        if name is None:
            raise MinissdError(f"{self.root} has no split {split!r}; there are {', '.join(self.splits())}")
        if folders:
            chosen = {one for one in everything if _split_folder(one) == name}
            remarks[NO_SPLIT] += sorted(one for one in self.xmls if _split_folder(one) is None)
        else:
            chosen = {one for one in everything if in_made_split(one, name)}
        remarks[NO_XML] += sorted(chosen - self.xmls.keys())
        remarks[NO_IMAGE] += sorted(chosen - self.images.keys())
        return sorted(chosen & self.images.keys() & self.xmls.keys())

    def _folders(self):
        """The folders that are called as splits are and hold annotations."""
        return sorted({_split_folder(one) for one in self.xmls} - {None})


def find_places(root):
    """The `VocPlaces` of a folder.  Raises MinissdError saying what is missing if it holds no VOC set."""
    parts = _parts(root) if root.is_dir() else []
    if not parts:
        _explain(root)
    images, xmls = {}, {}
    for prefix, image_folder, annotation_folder in parts:
        images |= images_in(image_folder, prefix)
        for xml_id, path in files_in(annotation_folder, (".xml",)):
            stem, suffix = os.path.splitext(prefix + xml_id)  # some call it img.jpg.xml
            is_stem = suffix.lower() in IMAGE_SUFFIXES and prefix + xml_id not in images and stem in images
            xmls[stem if is_stem else prefix + xml_id] = path
    xmls = matched(xmls, images, spelling)
    if not xmls.keys() & images.keys():  # subfolders of the two differ throughout
        xmls = matched(xmls, images, lambda one: one.rpartition("/")[2])
    lists = lists_in(root / LISTS) or lists_in(root / LISTS.parent)
    if len(parts) == 1:
        lists = lists or lists_in(root, only_splits=True) or lists_in(parts[0][2], only_splits=True)
    places = VocPlaces(root, parts[0][1].name, images, xmls, lists)
    if not xmls.keys() & images.keys():
        _explain(root, f"none of its {len(xmls)} XML files has an image of its name in {parts[0][1]}")
    return places


def splits_of_tree(root):
    """The names of the splits of a VOC set, or of masks that lie in such a tree."""
    try:
        return find_places(root).splits()
    except MinissdError:
        return sorted({name for folder in root.glob("ImageSets/*") for name in splits_of(lists_in(folder))})


def is_voc_tree(root):
    """Whether a folder is a VOC set, lacks one part of it, or holds one: what is amiss, `find_places` will say."""
    return root.is_dir() and (len(_missing(root)) <= 1 or bool(_parts(root)) or bool(_nested(root)))


def subfolder(root, names, holds=None):
    """The first subfolder that is called one of the names, in whatever case; holds: and has files of this suffix."""
    found = {folder.name.lower(): folder for folder in _folders_in(root)}
    fitting = (found[name] for name in names if name in found)
    return next((path for path in fitting if holds is None or any(files_in(path, (holds,)))), None)


def _parts(root):
    """(prefix of ids, folder of images, folder of annotations) of each part of a set; [] if it is none."""
    pair = _pair(root)
    if pair:
        return [("", *pair)]
    pairs = [(folder, _pair(folder)) for folder in _folders_in(root) if folder.name.lower() in SPLIT_WORDS]
    parts = [(f"{folder.name}/", *pair) for folder, pair in pairs if pair]
    return parts or ([("", root, root)] if _lie_together(root) else [])


def _folders_in(root):
    try:
        with os.scandir(root) as entries:  # much faster than Path.iterdir among many files
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError as error:
        raise MinissdError(f"{root} cannot be read ({error.strerror or error})") from None


def _pair(root):
    """(folder of images, folder of annotations) beside each other, or None."""
    images = subfolder(root, _IMAGES) or written_link(root / "JPEGImages")
    annotations = subfolder(root, _ANNOTATIONS, holds=".xml") or written_link(root / "Annotations")
    if images is None or annotations is None:
        return None
    return images, subfolder(annotations, ("xmls", "xml"), holds=".xml") or annotations  # the first: Oxford pets


def _lie_together(root):
    """Whether an XML file lies beside an image of its name, in the folder or two below it."""
    for where, below, names in os.walk(root, followlinks=True):
        below[:] = [] if len(Path(where).relative_to(root).parts) >= 2 else [one for one in below if is_shown(one)]
        stems = {os.path.splitext(name)[0] for name in names if name.lower().endswith(".xml") and is_shown(name)}
        if stems and any(stem in stems and _is_image(suffix) for stem, suffix in map(os.path.splitext, names)):
            return True
    return False


def _is_image(suffix):
    return suffix.lower() in IMAGE_SUFFIXES


def _split_folder(image_id):
    """The word for a split among the folders in an id, in lower case, or None."""
    folders = image_id.lower().split("/")[:-1]
    return next((folder for folder in folders if folder in SPLIT_WORDS), None)


def _missing(root):
    return [part for part in PARTS if not (root / part).is_dir()]


def _nested(root):
    """The VOC sets one folder further down, and two as those of the challenge lie in VOCdevkit/VOC2007."""
    found = sorted([*root.glob("*/JPEGImages"), *root.glob("*/*/JPEGImages")])
    trees = [images.parent for images in found if len(_missing(images.parent)) <= 1]
    return trees or [folder for folder in _folders_in(root) if _pair(folder)]


def _explain(root, why=None):
    """Raises the MinissdError for a folder that is no VOC set."""
    missing = [part for part in PARTS[:2] if not (root / part).is_dir()]
    nested = [] if why or not root.is_dir() else _nested(root)
    hint = f" (there is one in {nested[0]})" if nested else ""
    what = [f"it has no {' and no '.join(missing)}"] if missing and not why else [why or "its Annotations hold no XML"]
    what += [
        f"{part} is a {'link to nothing' if (root / part).is_symlink() else 'file'}, perhaps a link that was not copied"
        for part in missing
        if (root / part).is_symlink() or (root / part).exists()
    ]
    raise MinissdError(
        f"{root} is no VOC tree{hint}, {'; '.join(what)}; expected are "
        f"Annotations/ID.xml, JPEGImages/ID.jpg and {LISTS}/SPLIT.txt with one ID a line, or XML files beside images"
    )
