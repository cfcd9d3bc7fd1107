"""`minissd lesson` from the keyboard."""

import shutil
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from minissd.course import find_exercise, find_shelf, read_lessons
from minissd.course.judging import should

NAME = "output_size"


@pytest.fixture
def exercise():
    return find_exercise(read_lessons(find_shelf()), NAME)


@pytest.fixture
def answer(minissd, exercise, tmp_path, monkeypatch):
    """The student's file in a started lesson; the working directory is where the course folder lies."""
    monkeypatch.chdir(tmp_path)
    assert minissd("lesson", "start", exercise.folder.name[:2]).status == 0
    return tmp_path / "minissd-course" / exercise.folder.name / f"{NAME}.py"


def test_list_names_every_lesson_and_what_passed(minissd, answer):
    out = minissd("lesson", "list").out
    for lesson in read_lessons(find_shelf()):
        assert lesson.number in out
        assert (f"of {len(lesson.exercises)}" if lesson.exercises else "to read") in out


def test_a_lesson_without_exercises_is_there_to_be_read(minissd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "start 1" in minissd("lesson", "start", "0").out
    assert (tmp_path / "minissd-course/00_arrays/lesson.ipynb").exists()
    assert "00_arrays" not in minissd("lesson", "next").out
    unknown = minissd("lesson", "start", "77")
    assert unknown.status == 1
    assert "from 0 to 14" in unknown.err


def test_from_the_stub_to_the_green_check(minissd, answer, exercise):
    empty = minissd("lesson", "check", NAME)
    assert empty.status == 1
    assert "nothing is filled in yet" in empty.out
    solution = exercise.solution.read_text()
    mutant = exercise.mutants[0]
    answer.write_text(mutant.source(solution))
    wrong = minissd("lesson", "check", answer)
    assert wrong.status == 1
    for part in (should(exercise.properties[0].statement), "expected", mutant.hint, exercise.section):
        assert part in wrong.out
    answer.write_text(solution)
    passed = minissd("lesson", "check", f"02/{NAME}")
    assert passed.status == 0
    assert "passed" in passed.out
    assert "2 │     0 │ 20" in minissd("lesson", "progress").out  # tries, hints, date; an empty stub is no try


def test_hints_then_the_solution(minissd, refused, answer, exercise):
    refused(["3 hints are left", "--now"], "lesson", "solution", NAME)
    for number, text in enumerate(exercise.hints, 1):
        out = minissd("lesson", "hint", NAME).out
        assert f"hint {number} of 3" in out
        assert text[:30] in out
    shown = minissd("lesson", "solution", NAME)
    assert "return" in shown.out


def test_next_leads_on(minissd, answer):
    assert "02/" in minissd("lesson", "next").out


def test_what_is_no_python_needs_neither_the_lesson_nor_a_hint(minissd, answer, exercise):
    answer.write_text("def output_size(n:\n")
    out = minissd("lesson", "check", NAME).out
    assert "line 1 is not valid Python" in out
    assert "hint" not in out and exercise.section not in out


@pytest.fixture
def meanwhile(monkeypatch):
    """meanwhile(*steps): each time the watch would sleep, it does the next of the steps in place of that."""

    def install(*steps):
        left = iter(steps)
        monkeypatch.setattr(sys.modules["minissd.cli.lesson"], "time", SimpleNamespace(sleep=lambda _: next(left)()))

    return install


def test_the_watch_survives_a_file_that_cannot_be_read(minissd, answer, exercise, meanwhile):
    meanwhile(partial(answer.write_bytes, b"\xff"), partial(shutil.copyfile, exercise.solution, answer), int)
    outcome = minissd("lesson", "watch", NAME)
    assert outcome.status == 0
    assert "no text in UTF-8" in outcome.out


def test_reset_keeps_the_old_file(minissd, answer, exercise):
    answer.write_text("mine")
    minissd("lesson", "reset", NAME)
    assert answer.read_text() == exercise.stub.read_text()
    assert answer.with_suffix(".old1.py").read_text() == "mine"


def test_watch_judges_each_time_the_file_is_saved_and_ends_when_it_passes(minissd, answer, exercise, meanwhile):
    wrong = partial(answer.write_text, exercise.mutants[0].source(exercise.solution.read_text()))
    meanwhile(int, wrong, int, partial(shutil.copyfile, exercise.solution, answer), int)
    outcome = minissd("lesson", "watch", NAME)
    assert outcome.status == 0
    assert outcome.out.index(exercise.mutants[0].hint[:20]) < outcome.out.index("passed")


@pytest.fixture
def small_shelf(monkeypatch, tmp_path, exercise):
    """The one lesson of `exercise`, of which there is a handout sooner than of all."""
    shutil.copytree(exercise.folder, tmp_path / "small" / "lessons" / exercise.folder.name)
    place = sys.modules["minissd.cli.lesson_teacher"]
    monkeypatch.setattr(place, "find_shelf", lambda: tmp_path / "small" / "lessons")


def test_export_and_grade(minissd, answer, exercise, tmp_path, small_shelf):
    assert minissd("lesson", "export", tmp_path / "handout").status == 0
    shutil.copyfile(exercise.solution, answer)
    graded = minissd("lesson", "grade", "minissd-course", "--lessons", "2", "--out", tmp_path / "grades")
    assert graded.status == 0
    assert "minissd-course,1," in (tmp_path / "grades" / "grades.csv").read_text()
    assert f"02/{NAME},passed" in (tmp_path / "grades" / "details.csv").read_text()
    assert (tmp_path / "grades" / "grades.xml").exists()


def test_a_handout_is_used_where_one_is_in_it(minissd, refused, answer, tmp_path, monkeypatch, small_shelf):
    minissd("lesson", "export", tmp_path / "handout")
    monkeypatch.chdir(tmp_path / "handout")
    minissd("lesson", "start", "2")
    refused(["no solutions"], "lesson", "solution", NAME, "--now")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (["there is no lesson '99'", "0 to"], ["start", "99"]),
        (["nothing_like_it", "is no exercise"], ["check", "nothing_like_it"]),
        (["no_file.py"], ["check", "no_file.py"]),
        (["such as output_size"], ["check", "outputsize"]),
        (["elsewhere/output_size.py: is not there", "or 02/output_size"], ["check", f"elsewhere/{NAME}.py"]),
        (["no exercise is open"], ["check"]),
        (["nothing to watch"], ["watch"]),
        (["no lesson is started"], ["progress"]),
        (["is not there", "minissd lesson start 2"], ["check", NAME]),
        (["no_folder", "is no folder"], ["grade", "no_folder"]),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(refused, tmp_path, monkeypatch, parts, words):
    monkeypatch.chdir(tmp_path)
    refused(parts, "lesson", *words)


WITHOUT_HYPOTHESIS = """
import shlex, sys
sys.modules["hypothesis"] = None  # as after `pip install minissd`
from minissd.cli.main import main
for command in sys.argv[1:]:
    sys.argv = ["minissd", "lesson", *shlex.split(command)]
    try:
        main()
    except SystemExit as stop:
        print(command, "->", stop.code or 0)
"""


def test_without_hypothesis_the_course_can_be_read_and_what_judges_says_what_to_install(tmp_path):
    reads = ["list", "start 2", "next", f"hint {NAME}", f"solution --now {NAME}", f"reset {NAME}", "progress"]
    reads += ["bug list", "bug start 1"]
    judges = [f"check {NAME}", f"watch {NAME}", "bug check 1", "grade minissd-course", f"export {tmp_path / 'handout'}"]
    command = [sys.executable, "-c", WITHOUT_HYPOTHESIS, *reads, *judges]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    ended = [line for line in outcome.stdout.splitlines() if " -> " in line]
    assert ended == [f"{one} -> 0" for one in reads] + [f"{one} -> 1" for one in judges]
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(judges) and all("pip install hypothesis" in line for line in lines)
