"""Milestones: after lessons 4, 7, 10 and 12, a network that is made of the student's own functions is trained.

base.py, lenet.py, unet.py, yolo.py, ssd.py    what is trained on which pictures, and how it is scored
trial.py      both ways: the student's functions beside the library's, and in the place of them
child.py      runs a trial in a process of its own
running.py    starts that process, and passes its progress on
"""

from minissd.course.milestones.base import Milestone, Size
from minissd.course.milestones.lenet import OwnLenet
from minissd.course.milestones.ssd import OwnSsd
from minissd.course.milestones.unet import OwnUnet
from minissd.course.milestones.yolo import OwnYolo

MILESTONES: dict[int, type[Milestone]] = {one.number: one for one in (OwnLenet, OwnUnet, OwnYolo, OwnSsd)}

__all__ = ["MILESTONES", "Milestone", "Size"]
