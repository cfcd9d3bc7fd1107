"""The lab: a working detector with one bug in it, to be found from its symptoms.

    lessons/lab/detector.py    the sound detector
    lessons/lab/traps.toml     the bugs, each one change of it, with what a user would complain about and three hints

A bug is gone when every part of the detector holds what `minissd.properties.detector` says of it.
"""

from dataclasses import dataclass
from pathlib import Path

from minissd.course.judging import Unusable, Verdict, load
from minissd.course.shelf import HINTS, Mutant, read_toml
from minissd.errors import MinissdError
from minissd.properties import falsify

EXAMPLES = 30
_TRAPS = {"trap": [{"name": str, "symptom": str, "replace": str, "by": str, "hints": [str]}]}


@dataclass(frozen=True)
class Trap:
    """Bug number `number`, from 1.  To the student's folder it is an exercise like others."""

    folder: Path  # lessons/lab
    number: int
    symptom: str
    mutant: Mutant
    hints: tuple[str, str, str]

    @property
    def key(self):
        return f"lab/{self.number:02}"

    @property
    def name(self):
        return f"detector_{self.number:02}"

    @property
    def title(self):
        return f"bug {self.number}"

    section = ""  # no lesson to reread: that would give it away

    @property
    def ask_for_hint(self):
        return f"minissd lesson bug hint {self.number}"

    @property
    def sound(self):
        return (self.folder / "detector.py").read_text(encoding="utf-8")

    @property
    def start_text(self):
        """What the student gets: the detector with the bug in it."""
        return self.mutant.source(self.sound)


def read_traps(shelf):
    """The bugs of the lab, in order; none in a handout, which has no sound detector to plant them in."""
    folder = Path(shelf) / "lab"
    if not (folder / "traps.toml").exists():
        return []
    path = folder / "traps.toml"
    entries = read_toml(path, _TRAPS)["trap"]
    if not all(len(entry["hints"]) == HINTS for entry in entries):
        raise MinissdError(f"{path}: a bug has not {HINTS} hints: restore it from the repository")
    return [
        Trap(
            folder=folder,
            number=number,
            symptom=entry["symptom"],
            mutant=Mutant(entry["name"], entry["replace"], entry["by"], hint=entry["hints"][-1]),
            hints=tuple(entry["hints"]),
        )
        for number, entry in enumerate(entries, 1)
    ]


def find_trap(traps, word):
    """The bug that a person means by 3, 03, lab/03 or the path of its file.  MinissdError if there is none."""
    digits = Path(str(word)).name.removesuffix(".py").removeprefix("detector_")
    if digits.isdecimal() and 1 <= int(digits) <= len(traps):
        return traps[int(digits) - 1]
    raise MinissdError(f"there is no bug {word!r}: give a number from 1 to {len(traps)} (`minissd lesson bug list`)")


def judge_detector(source, trap, *, filename="<detector>", seed=0):
    """The `Verdict` on a student's detector: passed, still wrong, or broken somewhere else."""
    if source == trap.start_text:
        return Verdict("empty", reason="nothing is changed yet")
    try:
        wrong = unsound_parts(source, trap, filename, seed)
    except Unusable as error:
        return Verdict("broken", reason=str(error))
    if not wrong:
        return Verdict("passed", ("does in every part what a sound detector does",))
    new = sorted(wrong.keys() - unsound_parts(trap.start_text, trap, filename, seed).keys())
    if new:
        return Verdict("wrong", reason=f"{new[0]} was sound before and is not any more: {wrong[new[0]]}")
    return Verdict("wrong", reason="the bug is still there")


def unsound_parts(source, trap, filename, seed=0):
    """{name of a function: why it is wrong} of the detector in `source`."""
    from minissd.properties.detector import CLAIMS  # the detector's own imports take a second, and few commands need it

    module = load(source, trap.start_text, filename)
    wrong = {}
    for name, claim in CLAIMS.items():
        function = getattr(module, name, None)
        if not callable(function):
            raise Unusable(f"there is no function {name} in the file any more: keep its name")
        broken = falsify(claim, function, seed=seed, examples=EXAMPLES)
        if broken:
            wrong[name] = str(broken.error).splitlines()[0] if str(broken.error) else type(broken.error).__name__
    return wrong
