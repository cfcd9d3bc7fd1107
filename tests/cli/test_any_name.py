"""Class and file names of any kind, on any terminal: printed, stored and drawn, never an error."""

import io
import json
import os
import subprocess
import sys

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.markup import escape
from scenes import BLUE_BOX, RED_BOX, scene
from voc_trees import Tree

from minissd.cli.console import console as terminal
from minissd.cli.console import progress_bar, simple_table
from minissd.models import build
from minissd.training import save_checkpoint

NAMES = ("止血钳", "[red]", ":car:", "$1_$5", r"a\b^c", "_dog", "../../etc/passwd", "bolt, hex", "[/bold]", "x" * 90)


@pytest.fixture
def named(tmp_path):
    """A tree of scenes whose boxes have all these names, and a checkpoint for them."""
    tree = Tree(tmp_path / "[i]tree")
    for i, name in enumerate(NAMES):
        tree.add(f"img{i}", [(name, RED_BOX), (NAMES[i - 1], BLUE_BOX)], size=(160, 120))
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, build("ssd-tiny", classes=sorted(NAMES), input_size=64))
    return tree, path


def test_names_are_printed_and_stored_as_they_are(minissd, named, tmp_path):
    tree, checkpoint = named
    done = minissd("evaluate", "--checkpoint", checkpoint, "--data", tree.root, "--split", "train", "--workers", 0)
    assert done.status == 0, done.err
    assert all(name in done.out for name in NAMES[:-1]) and "[i]tree" in done.out
    assert done.out.replace("│", "").count("x") >= 90  # a long name goes on in the next line
    text = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert set(json.loads(text)["AP"]) == set(NAMES) and "止血钳" in text
    assert not (tmp_path.parent / "etc").exists() and not list(tmp_path.parent.glob("*passwd*"))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_on_any_terminal(named, tmp_path, encoding):
    """Also a picture whose name is no text, as other systems leave them."""
    _, checkpoint = named
    folder = os.fsencode(tmp_path / "pictures")
    os.mkdir(folder)
    Image.fromarray(scene()).save(tmp_path / "plain.png")
    for name in (b"caf\xe9 \xe6\xad\xa2.png", "止 🚗 [red] :car:.png".encode()):
        os.replace(tmp_path / "plain.png", os.path.join(folder, name))
        Image.fromarray(scene()).save(tmp_path / "plain.png")
    (tmp_path / "pictures" / "fourth.png").write_bytes(b"no image")
    run = [sys.executable, "-m", "minissd", "detect", "pictures", "--checkpoint", checkpoint, "--score", "0"]
    environment = os.environ | {
        "PYTHONIOENCODING": encoding,
        "LC_ALL": "C",
        "PYTHONPATH": os.getcwd(),
        "PYTHONUTF8": "0",
    }
    done = subprocess.run(run, capture_output=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1 and b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"fourth.png" in done.stderr and b"[red] :car:.png" in done.stdout.replace(b"\n", b"")
    found = json.loads((tmp_path / "detections" / "detections.json").read_bytes())
    assert len(found) == 2 and any(name.startswith("pictures/caf\udce9") for name in found)
    assert {one["class"] for objects in found.values() for one in objects} <= set(NAMES)
    assert len(os.listdir(tmp_path / "detections")) == 3


def test_names_that_would_command_the_terminal(minissd, named, tmp_path):
    """Escape sequences, ends of lines and marks that turn text round, in names of files."""
    _, checkpoint = named
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ("esc\x1b[31mred.png", "new\nline.png", "tab\there.png", "gpj.\u202exe.png", "%s {0} -x.png"):
        Image.fromarray(scene()).save(folder / name)
    (folder / "bad\nname[red].png").write_bytes(b"no image")
    done = minissd("detect", folder, "--checkpoint", checkpoint, "--out", tmp_path / "out", "--score", 0.9)
    assert done.status == 1 and len(done.err.splitlines()) == 2 and r"bad\nname[red].png" in done.err
    assert not {"\x1b", "\u202e"} & set(done.out + done.err)
    assert len(json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))) == 5
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        [*set(os.listdir(folder)) - {"bad\nname[red].png"}, "detections.json"]
    )


@pytest.mark.parametrize("encoding, shown", [("ascii", r"| \u6b62[x] "), ("utf-8", "│ 止[x] ")])
def test_a_table_is_laid_out_by_what_it_shows(encoding, shown):
    buffer = io.BytesIO()
    console = type(terminal)(file=io.TextIOWrapper(buffer, encoding=encoding, errors="strict"), width=60)
    table = simple_table("name")
    for name in ("止[x]", "caf\udce9"):
        table.add_row(escape(name))
    console.print(table)
    console.file.flush()
    lines = buffer.getvalue().decode(encoding).splitlines()
    assert any(shown in line for line in lines)
    assert len({cell_len(line) for line in lines}) == 1 and any(r"caf\udce9" in line for line in lines)


def test_the_progress_of_a_file_shows_its_name_as_it_is(capsys):
    with progress_bar("frames") as bar:
        bar.add_task("[red]:car:.mp4", total=1, speed=0, note="[/bold]")
        shown = "".join(segment.text for segment in bar.console.render(bar.get_renderable()))
    assert "[red]:car:.mp4" in shown and "[/bold]" in shown
