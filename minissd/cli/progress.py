"""The progress of a training run: a bar that lives, and a line for each epoch that stays."""

import time

from minissd.cli.console import console, progress_bar


class TrainingProgress:
    """Context manager; give its `report` to `minissd.training.train`.  done: steps before, in a resumed run."""

    def __init__(self, config, metric, done=0):
        self.config, self.metric, self.done = config, metric, done
        self.bar = progress_bar("images")
        self.task = None
        self.epoch, self.records, self.epoch_started = None, [], time.perf_counter()

    def __enter__(self):
        self.bar.__enter__()
        return self

    def __exit__(self, *exc):
        self.bar.__exit__(*exc)

    def report(self, record, total):
        if "validation" in record:
            self.close_epoch()
            console.print(f"            validation {self.metric} {record['validation'][self.metric]:.3f}")
            return
        if self.task is None:
            self.task = self.bar.add_task("", total=total, completed=self.done, speed=0, note="")
        if record["epoch"] != self.epoch:
            self.close_epoch()
            self.epoch = record["epoch"]
            self.epoch_started = time.perf_counter() - record["seconds"]  # it is told of a step when that is over
        self.records.append(record)
        self.bar.update(
            self.task,
            completed=record["step"],
            speed=self.speed(),
            note=f"loss {self.mean('loss'):.3f}",
            description=self.title(),
        )
        if record["step"] == total:
            self.close_epoch()

    def close_epoch(self):
        """The line of the epoch that is over."""
        if not self.records:
            return
        last = self.records[-1]
        parts = [name for name in last if name not in ("step", "epoch", "loss", "lr", "seconds")]
        sums = " + ".join(f"{name} {self.mean(name):.3f}" for name in parts)
        console.print(
            f"{self.title()}  loss {self.mean('loss'):.3f}{' = ' if parts else ''}{sums}, "
            f"lr {last['lr']:.4f}, {self.speed():.0f} images/s",
            soft_wrap=True,
        )
        self.records = []

    def title(self):
        return f"epoch {self.epoch:3d}" if self.config.steps else f"epoch {self.epoch:3d}/{self.config.epochs}"

    def mean(self, name):
        return sum(record[name] for record in self.records) / len(self.records)

    def speed(self):
        """Images a second in this epoch."""
        return len(self.records) * self.config.batch_size / max(time.perf_counter() - self.epoch_started, 1e-9)
