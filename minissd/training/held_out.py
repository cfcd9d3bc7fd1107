"""Images that score a network have to be others than those it was trained on."""

from contextlib import suppress

from minissd.data import Subset


def without_shared(held_out, training):
    """(the data set `held_out` without the images of `training`, ids of those that it shares with it).

    An image is shared if it has the id of one to train on, or if its file is the same under another name, by a link.
    """
    known, known_files = set(training.ids), {file for _, file in _files(training)}
    shared = {image_id for image_id in held_out.ids if image_id in known}
    shared |= {image_id for image_id, file in _files(held_out) if file in known_files}
    if not shared:
        return held_out, []
    places = [place for place, image_id in enumerate(held_out.ids) if image_id not in shared]
    return Subset(held_out, places), [image_id for image_id in held_out.ids if image_id in shared]


def _files(dataset):
    """Yield (id, (device, inode)) of the images that lie in files of their own."""
    if hasattr(dataset, "image_path"):
        for place, image_id in enumerate(dataset.ids):
            with suppress(OSError):  # whoever wants to read it will hear of it
                status = dataset.image_path(place).stat()
                yield image_id, (status.st_dev, status.st_ino)
