"""What the README and the pages of the site show is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "lessons/pages").glob("*.md"))
TEXTS = [ROOT / "README.md", ROOT / ".github/CONTRIBUTING.md", *PAGES]


def test_the_layer_it_shows_is_the_layer_of_the_package():
    excerpts = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def l2_normalize" in block]
    assert len(excerpts) == 1
    assert excerpts[0] in (ROOT / "minissd/ops/l2_normalisation.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", re.findall(r"^  (\S+)  ", README, re.MULTILINE))
def test_the_map_names_what_exists(name):
    assert (ROOT / "minissd" / name).exists()


def test_it_is_short():
    assert README.count("\n") <= 150


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for path in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / path).exists(), path


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_files_of_the_package_that_are_named_exist(page):
    for path in re.findall(r"`((?:minissd|tests|lessons)/[\w/.-]+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or "NAME" in path or "NN_" in path, path


def test_the_notes_that_are_explained_are_those_that_are_made():
    page = (ROOT / "lessons/pages/data.md").read_text(encoding="utf-8")
    section = page.partition("## What the notes mean")[2].partition("\n## ")[0]
    rows = [row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `")]
    notes = [note for row in rows for note in re.findall(r"`([^`]+)`", row)]
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "minissd/data").glob("*.py"))
    assert len(notes) > 40
    assert [note for note in notes if note not in source] == []


def test_every_command_of_its_table_exists(monkeypatch, capsys):
    import sys

    from minissd.cli.main import main

    commands = re.findall(r"^\| `minissd (\w+)` \|", README, re.MULTILINE)
    assert len(commands) == 12
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["minissd", command, "--help"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        capsys.readouterr()
