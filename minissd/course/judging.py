"""Is this function right, and if not, what should its author look at?

The properties of the exercise are tried in their order, the first that breaks is the verdict.  Then the calls it broke
on, and some more, are made to each of the exercise's known wrong answers (mutants): one that answers just as the
student's function does names the misconception, whatever the code looks like.
"""

import ast
import copy
import traceback
import types
import warnings
from dataclasses import dataclass

from minissd.properties import falsify, require_equal, sample_calls, show

EVERYDAY = {  # free to import
    *("numpy", "math", "itertools", "functools", "operator"),
    *("collections", "copy", "dataclasses", "typing", "__future__"),
}


@dataclass(frozen=True)
class Verdict:
    """What is known about one answer.

    status: "passed", "wrong" (a property breaks), "empty" (nothing filled in yet), "broken" (no function to judge) or
    "stopped" (it had to be ended).  held: the statements that hold.  statement: the one that breaks.  reason: why.
    example: the smallest inputs, as text.  mutant, hint: the known wrong answer that it is, if it is one.
    printed: what the code itself printed.
    """

    status: str
    held: tuple[str, ...] = ()
    statement: str = ""
    reason: str = ""
    example: str = ""
    mutant: str = ""
    hint: str = ""
    printed: str = ""

    @property
    def passed(self):
        return self.status == "passed"


def judge_source(source, exercise, *, filename="<answer>", seed=0):
    """The `Verdict` on the text of a student's file."""
    try:
        function = function_of(source, exercise, filename)
    except Unusable as error:
        return Verdict("broken", reason=str(error))
    return judge(function, exercise, filename=filename, seed=seed)


def judge(function, exercise, *, filename="<answer>", seed=0):
    """The `Verdict` on a function."""
    held = []
    for claim in exercise.properties:
        broken = falsify(claim, function, seed=seed)
        if broken is None:
            held.append(claim.statement)
            continue
        if isinstance(broken.error, NotImplementedError):
            return Verdict("empty", tuple(held), reason="nothing is filled in yet")
        mutant = recognise(function, exercise, broken.calls, seed=seed)
        return Verdict(
            "wrong",
            tuple(held),
            statement=claim.statement,
            reason=explain(broken.error, filename),
            example="\n".join(show(name, value) for name, value in broken.case.items()),
            mutant=mutant.name if mutant else "",
            hint=mutant.hint if mutant else "",
        )
    return Verdict("passed", tuple(held))


def function_of(source, exercise, filename):
    """The student's function, from the text of the file; raises `Unusable` with the reason if there is none."""
    function = getattr(load(source, exercise.start_text, filename), exercise.name, None)
    if not callable(function):
        raise Unusable(f"there is no function {exercise.name} in the file any more: keep its name")
    return function


def load(source, start_text, filename):
    """The student's file as a module, once it is seen to import no more than the file it began with."""
    try:
        tree = ast.parse(source, filename)
    except SyntaxError as error:
        where = f"line {error.lineno}" if error.lineno else "the file"
        text = f": {error.text.strip()}" if error.text else ""
        raise Unusable(f"{where} is not valid Python ({error.msg}){text}") from None
    foreign = sorted(set(_imports(tree)) - set(_imports(ast.parse(start_text))) - EVERYDAY)
    if foreign:
        raise Unusable(f"it imports {foreign[0]}: write it with numpy and what the file came with")
    module = types.ModuleType(filename)
    module.__file__ = filename
    try:
        exec(compile(tree, filename, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # the file may do anything
        raise Unusable(explain(error, filename)) from None
    return module


class Unusable(Exception):
    """The file holds no function that could be judged."""


def _imports(tree):
    """Full names of what a file imports; of everyday modules the top one, numpy for numpy.linalg."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            yield top if top in EVERYDAY else name


def explain(error, filename):
    """Why a property broke: its own words, or the exception with the line of the student's file where it arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    where = f" in line {lines[-1]}" if lines else ""
    if isinstance(error, AssertionError) and str(error) and not lines:  # of the property, not of the student
        return str(error)
    if isinstance(error, MemoryError):
        return f"it asks for more memory than it may have{where}"
    if isinstance(error, RecursionError):
        return f"it calls itself without an end{where}"
    return f"{type(error).__name__}{where}" + (f": {error}" if str(error) else "")


def recognise(function, exercise, calls, *, seed=0):
    """The `Mutant` that answers every call just as `function` does, or None.

    calls: those that broke a property.  More come from the properties themselves, so that two mutants which are alike
    on the smallest example are still told apart.
    """
    calls = [*calls, *(call for claim in exercise.properties for call in sample_calls(claim, function, seed=seed))]
    if not calls or not exercise.mutants:
        return None
    solution = exercise.solution.read_text(encoding="utf-8")
    for mutant in exercise.mutants:
        wrong = function_of(mutant.source(solution), exercise, "<known wrong answer>")
        if all(_same_answer(wrong, call) for call in calls):
            return mutant
    return None


def _same_answer(function, call):
    args, kwargs = copy.deepcopy((call.args, call.kwargs))
    try:
        with warnings.catch_warnings(action="ignore"):  # what a mutant overflows on is none of the student's business
            result = function(*args, **kwargs)
    except Exception as error:  # compared with what the student's function raised
        return type(error) is type(call.result)
    if isinstance(call.result, BaseException):
        return False
    try:
        require_equal(call.result, result, rtol=1e-6, atol=1e-9)
    except AssertionError:
        return False
    return True
