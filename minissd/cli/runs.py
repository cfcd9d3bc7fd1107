"""Settings of training runs: those of a new one from the words of the command, those of an old one from its folder."""

from dataclasses import asdict, fields
from pathlib import Path
from shlex import join

from minissd import __version__
from minissd.cli.console import console
from minissd.cli.networks import has_batch_norm, options_of_weights
from minissd.data import NAMES, places_as_text, places_in
from minissd.data.texts import join_by_commas
from minissd.errors import MinissdError
from minissd.files import check_writable, from_root
from minissd.models import MODELS, TRUNK_OF, options_of
from minissd.models.ssd import FIT, OWN
from minissd.training import LAST, RECIPES, TrainConfig, default_recipe, settings_of
from minissd.training.config import ADDED_LATER, SAME_NUMBERS, in_present_names
from minissd.training.lock import check_free
from minissd.training.recipes import FINETUNE, SCRATCH
from minissd.training.run_folder import CONFIG, OWN_AUGMENTATION, read_settings

TRAIN_FIELDS = tuple(field.name for field in fields(TrainConfig))
_DATA_FIELDS = ("data", "image_folder", "split", "validation", "classes", "limit", "weights")
_MODEL_FIELDS = ("model", "recipe", "options")
_MODEL_OPTIONS = (
    "input_size",
    "batch_norm",
    "atrous",
    "reduced_tail",
    "boxes",
    "anchors",
    "sampling",
    "width",
    "dropout",
)
_MAY_MOVE = ("data", "image_folder")  # the images tell whether they are the same


def new_settings(out, values):
    """The settings of a new run from the values of the command's options, None where the user said nothing."""
    check_free(out)
    check_writable(out)
    if (out / LAST).exists():
        raise MinissdError(f"{out}: holds a run already: add --resume to go on with it, or choose another --out")
    model = _model_for(values["model"], values["task"])
    recipe = values["recipe"] or _recipe_for(model, values["weights"])
    given = {name: values[name] for name in (*TRAIN_FIELDS, *_MODEL_OPTIONS) if values.get(name) is not None}
    if values["weights"] and "reduced_tail" in options_of(model):
        given = options_of_weights(values["weights"], model) | given
    config, options = settings_of(recipe, model, given)
    if options.get("boxes") == FIT and options_of(model)["boxes"] != OWN:
        raise MinissdError(
            f"--boxes {FIT}: {model} keeps the default boxes of its published weights: leave the option out, or "
            "take --model ssd-tiny"
        )
    data = {name: values[name] for name in _DATA_FIELDS} | {name: place_of_data(values[name]) for name in _MAY_MOVE}
    return {"minissd": __version__, **data, "model": model, "recipe": recipe, "options": options, **asdict(config)}


def _recipe_for(model, weights):
    """The recipe that a model is trained with, from these weights if any, unless the user names one."""
    usual = default_recipe(model)
    if not weights or usual != SCRATCH or has_batch_norm(weights):
        return usual
    console.print(f"recipe {FINETUNE}, for the weights are of a network without batch norm")
    return FINETUNE


def place_of_data(data):
    """What --data or --images names, to be found from any folder: a name as it is, a path from the root on."""
    if data is None:
        return None
    absolute = (one if one in NAMES or not Path(one).exists() else from_root(one) for one in places_in(data))
    return places_as_text(list(absolute))


def folder_for(data):
    """The run folder unless one is given: named as the data are."""
    paths = [Path(one).resolve() for one in places_in(data)]
    files = (".json", ".yaml", ".yml")
    return Path("runs") / "+".join(path.stem if path.suffix.lower() in files else path.name for path in paths)


def _model_for(model, task):
    """The name of the model that is trained: of a detector that is to learn a task of its trunk, the trunk."""
    if model not in MODELS:
        raise MinissdError(f"model {model!r} is not known: choose one of {', '.join(MODELS)}")
    if task == "classify" and model in TRUNK_OF:
        console.print(f"--task classify trains the trunk of {model}: {TRUNK_OF[model]}", markup=False)
        return TRUNK_OF[model]
    if task and MODELS[model].task != task:
        others = ", ".join(name for name, kind in MODELS.items() if kind.task == task)
        raise MinissdError(f"{model} does not {task}: --task {task} goes with {others}")
    return model


def stored_settings(out, given):
    """The settings of the run in a folder.  `given`: options the user typed, which must not contradict them."""
    check_free(out)
    settings, given = ADDED_LATER | read_settings(out), in_present_names(given)
    missing = {*TRAIN_FIELDS, *_DATA_FIELDS, *_MODEL_FIELDS} - settings.keys()
    if missing:
        raise MinissdError(f"{out / CONFIG}: says nothing of {min(missing)}: restore the file or start a new run")
    if OWN_AUGMENTATION in settings:
        raise MinissdError(f"{out}: was started from Python with an augmentation of its own: go on with it from there")
    if "model" in given:
        given = given | {"model": _model_for(given["model"], given.get("task"))}
    if str(settings["model"]) not in MODELS or not isinstance(settings["options"], dict):
        raise MinissdError(f"{out / CONFIG}: model or options are not known: restore the file or start a new run")
    learned = MODELS[settings["model"]].task
    if given.get("task", learned) != learned:
        raise _contradicts("task", str(given["task"]), learned, out)
    for name, value in given.items():
        if name in (*SAME_NUMBERS, *_MAY_MOVE, "patience"):
            settings[name] = place_of_data(value) if name in _MAY_MOVE else value
            continue
        began = settings["options"].get(name) if name in _MODEL_OPTIONS else settings.get(name, value)
        if name == "boxes" and value == FIT and isinstance(began, list):
            continue  # the shapes that the run began with
        if name == "split" and began is None:  # a run that was started from Python, on data of which it knew no name
            settings[name] = value
        elif name in ("epochs", "steps") and began != value:
            raise MinissdError(
                f"--{name} is {value!r}, but the run in {out} began with {began!r}, and its learning rate follows from "
                f"that: to train for longer, start from its weights: {train_on(out, settings, name, value)}"
            )
        elif began != value and (name, began, value) != ("validation", None, "val"):
            raise _contradicts(name, value, began, out)
    if settings["data"] is None or settings["split"] is None:
        raise MinissdError(f"{out}: was started from Python, and does not say on which data: give --data and --split")
    gone = [one for one in places_in(settings["data"]) if one not in NAMES and not Path(one).exists()]
    if gone:
        raise MinissdError(f"{gone[0]}, the data of the run in {out}, is not there: say with --data where it is now")
    return settings


def _contradicts(name, value, began, out):
    return MinissdError(
        f"--{name.replace('_', '-')} is {value!r}, but the run in {out} began with {began!r}: "
        "leave it out, or start a new run in another --out"
    )


def train_on(out, settings, length=None, value=None):
    """The command that trains the network of a finished run for longer, in a new folder.

    length, value: "epochs" or "steps" and how many; as many as in that run unless given.
    """
    model, usual = settings["model"], default_recipe(settings["model"])
    recipe = settings["recipe"] if str(settings["recipe"]) in RECIPES else usual
    words = ["--weights", out / LAST, "--model", model, "--data", settings["data"]]
    words += ["--images", settings["image_folder"]] if settings["image_folder"] else []
    words += ["--split", settings["split"]] if settings["split"] != "train" else []
    words += ["--classes", join_by_commas(settings["classes"])] if settings["classes"] else []
    words += ["--limit", settings["limit"]] if settings["limit"] else []
    words += ["--recipe", recipe] if recipe != usual or usual == SCRATCH else []  # else the weights would choose
    _, of_recipe = settings_of(recipe, model, {})
    for name, option in settings["options"].items():
        word = name.replace("_", "-")
        if option != of_recipe.get(name) and not isinstance(option, list):  # fitted boxes come with the weights
            words += [f"--{word}" if option else f"--no-{word}"] if isinstance(option, bool) else [f"--{word}", option]
    if length or not settings["least_steps"]:
        length = length or ("steps" if settings["steps"] else "epochs")
        words += [f"--{length}", value or settings[length]]
    words += ["--out", f"{out}-longer"]
    return "minissd train " + join(map(str, words))
