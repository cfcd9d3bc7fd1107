"""What other processes are asked to do: a module that they can import."""

from minissd.training import load_checkpoint


def found_in(checkpoint, images):
    """[(corners, names, scores) as lists] of images, by a network that is loaded here."""
    model = load_checkpoint(checkpoint).model
    return [[list(map(float, part.ravel())) if hasattr(part, "ravel") else list(part) for part in found]
            for found in (model.predict(image, score=0) for image in images)]  # fmt: skip
