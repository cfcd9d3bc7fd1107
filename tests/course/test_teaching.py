"""What teachers use: handouts without solutions, grades for many submissions."""

import csv
import os
import re
import shutil
import signal
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from minissd.course import read_lessons
from minissd.course import wheel as wheel_of
from minissd.course.grading import grade as grades_of
from minissd.course.grading import in_order
from minissd.course.handout import export
from minissd.course.mistakes import known_mistakes
from minissd.course.sandbox import Judges
from minissd.course.tables import write_details, write_junit, write_points


def grade(folders, exercises, **options):
    return in_order(list(grades_of(folders, exercises, **options)), exercises)


@pytest.fixture
def small_shelf(tmp_path, exercise):
    """A shelf with the one lesson of `exercise`."""
    shelf = tmp_path / "shelf" / "lessons"
    folder = shelf / exercise.folder.name
    shutil.copytree(exercise.folder, folder)
    names = ("output_size", "parameter_count")  # quick ones
    text = (folder / "lesson.toml").read_text()
    (folder / "lesson.toml").write_text(
        re.sub(r"exercises = \[.*?\]", f"exercises = {list(names)}", text, flags=re.DOTALL)
    )
    return shelf


def test_a_handout_has_every_exercise_and_no_answer(small_shelf, tmp_path):
    count = export(small_shelf, tmp_path / "handout")
    shelf = tmp_path / "handout" / "lessons"
    originals = [e for lesson in read_lessons(small_shelf) for e in lesson.exercises]
    exercises = [e for lesson in read_lessons(shelf) for e in lesson.exercises]
    assert count == len(exercises) == len(originals)
    for copy, original in zip(exercises, originals, strict=True):
        assert not copy.solution.exists()
        assert not copy.mutants
        assert known_mistakes(copy) == known_mistakes(original) != ()
        assert copy.stub.read_bytes() == original.stub.read_bytes()
        assert copy.hints == original.hints
    (wheel,) = (tmp_path / "handout").glob("minissd-*.whl")
    assert (tmp_path / "handout" / "README.md").read_text().count(f"{wheel.name}[lessons]") == 3


def test_the_wheel_of_a_handout_is_the_package_without_answers(small_shelf, tmp_path, exercise):
    export(small_shelf, tmp_path / "handout")
    (wheel,) = (tmp_path / "handout").glob("minissd-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert "minissd/cli/lesson.py" in texts and "minissd/engine/tuning.json" in texts
    assert f"minissd/lessons/{exercise.folder.name}/exercises/output_size.py" in texts
    assert not [name for name in texts if "/solutions/" in name or name.endswith("mutants/output_size.toml")]
    body = exercise.solution.read_text().partition(":\n")[2].strip().encode()
    assert not [name for name, text in texts.items() if body in text]
    about = next(text for name, text in texts.items() if name.endswith("METADATA")).decode()
    assert "Requires-Dist: hypothesis" in about and "Provides-Extra: lessons" in about
    record = next(text for name, text in texts.items() if name.endswith("RECORD")).decode().splitlines()
    assert {line.rsplit(",", 2)[0] for line in record} == set(texts)


def test_an_installed_package_describes_itself_too(tmp_path, monkeypatch):
    class Installed:
        def read_text(self, name):
            return {"METADATA": "Name: minissd\nVersion: 9.9\n", "entry_points.txt": "[console_scripts]\n"}[name]

    (tmp_path / "package").mkdir()
    monkeypatch.setattr(wheel_of, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(wheel_of, "distribution", lambda name: Installed())
    assert wheel_of.write_wheel(tmp_path, tmp_path / "package").name == "minissd-9.9-py3-none-any.whl"


def test_a_package_that_nothing_describes(tmp_path, monkeypatch, refused):
    def missing(name):
        raise wheel_of.PackageNotFoundError(name)

    monkeypatch.setattr(wheel_of, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(wheel_of, "distribution", missing)
    with refused("nothing here describes", "install it with pip"):
        wheel_of.write_wheel(tmp_path, tmp_path)


def test_no_handout_over_another_and_none_of_a_handout(small_shelf, tmp_path, refused):
    export(small_shelf, tmp_path / "handout")
    with refused("exists already"):
        export(small_shelf, tmp_path / "handout")
    with refused("is a handout already"):
        export(tmp_path / "handout" / "lessons", tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_a_filled_stub_or_a_solution_in_it_is_found(small_shelf, tmp_path, refused, exercise):
    folder = small_shelf / exercise.folder.name
    shutil.copy(exercise.solution, folder / "exercises" / "output_size.py")
    with refused("02/output_size", "filled in"):
        export(small_shelf, tmp_path / "one")
    shutil.copy(exercise.stub, folder / "exercises" / "output_size.py")
    shutil.copy(exercise.solution, folder / "exercises" / "helper.py")
    with refused("helper.py", "02/output_size"):
        export(small_shelf, tmp_path / "two")
    assert not (tmp_path / "one").exists() and not (tmp_path / "two").exists()


def test_a_handout_touches_no_folder_that_is_there(small_shelf, tmp_path, refused):
    (tmp_path / "README.md").write_text("mine")
    with refused("exists already"):
        export(small_shelf, tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.fixture
def submissions(tmp_path, exercise):
    """Four students: right, a known mistake, nothing filled in, nothing handed in."""
    solution = exercise.solution.read_text()
    files = {
        "ada": solution,
        "=bob": exercise.mutants[0].source(solution),
        "cyd": exercise.stub.read_text(),
        "dan": None,
    }
    for name, text in files.items():
        folder = tmp_path / "submissions" / name / "deep"
        folder.mkdir(parents=True)
        if text:
            (folder / "output_size.py").write_text(text)
    return [tmp_path / "submissions" / name for name in files]


def test_verdicts_that_cannot_be_kept(submissions, exercise, tmp_path, refused):
    (tmp_path / "file").touch()
    with refused(tmp_path / "file" / "judged.jsonl", "cannot be written"):
        grade(submissions, [exercise], state=tmp_path / "file" / "judged.jsonl", workers=1)


def test_grades_in_csv_and_junit(submissions, exercise, tmp_path):
    told = []
    grades = grade(submissions, [exercise], seed=3, workers=2, report=lambda *numbers: told.append(numbers))
    assert [one.verdict.status for one in grades] == ["wrong", "passed", "empty", "missing"]
    assert told[-1] == (4, 4)
    with open(write_points(tmp_path / "grades.csv", grades), newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["student", "points", "of", "to look at", "lesson 02"]
    assert rows[1:3] == [["'=bob", "0", "1", "0", "0"], ["ada", "1", "1", "0", "1"]]
    with open(write_details(tmp_path / "details.csv", grades), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["'=bob", "ada", "cyd", "dan"]
    assert rows[0]["mistake"] == exercise.mutants[0].name and rows[0]["hint"] == exercise.mutants[0].hint
    assert rows[0]["it should"].startswith("count the places")
    root = ElementTree.parse(write_junit(tmp_path / "grades.xml", grades)).getroot()
    assert [suite.get("failures") for suite in root] == ["1", "0", "1", "1"]
    assert root[0][0][0].text


def test_a_run_that_was_stopped_goes_on_and_what_changed_is_judged_again(submissions, exercise, tmp_path, monkeypatch):
    state = tmp_path / "grades" / "judged.jsonl"
    first = grade(submissions, [exercise], seed=5, state=state)
    with open(state, "a") as file:
        file.write('{"student": "ada", "exer')  # as a power cut leaves it
    judged = []
    judge = Judges.judge
    monkeypatch.setattr(Judges, "judge", lambda *args, **rest: judged.append(args[1]) or judge(*args, **rest))
    assert grade(submissions, [exercise], seed=5, state=state) == first and judged == []
    changed = exercise.solution.read_text() + "\n# mended\n"
    (submissions[1] / "deep" / "output_size.py").write_text(changed)
    assert [one.verdict.passed for one in grade(submissions, [exercise], seed=5, state=state)][:2] == [True, True]
    assert judged == [changed]


def test_a_file_handed_in_twice_is_not_guessed_about(submissions, exercise):
    shutil.copy(exercise.solution, submissions[0] / "output_size.py")
    (one,) = grade(submissions[:1], [exercise])
    assert one.verdict.status == "broken"
    assert "several times" in one.verdict.reason


def test_the_stub_of_a_handout_beside_the_answer_does_not_count(submissions, exercise):
    shutil.copy(exercise.stub, submissions[0] / "output_size.py")
    shutil.copy(exercise.stub, submissions[2] / "output_size.py")
    grades = grade([submissions[0], submissions[2]], [exercise])
    assert [one.verdict.status for one in grades] == ["passed", "empty"]


def test_a_name_that_is_no_text(tmp_path, exercise):
    """As an archive from another system leaves it."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    (folder / "output_size.py").write_bytes(b"\xff")
    grades = grade([folder], [exercise])
    assert grades[0].student == "caf?"
    assert "no text in UTF-8" in grades[0].verdict.reason
    assert "caf?" in write_points(tmp_path / "grades.csv", grades).read_text()
    assert "caf?" in write_junit(tmp_path / "grades.xml", grades).read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to itself")
def test_an_interruption_ends_what_is_being_judged(submissions, exercise):
    endless = "def output_size(n, k, stride=1, pad=0, dilation=1):\n    while True: pass\n"
    for folder in submissions:
        (folder / "deep" / "output_size.py").write_text(endless)
    threading.Timer(1, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        grade(submissions, [exercise], workers=2)
    assert time.monotonic() - began < 10, "each would have had 20 seconds"


def test_folders_that_are_none(tmp_path, submissions, exercise, refused):
    with refused("nobody", "is no folder"):
        grade([tmp_path / "nobody"], [exercise])
    for name in ("one", "two"):
        (tmp_path / "all" / name / "02_x").mkdir(parents=True)
        (tmp_path / "all" / name / "02_x" / f"{exercise.name}.py").write_text("")
    with refused("several of its folders (one, two)", f"give these, as {tmp_path / 'all'}/*"):
        grade([tmp_path / "all"], [exercise])
    with refused("given twice"):
        grade([submissions[0], submissions[0]], [exercise])
