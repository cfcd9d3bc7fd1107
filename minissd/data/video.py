"""Videos, frame by frame, through OpenCV: the only file that imports cv2.

OpenCV is an extra (`video`); all else runs without it.  Frames are (H, W, 3) uint8 RGB as everywhere, and one
is in memory at a time.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from minissd.errors import MinissdError
from minissd.files import placed_whole

USUAL_FPS = 25.0  # for a file that does not say
CODEC = "mp4v"  # MPEG-4, which OpenCV always brings along


class Video(NamedTuple):
    """An open video.  `frame_count` is what the file claims, None if nothing."""

    fps: float  # frames a second
    frame_count: int | None
    frames: Iterator[np.ndarray]  # each (H, W, 3) uint8 RGB, upright


@contextmanager
def open_video(path):
    """The `Video` in a file, open as long as the block runs.

    A file that breaks off ends early, as a shorter video would.  MinissdError without OpenCV, for a file that is
    missing or no video, and, from `frames`, for one that holds not a single frame.
    """
    cv2 = _opencv()
    if not os.path.isfile(path):
        raise MinissdError(f"video {path} does not exist")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # phones store turned frames; not every OpenCV turns them back
        if not capture.isOpened():
            raise MinissdError(f"{path} is no video that can be read: replace it, convert it to MP4 or leave it out")
        fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        known = math.isfinite(fps) and 0 < fps <= 1000  # some containers give nonsense
        yield Video(fps if known else USUAL_FPS, int(count) if count >= 1 else None, _frames(capture, path))
    finally:
        capture.release()


@contextmanager
def write_video(path, fps):
    """A function that appends a frame (H, W, 3) uint8 RGB to the MP4 file `path`; all frames of one size.

    The file appears when the block ends, whole, or not at all if it raises.  There is no sound in it, and a side of
    an odd number of pixels loses one, for the format has none.  MinissdError if it cannot be written.
    """
    cv2 = _opencv()
    writer = cv2.VideoWriter()
    with placed_whole(path) as temporary:

        def write(frame):
            height, width = frame.shape[:2]
            if not writer.isOpened():
                writer.open(str(temporary), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*CODEC), fps, (width, height))
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

        try:
            yield write
        finally:
            writer.release()
        # OpenCV does not report what the system refuses, but then the index that comes last is missing
        if not cv2.VideoCapture(str(temporary), cv2.CAP_FFMPEG).isOpened():
            raise MinissdError(f"{path}: the video cannot be written: make sure that the disk has room")


def _frames(capture, path):
    cv2 = _opencv()
    number = 0
    while True:
        there, frame = capture.read()
        if not there:
            break
        number += 1
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    if number == 0:
        raise MinissdError(f"{path}: not a single frame of this video can be read: replace it or leave it out")


def _opencv():
    """The cv2 module, told to leave the terminal to us; MinissdError if it is not installed or does not load."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    try:
        import cv2

        set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # of OpenCV 4, of 5
        set_log_level(0)
    except ModuleNotFoundError:
        raise MinissdError("videos need OpenCV, which is not installed: pip install 'minissd[video]'") from None
    except Exception as error:  # compiled code: a library of the system is missing, NumPy is another, it is half there
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MinissdError(
            f"videos need OpenCV, which does not load ({reason}): "
            "pip install --force-reinstall opencv-python-headless, and no other OpenCV beside it"
        ) from None
    return cv2


def video_support() -> str:
    """What there is of OpenCV, in words.  Whatever is missing, no error."""
    try:
        return f"OpenCV {_opencv().__version__}"
    except MinissdError as error:
        return str(error)
