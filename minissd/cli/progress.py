"""The progress of a training run: a bar that lives, and a line for each epoch that stays."""

import time

from minissd.cli.console import console, progress_bar

LOSSES = ("loss", "confidence", "localization")


class TrainingProgress:
    """Context manager; give its `report` to `minissd.training.train`."""

    def __init__(self, config, done=0):
        self.config = config
        self.done = done  # steps before this call, in a resumed run
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
            console.print(f"            validation mAP {record['validation']['mAP']:.3f}")
            return
        if self.task is None:
            self.task = self.bar.add_task("", total=total, completed=self.done, speed=0, note="")
        if record["epoch"] != self.epoch:
            self.epoch, self.records = record["epoch"], []
            self.epoch_started = time.perf_counter() - record["seconds"]  # it is told of a step when that is over
        self.records.append(record)
        speed = len(self.records) * self.config.batch_size / max(time.perf_counter() - self.epoch_started, 1e-9)
        loss, confidence, localization = (sum(r[part] for r in self.records) / len(self.records) for part in LOSSES)
        self.bar.update(
            self.task,
            completed=record["step"],
            speed=speed,
            note=f"loss {loss:.3f}",
            description=f"epoch {self.epoch}/{self.config.epochs}",
        )
        if record["step"] * self.config.epochs % total == 0:  # the last step of an epoch
            console.print(
                f"epoch {self.epoch:3d}/{self.config.epochs}  loss {loss:.3f} = confidence {confidence:.3f} "
                f"+ localization {localization:.3f}, lr {record['lr']:.4f}, {speed:.0f} images/s",
                soft_wrap=True,
            )
