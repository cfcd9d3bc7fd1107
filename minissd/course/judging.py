"""Is this function right, and if not, what should its author look at?

The properties of the exercise are tried in their order on their pools of inputs, which are the same for whoever asks;
the first that breaks is the verdict.  A function that answers as one of the exercise's known wrong answers does has
that misconception, whatever the code looks like (`minissd.course.mistakes`).
"""

from dataclasses import dataclass, replace

from minissd.course import reading
from minissd.course.mistakes import recognise
from minissd.properties import falsify, pool, show

FURTHER = 60  # inputs drawn from a seed, for each property


@dataclass(frozen=True)
class Verdict:
    """What is known about one answer.

    status: "passed", "wrong" (a property breaks), "empty" (nothing filled in yet), "broken" (no function to judge) or
    "stopped" (it had to be ended).  held: the statements that hold.  statement: the one that breaks.  reason: why.
    example: the smallest inputs, as text.  mutant, hint: the known wrong answer that it is, if it is one.
    printed: what the code itself printed.  look: what a person should see before giving marks for it.
    """

    status: str
    held: tuple[str, ...] = ()
    statement: str = ""
    reason: str = ""
    example: str = ""
    mutant: str = ""
    hint: str = ""
    printed: str = ""
    look: tuple[str, ...] = ()

    @property
    def passed(self):
        return self.status == "passed"


def prepare(exercise, seed=None):
    """Draw the inputs now, which takes longer than to try an answer on them."""
    for claim in exercise.properties:
        pool(claim)
        if seed is not None:
            pool(claim, seed, FURTHER)


def judge_source(source, exercise, *, filename="<answer>", seed=None):
    """The `Verdict` on the text of a student's file."""
    name, start = exercise.name, exercise.start_text
    try:
        tree = reading.parse(source, filename)
        reading.check_is_reached(tree, start, name)
        function = function_of(source, exercise, filename)
        reading.check_signature(function, start, name)
    except reading.Unusable as error:
        return Verdict("broken", reason=str(error))
    verdict = judge(function, exercise, filename=filename, seed=seed)
    left = reading.filled_in(tree, start, name)
    if verdict.status == "empty" and left:
        reason = f"it arrives at `raise NotImplementedError` in line {left}: return the result, and delete that line"
        return replace(verdict, status="broken", reason=reason)
    return verdict


def judge(function, exercise, *, filename="<answer>", seed=None):
    """The `Verdict` on a function.

    seed: of further inputs.  An answer that breaks on those alone has passed, for its author could not see it; `look`
    then says so.
    """
    held = []
    for claim in exercise.properties:
        broken = falsify(claim, function)
        if broken is None:
            held.append(claim.statement)
            continue
        if isinstance(broken.error, NotImplementedError):
            return Verdict("empty", tuple(held), reason="nothing is filled in yet")
        mistake = recognise(function, exercise)
        return Verdict(
            "wrong",
            tuple(held),
            statement=claim.statement,
            reason=reading.explain(broken.error, filename),
            example=_example(broken),
            mutant=mistake.name if mistake else "",
            hint=mistake.hint if mistake else "",
        )
    return Verdict("passed", tuple(held), look=() if seed is None else _beyond(function, exercise, filename, seed))


def _beyond(function, exercise, filename, seed):
    for claim in exercise.properties:
        broken = falsify(claim, function, seed=seed, examples=FURTHER)
        if broken:
            text = f"{reading.explain(broken.error, filename)}\n{_example(broken)}"
            return (f"passes on the fixed inputs, not on those of seed {seed}: it {should(claim.statement)}\n{text}",)
    return ()


def _example(broken):
    return "\n".join(show(name, value) for name, value in broken.case.items())


def function_of(source, exercise, filename):
    """The student's function, from the text of the file; raises `Unusable` with the reason if there is none."""
    function = getattr(reading.load(source, exercise.start_text, filename), exercise.name, None)
    if not callable(function):
        raise reading.Unusable(f"there is no function {exercise.name} in the file any more: keep its name")
    return function


SECOND = {  # verbs that follow an "and", a comma or a colon in statements
    *("adds", "calls", "enlarges", "falls", "fills", "gives", "mirrors", "multiplies", "puts", "takes", "weighs"),
}
IRREGULAR = {"is": "be", "has": "have", "does": "do", "goes": "go"}


def should(statement):
    """ "should count the places" for "counts the places": how the statement of a property that breaks is read."""
    words = statement.split(" ")
    if words[:2] == ["does", "not"]:
        return " ".join(["should not", *words[2:]])
    start = 1 if words[0] == "never" else 0
    if words[0] == "is" and words[1] in ("not", "never"):
        words[:2] = [words[1], "is"]
        start = 1
    for i, word in enumerate(words):
        after = words[i - 1] if i else ""
        if i == start or (word in SECOND and (after in ("and", "then") or after.endswith((",", ":")))):
            words[i] = _infinitive(word)
    return " ".join(["should", *words])


def _infinitive(verb):
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("ies"):
        return verb[:-3] + "y"
    return verb[:-2] if verb.endswith(("sses", "shes", "ches", "xes")) else verb.removesuffix("s")
