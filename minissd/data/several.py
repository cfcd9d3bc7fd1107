"""Several data sets as one: VOC 2007 and VOC 2012, or the photographs of two years.

    --data voc2007,voc2012        of each the split that is asked for

They have to agree on their classes, for what is not annotated in one would be background there.  Where classes are
chosen, a set may lack some of them: then nothing in its images is an object of these.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minissd.data.samples import choose_classes, extents_of
from minissd.data.texts import join_by_commas, split_at_commas
from minissd.errors import MinissdError
from minissd.metrics.coco import Extents
from minissd.metrics.segmentation import VOID


def places_in(data: str | Path) -> list[str]:
    """["voc2007", "voc2012"] from "voc2007,voc2012"; a path that exists is one place, whatever commas it has."""
    text = str(data)
    return [text] if "," not in text or Path(text).exists() else split_at_commas(text)


def places_as_text(places: Sequence[str]) -> str:
    """What `places_in` makes these places of."""
    return places[0] if len(places) == 1 else join_by_commas(places)


def open_together(
    places: Sequence[str],
    split: str,
    classes: Sequence[str] | None,
    open_one: Callable[..., Any],
    known_splits: Callable[[str], list[str]] | None,
) -> "SeveralSets":
    """The split of the data sets at all places, as one.

    open_one(place, classes=...) opens that of one place.  known_splits(place): what splits there are; None to train,
    where each has to have the split.  To score, it is enough that one has, as VOC 2007 has a test set and 2012 none.
    MinissdError, naming the place, for one that cannot be opened, and for classes that differ where none are chosen.
    """
    if len({Path(place).resolve() for place in places}) < len(places):
        raise MinissdError(f"{' and '.join(places)}: one data set is named twice: name each once")
    lacking = [place for place in places if known_splits and split not in known_splits(place)]
    lacking = lacking if len(lacking) < len(places) else []  # then the first one says what it has
    places = [place for place in places if place not in lacking]
    sets = [open_one(place) for place in places]
    known = list(dict.fromkeys(name for one in sets for name in one.classes))
    if classes is None:
        _check_alike(sets, places)
    wanted = choose_classes(classes, known, " and ".join(places), some=known_splits is not None)
    parts = []
    for place, one in zip(places, sets, strict=True):
        own = tuple(name for name in wanted if name in one.classes)
        if not own:
            raise MinissdError(f"{place}: has none of the classes {', '.join(wanted)}, but {', '.join(one.classes)}")
        parts.append(one if set(own) == set(one.classes) else open_one(place, classes=own))
    together = SeveralSets(parts, wanted)
    together.notes += [f"{place} has no split {split} and is left out" for place in lacking]
    return together


def _check_alike(sets, places):
    first = sets[0].classes
    for place, one in zip(places[1:], sets[1:], strict=True):
        if set(one.classes) != set(first):
            groups = {place: set(one.classes) - set(first), places[0]: set(first) - set(one.classes)}
            differing = "; ".join(
                f"only {where} has {', '.join(sorted(names))}" for where, names in groups.items() if names
            )
            raise MinissdError(
                f"the data sets differ in their classes: {differing}: choose with --classes; one that a set lacks is "
                "taken as not to be seen in its images"
            )


class SeveralSets:
    """Data sets of one task, one after the other (see samples.py for what a dataset offers).

    classes: the names to use; each part has some of them, in any order.  An id begins with the name of its part.
    """

    def __init__(self, parts: Sequence[Any], classes: Sequence[str]):
        self.task, self.classes = parts[0].task, tuple(classes)
        names = _distinct([part.name for part in parts])
        self.name = "+".join(names)
        self.ids = [f"{name}/{image_id}" for name, part in zip(names, parts, strict=True) for image_id in part.ids]
        self.notes = [f"{name}: {note}" for name, part in zip(names, parts, strict=True) for note in part.notes]
        self._parts = parts
        self._labels = [np.array([self.classes.index(name) for name in part.classes], np.int64) for part in parts]
        self._places = [(k, i) for k, part in enumerate(parts) for i in range(len(part))]
        for name, labels in zip(names, self._labels, strict=True):
            lacking = [wanted for label, wanted in enumerate(self.classes) if label not in labels]
            self.notes += [f"{name}: has no class {', '.join(lacking)}"] * bool(lacking)
        if self.task == "classify":
            self.labels = np.concatenate([own[part.labels] for own, part in zip(self._labels, parts, strict=True)])
        if self.task == "regress":
            self.values, self.quantity = np.concatenate([part.values for part in parts]), parts[0].quantity
        if all(hasattr(part, "image_path") for part in parts):
            self.image_path = self._image_path

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        k, i = self._places[index]
        sample = self._parts[k][i]._replace(id=self.ids[index])
        if self.task == "detect":
            return sample._replace(labels=self._labels[k][sample.labels])
        if self.task == "classify":
            return sample._replace(label=int(self._labels[k][sample.label]))
        return sample._replace(mask=self._numbers(k)[sample.mask]) if self.task == "segment" else sample

    def objects(self, index: int) -> Any:
        """The Objects at a position, without reading the image."""
        k, i = self._places[index]
        objects = self._parts[k].objects(i)
        return objects._replace(labels=self._labels[k][objects.labels])

    def extents(self, index: int) -> Extents:
        """The Extents of the objects at a position."""
        k, i = self._places[index]
        return extents_of(self._parts[k], i)

    def mask(self, index: int) -> np.ndarray:
        """The mask at a position, (H, W) uint8."""
        k, i = self._places[index]
        return self._numbers(k)[self._parts[k].mask(i)]

    def _image_path(self, index):
        k, i = self._places[index]
        return self._parts[k].image_path(i)

    def _numbers(self, k):
        """(256,) the number in our masks of each number in those of a part: k for the k-th class, from 1."""
        numbers = np.zeros(256, np.uint8)
        numbers[1 : 1 + len(self._labels[k])] = 1 + self._labels[k]
        numbers[VOID] = VOID
        return numbers


def _distinct(names):
    """The names, a number behind those that were there before."""
    return [name if name not in names[:i] else f"{name}-{names[: i + 1].count(name)}" for i, name in enumerate(names)]
