"""`minissd detect` on videos."""

import json
import signal

import numpy as np
import pytest

from minissd.cli import search
from minissd.data.video import open_video, write_video
from minissd.detection import Detections
from minissd.viz.style import class_colour, rgb

pytest.importorskip("cv2", reason="needs OpenCV")

FRAMES, FPS, WIDTH, HEIGHT = 10, 12.5, 160, 120


@pytest.fixture
def clip(tmp_path):
    """A grey video that grows brighter."""
    path = tmp_path / "clip.mp4"
    with write_video(path, FPS) as append:
        for k in range(FRAMES):
            append(np.full((HEIGHT, WIDTH, 3), 40 + 16 * k, np.uint8))
    return path


@pytest.fixture
def moving(monkeypatch):
    """Instead of what a network finds: one box, whose left edge tells the brightness of the image."""

    def detect(self, images):
        lefts = [(image.mean() - 40) / 320 for image in images]
        return [Detections(np.array([[x, 0.2, 1, 0.9]]), np.array([1]), np.array([0.8])) for x in lefts]

    monkeypatch.setattr(search.Search, "_detect", detect)


def read(path):
    with open_video(path) as video:
        return video.fps, list(video.frames)


def test_every_frame_is_searched_in_order_and_drawn_on(minissd, checkpoint, clip, tmp_path, moving):
    out = tmp_path / "found"
    outcome = minissd("detect", clip, *checkpoint, "--out", out, "--batch-size", 4)
    assert outcome.status == 0, outcome.err
    found = json.loads((out / "detections.json").read_text())[str(clip)]
    assert found["fps"] == pytest.approx(FPS)
    assert [frame["time"] for frame in found["frames"]] == [round(k / FPS, 3) for k in range(FRAMES)]
    lefts = [frame["objects"][0]["box"][0] for frame in found["frames"]]
    np.testing.assert_allclose(lefts, 16 * np.arange(FRAMES) / 320 * WIDTH, atol=3)
    assert all(frame["objects"][0]["box"][1:] == [24, WIDTH, 108] for frame in found["frames"])

    fps, frames = read(out / "clip.mp4")
    assert fps == pytest.approx(FPS) and len(frames) == FRAMES and frames[0].shape == (HEIGHT, WIDTH, 3)
    for k, frame in enumerate(frames):
        np.testing.assert_allclose(frame[:10, :80].mean(), 40 + 16 * k, atol=7)
        np.testing.assert_allclose(frame[106, 110], rgb(class_colour(1)), atol=60)  # the lower edge of the box


def test_a_real_network_finds_the_same_in_a_frame_as_in_an_image(minissd, checkpoint, clip, tmp_path):
    """Through a lossless image of the frame, as it is decoded."""
    from PIL import Image

    Image.fromarray(read(clip)[1][3]).save(tmp_path / "frame.png")
    words = ("--out", tmp_path / "found", "--score", 0.02, "--no-pictures")
    assert minissd("detect", clip, tmp_path / "frame.png", *checkpoint, *words).status == 0
    found = json.loads((tmp_path / "found" / "detections.json").read_text())
    image, frame = found[str(tmp_path / "frame.png")], found[str(clip)]["frames"][3]["objects"]
    assert image and [one["class"] for one in image] == [one["class"] for one in frame]
    np.testing.assert_allclose([one["box"] for one in image], [one["box"] for one in frame], atol=0.2)


def test_without_pictures_no_video_is_written(minissd, checkpoint, clip, tmp_path, moving):
    assert minissd("detect", clip, *checkpoint, "--out", tmp_path / "found", "--no-pictures").status == 0
    assert [file.name for file in (tmp_path / "found").iterdir()] == ["detections.json"]


@pytest.mark.parametrize("moment", ["while detecting", "while drawing"])
def test_ctrl_c_leaves_a_playable_part_and_says_so(minissd, checkpoint, clip, tmp_path, monkeypatch, moving, moment):
    method = {"while detecting": "_detect", "while drawing": "_frame_entries"}[moment]
    real, calls = getattr(search.Search, method), []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return real(self, *arguments)

    monkeypatch.setattr(search.Search, method, interrupted)
    out = tmp_path / "found"
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests were started to ignore it
    try:
        outcome = minissd("detect", clip, *checkpoint, "--out", out, "--batch-size", 2)
    finally:
        signal.signal(signal.SIGINT, handler)
    done = {"while detecting": 4, "while drawing": 6}[moment]  # a batch is drawn whole
    assert outcome.status == 130 and f"{done} of {FRAMES} frames" in outcome.out
    assert len(read(out / "clip.mp4")[1]) == done
    assert len(json.loads((out / "detections.json").read_text())[str(clip)]["frames"]) == done
    assert {file.name for file in out.iterdir()} == {"clip.mp4", "detections.json"}


def test_ctrl_c_before_the_first_frame_leaves_nothing(minissd, checkpoint, clip, tmp_path, monkeypatch):
    def interrupted(self, images):
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "_detect", interrupted)
    assert minissd("detect", clip, *checkpoint, "--out", tmp_path / "found").status == 130
    assert not list(tmp_path.glob("found/*"))


def test_a_video_that_breaks_off_is_searched_as_far_as_it_goes(minissd, checkpoint, tmp_path, moving):
    import cv2

    path = tmp_path / "cut.avi"  # its frames can be read one by one, whatever comes after
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for k in range(20):
        writer.write(np.random.default_rng(k).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    outcome = minissd("detect", path, *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 0, outcome.err
    read_frames = len(json.loads((tmp_path / "found" / "detections.json").read_text())[str(path)]["frames"])
    assert 5 < read_frames < 15
    assert f"only {read_frames} of 20 frames" in outcome.out


def test_bad_videos_do_not_cost_the_good_one(minissd, refused, checkpoint, clip, tmp_path, moving):
    (tmp_path / "bad.mov").write_bytes(b"no video")
    refused([tmp_path / "bad.mov"], "detect", tmp_path / "bad.mov", *checkpoint, "--out", tmp_path / "found")
    assert not (tmp_path / "found").exists()
    outcome = minissd("detect", tmp_path / "bad.mov", clip, *checkpoint, "--out", tmp_path / "found")
    assert outcome.status == 1 and "1 of 2" in outcome.err
    assert len(read(tmp_path / "found" / "clip.mp4")[1]) == FRAMES
