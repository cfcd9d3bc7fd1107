"""Which images a run is trained on, which ones score it, and that the two share none."""

from minissd.cli.console import print_note
from minissd.data import known_splits, open_dataset
from minissd.errors import MinissdError
from minissd.models import MODELS
from minissd.training.held_out import without_shared
from minissd.training.tasks import TASKS

GENERATED_SIZE = 300  # pixels of a generated image, where the model's input is not to be chosen


def open_splits(settings):
    """(training set, validation set or None).  "val" is the default validation, if there is one."""
    dataset = opened(settings, settings["split"], settings["classes"])
    if settings["validation"] == "none":
        return dataset, None
    try:
        return dataset, _held_out(settings, dataset)
    except MinissdError as error:
        if settings["validation"]:
            raise
        print_note(f"no validation ({error})")
        return dataset, None


def opened(settings, split, classes, keep_others=False):
    """A split of the data of a run."""
    return open_dataset(
        settings["data"],
        split,
        classes=classes,
        limit=settings["limit"],
        size=settings["options"].get("input_size", GENERATED_SIZE),
        task=MODELS[settings["model"]].task,
        seed=settings["seed"],
        keep_others=keep_others,
        images=settings["image_folder"],
    )


def _held_out(settings, dataset):
    """The images to score in a validation, without those to train on; MinissdError if none can be scored."""
    split = settings["validation"] or "val"
    held_out, shared = without_shared(opened(settings, split, dataset.classes, keep_others=True), dataset)
    if not len(held_out):
        raise MinissdError(
            f"{split} shares {len(shared)} images with --split {settings['split']} ({shared[0]}, ...), and has no "
            "other: its score would say nothing; choose another --validation, or none"
        )
    if not TASKS[held_out.task].scorable(held_out):
        names = ", ".join(dataset.classes)
        without = f", without the {len(shared)} images of --split {settings['split']} in it," if shared else ""
        raise MinissdError(
            f"{split}{without} shows nothing of {names} to be found: choose another --validation, or none"
        )
    for note in held_out.notes:
        if note not in dataset.notes:
            print_note(f"{split}: {note}")
    if shared:
        print_note(
            f"{len(shared)} of the {len(shared) + len(held_out)} images of {split} are among those to train on, and "
            f"left out of the validation (first: {shared[0]})"
        )
    return held_out


def scored_split(settings, dataset, held_out):
    """A split to score the network on when it is trained: of images that it has not seen; None if there is none."""
    validated = settings["validation"] or "val"
    try:
        known = known_splits(settings["data"])
    except MinissdError:  # the data are gone by now
        return None
    for split in sorted(known, key=lambda name: (name != "test", name != validated)):
        if split == validated and held_out is not None:
            return split
        try:
            others, shared = without_shared(opened(settings, split, dataset.classes, keep_others=True), dataset)
        except MinissdError:
            continue
        if not shared and TASKS[others.task].scorable(others):
            return split
    return None
