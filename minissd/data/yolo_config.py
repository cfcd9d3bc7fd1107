"""What describes a YOLO set: data.yaml, as Ultralytics and Roboflow write it, or Darknet's obj.data.

    path: ../datasets/pets             train = data/train.txt
    train: images/train                valid = data/valid.txt
    val: [images/val, more/val]        names = data/obj.names
    names: {0: dog, 1: cat}

Each split is a folder of images, a list of image files (.txt), or several of these.  Where a path is not right on
this machine, its end is looked for beside the file (foreign_paths.py).  Of YAML only lists, mappings and strings
are taken, never tags or types: a class may be called `no` or `007`, and nothing in it can run.
"""

import os
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import yaml

from minissd.data.foreign_paths import find_path
from minissd.data.samples import split_names
from minissd.data.texts import read_text
from minissd.data.yolo_names import read_names
from minissd.errors import MinissdError

SPLIT_KEYS = {name: split for split in ("train", "val", "test") for name in split_names(split)}
LONGEST, DEEPEST = 2**20, 100  # characters, brackets: real ones have a few thousand and two, and PyYAML is slow


class _Loader(yaml.BaseLoader):
    """YAML of strings, lists and mappings only, whatever the tags; a key that is there twice is an error."""

    def construct_mapping(self, node, deep=False):
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(problem="a key is there twice", problem_mark=node.start_mark)
        return mapping


class YoloConfig(NamedTuple):
    """What such a file says."""

    path: Path
    bases: list[Path]  # the folders that its paths may be relative to
    splits: dict[str, list[str]]  # train, val, test -> the paths as they are written
    names: list[str] | None  # of the classes, in the order of their numbers
    keypoints: int | None  # numbers behind each box


def config_in(folder):
    """The path of the file that describes the set in a folder, None if there is none."""
    named = [folder / name for name in ("data.yaml", "data.yml", "dataset.yaml", "obj.data", "data/obj.data")]
    for path in named:
        if path.is_file() and (path.suffix == ".data" or _describes(path, by_name=True)):
            return path
    paths = sorted(path for suffix in ("yaml", "yml") for path in folder.glob(f"*.{suffix}") if path not in named)
    others = [path for path in paths if _describes(path)]
    if len(others) > 1:
        names = ", ".join(path.name for path in others)
        raise MinissdError(f"{folder} has several files that describe a YOLO set ({names}): give the one you mean")
    return others[0] if others else None


def read_config(path):
    """The `YoloConfig` in a file.  Raises MinissdError naming the file for whatever is wrong with it."""
    content = _read_darknet(path) if path.suffix == ".data" else _read_yaml(path)
    splits = {}
    for key, split in SPLIT_KEYS.items():
        paths = [entry for entry in _as_list(content.get(key)) if isinstance(entry, str) and not _is_null(entry)]
        if paths:
            splits.setdefault(split, paths)
    root = content.get("path")
    bases = [path.parent / root, Path(root)] if isinstance(root, str) and not _is_null(root) else []
    bases += [path.parent, *([path.parent.parent] if path.parent.name == "data" else [])]
    bases += [Path()] if path.suffix == ".data" else []  # Darknet's paths are those from where it is run
    bases = [Path(os.path.normpath(base)) for base in bases if base.is_dir()]
    return YoloConfig(path, bases, splits, _names(content, bases, path), _keypoints(content, path))


def _describes(path, by_name=False):
    """Whether a YAML file has the keys of a data.yaml; of one that is called so, some are enough, or a fault in it."""
    try:
        content = _read_yaml(path)
    except MinissdError:
        return by_name
    with_names, with_splits = "names" in content or "nc" in content, not SPLIT_KEYS.keys().isdisjoint(content)
    return with_names or with_splits if by_name else with_names and with_splits


def _read_yaml(path):
    text = read_text(path)
    try:
        if len(text) > LONGEST:
            raise ValueError(f"it has {len(text):,} characters")
        if max(accumulate((c in "[{") - (c in "]}") for c in text), default=0) > DEEPEST:
            raise ValueError("it is nested too deeply")
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MinissdError(f"{path} is no YAML that can be read ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(content, dict):
        raise MinissdError(f"{path} is no data.yaml: expected keys like train, val and names")
    return content


def _read_darknet(path):
    pairs = (line.split("=", 1) for line in read_text(path).splitlines() if "=" in line and line.strip()[0] != "#")
    content = {key.strip(): value.strip() for key, value in pairs}
    return {"nc": content.get("classes"), **content}


def _names(content, bases, path):
    """The names of the classes in order, None if the file has none.  They are a list, a mapping, or in a file."""
    names, count = content.get("names"), content.get("nc")
    if isinstance(names, str) and not _is_null(names):
        place = find_path(names, bases)
        if place is None:
            raise MinissdError(f"{path}: names is {names!r}, neither a list like [dog, cat] nor a file that is there")
        names = read_names(place)
    if isinstance(names, dict):
        try:
            by_number = {int(number): name for number, name in names.items()}
        except ValueError:
            raise MinissdError(f"{path}: names need a number each, 0, 1, ...; they have {', '.join(names)}") from None
        if sorted(by_number) != list(range(len(by_number))):
            raise MinissdError(f"{path}: names are numbered {sorted(by_number)}; expected 0, 1, 2, ... without gaps")
        names = [by_number[number] for number in sorted(by_number)]
    if not isinstance(names, list) or not names:
        return None
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise MinissdError(f"{path}: each of the names must be a word: correct them")
    if isinstance(count, str) and count.isdecimal() and (len(count) > 9 or int(count) != len(names)):
        raise MinissdError(f"{path}: nc is {count[:60]}, but there are {len(names)} names: correct one of them")
    return [" ".join(name.split()) for name in names]


def _keypoints(content, path):
    shape = content.get("kpt_shape")
    if shape is None:
        return None
    try:
        count, numbers = map(int, shape if isinstance(shape, list) else ())
    except (TypeError, ValueError):
        raise MinissdError(f"{path}: kpt_shape is {shape!r}; expected [points, 2 or 3]") from None
    return count * numbers


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _is_null(text):
    return text in ("", "~", "null", "Null", "NULL")
