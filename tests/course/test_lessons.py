"""Every lesson runs from its first cell to its last, its notebook is in step, and the site builds."""

import importlib.util
import re
from pathlib import Path

import jupytext
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

LESSONS = Path(__file__).resolve().parents[2] / "lessons"
SOURCES = {path.parent.name: path for path in sorted(LESSONS.glob("[0-9][0-9]_*/lesson.md"))}
INSTALLS = 'importlib.util.find_spec("minissd") is None'

each_lesson = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@pytest.fixture(scope="module")
def build():
    """lessons/build.py as a module."""
    spec = importlib.util.spec_from_file_location("lessons_build", LESSONS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kernel():
    """One for all lessons: to start it and to load matplotlib takes longer than some of them."""
    manager = KernelManager(kernel_name="python3")
    yield manager
    manager.shutdown_kernel(now=True)


@each_lesson
def test_it_runs(source, kernel, tmp_path):
    notebook = jupytext.read(source)
    assert INSTALLS in next(cell for cell in notebook.cells if cell.cell_type == "code").source
    notebook.cells.insert(0, new_code_cell(f"%reset -f\nimport os\nos.chdir({str(tmp_path)!r})"))
    NotebookClient(notebook, timeout=120, km=kernel).execute()
    pictures = [
        cell for cell in notebook.cells if any("image/png" in one.get("data", {}) for one in cell.get("outputs", []))
    ]
    assert pictures, "a lesson has a picture"
    for cell in pictures:
        assert len(cell.metadata["mystnb"]["image"]["alt"]) > 20, "who cannot see it reads what it shows"


@each_lesson
def test_its_notebook_is_in_step(source, build):
    """Else run `python lessons/build.py notebooks`."""
    assert source.with_suffix(".ipynb").read_text(encoding="utf-8") == build.notebook_text(source)


@each_lesson
def test_the_first_cell_is_the_same_everywhere(source):
    first = next(cell for cell in jupytext.read(source).cells if cell.cell_type == "code")
    model = next(cell for cell in jupytext.read(next(iter(SOURCES.values()))).cells if cell.cell_type == "code")
    assert first.source == model.source


def test_the_site_builds_without_a_warning(build, tmp_path):
    assert build.build_site(tmp_path / "site", run=False) == 0
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    for name in SOURCES:
        assert re.search(rf'href="{name}/lesson\.html"', index)
    operations = (tmp_path / "site/pages/reference/operations.html").read_text(encoding="utf-8")
    assert 'id="minissd.ops.conv2d_backward"' in operations, "the reference has what the docstrings say"
    for page in (tmp_path / "site").glob("*/lesson.html"):
        html = page.read_text(encoding="utf-8")
        assert "<math " in html and "\\frac" not in html and "<mi>&</mi>" not in html
        assert not re.search(r'<script[^>]*src="https?:', html), "it reads offline"


def test_cells_that_draw_are_folded_in_jupyterlab(build):
    cells = jupytext.reads(build.notebook_text(SOURCES["02_convolution"]), "ipynb").cells
    folded = [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells]
    assert folded == [bool({"hide-input", "remove-cell"} & set(cell.metadata.get("tags", []))) for cell in cells]
    assert any(folded) and not all(folded)


def test_docstrings_are_taken_as_they_are_written(monkeypatch):
    """`code` is code, indented blocks stay, and no other character is markup."""
    monkeypatch.syspath_prepend(LESSONS)
    from docstrings import to_rst

    written = ["A* of `x` and y_: |a|.", "    1 * 2", "- one", "  more", "", "end"]
    block = ["", ".. code-block:: text", "", "    1 * 2", ""]
    rst = ["A\\* of ``x``\\  and y\\_: \\|a\\|.", *block, "- one", "  more", "", "end", ""]
    assert to_rst(written) == rst
