"""Grades as files: points for a spreadsheet, details with the hints, JUnit XML for course servers."""

import csv
import io
import xml.etree.ElementTree as ElementTree

from minissd.course.grading import printable
from minissd.course.judging import should
from minissd.files import spreadsheet_cell, write_atomically

DETAILS = ("student", "exercise", "status", "it should", "reason", "mistake", "hint", "example", "look at")


def write_points(path, grades):
    """A line for each student: points, out of how many, the number of answers to look at, points in each lesson."""
    lessons = sorted({exercise[:2] for _, exercise, _ in grades})
    rows = [["student", "points", "of", "to look at", *(f"lesson {number}" for number in lessons)]]
    for student in dict.fromkeys(grade.student for grade in grades):
        own = [grade for grade in grades if grade.student == student]
        passed = [grade.exercise[:2] for grade in own if grade.verdict.passed]
        look = sum(bool(grade.verdict.look) for grade in own)
        rows.append([student, len(passed), len(own), look, *(passed.count(number) for number in lessons)])
    return _write_csv(path, rows)


def write_details(path, grades):
    """A line for each grade: what breaks and why, the known mistake and its hint, and what to look at."""
    rows = [DETAILS]
    for student, exercise, verdict in grades:
        broken = should(verdict.statement).removeprefix("should ") if verdict.statement else ""
        why = (verdict.status, broken, verdict.reason, verdict.mutant, verdict.hint, verdict.example)
        rows.append([student, exercise, *why, "\n".join(verdict.look)])
    return _write_csv(path, rows)


def _write_csv(path, rows):
    """Texts that a spreadsheet would take for a formula are quoted."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[spreadsheet_cell(str(cell)) for cell in row] for row in rows])
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
                message = printable(f"{verdict.status}: {verdict.reason}")
                failure = ElementTree.SubElement(case, "failure", message=message, type=verdict.status)
                broken = f"it {should(verdict.statement)}" if verdict.statement else ""
                failure.text = printable("\n".join(filter(None, (broken, verdict.example, verdict.hint))))
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return write_atomically(path, lambda file: file.write(content))
