"""The experiments: what is claimed, which variants show it, and which of them ought to be better.

The claims are those of the SSD paper (Liu et al. 2016), section 3.2, tables 2 and 3; `sampling`, `rate` and
`fitted-boxes` are choices of ssd-tiny and of the recipe it is trained with.
"""

from typing import NamedTuple

from minissd.models.ssd import FIT, OWN


class Variant(NamedTuple):
    """A small SSD; as it stands here, the whole of it, which the others differ from in one thing."""

    augmentation: str = "medium"  # a name in minissd.data.PRESETS
    ratios: tuple[int, ...] = (2, 3)  # of the default boxes besides 1; each stands for itself and its reciprocal
    levels: tuple[int, ...] = (0, 1, 2, 3)  # on which map the boxes of each size lie, see `tiny_detector`
    sampling: str = "pooling"  # how maps are halved, a name in minissd.models.ssd_tiny.SAMPLINGS
    lr: float = 0.02  # the highest rate
    clip: float = 10  # the largest norm of the gradient; 0: any
    boxes: str = OWN  # or FIT: of shapes that fit the objects to train on, see `fit_boxes`


class Experiment(NamedTuple):
    """What is claimed, and how it is tried out."""

    claim: str
    variants: dict  # name -> Variant; empty if nothing is trained
    comparisons: tuple  # pairs of names, the better one by the claim first
    by_size: bool = False  # what is compared are the sizes of the objects, of one variant


WHOLE = Variant()

EXPERIMENTS = {
    "augmentation": Experiment(
        "Data augmentation helps",
        {
            "none": Variant(augmentation="none"),
            "light": Variant(augmentation="light"),
            "medium": WHOLE,
            "the SSD paper's": Variant(augmentation="ssd"),
        },
        (("light", "none"), ("medium", "none"), ("medium", "light"), ("the SSD paper's", "none")),
    ),
    "sampling": Experiment(
        "Max pooling is better than strides",
        {"strides": Variant(sampling="strides"), "pooling": WHOLE},
        (("pooling", "strides"),),
    ),
    "rate": Experiment(
        "A rate that the gradients bear is better than a higher one",
        {
            "0.06, any gradient": Variant(lr=0.06, clip=0),
            "0.06, clipped": Variant(lr=0.06),
            "0.02, clipped": WHOLE,
        },
        (("0.06, clipped", "0.06, any gradient"), ("0.02, clipped", "0.06, clipped")),
    ),
    "fitted-boxes": Experiment(
        "Default boxes that fit the objects are better than the usual ones",
        {"usual": WHOLE, "fitted": Variant(boxes=FIT)},
        (("fitted", "usual"),),
    ),
    "box-shapes": Experiment(
        "More default box shapes are better",
        {
            "squares only": Variant(ratios=()),
            "up to 2:1": Variant(ratios=(2,)),
            "up to 3:1": WHOLE,
        },
        (("up to 2:1", "squares only"), ("up to 3:1", "squares only")),
    ),
    # As in the paper, the boxes of all sizes stay when a map goes: they move to the coarsest map that is left.
    "maps": Experiment(
        "Output maps of several resolutions are better",
        {
            "one map": Variant(levels=(1, 1, 1, 1)),
            "two maps": Variant(levels=(0, 1, 1, 1)),
            "four maps": WHOLE,
        },
        (("two maps", "one map"), ("four maps", "one map")),
    ),
    "atrous": Experiment(
        "Atrous is faster",
        {},
        (
            ("fc6 3x3 atrous", "fc6 7x7 dense"),
            ("fc6 3x3 atrous", "fc6 13x13 with zeros"),
            ("fc6 3x3 atrous", "fc6 7x7 atrous"),
            ("SSD300, atrous", "SSD300, whole VGG16"),
        ),
    ),
    "object-size": Experiment(
        "Small objects are harder",
        {"whole": WHOLE},
        (("medium", "small"), ("large", "small")),
        by_size=True,
    ),
}
