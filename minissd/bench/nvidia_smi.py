"""What only the driver knows of a GPU: its version, and how busy the GPU is.

nvidia-smi's utilization.gpu is the share of its last sample period, up to a second, in which at least one kernel ran.
The mean of many such samples is the busy share; it says nothing of how much of the GPU each kernel fills.
"""

import contextlib
import shutil
import subprocess
from statistics import fmean

EVERY = 200  # ms


def driver_version():
    """As "580.65.06"; None without nvidia-smi."""
    command = _query("driver_version")
    if command is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout.split() else None


class BusyShare:
    """Between `start` and `stop` nvidia-smi writes down how busy a GPU is.  bus_id: its place, as CUDA names it."""

    def __init__(self, bus_id):
        self._bus_id, self._process = bus_id, None

    def start(self):
        command = _query("utilization.gpu")
        if command:
            command += [f"--id={self._bus_id}", f"--loop-ms={EVERY}"]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def stop(self):
        """The share in %; None without nvidia-smi, or if it said nothing."""
        if self._process is None:
            return None
        self._process.terminate()
        written, _ = self._process.communicate()
        self._process = None
        shares = []
        for line in written.splitlines():
            with contextlib.suppress(ValueError):  # "[N/A]" of a GPU that does not count, a line cut short
                shares.append(float(line))
        return fmean(shares) if shares else None


def _query(field):
    program = shutil.which("nvidia-smi")
    return program and [program, f"--query-gpu={field}", "--format=csv,noheader,nounits"]
