"""The student's folder: the files being worked on, and progress.json beside them.

    minissd-course/
      progress.json          what passed, how often it was tried, how many hints were seen
      02_convolution/        output_size.py, ..., lesson.ipynb

What the student wrote is never overwritten.
"""

import shutil
from datetime import date
from pathlib import Path

from minissd.errors import MinissdError
from minissd.files import parse_json, write_atomically, write_json

FOLDER, STATE = "minissd-course", "progress.json"


class StudentFolder:
    def __init__(self, path):
        self.path = Path(path)
        self.records = _read_state(self.path / STATE)  # exercise key -> {"passed": date or None, "tries", "hints"}

    @classmethod
    def find(cls, given=None):
        """The folder `given`; else the one that the working directory lies in; else minissd-course in it."""
        if given:
            return cls(given)
        here = Path.cwd()
        own = (folder for folder in (here, *here.parents) if (folder / STATE).is_file())
        return cls(next(own, here / FOLDER))

    def file(self, exercise):
        return self.path / exercise.folder.name / f"{exercise.name}.py"

    def start(self, lesson):
        """Copies what is not there yet of the lesson's stubs and notebook; returns the new paths."""
        texts = {self.file(exercise): exercise.start_text for exercise in lesson.exercises}
        if lesson.notebook.exists():
            texts[self.path / lesson.folder.name / lesson.notebook.name] = lesson.notebook.read_text(encoding="utf-8")
        new = [_write(path, text) for path, text in texts.items() if not path.exists()]
        self._save()
        return new

    def start_one(self, exercise):
        """Copies one exercise, if it is not there yet; returns whether it was copied."""
        path = self.file(exercise)
        if path.exists():
            return False
        _write(path, exercise.start_text)
        self._save()
        return True

    def started(self, lesson):
        return (self.path / lesson.folder.name).is_dir()

    def record(self, exercise):
        return {"passed": None, "tries": 0, "hints": 0} | self.records.get(exercise.key, {})

    def passed(self, exercise):
        return self.record(exercise)["passed"] is not None

    def note_verdict(self, exercise, verdict):
        """A try, unless nothing was filled in yet; an exercise that passed once stays passed."""
        if verdict.status == "empty":
            return
        record = self.record(exercise)
        passed = record["passed"] or (date.today().isoformat() if verdict.passed else None)
        self._update(exercise, tries=record["tries"] + 1, passed=passed)

    def next_hint(self, exercise):
        """(number from 1, text) of the next hint; the last one again when all are out."""
        number = min(self.record(exercise)["hints"] + 1, len(exercise.hints))
        self._update(exercise, hints=number)
        return number, exercise.hints[number - 1]

    def reset(self, exercise):
        """A fresh stub; what was there is kept beside it.  Returns the path of the old file, or None."""
        target, kept = self.file(exercise), None
        if target.exists():
            versions = (target.with_suffix(f".old{i}.py") for i in range(1, 1000))
            kept = next(path for path in versions if not path.exists())
            shutil.move(target, kept)
        _write(target, exercise.start_text)
        self._update(exercise, passed=None)
        return kept

    def current(self, lessons):
        """The first exercise of the started lessons that has not passed, or None."""
        open_ones = (e for lesson in lessons if self.started(lesson) for e in lesson.exercises if not self.passed(e))
        return next(open_ones, None)

    def following(self, lessons):
        """The next lesson with something left to pass: after the last one started, else from the first; or None."""
        last = max((i for i, lesson in enumerate(lessons) if self.started(lesson)), default=-1)
        in_order = (*lessons[last + 1 :], *lessons[: last + 1])
        return next((one for one in in_order if not all(map(self.passed, one.exercises))), None)

    def _update(self, exercise, **changes):
        self.records[exercise.key] = self.record(exercise) | changes
        self._save()

    def _save(self):
        write_json(self.path / STATE, {"minissd-course": 1, "exercises": self.records})


def _write(path, text):
    return write_atomically(path, lambda file: file.write(text.encode()))


def _read_state(path):
    if not path.exists():
        return {}
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        records = content["exercises"]
        if not all(map(_is_record, records.values())):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise MinissdError(
            f"{path}: cannot be read as the state of a course: mend or delete it, the work stays"
        ) from None
    return records


def _is_record(record):
    """{"passed": date or None, "tries": number, "hints": number}"""
    kinds = {"passed": str | None, "tries": int, "hints": int}
    return isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in kinds.items())
