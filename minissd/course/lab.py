"""The lab: a working detector with one bug in it, to be found from its symptoms.

    lessons/lab/detector.py    the sound detector
    lessons/lab/traps.toml     the bugs, each one change of it, with what a user would complain about and three hints

A bug is gone when every part of the detector holds what `minissd.properties.detector` says of it.  The files with a bug
are spelled otherwise each, here and there, so that what differs between two of them is not the bug.  A handout has
these files, and of traps.toml no more than names, complaints and hints.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

from minissd.course.judging import Verdict
from minissd.course.reading import Unusable, load
from minissd.course.shelf import HINTS, Mutant, read_json, read_toml
from minissd.errors import MinissdError
from minissd.properties import falsify, pool

EXAMPLES = 30
PLANTED = "planted.json"  # in a handout
_TOLD = {"name": str, "symptom": str, "hints": [str]}
_TRAPS = {"trap": [_TOLD | {"replace": str, "by": str, "also": [str]}], "spelling": [{"same": [str]}]}


@dataclass(frozen=True)
class Trap:
    """Bug number `number`, from 1.  To the student's folder it is an exercise like others."""

    folder: Path  # lessons/lab
    number: int
    symptom: str
    name_of_bug: str
    hints: tuple[str, str, str]
    mutant: Mutant | None  # None in a handout
    spellings: tuple[tuple[str, ...], ...] = ()  # texts of the detector and what may stand there as well

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
        """The sound detector, spelled as the file of this bug is."""
        text, choice = (self.folder / "detector.py").read_text(encoding="utf-8"), random.Random(self.number)
        for original, *others in self.spellings:
            spelled = choice.choice((original, *others))
            if original != self.mutant.replace:
                text = Mutant("", original, spelled, "").source(text)
        return text

    @property
    def start_text(self):
        """What the student gets: the detector with the bug in it."""
        planted = self.folder / f"{self.name}.py"
        return planted.read_text(encoding="utf-8") if self.mutant is None else self.mutant.source(self.sound)


def read_traps(shelf):
    """The bugs of the lab, in order; none where there is no lab."""
    folder = Path(shelf) / "lab"
    if (folder / PLANTED).exists():
        entries = read_json(folder / PLANTED, [_TOLD])
        return [Trap(folder, n, e["symptom"], e["name"], tuple(e["hints"]), None) for n, e in enumerate(entries, 1)]
    if not (folder / "traps.toml").exists():
        return []
    path = folder / "traps.toml"
    content = read_toml(path, _TRAPS)
    entries, spellings = content["trap"], [tuple(one["same"]) for one in content["spelling"]]
    if not all(len(entry["hints"]) == HINTS for entry in entries):
        raise MinissdError(f"{path}: a bug has not {HINTS} hints: restore it from the repository")
    spellings += [(one["replace"], *one["also"]) for one in entries]
    mutants = [Mutant(one["name"], one["replace"], one["by"], hint=one["hints"][-1]) for one in entries]
    return [
        Trap(folder, n, one["symptom"], one["name"], tuple(one["hints"]), mutant, tuple(spellings))
        for n, (one, mutant) in enumerate(zip(entries, mutants, strict=True), 1)
    ]


def write_planted(source, target):
    """What a handout has of the lab at `source`: every detector with its bug in it, the complaints and the hints."""
    traps = read_traps(source.parent)
    if not traps:
        return
    target.mkdir(exist_ok=True)
    for trap in traps:
        (target / f"{trap.name}.py").write_text(trap.start_text, encoding="utf-8")
    entries = [{"name": trap.name_of_bug, "symptom": trap.symptom, "hints": trap.hints} for trap in traps]
    (target / PLANTED).write_text(json.dumps(entries, indent=1), encoding="utf-8")


def find_trap(traps, word):
    """The bug that a person means by 3, 03, lab/03 or the path of its file.  MinissdError if there is none."""
    digits = Path(str(word)).name.removesuffix(".py").removeprefix("detector_")
    if digits.isdecimal() and len(digits) < 10 and 1 <= int(digits) <= len(traps):
        return traps[int(digits) - 1]
    raise MinissdError(f"there is no bug {word!r}: give a number from 1 to {len(traps)} (`minissd lesson bug list`)")


def judge_detector(source, trap, *, filename="<detector>"):
    """The `Verdict` on a student's detector: passed, still wrong, or broken somewhere else."""
    if source == trap.start_text:
        return Verdict("empty", reason="nothing is changed yet")
    try:
        wrong = unsound_parts(source, trap, filename)
    except Unusable as error:
        return Verdict("broken", reason=str(error))
    if not wrong:
        return Verdict("passed", ("does in every part what a sound detector does",))
    new = sorted(wrong.keys() - unsound_parts(trap.start_text, trap, filename).keys())
    if new:
        return Verdict("wrong", reason=f"{new[0]} was sound before and is not any more: {wrong[new[0]]}")
    return Verdict("wrong", reason="the bug is still there")


def prepare_lab():
    """Draw the inputs now, which takes longer than to try a detector on them."""
    from minissd.properties.detector import CLAIMS

    for claim in CLAIMS.values():
        pool(claim, examples=EXAMPLES)


def unsound_parts(source, trap, filename):
    """{name of a function: why it is wrong} of the detector in `source`."""
    from minissd.properties.detector import CLAIMS  # the detector's own imports take a second, and few commands need it

    module = load(source, trap.start_text, filename)
    wrong = {}
    for name, claim in CLAIMS.items():
        function = getattr(module, name, None)
        if not callable(function):
            raise Unusable(f"there is no function {name} in the file any more: keep its name")
        broken = falsify(claim, function, examples=EXAMPLES)
        if broken:
            wrong[name] = str(broken.error).splitlines()[0] if str(broken.error) else type(broken.error).__name__
    return wrong
