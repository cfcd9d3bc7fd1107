"""Whether a measurement had the cores for itself."""

import os
from pathlib import Path

from minissd.errors import MinissdError

STAT = Path("/proc/stat")
MOST = 0.05  # share of the cores that others may take: a system that idles takes a hundredth
_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")  # of a line; steal: by other machines
_IDLE = ("idle", "iowait")


class Watch:
    """Looks at the cores that this process may use, from its making on."""

    def __init__(self):
        self._before = self._now()

    def share_of_others(self):
        """0..1, what others took of these cores' time; None where there is no /proc to ask (it is Linux's)."""
        now = self._now()
        if now is None or self._before is None:
            return None
        own, busy, total = (new - old for new, old in zip(now, self._before, strict=True))
        return round(max(0.0, busy - own) / total, 3) if total > 0 else 0.0

    def _now(self):
        """Seconds of CPU: of this process and its children that have ended; busy, and in all, on these cores."""
        if not STAT.exists() or not hasattr(os, "sched_getaffinity"):
            return None
        cores, tick = {f"cpu{number}" for number in os.sched_getaffinity(0)}, os.sysconf("SC_CLK_TCK")
        busy = total = 0
        for line in STAT.read_text().splitlines():
            name, *values = line.split()
            if name in cores:
                spent = dict(zip(_FIELDS, map(int, values)))  # guests' time is in user's
                total += sum(spent.values())
                busy += sum(value for field, value in spent.items() if field not in _IDLE)
        return sum(os.times()[:4]), busy / tick, total / tick


def check_alone(path, record):
    """MinissdError if a record, which is to be kept at `path`, is of a run that had not the cores for itself."""
    others = record["machine"]["others_during"]
    if others is not None and others > MOST:
        raise MinissdError(
            f"{path}: not written, for other programs took {others:.0%} of the cores during the run (load before it "
            f"{record['machine']['load_before']}), and a record is of a machine that does nothing else: end them and "
            "measure again"
        )
