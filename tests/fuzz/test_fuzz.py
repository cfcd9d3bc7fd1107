"""Whatever the bytes: one line that names the file, or something valid.

MINISSD_FUZZ=10000 python -m pytest tests/fuzz tries so many of each target, MINISSD_FUZZ=2000:10000 those that follow
on the first 2,000.  A case is drawn from the name of its target and its number alone; where one breaks a rule, the
message says which, and what was read lies in its folder.
"""

import os
import random
import re
import shutil
import tempfile
import traceback

import pytest
from fuzz.guard import Broken, check_refusal, guarded
from fuzz.targets import TARGETS

from minissd.errors import MinissdError

FROM, _, TO = os.environ.get("MINISSD_FUZZ", "").rpartition(":")
ENOUGH = 8  # findings, after which a target is given up


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_bytes_break_a_rule(tmp_path, target, monkeypatch, caplog):
    folder, out, kept = tmp_path / "in", tmp_path / "out", tmp_path / "found"
    folder.mkdir()
    out.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(out / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(out))
    found = {}
    with target.prepared(folder) as path:
        sound = path.read_bytes()
        target.read(path, out)  # else nothing that follows would say anything
        for number in range(int(FROM or 0), int(TO or target.quick)):
            rng = random.Random(f"{target.name} {number}")
            path.write_bytes(target.mutate(rng, sound))
            shutil.rmtree(out)
            out.mkdir()
            caplog.clear()
            why = broken_rule(target, path, out, folder)
            why = why or next((f"logs a traceback: {one.message}" for one in caplog.records if one.exc_info), "")
            kind = re.sub(r"\(.*\) at |[:'].*", "", why)  # the same place, whatever the words
            if why and kind not in found:
                kept.mkdir(exist_ok=True)
                shutil.copy(path, kept / f"{number}-{path.name}")
                found[kind] = f"case {number} of {target.name}, in {kept}: {why}"
                if len(found) == ENOUGH:
                    break
    if found:
        pytest.fail("\n".join(found.values()), pytrace=False)


def broken_rule(target, path, out, folder):
    """Which rule reading the file breaks, in words; "" if none."""
    try:
        with guarded(out, aside=target.aside and folder / target.aside):
            try:
                target.read(path, out)
            except MinissdError as error:
                check_refusal(error, path.name, folder, *target.names)
    except Broken as error:
        return str(error)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        frame = next((one for one in reversed(frames) if "minissd/" in one.filename), frames[-1])
        return f"{type(error).__name__} ({error!s:.100}) at {'/'.join(frame.filename.split('/')[-3:])} {frame.lineno}"
    return ""
