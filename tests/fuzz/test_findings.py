"""What mutated files once did, each as small as it goes: a traceback, several lines, a damaged set that was kept."""

import io
import json
import logging
import shutil
import tarfile
import zipfile
from functools import partial
from struct import pack

import numpy as np
import pytest
from coco_sets import CocoSet
from fuzz.outside_targets import Server
from mask_trees import MaskTree
from PIL import Image
from voc_trees import Tree

from minissd.cli.results import write_classes
from minissd.course.folder import StudentFolder
from minissd.course.lab import find_trap
from minissd.course.shelf import find_lesson, find_shelf, read_lessons, read_toml
from minissd.data import open_dataset
from minissd.data.http import ResumingDownloader, _whole_number
from minissd.data.images import read_image
from minissd.data.unpack import BadArchive, unpack
from minissd.data.yolo_config import read_config
from minissd.device import resolve_device
from minissd.engine import tuning
from minissd.errors import MinissdError
from minissd.files import parse_json
from minissd.models import build
from minissd.training import TrainConfig, read_log
from minissd.training.log import RunLog
from minissd.training.run_folder import read_settings
from minissd.weights import read_weights

DEEP = '{"a":' + "[" * 600 + "]" * 600 + "}"  # json.loads reads it where the stack is empty, and fails where it is not


def test_json_that_is_nested_without_end_is_none():
    for depth in (60, 600, 100_000):
        with pytest.raises(ValueError, match="too deeply"):
            parse_json("[" * depth + "]" * depth)
    assert parse_json("[" * 40 + "]" * 40 + " ") and parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", lambda path: read_settings(path.parent)),
        ("tuning.json", tuning.read),
        ("progress.json", lambda path: StudentFolder(path.parent)),
    ],
)
def test_files_of_ours_that_are_nested_without_end(tmp_path, refused, name, read):
    (tmp_path / name).write_text(DEEP)
    with refused(tmp_path):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "setting", [{"freeze": [None]}, {"log": 1}, {"momentum": "scratch"}, {"epochs": 1.5}, {"steps": []}, {"clip": None}]
)
def test_a_setting_of_another_kind(setting, refused):
    with refused(f"--{next(iter(setting))} is", "it must be"):
        TrainConfig(**setting)


def test_a_message_is_one_line_whatever_it_quotes():
    assert str(MinissdError("a\r\nb\u2028c: no such option")) == "a\\nb\\nc: no such option"
    with pytest.raises(MinissdError) as raised:
        build("ssd-tiny", classes=("a",), **{"\r\n": 1})
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 2, "loss": "1.0"}',
        '{"step": 2, "loss": []}',
        '{"step": true}',
        '{"step": -1}',
        '{"step": 2, "epoch": null}',
        '{"step": 2, "lr": 1' + "0" * 400 + "}",
        '{"step": 2, "lr": Infinity}',
        '{"step": 2, "loss": -1e999}',
        '{"step": 2, "validation": 0.5}',
        '{"step": 2, "validation": {"mAP": "0.5"}}',
        DEEP.replace("a", "step"),
    ],
)
def test_a_line_of_a_log_whose_figures_are_none(tmp_path, refused, line):
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n{{"step": 3}}\n')
    with refused(path, "line 2"):
        read_log(path)


def test_a_log_with_every_kind_of_line_is_read(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [{"step": 1, "epoch": 1, "loss": None}, {"step": 1, "validation": {"mAP": None, "AP": {"cat": 0.5}}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert RunLog(path, start=1).records == lines


def archive(path, *members):
    with tarfile.open(path, "w") as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info)
    return path


@pytest.mark.parametrize(
    "members",
    [
        [("a/", tarfile.DIRTYPE, ""), ("a", tarfile.REGTYPE, "")],
        [("a", tarfile.REGTYPE, ""), ("a/b", tarfile.REGTYPE, "")],
        [("x" * 300, tarfile.REGTYPE, "")],
        [("a", tarfile.LNKTYPE, "not there")],
    ],
    ids=["a file in the place of a folder", "a file as a folder", "a long name", "a link to nothing"],
)
def test_names_that_cannot_be_are_the_fault_of_the_archive(tmp_path, members):
    """Not of the disk: `fetch` would say to make room, and keep the archive for the next time."""
    (tmp_path / "out").mkdir()
    with pytest.raises(BadArchive):
        unpack(archive(tmp_path / "a.tar", *members), tmp_path / "out", 1000)


def test_a_wrong_sum_at_the_end_of_a_gz(tmp_path):
    """tarfile stops before it: a picture with another byte would have been taken."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    (tmp_path / "a.tar.gz").write_bytes(content.getvalue()[:-8] + b"\1" * 8)
    (tmp_path / "out").mkdir()
    with pytest.raises(BadArchive, match="CRC"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", 1000)


def test_a_full_disk_is_not_the_fault_of_the_archive(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("a", "a")
    with pytest.raises(OSError, match="No space left"):
        unpack(tmp_path / "a.zip", tmp_path, 1000)


@pytest.mark.parametrize("validator", [{"a": 1}, ["x"], 5, True])
def test_a_state_of_a_download_that_is_none_begins_anew(tmp_path, validator):
    (tmp_path / "part").write_bytes(b"x")
    (tmp_path / "part.json").write_text(json.dumps({"url": "http://x/", "validator": validator}))
    assert ResumingDownloader(tmp_path / "part")._place_to_go_on("http://x/") == (0, None)


def test_headers_that_are_no_headers_show_no_traceback(tmp_path):
    server = Server()
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nno header\r\nETag: x\r\n\r\nabc"
    shown = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = shown.append
    logging.getLogger("urllib3").addHandler(handler)
    try:
        ResumingDownloader(tmp_path / "part", stall=5)(server.url, tmp_path / "file", None)
    finally:
        logging.getLogger("urllib3").removeHandler(handler)
        server.socket.close()
    assert not shown and (tmp_path / "file").exists()


TOML = {
    "no title": ("lesson.toml", "title =", "titel ="),
    "a title that is a number": ("lesson.toml", "title = ", "title = 5 # "),
    "an exercise elsewhere": ("lesson.toml", 'exercises = ["', 'exercises = ["../../'),
    "no text": ("lesson.toml", "title", "\udce9"),
    "no properties": ("exercises/*.toml", "properties =", "property ="),
    "properties that are not there": ("exercises/*.toml", 'properties = "minissd.', 'properties = "minissd.nothing.'),
    "one of the hints is missing": ("exercises/*.toml", "hints = [", 'hints = ["one"]\nothers = ['),
    "a mistake without a hint": ("mutants/*.toml", "hint =", "hints ="),
}


@pytest.mark.parametrize(("which", "text", "other"), TOML.values(), ids=TOML)
def test_a_handout_that_was_changed(tmp_path, refused, which, text, other):
    chosen = next(find_shelf().glob("01_*"))
    shutil.copytree(chosen, tmp_path / "lessons" / chosen.name)
    for path in (tmp_path / "lessons" / chosen.name).glob(which):
        before = path.read_text(encoding="utf-8")
        assert text in before
        path.write_bytes(before.replace(text, other).encode("utf-8", "surrogateescape"))
    with refused(tmp_path / "lessons" / chosen.name):
        for exercise in read_lessons(tmp_path / "lessons")[0].exercises:
            assert exercise.properties and exercise.mutants


MANY = "9" * 5000  # digits, of which Python makes no number


@pytest.mark.parametrize("look", [resolve_device, partial(find_lesson, read_lessons()), partial(find_trap, [])])
def test_a_number_of_many_digits_in_the_command(look):
    with pytest.raises(MinissdError):
        look(f"cuda:{MANY}" if look is resolve_device else MANY)


def test_a_number_of_many_digits_in_a_file(tmp_path, refused):
    tree = MaskTree(tmp_path / "masks").add("a", np.zeros((4, 4), np.uint8))
    (tree.root / "labelmap.txt").write_text(f"cat:{MANY},0,0::\n")
    (tmp_path / "data.yaml").write_text(f"train: images\nnc: '{MANY}'\nnames: [cat]\n")
    (tmp_path / "a.toml").write_text(f"a = {MANY}\n")
    with refused("labelmap.txt"):
        open_dataset(tree.root, "train", task="segment")
    with refused("data.yaml"):
        read_config(tmp_path / "data.yaml")
    with refused("a.toml"):
        read_toml(tmp_path / "a.toml", {})
    assert _whole_number(MANY) is None


def test_pixels_that_begin_at_half_a_byte(tmp_path, refused):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    at = content.index(b"\x11\x01\x04\0\x01\0\0\0")  # StripOffsets, one whole number
    half = b"\x11\x01\x0b\0\x01\0\0\0" + pack("<f", 8.5)
    (tmp_path / "a.tif").write_bytes(content[:at] + half + content[at + len(half) :])
    with refused("a.tif"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("digits", [MANY, "1" * 400])
def test_a_type_of_many_digits(tmp_path, digits):
    with pytest.raises((ValueError, TypeError)):
        build("ssd-tiny", classes=("a",), dtype=digits)
    text = f"{{'descr': '{digits}', 'fortran_order': False, 'shape': (), }}".encode()
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as target:
        target.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(MinissdError, match="no plain array"):
        read_weights(tmp_path / "a.npz")


def test_a_path_in_a_file_that_the_system_does_not_take(tmp_path, refused):
    Tree(tmp_path / "tree").add("a", [("cat", (1, 1, 9, 9))])
    path = tmp_path / "data.yaml"
    path.write_text(f"path: {'9' * 5000}\ntrain: tree\nnames: [cat]\n")
    with refused(path):
        open_dataset(path, "train")


def test_a_set_without_an_object_is_named_by_its_file(tmp_path, refused):
    path = CocoSet(tmp_path / "coco").add("a.png", []).save()
    with refused(path, "nothing to learn"):
        open_dataset(path, "train")


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">',
        '<!ENTITY c SYSTEM "file:///etc/passwd">',
    ],
    ids=["entities of entities", "another file"],
)
def test_entities_in_xml_are_not_expanded(tmp_path, refused, declaration):
    tree = Tree(tmp_path / "tree").add("a", [("cat", (1, 1, 9, 9))])
    text = tree.xml("a").read_text().replace("cat", "&c;")
    tree.xml("a").write_text(f"<!DOCTYPE annotation [{declaration}]>{text}")
    with refused("a.xml"):
        open_dataset(tree.root, "train")


def test_a_class_that_a_spreadsheet_would_run(tmp_path):
    metrics = {"AP": {"=1+1": 0.5}, "thresholds": {"=1+1": {"threshold": 0.5}}}
    write_classes(metrics, tmp_path / "classes.csv")
    assert "\n'=1+1,0.5," in (tmp_path / "classes.csv").read_text()
