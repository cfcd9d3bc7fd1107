"""Makes what is made from the lessons' sources.

    python lessons/build.py notebooks     lesson.ipynb beside each lesson.md
    python lessons/build.py site DIR      the course as web pages, every cell run

Needs `pip install 'minissd[site]'`.
"""

import argparse
import os
import tempfile
from pathlib import Path

import jupytext
import nbformat
from sphinx.cmd.build import build_main

LESSONS = Path(__file__).resolve().parent
HIDDEN = {"hide-input", "remove-cell"}  # tags of cells that draw or install


def sources():
    """The lesson.md of every lesson, in order."""
    return sorted(LESSONS.glob("[0-9][0-9]_*/lesson.md"))


def notebook_text(source):
    """The .ipynb of a lesson, without outputs.  The same source gives the same text."""
    notebook = jupytext.read(source)
    notebook.metadata.pop("jupytext", None)
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number}"  # they are random otherwise
        if HIDDEN & set(cell.metadata.get("tags", [])):
            cell.metadata["jupyter"] = {"source_hidden": True}  # JupyterLab folds the source, and shows what it draws
    return nbformat.writes(notebook) + "\n"


def write_notebooks():
    for source in sources():
        source.with_suffix(".ipynb").write_text(notebook_text(source), encoding="utf-8")


def build_site(folder, *, run=True):
    """The web pages in `folder`; returns Sphinx's exit status.  Warnings count as errors."""
    mode, forms = "force" if run else "off", Path(folder).resolve() / ".figures"
    options = ["-D", f"nb_execution_mode={mode}", "-D", f"figure_forms={forms}"]
    with tempfile.TemporaryDirectory() as profile:
        startup = Path(profile) / "profile_default/startup"
        for made in (forms, startup):
            made.mkdir(parents=True, exist_ok=True)
        code = f"import sys\nsys.path.insert(0, {str(LESSONS)!r})\nimport figures\nfigures.install({str(forms)!r})\n"
        (startup / "figures.py").write_text(code, encoding="utf-8")
        os.environ["IPYTHONDIR"] = profile  # of the kernels that run the lessons
        try:
            return build_main(["-q", "-W", "--keep-going", *options, str(LESSONS), str(folder)])
        finally:
            del os.environ["IPYTHONDIR"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("notebooks", help="lesson.ipynb beside each lesson.md")
    site = commands.add_parser("site", help="the course as web pages")
    site.add_argument("folder", metavar="DIR")
    wanted = parser.parse_args()
    if wanted.command == "notebooks":
        write_notebooks()
    else:
        raise SystemExit(build_site(wanted.folder))


if __name__ == "__main__":
    main()
