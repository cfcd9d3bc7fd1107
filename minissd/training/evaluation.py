"""Run a model over a data set and score it."""

from collections.abc import Callable
from typing import Any, Literal

from minissd.data.samples import Dataset, check_dataset
from minissd.errors import MinissdError
from minissd.models import Network
from minissd.training.progress import counted
from minissd.training.tasks import answers, task_of


def evaluate(
    model: Network,
    dataset: Dataset,
    *,
    batch_size: int = 16,
    workers: int = 2,
    report: Callable[[int, int], None] | Literal[False] | None = None,
    **scoring: Any,
) -> tuple[dict[str, Any], Any, Any]:
    """(metrics, answers, truth): metrics as metrics.json holds them, and what they were computed from.

    report(done, total): called after each batch.  None shows the progress where somebody watches, in a terminal or a
    notebook; False shows none.
    scoring: what the task's score takes; for a detector iou_threshold and method, as `minissd.metrics.score_boxes`.
    """
    check_classes(model, dataset)
    check_scorable(model, dataset)
    with counted(report, "evaluate") as report:
        found = answers(model, dataset, batch_size=batch_size, workers=workers, report=report)
    task = task_of(model)
    truth = task.truth(dataset)
    return task.score(found, truth, dataset, **scoring), found, truth


def check_classes(model, dataset):
    """MinissdError unless the data set is for what the model does, and label k means the same to both; TypeError for
    what is no data set."""
    check_dataset(dataset, model.task)
    if getattr(dataset, "task", model.task) != model.task:
        raise MinissdError(f"{dataset.name} is data to {dataset.task}, and {model.name} is there to {model.task}")
    if model.classes != dataset.classes:
        raise MinissdError(
            f"{dataset.name} has the classes {', '.join(dataset.classes)}, but the model knows "
            f"{', '.join(model.classes)}: open it with those, in that order, or train a new model"
        )


def check_scorable(model, dataset):
    """MinissdError if the data set shows nothing that a score could be of."""
    if not task_of(model).scorable(dataset):
        raise MinissdError(
            f"{dataset.name}: not one of the {len(dataset)} images shows anything of {', '.join(dataset.classes)} to "
            "find, so a score would say nothing: choose another split or other data"
        )
