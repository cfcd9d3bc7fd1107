"""loss.png: the learning curves of a run, drawn while it goes on and when it is over."""

import time
from contextlib import suppress
from pathlib import Path

from minissd.errors import MinissdError
from minissd.training.log import RunLog

PICTURE = "loss.png"
PAUSE, SPARING = 60, 20  # seconds between two pictures, or so many times as long as one takes


class LearningCurves:
    """Of the records of `log`, in a folder; without one nothing is drawn."""

    def __init__(self, folder: Path | None, log: RunLog):
        self.path, self.log = folder and folder / PICTURE, log
        self.due = time.monotonic() + PAUSE

    def draw(self) -> None:
        """Draw them now.  MinissdError if the picture cannot be written."""
        if self.path is None or not self.log.records:
            return
        from minissd.viz.curves import loss_curves  # here, for matplotlib takes a second to import
        from minissd.viz.style import save_picture

        started = time.monotonic()
        save_picture(loss_curves(self.log.records), self.path)
        self.due = time.monotonic() + max(PAUSE, SPARING * (time.monotonic() - started))

    def draw_now_and_then(self) -> None:
        """The same, if the last picture is old; a run does not end because one cannot be written."""
        if time.monotonic() >= self.due:
            with suppress(MinissdError):
                self.draw()
