"""The wheel that a handout brings along: this package, without what a handout leaves out, built without a network.

A wheel is a zip archive of the package's files and of a folder that describes it.  That description comes from the
installed package, or from `pyproject.toml` of a clone.
"""

import base64
import hashlib
import io
import re
import tomllib
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from minissd.course.shelf import PACKAGE
from minissd.errors import MinissdError

NAME = "minissd"
LEFT_OUT = ("__pycache__", "lessons")  # of the package; the lessons are those of the handout


def write_wheel(folder, lessons):
    """Writes the wheel into `folder`, the lessons of the handout at `lessons` in it; returns its path.

    MinissdError if nothing on this machine describes the package.
    """
    metadata, entry_points = _description()
    version = re.search(r"^Version: (.+)$", metadata, re.MULTILINE)[1].strip()
    about = f"{NAME}-{version}.dist-info"
    files = {f"{NAME}/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in _files(PACKAGE, LEFT_OUT)}
    files |= {f"{NAME}/lessons/{path.relative_to(lessons).as_posix()}": path.read_bytes() for path in _files(lessons)}
    files[f"{about}/METADATA"] = metadata.encode()
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: minissd\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{about}/entry_points.txt"] = entry_points.encode()
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    target = Path(folder) / f"{NAME}-{version}-py3-none-any.whl"
    target.write_bytes(_archive(files))
    return target


def _files(folder, left_out=()):
    paths = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return [path for path in paths if not {"__pycache__", *left_out} & set(path.relative_to(folder).parts[:-1])]


def _archive(files):
    """The same bytes for the same files, whenever it is written."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def _digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _description():
    """(METADATA, entry_points.txt) of the package that runs."""
    project = PACKAGE.parent / "pyproject.toml"
    if project.exists():
        return _of_a_clone(project)
    try:
        found: Distribution = distribution(NAME)
    except PackageNotFoundError:
        raise MinissdError(
            f"a handout brings {NAME} with it, and nothing here describes that package: "
            "install it with pip, or export from a complete clone"
        ) from None
    return found.read_text("METADATA") or "", found.read_text("entry_points.txt") or ""


def _of_a_clone(path):
    """The same from pyproject.toml: name, version, what it needs, its command."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {project['version']}"]
    lines += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {need}" for need in project["dependencies"]]
    for extra, needs in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        for need in needs:
            what, _, where = need.partition(";")
            condition = f"({where.strip()}) and extra == '{extra}'" if where else f"extra == '{extra}'"
            lines.append(f"Requires-Dist: {what.strip()} ; {condition}")
    scripts = [f"{name} = {place}" for name, place in project["scripts"].items()]
    return "\n".join([*lines, ""]), "\n".join(["[console_scripts]", *scripts, ""])
