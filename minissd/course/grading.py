"""Grades for many submissions: each file judged in its own process, side by side, all on the same inputs."""

import csv
import io
import os
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from minissd.course.judging import Verdict
from minissd.course.sandbox import end_all, judge_file
from minissd.course.shelf import check_hypothesis
from minissd.errors import MinissdError
from minissd.files import spreadsheet_cell, write_atomically

COLUMNS = ("student", "exercise", "status", "statement", "reason", "mistake", "example")


class Grade(NamedTuple):
    student: str  # the folder's name
    exercise: str  # its key
    verdict: Verdict


def grade(folders, exercises, *, seed=0, workers=None, report=lambda done, total: None):
    """A `Grade` for every folder and exercise, in this order.

    folders: one for each student, in which the file of an exercise is found by its name, at any depth.
    report(done, total): called after each file.
    """
    folders = [Path(folder) for folder in folders]
    for folder in folders:
        if not folder.is_dir():
            raise MinissdError(f"{folder}: is no folder: give one folder for each student")
    check_hypothesis()
    names = _student_names(folders)
    jobs = [(name, folder, exercise) for name, folder in zip(names, folders, strict=True) for exercise in exercises]
    grades = {}
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)  # each thread waits for a process
    try:
        running = {pool.submit(_judge, folder, exercise, seed): (name, exercise.key) for name, folder, exercise in jobs}
        for done, future in enumerate(as_completed(running), 1):
            grades[running[future]] = future.result()
            report(done, len(jobs))
    except BaseException:  # Ctrl-C, above all: no further file is begun, and those begun are not waited for
        pool.shutdown(wait=False, cancel_futures=True)
        end_all()
        raise
    finally:
        pool.shutdown()
    return [Grade(name, exercise.key, grades[name, exercise.key]) for name, _, exercise in jobs]


def _student_names(folders):
    """The names of the folders, with as much of the path as tells them apart."""
    names = [_printable(folder.resolve().name) for folder in folders]
    if len(set(names)) < len(names):
        names = [_printable(folder.resolve().as_posix()) for folder in folders]
    if len(set(names)) < len(names):
        raise MinissdError("a folder is given twice: give one folder for each student")
    return names


def _judge(folder, exercise, seed):
    found = [path for path in sorted(folder.rglob(f"{exercise.name}.py")) if path.is_file()]
    if len(found) > 1:  # who hands in the whole handout has the stub in it, too
        found = [path for path in found if not _is_stub(path, exercise)] or found[:1]
    if not found:
        return Verdict("missing", reason=f"there is no {exercise.name}.py")
    if len(found) > 1:
        places = _printable(", ".join(str(path.relative_to(folder)) for path in found))
        return Verdict("broken", reason=f"{exercise.name}.py was handed in several times: {places}")
    try:
        return judge_file(found[0], exercise, seed=seed)
    except MinissdError as error:  # a file that cannot be read is that student's affair, not the end of the grading
        return Verdict("broken", reason=_printable(str(error)))


def _is_stub(path, exercise):
    return path.read_bytes().split() == exercise.start_text.encode().split()


def write_csv(path, grades):
    """A line for each grade; texts that a spreadsheet would take for a formula are quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for student, exercise, verdict in grades:
        cells = (verdict.status, verdict.statement, verdict.reason, verdict.mutant, verdict.example)
        writer.writerow([spreadsheet_cell(cell) for cell in (student, exercise, *cells)])
    return write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def write_junit(path, grades):
    """JUnit XML: a suite for each student, a test case for each exercise."""
    root = ElementTree.Element("testsuites", name="minissd")
    for student in dict.fromkeys(grade.student for grade in grades):
        own = [grade for grade in grades if grade.student == student]
        failed = sum(not grade.verdict.passed for grade in own)
        suite = ElementTree.SubElement(
            root, "testsuite", name=student, tests=str(len(own)), failures=str(failed), errors="0"
        )
        for _, exercise, verdict in own:
            case = ElementTree.SubElement(suite, "testcase", classname=student, name=exercise)
            if not verdict.passed:
                message = _printable(f"{verdict.status}: {verdict.reason}")
                failure = ElementTree.SubElement(case, "failure", message=message, type=verdict.status)
                failure.text = _printable("\n".join(filter(None, (verdict.statement, verdict.example, verdict.hint))))
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return write_atomically(path, lambda file: file.write(content))


def _printable(text):
    """Without what XML cannot hold: control characters, and the half surrogates of a name that is no UTF-8."""
    return "".join(c if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff") else "?" for c in text)
