"""Whether a data set holds the images that a run was trained on, wherever it lies now.

config.json names the images; checkpoints have the fingerprints alone.
"""

import hashlib

import numpy as np

from minissd.errors import MinissdError
from minissd.training.tasks import task_of

_LOOKED_AT = 200  # annotations that a fingerprint covers, spread over the set: some take a look at the image file


def fingerprint(model, dataset):
    """A short text that says which images these are, in which order, with which classes and annotations.

    Neither pixels nor the place where the data lie count, so that a picture may be mended and a folder moved.
    """
    digest = hashlib.blake2b(digest_size=12)
    digest.update("\n".join([*dataset.classes, "", *_without_folder(dataset.ids)]).encode("utf-8", "surrogateescape"))
    mark = task_of(model).mark
    for i in np.unique(np.linspace(0, len(dataset) - 1, _LOOKED_AT).round().astype(int)).tolist():
        digest.update(np.ascontiguousarray(mark(dataset, i)).tobytes())
    return digest.hexdigest()


def check_same(dataset, began, now, known_ids, checkpoint):
    """MinissdError, saying what is different, unless the training images are those that the run began with.

    began, now: the fingerprints then and now; known_ids: the ids then, if anything names them; checkpoint: where the
    weights of the run are, for the message.
    """
    if began == now:
        return
    raise MinissdError(
        f"{dataset.name}: {_difference(known_ids, list(dataset.ids))}, so it would not be the run that was begun: "
        f"restore the data, or train on from its weights in another folder (--weights {checkpoint})"
    )


def _difference(before, now):
    """In words, what is different between two lists of ids."""
    if not before:
        return f"other images, classes or objects than the run began with ({len(now)} images now)"
    bare_before, bare_now = _without_folder(before), _without_folder(now)
    gone, new = set(bare_before) - set(bare_now), set(bare_now) - set(bare_before)
    changes = [_some(bare_before, gone, "gone"), _some(bare_now, new, "new")]
    if gone or new:
        return f"not the {len(before)} images that the run began with: " + ", ".join(filter(None, changes))
    what = "other classes or objects in" if bare_before == bare_now else "another order of"
    return f"{what} the {len(before)} images that the run began with"


def _some(ids, chosen, what):
    names = [one for one in ids if one in chosen]
    return f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""


def _without_folder(ids):
    """The ids without the folder in front, if it is the same for all: a folder that was renamed changes no image."""
    first = {image_id.partition("/")[0] for image_id in ids}
    alike = len(first) == 1 and all("/" in image_id for image_id in ids)
    return [image_id.partition("/")[2] for image_id in ids] if alike else list(ids)
