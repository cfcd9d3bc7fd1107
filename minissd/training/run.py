"""A run between two of its steps: what it consists of, and how it is kept so that `resume` goes on bit for bit."""

import math
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from minissd.training.checkpoint import save_checkpoint
from minissd.training.curves import LearningCurves
from minissd.training.finite import NotFinite
from minissd.training.interrupt import Terminated, interrupt_at_the_end
from minissd.training.log import LOG, RunLog

LAST, BEST = "last.safetensors", "best.safetensors"
SAVE_EVERY = 300  # seconds of an epoch that may be lost to a power cut


class Run:
    """step: how many are done; best: the highest validation score so far, None without one; log: the `RunLog`;
    waited: how many validations there were since the score last rose.

    folder: of the run, None if nothing is to be written.  prints: fingerprints of the data sets, for its checkpoints.
    resume: the `Checkpoint` that the run goes on from; what it holds is in model and optimizer already.
    """

    def __init__(self, model, optimizer, loss_scale, config, metric, *, folder=None, prints=None, resume=None):
        self.model, self.optimizer, self.loss_scale, self.config = model, optimizer, loss_scale, config
        self.metric, self.prints = metric, prints
        self.folder = folder and Path(folder)
        self.step = resume.step if resume else 0
        self.log = RunLog(self.folder and self.folder / LOG, start=self.step, formats=config.log)
        self.curves = LearningCurves(self.folder, self.log)
        self.best, self.waited = None, 0
        if resume:
            self._take_up(resume.settings)
        self._saved = time.monotonic()

    def _take_up(self, settings):
        """The best score and how long it has been waited for a better one, of a run to go on with."""
        same = (settings.get("images") or self.prints or {}).get("validation") == (self.prints or {}).get("validation")
        if not same or (self.folder and not (self.folder / BEST).exists()):
            return  # of other images, or its checkpoint is gone: the next validation makes a new one
        scores = self.log.scores(self.metric)
        for score in scores:  # a stop between a validation and the next checkpoint leaves one that is in the log alone
            self._wait_for(score)
        if not scores:  # there is no log
            self.best, self.waited = settings.get("best"), settings.get("waited", 0)

    def _wait_for(self, score):
        """Take note of the score of one more validation."""
        higher = self.best is None or math.isnan(self.best) or score > self.best
        self.waited = 0 if higher else self.waited + 1
        self.best = score if higher else self.best

    @contextmanager
    def whole_step(self):
        """If the block, which makes a step, fails, the running statistics of batch norm are as they were before."""
        before = {name: array.copy() for name, array in self.model.buffers.items()}
        try:
            yield
        except BaseException:
            for name, array in self.model.buffers.items():
                array[...] = before[name]
            raise

    def done(self, epoch, losses, seconds):
        """Log one more step of an epoch (from 0)."""
        self.step += 1
        record = {"step": self.step, "epoch": epoch + 1, **losses, "lr": self.optimizer.lr, "seconds": seconds}
        self.log.add(record)
        return record

    def validated(self, epoch, metrics):
        """Log the metrics of a validation after an epoch (from 0), and keep the best: of equal ones the later."""
        score = metrics[self.metric]
        self._wait_for(score)
        if score == self.best or math.isnan(self.best):
            self._save(BEST)
        record = {"step": self.step, "epoch": epoch + 1, "validation": metrics}
        self.log.add(record)
        return record

    def keep(self):
        """Save what is done as the last checkpoint, the log first."""
        if self.folder:
            self.log.settle()
            self._save(LAST)
        self._saved = time.monotonic()
        self.curves.draw_now_and_then()

    def keep_now_and_then(self):
        """The same, if the last time was long ago."""
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.keep()

    def keep_after(self, error):
        """Save what an error or a signal would cost, and note on the error where it is.

        Not what has gone astray, nor what broke in the middle of an update.
        """
        if not self.folder or not self.step or isinstance(error, NotFinite) or self.optimizer.updating:
            return
        with suppress(KeyboardInterrupt, Terminated), interrupt_at_the_end():  # a second one: it ends in any case
            path = self.folder / LAST
            try:
                self.keep()
                error.add_note(f"saved after step {self.step}: {path}")
            except Exception as failure:
                kept = f"{path} is as it was before" if path.exists() else "there is no checkpoint yet"
                error.add_note(f"not saved, {kept}: {failure}")

    def _save(self, name):
        if self.folder:
            settings = {"config": asdict(self.config), "best": self.best, "loss_scale": self.loss_scale.state}
            settings |= {"images": self.prints, "waited": self.waited}
            velocity = self.optimizer.velocity
            save_checkpoint(self.folder / name, self.model, velocity=velocity, step=self.step, settings=settings)
