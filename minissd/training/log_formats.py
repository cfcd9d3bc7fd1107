"""The log of a run as other programs read it, beside log.jsonl, which is what everything here reads.

    csv           log.csv, a row a step, and validation.csv, a row a validation; for spreadsheets
    tensorboard   events.out.tfevents.*; `tensorboard --logdir runs` shows them while they grow

Both have the numbers of the records alone, under names like "AP/dog".
"""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

from minissd.errors import MinissdError
from minissd.files import cannot_be_written, write_atomically

TENSORBOARD = "tensorboard"
TABLES = ("log.csv", "validation.csv")


class CsvLog:
    """Two tables.  records: those of the run so far, in a list that grows before each `add`."""

    def __init__(self, folder: Path, records: list[dict[str, Any]], start: int):
        self.paths = {False: folder / TABLES[0], True: folder / TABLES[1]}  # by whether it is a validation
        self.records = records
        self.columns: dict[bool, list[str]] = {False: [], True: []}
        for validation in self.paths:
            self._write_all(validation)

    def add(self, record: dict[str, Any]) -> None:
        validation = "validation" in record
        row, columns = _row(record), self.columns[validation]
        if not row.keys() <= set(columns):
            self._write_all(validation)
            return
        try:
            with open(self.paths[validation], "a", encoding="utf-8", newline="") as file:
                file.write(_as_csv([row], columns))
        except OSError as error:
            self.columns[validation] = []  # the next row brings this one along
            raise cannot_be_written(self.paths[validation], error) from error

    def settle(self) -> None:
        for validation, columns in self.columns.items():
            if not columns:
                self._write_all(validation)

    def close(self) -> None:
        pass

    def _write_all(self, validation):
        rows = [_row(record) for record in self.records if ("validation" in record) == validation]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        if columns or self.paths[validation].exists():
            text = _as_csv([dict(zip(columns, columns, strict=True)), *rows], columns)
            write_atomically(self.paths[validation], lambda file: file.write(text.encode()))
        self.columns[validation] = columns


class TensorboardLog:
    """Event files.  What an interrupted run wrote after step `start` is marked as void."""

    def __init__(self, folder: Path, records: list[dict[str, Any]], start: int):
        check_available(TENSORBOARD)
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        goes_on = start > 0 and any(folder.glob("events.out.tfevents.*"))
        self.writer = EventFileWriter(str(folder))
        if goes_on:
            void = SessionLog(status=SessionLog.START)
            self.writer.add_event(Event(wall_time=time.time(), step=start + 1, session_log=void))
        for record in () if goes_on else records:
            self.add(record)

    def add(self, record: dict[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        group, row = "validation" if "validation" in record else "training", _row(record)
        values = [
            Summary.Value(tag=f"{group}/{name}", simple_value=value)
            for name, value in row.items()
            if name != "step" and math.isfinite(value)
        ]
        self.writer.add_event(Event(wall_time=time.time(), step=record["step"], summary=Summary(value=values)))

    def settle(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


FORMATS = {"csv": CsvLog, TENSORBOARD: TensorboardLog}


def format_names(text: str | None) -> list[str]:
    """The names in "csv,tensorboard"; none for None.  MinissdError for one that is not known."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise MinissdError(f"--log {name!r} is not known: choose of {', '.join(FORMATS)}")
    return names


def check_available(text: str | None) -> None:
    """MinissdError if a package that the formats in `text` need is not installed."""
    if TENSORBOARD in format_names(text):
        try:
            import tensorboard.summary.writer.event_file_writer  # noqa: F401
        except ImportError as error:
            reason = str(error).splitlines()[0]
            raise MinissdError(
                f"--log {TENSORBOARD} needs tensorboard ({reason}): pip install 'minissd[tensorboard]'"
            ) from None


def _row(record):
    """The numbers of a record, {name: number}; of the metrics of a validation those within as well, as "AP/dog"."""
    row = {}
    for name, value in record.items():
        if isinstance(value, dict):
            inner = _row(value)
            row |= inner if name == "validation" else {f"{name}/{key}": number for key, number in inner.items()}
        elif value is None:  # NaN, as JSON has it
            row[name] = math.nan
        elif isinstance(value, int | float) and not isinstance(value, bool):
            row[name] = value
    return row


def _as_csv(rows, columns):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerows({name: "" if value != value else value for name, value in row.items()} for row in rows)
    return text.getvalue()
