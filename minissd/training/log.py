"""log.jsonl: one line a step, another for each validation; what the curves are drawn from."""

import math
import os
from pathlib import Path
from typing import Any

from minissd.errors import MinissdError
from minissd.files import cannot_be_written, parse_json, to_json, write_atomically
from minissd.metrics import SCORES
from minissd.training.log_formats import FORMATS, format_names

LOG = "log.jsonl"


class RunLog:
    """Records of a run, in memory and, if a path is given, appended to a file as they come.

    `start`: steps that are done already; lines of later steps (an interrupted run logged them after its last
    checkpoint) are dropped, so that a resumed log equals an uninterrupted one.  formats: further ones to be written
    beside it, names in log_formats.py separated by commas.
    """

    def __init__(self, path=None, start=0, formats=None):
        self.path = path and Path(path)
        self.records = []
        self._behind = False  # whether the file lacks a record
        self._others = []
        if self.path is None:
            return
        if start and self.path.exists():
            self.records = [record for record in read_log(self.path) if record["step"] <= start]
        self._write_all()
        self._others = [FORMATS[name](self.path.parent, self.records, start) for name in format_names(formats)]

    def add(self, record):
        """Append one record, a dictionary with at least "step" (steps done, from 1)."""
        self.records.append(record)
        if self.path is None:
            return
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(to_json(record) + "\n")
        except OSError as error:
            self._behind = True
            raise cannot_be_written(
                self.path, error, "go on elsewhere with a copy of the folder and --resume"
            ) from error
        for other in self._others:
            other.add(record)

    def close(self):
        """No more records will come."""
        for other in self._others:
            other.close()

    def settle(self):
        """Have all records on the disk, lest a checkpoint be ahead of its log."""
        if self.path is None:
            return
        for other in self._others:
            other.settle()
        if self._behind:
            self._write_all()
            return
        try:
            with open(self.path, "rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_be_written(self.path, error) from error

    def _write_all(self):
        text = "".join(to_json(record) + "\n" for record in self.records)
        write_atomically(self.path, lambda file: file.write(text.encode()))
        self._behind = False

    def has_validation(self, step):
        """Whether the validation after `step` steps is among the records."""
        return any(record["step"] == step and "validation" in record for record in self.records)

    def scores(self, metric):
        """The scores of all validations; NaN, which the file has as null, for one that has none."""
        scores = [record["validation"].get(metric) for record in self.records if "validation" in record]
        return [math.nan if score is None else score for score in scores]


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The records of a log.jsonl.  A last line that was cut off in mid-write is left out."""
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")  # a name may hold other ends of lines
    except (OSError, UnicodeDecodeError) as error:
        raise MinissdError(f"{path}: cannot be read ({error}): give the log.jsonl of a run") from None
    records = []
    for number, line in enumerate(lines, 1):
        record = _parse(line)
        if record is not None:
            records.append(record)
        elif number < len(lines):
            raise MinissdError(f"{path}: line {number} is no record of a run: restore the log or start a new run")
    return records


def _parse(line):
    """The record on a line, or None if it holds something else or half of one."""
    try:
        record = parse_json(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and _is_record(record) else None


def _is_record(record):
    """Whether its figures are such as can be compared and drawn; those of a class, within a validation, may be any."""
    counts = [record.get("step"), record.get("epoch", 1)]
    validation = record.get("validation", {})
    if not all(type(count) is int and 0 <= count < 2**63 for count in counts) or not isinstance(validation, dict):
        return False
    own = [value for name, value in record.items() if name != "validation"]
    return all(map(_is_figure, own)) and all(_is_figure(validation.get(name)) for name in SCORES)


def _is_figure(value):
    """A number, or None for NaN."""
    if type(value) is float:
        return not math.isinf(value)  # we write null for that, too
    return value is None or (type(value) is int and abs(value) < 2**63)
