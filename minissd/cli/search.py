"""A detector let loose on files: images in batches, videos frame by frame, each with an annotated copy."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import islice

import numpy as np

from minissd.cli.console import error_console, print_note, progress_bar
from minissd.data import read_image
from minissd.data.video import open_video, write_video
from minissd.errors import MinissdError, one_line
from minissd.training.interrupt import Terminated, interrupt_at_the_end
from minissd.training.memory import answers_that_fit

THREADS = min(8, os.cpu_count() or 1)  # they decode, draw and encode; each may hold one image at full size


class Search:
    """Searches files with a model, and keeps in `content` what detections.json is to hold:

        {"photo.jpg": [object, ...],
         "clip.mp4": {"fps": 25.0, "frames": [{"time": seconds, "objects": [object, ...]}, ...]}}

    with an object as {"class": name, "score": 0..1, "box": [x_min, y_min, x_max, y_max]}, in pixels from the upper
    left corner.  `content` is right at any moment, so that it can be saved however the search ends.

    score: only what scores higher is kept, None: higher than the model's threshold of its class; batch_size: images or
    frames at a time; pictures: whether to make copies; more: called after each batch with `content`.
    """

    def __init__(self, model, *, score, batch_size, pictures, more=lambda content: None):
        self.model, self.score, self.batch_size, self.pictures = model, score, batch_size, pictures
        self.more = more
        self.content = {}
        self._alone, self._left_out = False, 0

    def run(self, media):
        """Search the list `media`, images first.  Returns how many of them had to be left out.

        A file that cannot be read is named on the terminal and does not cost the others; MinissdError if it is the
        only one.
        """
        self._alone = len(media) == 1
        images = [medium for medium in media if not medium.is_video]
        videos = [medium for medium in media if medium.is_video]
        with self.model.inference(), ThreadPoolExecutor(THREADS) as self._pool:
            if images:
                self._search_images(images)
            for medium in videos:
                try:
                    self._search_video(medium)
                except MinissdError as error:
                    named = str(medium.path) in str(error)  # not where OpenCV is missing
                    self._leave_out(error if named else MinissdError(f"{medium.path}: {error}"))
        return self._left_out

    def _search_images(self, media):
        with progress_bar("images") as bar:
            task = bar.add_task("detect", total=len(media), speed=0, note="")
            for start in range(0, len(media), self.batch_size):
                batch = media[start : start + self.batch_size]
                self._search_batch(batch)
                self.more(self.content)
                bar.update(task, advance=len(batch), speed=bar.tasks[0].speed or 0)

    def _search_batch(self, media):
        read, images, sizes = [], [], []
        for medium, result in zip(media, self._pool.map(self._read, media), strict=True):
            if isinstance(result, MinissdError):
                self._leave_out(result)
                continue
            read.append(medium)
            images.append(result[0])
            sizes.append(result[1])
        if not read:
            return
        found = self._detect(images)
        for medium, detections, size in zip(read, found, sizes, strict=True):
            self.content[str(medium.path)] = self._objects(detections, size)
        if self.pictures:
            list(self._pool.map(self._draw_copy, read, found))  # a list, to hear of errors

    def _read(self, medium):
        """What the model sees of a file and the size of the original, or the error that came instead."""
        try:
            return self.model.seen(medium.path)
        except MinissdError as error:
            return error

    def _draw_copy(self, medium, detections):
        """Reads the image again, for a batch of large ones would fill the memory."""
        from minissd.viz.style import save_picture  # matplotlib is slow to import

        save_picture(self._annotated(read_image(medium.path), detections), medium.copy)

    def _search_video(self, medium):
        path, frames, stopped = medium.path, [], None
        with open_video(path) as video, self._copy_of(medium, video.fps) as append, progress_bar("frames") as bar:
            task = bar.add_task(path.name, total=video.frame_count, speed=0, note="")
            try:
                while batch := list(islice(video.frames, self.batch_size)):
                    found = self._detect(list(self._pool.map(self.model.resized, batch)))
                    with interrupt_at_the_end():  # the copy and the list of frames end with the same one
                        if append:
                            for picture in self._pool.map(self._annotated, batch, found):
                                append(np.asarray(picture))
                        frames += self._frame_entries(found, batch[0].shape, len(frames), video.fps)
                        self.content[str(path)] = {"fps": video.fps, "frames": frames}
                    self.more(self.content)
                    bar.update(task, advance=len(batch), speed=bar.tasks[0].speed or 0)
            except (KeyboardInterrupt, Terminated) as signal:
                if not frames:
                    raise
                stopped = signal  # what there is of the copy is finished first
        if stopped:
            print_note(f"{path}: stopped after {_some_of(len(frames), video.frame_count)}")
            raise stopped
        if len(frames) < 0.95 * (video.frame_count or 0):  # some containers only estimate the number
            print_note(f"{path}: only {_some_of(len(frames), video.frame_count)} can be read")

    def _copy_of(self, medium, fps):
        return write_video(medium.copy, fps) if self.pictures else nullcontext()

    def _detect(self, images):
        """Detections of a list of images (S, S, 3) uint8 of the model's size, one for each."""
        detect = partial(self.model.detect_clear, score=self.score)
        return answers_that_fit(detect, self.model, np.stack(images))

    def _annotated(self, image, detections):
        from minissd.viz.boxes import annotated_image  # matplotlib is slow to import

        return annotated_image(image, detections, self.model.classes)

    def _frame_entries(self, found, shape, first, fps):
        height, width = shape[:2]
        return [
            {"time": round((first + k) / fps, 3), "objects": self._objects(detections, (width, height))}
            for k, detections in enumerate(found)
        ]

    def _objects(self, detections, size):
        """Detections on an image of `size` (width, height) as detections.json has them."""
        return [
            {"class": name, "score": round(float(score), 4), "box": [round(float(edge), 1) for edge in box]}
            for box, name, score in zip(*self.model.named(detections, size), strict=True)
        ]

    def _leave_out(self, error):
        if self._alone:
            raise error
        error_console.print(f"left out: {one_line(str(error))}", markup=False, soft_wrap=True)
        self._left_out += 1


def _some_of(number, total):
    return f"{number} of {total} frames" if total else f"{number} frames"
