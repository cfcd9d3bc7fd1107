"""A student's functions together: each calls the student's others, and the library's where one is missing.

    own = Own(exercises, sources)
    own["iou"](a, b)             the student's, or the library's in its place
    with own.swapped("iou"):     the library's for a block
    with own.beside():           both answer the same calls, the library's answer is used; own.differing says who errs

What a file imports from minissd becomes the student's own where there is an exercise for it (own_operations.py).  The
files run in this process: only the course's child calls this for a student's folder, and students do for their own.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minissd import engine
from minissd.course import own_operations
from minissd.course.folder import StudentFolder
from minissd.course.judging import function_of
from minissd.course.reading import Unusable, explain
from minissd.course.shelf import Exercise, check_hypothesis, find_shelf, read_lessons
from minissd.errors import MinissdError
from minissd.properties import require_equal

COMPARED = 6  # calls of each function that are compared; more would say the same


class Own:
    """functions: those of the student that can be used, by the names of their exercises.  missing: why the others
    cannot.  differing: what is wrong with those that were caught by `beside`."""

    def __init__(self, exercises: Iterable[Exercise], sources: Mapping[str, str]):
        """sources: the text of the student's file of each exercise, by its name; what is missing is not there."""
        self.functions: dict[str, Callable] = {}
        self.missing: dict[str, str] = {}
        self.differing: dict[str, str] = {}
        self.called: set[str] = set()
        self._swapped: frozenset[str] = frozenset()
        self._compared: dict[str, int] | None = None
        check_hypothesis()
        from minissd.properties import small_ssd  # here, for it needs Hypothesis

        self._library = {one.name: one.library for one in exercises}
        self._on_operations = {  # in the library's place too, the network is made of the student's operations
            "ssd_forward": small_ssd.library_ssd_forward,
            "ssd_backward": small_ssd.library_ssd_backward,
        }
        self.operations = own_operations.operations(self)
        for exercise in exercises:
            self._add(exercise, sources.get(exercise.name))

    def _add(self, exercise, source):
        if source is None:
            self.missing[exercise.name] = "not started"
            return
        try:
            function = function_of(source, exercise, filename_of(exercise.name))
        except Unusable as error:
            self.missing[exercise.name] = str(error)
            return
        if isinstance(function, type(_nothing)):
            own_operations.connect(self, function.__globals__, exercise.name)
        self.functions[exercise.name] = function

    def __getitem__(self, name: str) -> Callable:
        """The function of an exercise, looked up at each call."""
        return partial(self._call, name)

    def is_own(self, name: str) -> bool:
        return name in self.functions and name not in self._swapped

    @contextmanager
    def swapped(self, *names: str) -> Iterator[None]:
        """Within the block, the library's functions stand in for these."""
        before, self._swapped = self._swapped, self._swapped | set(names)
        try:
            yield
        finally:
            self._swapped = before

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Within the block, the first calls of each function go to the student's too, on copies of the arguments."""
        self._compared = {}
        try:
            yield
        finally:
            self._compared = None

    def _call(self, name, *args, **kwargs):
        self.called.add(name)
        if not self.is_own(name):
            return self._of_library(name, args, kwargs)
        if self._compared is not None:
            return self._call_both(name, args, kwargs)
        try:
            return self.functions[name](*args, **kwargs)
        except NotImplementedError:
            self._is_empty(name)
            return self._of_library(name, args, kwargs)

    def _of_library(self, name, args, kwargs):
        if name in self._on_operations:
            with engine.use(self.operations):
                return self._on_operations[name](*args, **kwargs)
        with engine.use("fast"):  # else what stands in for a function would ask for it
            return self._library[name](*args, **kwargs)

    def _call_both(self, name, args, kwargs):
        """The library's answer; where the student's is another, `differing` says so."""
        times = self._compared[name] = self._compared.get(name, 0) + 1
        if times > COMPARED or name in self.differing:
            return self._of_library(name, args, kwargs)
        copies = copy.deepcopy((args, kwargs))
        expected = self._of_library(name, args, kwargs)
        try:
            found = self.functions[name](*copies[0], **copies[1])
            _same(name, found, expected, args)
            _require_unchanged(copies[0], args)
        except NotImplementedError:
            self._is_empty(name)
        except (Exception, SystemExit) as error:  # the student's code may raise anything
            self.differing[name] = explain(error, filename_of(name))
        return expected

    def _is_empty(self, name):
        del self.functions[name]
        self.missing[name] = "not written yet"


def own_of(folder: str | Path, shelf: str | Path | None = None) -> Own:
    """The functions in a student's folder, which are run in this process: for your own folder, not for others'."""
    if not Path(folder).is_dir():
        raise MinissdError(f"{folder}: is no folder: give your minissd-course")
    exercises = connected(read_lessons(shelf or find_shelf(folder)))
    return Own(exercises, sources_of(StudentFolder(folder), exercises))


def connected(lessons) -> list[Exercise]:
    """The exercises with a function of the library that can stand in for them."""
    return [one for lesson in lessons for one in lesson.exercises if one.library_at]


def sources_of(folder: StudentFolder, exercises: Iterable[Exercise]) -> dict[str, str]:
    """The texts of the student's files, by the names of the exercises; those that are not there are left out."""
    paths = {one.name: folder.file(one) for one in exercises}
    try:
        return {name: path.read_text(encoding="utf-8-sig") for name, path in paths.items() if path.is_file()}
    except (OSError, UnicodeDecodeError) as error:
        raise MinissdError(f"{folder.path}: a file cannot be read ({error}): is it text in UTF-8?") from None


def filename_of(name: str) -> str:
    return f"{name}.py"


def _same(name, found, expected, args):
    """AssertionError unless the answers agree; caches and the order of equals are nobody's business."""
    if name == "ssd_forward":
        found, expected = found[:2], expected[:2]
    if name == "hard_negatives" and np.shape(found) == np.shape(expected):
        found, expected = (np.sort(np.where(mask, args[0], 0), axis=-1) for mask in (found, expected))
    require_equal(found, expected, rtol=1e-5, atol=1e-7)


def _require_unchanged(after, before):
    arrays = (pair for pair in zip(after, before, strict=True) if isinstance(pair[0], np.ndarray))
    if any(not np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f") for pair in arrays):
        raise AssertionError("an argument was changed in place: work on a copy")


def _nothing() -> Any: ...
