"""The course is proven: stubs fail, solutions and the library pass, each mutant is rejected with its own hint."""

import ast

import pytest

from minissd.course import judge_source, read_lessons
from minissd.properties import falsify

LESSONS = read_lessons()
EXERCISES = {exercise.key: exercise for lesson in LESSONS for exercise in lesson.exercises}
MUTANTS = {f"{key}: {wrong.name}": (e, wrong) for key, e in EXERCISES.items() for wrong in e.mutants}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers divide by 0

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def text(path):
    return path.read_text(encoding="utf-8")


def the_function(path, name):
    return next(node for node in ast.parse(text(path)).body if isinstance(node, ast.FunctionDef) and node.name == name)


@each_exercise
def test_the_solution_passes(exercise):
    verdict = judge_source(text(exercise.solution), exercise, filename=exercise.solution.name)
    assert verdict.passed, f"{verdict.statement}: {verdict.reason}\n{verdict.example}"
    assert len(verdict.held) == len(exercise.properties)


@each_exercise
def test_the_library_passes(exercise):
    """The same statements judge the library's own function."""
    if exercise.library is None:
        pytest.skip("the library has no function of this kind")
    for claim in exercise.properties:
        broken = falsify(claim, exercise.library)
        assert broken is None, f"{claim.statement}: {broken.error}\n{broken.case}"


@pytest.mark.parametrize(("exercise", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_the_mutant_is_rejected_with_its_own_hint(exercise, mutant):
    source = mutant.source(text(exercise.solution))
    verdict = judge_source(source, exercise, filename=exercise.solution.name)
    assert verdict.status == "wrong", verdict
    assert (verdict.mutant, verdict.hint) == (mutant.name, mutant.hint), verdict
    assert verdict.example


@each_exercise
def test_it_is_complete(exercise):
    assert len(exercise.mutants) >= 3
    assert len({mutant.hint for mutant in exercise.mutants}) == len(exercise.mutants)
    assert len(exercise.hints) == 3
    assert all(len(claim.statement) < 100 for claim in exercise.properties)
    lines = text(exercise.folder / "lesson.md").splitlines()
    headings = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    assert exercise.section in headings, f"there is no section {exercise.section!r} in the lesson"


@each_exercise
def test_the_stub_asks_for_what_the_solution_gives(exercise):
    asked, given = (the_function(path, exercise.name) for path in (exercise.stub, exercise.solution))
    assert ast.dump(asked.args) == ast.dump(given.args)
    assert len(ast.get_docstring(asked) or "") > 80, "shapes and formula belong into the docstring"
    assert isinstance(asked.body[-1], ast.Raise)
    assert "NotImplementedError(" in ast.unparse(asked.body[-1])


def test_names_are_unique():
    names = [exercise.name for exercise in EXERCISES.values()]
    assert len(set(names)) == len(names)
