"""Run folders: what a training run leaves, so that the command and Python can each go on with what the other began.

config.json       the settings, as the command line names them, and the ids of the images
log.jsonl         a line a step
last.safetensors  the newest checkpoint; best.safetensors the one with the highest validation score
"""

import warnings
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from minissd import __version__
from minissd.data import PRESETS
from minissd.engine.tuning import tuning_in_force
from minissd.errors import MinissdError, MinissdWarning
from minissd.files import check_writable, parse_json, remove_leftovers, write_json
from minissd.training.checkpoint import read_description
from minissd.training.config import AT_WILL, SAME_NUMBERS, check_same_config, in_present_names
from minissd.training.curves import PICTURE
from minissd.training.lock import locked
from minissd.training.log import LOG
from minissd.training.log_formats import TABLES
from minissd.training.run import BEST, LAST
from minissd.training.same_images import check_same, fingerprint
from minissd.weights.ours import is_of

CONFIG = "config.json"
OWN_AUGMENTATION = "augmentation_from_python"


@contextmanager
def entered(folder, model, config, sets, *, resume=None, remember=None, augmentation=None):
    """Have the folder for this run alone while the block runs -> the fingerprints of its images.

    folder: None if nothing is to be written.  sets: {"training": data set, "validation": data set or None}; remember:
    settings for config.json beyond what these tell.  MinissdError, before anything is written, if the folder holds
    another run, or if a run to `resume` had other settings or images.
    """
    if folder is None and resume is None:
        yield None
        return
    prints = {use: dataset and fingerprint(model, dataset) for use, dataset in sets.items()}
    if resume:
        check_same_config(resume.settings.get("config"), config, model)
        began = (resume.settings.get("images") or prints).get("training")
        known_ids = images_of_run(folder).get("training") if folder else None
        checkpoint = Path(folder) / LAST if folder else "its checkpoint"
        check_same(sets["training"], began, prints["training"], known_ids, checkpoint)
    if folder is None:
        yield prints
        return
    folder = Path(folder)
    check_writable(folder)
    with locked(folder):
        _check_run(folder, resume)
        for name in (LAST, BEST, CONFIG, LOG, PICTURE, *TABLES):
            remove_leftovers(folder / name)
        if resume and (folder / CONFIG).exists():
            settings = read_settings(folder) | asdict(config)  # it may be trained for longer than was said
            _note_other_tuning(folder, settings.get("tuning"))
        else:
            settings = _settings(model, config, sets, augmentation)
        images = {use: list(dataset.ids) for use, dataset in sets.items() if dataset is not None}
        of_run = {"tuning": tuning_in_force().digest, "images": images}
        write_json(folder / CONFIG, settings | (remember or {}) | of_run)
        yield prints


def checkpoint_of(folder: str | Path) -> Path:
    """The checkpoint that a run folder stands for: the one with the highest validation score, or else the newest.

    MinissdError if there is none.
    """
    path = next((path for path in (Path(folder) / BEST, Path(folder) / LAST) if path.exists()), None)
    if path is None:
        raise MinissdError(
            f"{folder}: holds neither {BEST} nor {LAST}: give the folder of a run of `minissd train`, or a file"
        )
    return path


def read_settings(folder):
    """What config.json says; MinissdError if there is none, or none that can be read."""
    try:
        return in_present_names(dict(parse_json((Path(folder) / CONFIG).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        raise MinissdError(
            f"{folder}: holds no run to resume (no readable {CONFIG}): give the folder of the run"
        ) from None
    except MinissdError as error:  # a name that is not known
        raise MinissdError(f"{Path(folder) / CONFIG}: {error}") from None


def images_of_run(folder):
    """{"training": [id, ...], "validation": ...} of the run in a folder; empty if nothing says so."""
    try:
        images = read_settings(folder)["images"]
        return {use: [str(one) for one in ids] for use, ids in images.items()}
    except (MinissdError, KeyError, AttributeError, TypeError):
        return {}


def _note_other_tuning(folder, began):
    """A warning if a run that is resumed `began` with another tuning than the one in force; None if nothing says so."""
    ours = tuning_in_force().digest
    if began not in (None, ours):
        warnings.warn(
            f"{folder}: the run began with the tuning {began}, and {ours} is in force (see minissd doctor): it goes on "
            "with other algorithms for convolutions, whose results differ in rounding",
            MinissdWarning,
            stacklevel=4,
        )


def _check_run(folder, resume):
    """MinissdError if the folder holds a run, and not the one to go on with."""
    if not (folder / LAST).exists():
        return
    if resume is None:
        raise MinissdError(
            f"{folder}: holds a run already: go on with it (--resume; from Python resume=load_checkpoint(...)), or "
            "choose another folder"
        )
    description, settings = read_description(folder / LAST)
    if not is_of(description, resume.model) or _key(settings) != _key(resume.settings):
        raise MinissdError(
            f"{folder}: holds another run than that of the checkpoint to resume: give the folder of that one, or a "
            "new one"
        )


def _key(settings):
    """What the checkpoints of one run have in common."""
    config = in_present_names(settings.get("config") or {})
    images = settings.get("images") or {}
    return {name: config[name] for name in config.keys() - {*SAME_NUMBERS, *AT_WILL}}, images.get("training")


def _settings(model, config, sets, augmentation):
    """config.json of a run that was started from Python: what the command would have been told, as far as it goes."""
    origin, scored = (getattr(dataset, "origin", None) for dataset in sets.values())
    data = origin or {"data": None, "split": None, "limit": None}
    validation = "none" if sets["validation"] is None else (scored or {}).get("split")
    given = augmentation not in (None, PRESETS[config.augmentation])
    own = {OWN_AUGMENTATION: repr(augmentation)} if given else {}
    return {
        "minissd": __version__,
        **data,
        "validation": validation,
        "classes": list(model.classes),
        "weights": None,
        "model": model.name,
        "recipe": None,
        "options": model.options,
        **asdict(config),
        **own,
    }
