"""Videos: what is written can be read again, and what cannot be read says so."""

import os
import sys
from functools import partial
from struct import pack

import numpy as np
import pytest
from scenes import BLUE, BLUE_BOX, RED_BOX, as_stored, scene
from scenes import RED as SCENE_RED

from minissd.data.video import USUAL_FPS, open_video, write_video
from minissd.errors import MinissdError

cv2 = pytest.importorskip("cv2", reason="needs OpenCV")

RED, GREEN = (200, 30, 30), (30, 160, 30)


def plain(colour, size=(64, 48)):
    return np.full((size[1], size[0], 3), colour, np.uint8)


def written(path, frames, fps=10):
    with write_video(path, fps) as append:
        for frame in frames:
            append(frame)
    return path


@pytest.mark.parametrize("fps", [7.5, 30000 / 1001])
def test_frames_come_back_in_order_with_their_colours_and_rate(tmp_path, fps):
    path = written(tmp_path / "new" / "clip.mp4", [plain(RED), plain(GREEN), plain(RED)], fps)
    with open_video(path) as video:
        frames = list(video.frames)
        assert video.fps == pytest.approx(fps, rel=1e-3) and video.frame_count == 3
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 3
    for frame, colour in zip(frames, (RED, GREEN, RED), strict=True):
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), colour, atol=8)  # the codec is lossy
    assert os.listdir(path.parent) == ["clip.mp4"]


def replace_methods(monkeypatch, kind, **methods):
    """Objects of OpenCV's class `kind` get other methods, each called with the real object in front.

    A shell around the real one, for a Python class that inherits from one of OpenCV's brings the interpreter down.
    """
    real = getattr(cv2, kind)

    class Shell:
        def __init__(self, *args):
            self._inner = real(*args)

        def __getattr__(self, name):
            return partial(methods[name], self._inner) if name in methods else getattr(self._inner, name)

    monkeypatch.setattr(cv2, kind, Shell)


@pytest.mark.parametrize("orientation, matrix", [(6, (0, 1, -1, 0)), (8, (0, -1, 1, 0)), (3, (-1, 0, 0, -1))])
def test_frames_that_a_phone_stored_turned_are_upright(tmp_path, orientation, matrix):
    """Its header says by a matrix (a b u, c d v, x y w) how frames are to be turned; a, b, c, d count 65536ths."""
    stored = np.ascontiguousarray(as_stored(scene(scale=2), orientation))
    path = written(tmp_path / "phone.MOV.mp4", [stored] * 3)
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    content[start : start + 36] = pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    with open_video(path) as video:
        frames = list(video.frames)
    assert frames[0].shape == (240, 320, 3)
    for colour, box in ((SCENE_RED, RED_BOX), (BLUE, BLUE_BOX)):
        x_min, y_min, x_max, y_max = (2 * edge for edge in box)
        inside = frames[0][y_min + 8 : y_max - 8, x_min + 8 : x_max - 8]
        np.testing.assert_allclose(inside.mean(axis=(0, 1)), colour, atol=20)


def test_frames_are_read_as_they_are_asked_for(tmp_path, monkeypatch):
    path = written(tmp_path / "clip.mp4", [plain(RED)] * 30)
    reads = []

    def read(capture):
        reads.append(1)
        return capture.read()

    replace_methods(monkeypatch, "VideoCapture", read=read)
    with open_video(path) as video:
        next(video.frames)
        next(video.frames)
    assert len(reads) == 2


def test_an_odd_side_loses_a_pixel(tmp_path):
    with open_video(written(tmp_path / "clip.mp4", [plain(RED, (65, 49))])) as video:
        assert next(video.frames).shape == (48, 64, 3)


@pytest.mark.parametrize("claimed", [0.0, -1.0, float("nan"), 90000.0])
def test_a_rate_that_makes_no_sense_is_replaced(tmp_path, monkeypatch, claimed):
    path = written(tmp_path / "clip.mp4", [plain(RED)])

    def get(capture, key):
        return claimed if key == cv2.CAP_PROP_FPS else capture.get(key)

    replace_methods(monkeypatch, "VideoCapture", get=get)
    with open_video(path) as video:
        assert video.fps == USUAL_FPS


@pytest.mark.parametrize("content", [b"", b"no video at all", None])
def test_a_file_that_is_no_video(tmp_path, capfd, content):
    path = tmp_path / "clip01.mp4"
    if content is None:  # cut off before the index
        written(path, [plain(RED)] * 5)
        content = path.read_bytes()[:500]
    path.write_bytes(content)
    with pytest.raises(MinissdError, match="no video that can be read") as raised, open_video(path):
        pass
    assert str(path) in str(raised.value)
    assert capfd.readouterr() == ("", "")  # OpenCV and FFmpeg keep still


def test_a_missing_file(tmp_path):
    with pytest.raises(MinissdError, match=r"none\.mp4 does not exist"), open_video(tmp_path / "none.mp4"):
        pass


def test_a_video_without_a_frame(tmp_path, monkeypatch):
    path = written(tmp_path / "clip.mp4", [plain(RED)])
    replace_methods(monkeypatch, "VideoCapture", read=lambda capture: (False, None))
    with pytest.raises(MinissdError, match="not a single frame") as raised, open_video(path) as video:
        list(video.frames)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MinissdError("bad")])
def test_what_is_stopped_half_way_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = written(tmp_path / "clip.mp4", [plain(RED)])
    before = path.read_bytes()
    with pytest.raises((KeyboardInterrupt, MinissdError)), write_video(path, 10) as append:
        append(plain(GREEN))
        raise error
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["clip.mp4"]


def test_a_full_disk_is_noticed(tmp_path, monkeypatch):
    """OpenCV says nothing when the system refuses to write; the file then lacks its index."""

    def release(writer):
        writer.release()
        for file in tmp_path.iterdir():
            os.truncate(file, 400)

    replace_methods(monkeypatch, "VideoWriter", release=release)
    with pytest.raises(MinissdError, match=r"clip\.mp4.*disk"):
        written(tmp_path / "clip.mp4", [plain(RED)] * 5)
    assert os.listdir(tmp_path) == []


def test_without_opencv_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MinissdError, match=r"pip install 'minissd\[video\]'"), open_video(tmp_path / "clip.mp4"):
        pass
    with pytest.raises(MinissdError, match=r"pip install 'minissd\[video\]'"), write_video(tmp_path / "c.mp4", 25):
        pass
