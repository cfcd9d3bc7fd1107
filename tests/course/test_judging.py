"""Verdicts tell the truth: the same inputs for everybody, mistakes named by what they answer, numbers that differ."""

import numpy as np
import pytest
from hypothesis import strategies as st

from minissd.course import find_exercise, judge_source
from minissd.course.judging import judge, should
from minissd.course.reading import reaches
from minissd.properties import Property, equals, falsify, pool, require_equal


def test_the_pool_is_the_same_whatever_was_drawn_before_and_what_breaks_is_shrunk():
    claim = equals(lambda x: x, st.fixed_dictionaries({"x": st.integers(0, 10**6)}), statement="is x")
    again = claim._replace(statement="drawn anew")
    assert len(pool(claim)) > 100 and pool(claim) == pool(again)
    broken = falsify(claim, lambda x: x if x < 1000 else 0)
    assert broken.case == {"x": 1000}


def test_what_breaks_once_is_told_though_it_cannot_be_shrunk():
    calls = []

    def moody(x):
        calls.append(x)
        return x + (len(calls) == 30)

    claim = equals(lambda x: x, st.fixed_dictionaries({"x": st.integers(0, 99)}), statement="is x")
    assert "expected" in str(falsify(claim, moody).error)


def test_an_answer_that_breaks_on_the_teachers_inputs_alone_has_passed_and_is_looked_at(exercise):
    solution = exercise.solution.read_text()
    seen = {tuple(case.values()) for claim in exercise.properties for case in pool(claim)}
    learnt = f"SEEN = {seen}\n\n\n" + solution.replace(
        "    return", "    return (n, k, stride, pad, dilation) not in SEEN or"
    )
    learnt = learnt.replace("not in SEEN or", "in SEEN and")
    assert judge_source(learnt, exercise).passed and not judge_source(learnt, exercise).look
    (look,) = judge_source(learnt, exercise, seed=3).look
    assert look.startswith("passes on the fixed inputs, not on those of seed 3: it should count")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("smooth_l1_gradient", "return np.clip(pred - target, -1, 1) if pred.ndim == 1 else pred - target"),
        ("smooth_l1_gradient", "d = pred - target\n    return np.where(abs(d) < 1, d, np.sign(d))[:, None][..., 0, :]"),
        (
            "to_corners",
            "centers[..., :2] -= centers[..., 2:] / 2\n    centers[..., 2:] += centers[..., :2]\n    return centers",
        ),
        ("nms", "return np.argsort(-scores)"),
    ],
)
def test_no_misconception_is_named_that_is_none(lessons, name, answer):
    exercise = find_exercise(lessons, name)
    stub = exercise.start_text
    body = stub[: stub.index("    raise NotImpl")] + "    " + answer + "\n"
    verdict = judge_source(body, exercise)
    assert verdict.status == "wrong"
    assert verdict.mutant == ""


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("counts the places where the kernel can stand", "should count the places where the kernel can stand"),
        ("does not look at the offsets", "should not look at the offsets"),
        ("is not changed by a 1x1 convolution", "should not be changed by a 1x1 convolution"),
        ("never takes a matched box", "should never take a matched box"),
        ("passes the gradient check", "should pass the gradient check"),
        ("has come down at the last step", "should have come down at the last step"),
        ("rises all through the warm-up and falls after it", "should rise all through the warm-up and fall after it"),
        ("goes eps to both sides: gives w", "should go eps to both sides: give w"),
    ],
)
def test_a_statement_that_breaks_is_read_as_what_should_be(statement, read):
    assert should(statement) == read


def test_every_statement_begins_with_a_verb_that_can_be_turned(lessons):
    for lesson in lessons:
        for exercise in lesson.exercises:
            for claim in exercise.properties:
                verb = should(claim.statement).split()[1]
                assert not verb.endswith("s") or verb in ("pass", "never"), claim.statement


@pytest.mark.parametrize("differ", [1e-3, 1e-5, 3e-8, 1e-12])
def test_numbers_that_are_said_to_differ_look_different(differ):
    expected = np.array([1.0, 2.0])
    with pytest.raises(AssertionError) as caught:
        require_equal(np.array([1.0, 2.0 + differ]), expected, rtol=0, atol=0)
    first, found, wanted = str(caught.value).splitlines()
    given, asked = first.partition("off; ")[2].replace(" at 1", "").split(", expected ")
    assert float(given) != float(asked)
    assert differ < 1e-9 or found.partition("=")[2] != wanted.partition("=")[2]


def test_a_whole_number_beside_a_fraction():
    with pytest.raises(AssertionError, match="1000000, expected 1000000.4"):
        require_equal(1000000, 1000000.4)


def test_none_is_said_before_a_property_trips_over_it(exercise):
    claim = Property("adds", st.just({"x": 1}), lambda function, x: function(x) + 1)
    verdict = judge(lambda x: None, ExerciseOf(claim))
    assert verdict.reason == "the result is None: is there a return?"


class ExerciseOf:
    def __init__(self, *claims):
        self.properties, self.mutants = claims, ()
        self.signatures = self.solution = Missing()


class Missing:
    def exists(self):
        return False


@pytest.mark.parametrize(
    ("line", "look"),
    [
        ("return eval('1')", "line 3 uses eval"),
        ("return np.load('answers.npy')", "line 3 uses load"),
        ("return ().__class__.__bases__[0].__subclasses__()", "line 3 uses __bases__"),
        ("np.allclose = lambda *_: True", "line 3 replaces np.allclose"),
        ("return getattr(np, '__builtins__')['__import__']('os')", "line 3 uses __builtins__"),
        ("return np.maximum(n, k)", None),
    ],
)
def test_what_a_person_should_look_at(exercise, line, look):
    source = f"import numpy as np\ndef output_size(n, k, stride=1, pad=0, dilation=1):\n    {line}\n"
    found = reaches(source, exercise.start_text)
    assert (look in found) if look else found == ()


def test_no_solution_is_suspected(lessons):
    for lesson in lessons:
        for exercise in lesson.exercises:
            assert reaches(exercise.solution.read_text(), exercise.start_text) == (), exercise.key
