"""What the README shows is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_layer_it_shows_is_the_layer_of_the_package():
    excerpts = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def l2_normalize" in block]
    assert len(excerpts) == 1
    assert excerpts[0] in (ROOT / "minissd/ops/l2_normalisation.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", re.findall(r"^  (\S+)  ", README, re.MULTILINE))
def test_the_map_names_what_exists(name):
    assert (ROOT / "minissd" / name).exists()


@pytest.mark.parametrize("path", re.findall(r"!\[.*?\]\((.*?)\)", README))
def test_its_pictures_exist(path):
    assert (ROOT / path).exists()


def test_every_command_of_its_table_exists(monkeypatch, capsys):
    import sys

    from minissd.cli.main import main

    commands = re.findall(r"^\| `minissd (\w+)` \|", README, re.MULTILINE)
    assert len(commands) == 11
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["minissd", command, "--help"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        capsys.readouterr()
