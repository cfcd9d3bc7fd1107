"""The student's folder: work is never lost, the state says what happened."""

import json

import pytest

from minissd.course import Verdict
from minissd.course.folder import STATE, StudentFolder

PASSED, WRONG = Verdict("passed"), Verdict("wrong")


@pytest.fixture
def folder(tmp_path):
    return StudentFolder(tmp_path / "mine")


@pytest.fixture
def lesson(lessons, exercise):
    return next(lesson for lesson in lessons if exercise in lesson.exercises)


def test_starting_copies_stubs_and_notebook_once(folder, lesson, exercise):
    new = folder.start(lesson)
    assert {path.name for path in new} >= {f"{one.name}.py" for one in lesson.exercises} | {"lesson.ipynb"}
    folder.file(exercise).write_text("my work")
    folder.file(lesson.exercises[-1]).unlink()
    again = folder.start(lesson)
    assert again == [folder.file(lesson.exercises[-1])]
    if len(lesson.exercises) > 1:
        assert folder.file(exercise).read_text() == "my work"


def test_reset_keeps_what_was_there(folder, lesson, exercise):
    folder.start(lesson)
    for text in ("first", "second"):
        folder.file(exercise).write_text(text)
        kept = folder.reset(exercise)
        assert kept.read_text() == text
        assert folder.file(exercise).read_bytes() == exercise.stub.read_bytes()
    assert len(list(folder.file(exercise).parent.glob("output_size.old*.py"))) == 2


def test_the_state_survives(folder, lesson, exercise):
    folder.start(lesson)
    folder.note_verdict(exercise, WRONG)
    folder.note_verdict(exercise, PASSED)
    folder.note_verdict(exercise, WRONG)  # a later try does not take away what passed
    again = StudentFolder(folder.path)
    assert again.passed(exercise)
    assert again.record(exercise)["tries"] == 3


def test_three_hints_and_then_the_last_again(folder, exercise):
    seen = [folder.next_hint(exercise) for _ in range(4)]
    assert [number for number, _ in seen] == [1, 2, 3, 3]
    assert tuple(text for _, text in seen[:3]) == exercise.hints


def test_the_current_exercise_is_the_first_open_one(folder, lessons, lesson):
    assert folder.current(lessons) is None
    folder.start(lesson)
    for exercise in lesson.exercises:
        assert folder.current(lessons) == exercise
        folder.note_verdict(exercise, PASSED)
    assert folder.current(lessons) is None


def test_what_follows_comes_after_the_last_lesson_started(folder, lessons):
    lessons = [lesson for lesson in lessons if lesson.exercises]
    assert folder.following(lessons) == lessons[0]
    folder.start(lessons[1])
    assert folder.following(lessons) == lessons[2]
    for lesson in lessons[1:]:
        folder.start(lesson)
        for exercise in lesson.exercises:
            folder.note_verdict(exercise, PASSED)
    assert folder.following(lessons) == lessons[0]  # what was left out
    for exercise in lessons[0].exercises:
        folder.note_verdict(exercise, PASSED)
    assert folder.following(lessons) is None


def test_an_empty_stub_is_no_try(folder, exercise):
    folder.note_verdict(exercise, Verdict("empty"))
    assert folder.record(exercise)["tries"] == 0


def test_it_is_found_from_within(folder, lesson, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert StudentFolder.find().path == tmp_path / "minissd-course"
    folder.start(lesson)
    monkeypatch.chdir(folder.path / lesson.folder.name)
    assert StudentFolder.find().path == folder.path


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"exercises": 3}', '{"exercises": {"02/output_size": 1}}'),
        '{"exercises": {"02/output_size": {"tries": "many", "hints": 0, "passed": null}}}',
    ],
)
def test_a_damaged_state_is_said(tmp_path, refused, content):
    (tmp_path / STATE).write_text(content)
    with refused(STATE, "the work stays"):
        StudentFolder(tmp_path)


def test_the_state_is_plain_json(folder, exercise):
    folder.note_verdict(exercise, PASSED)
    content = json.loads((folder.path / STATE).read_text())
    assert content["exercises"]["02/output_size"]["tries"] == 1
