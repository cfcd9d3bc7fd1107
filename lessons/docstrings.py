"""From the package's docstrings, which are plain text with `code` and indented blocks, to reStructuredText."""

import inspect
import re

_BULLET = re.compile(r"- ")
_FIELD = re.compile(r"    \w+(: .+| = .+)")


def process(_app, what, _name, thing, _options, lines):
    """autodoc-process-docstring: rewrites `lines` in place; of records, the fields with their comments are added."""
    text = to_rst(lines)
    if what == "class" and (hasattr(thing, "_fields") or hasattr(thing, "__dataclass_fields__")):
        text += _literal(_fields_of(thing), "python")
    lines[:] = text


def skip(_app, _what, _name, thing, skipped, _options):
    """autodoc-skip-member: fields of records are shown with their class."""
    return True if (inspect.getdoc(thing) or "").startswith("Alias for field number") else skipped


def to_rst(lines):
    """Lines of a docstring -> lines of reStructuredText: indented blocks stay as they are written."""
    rst, block, in_bullet = [], [], False
    for line in [*lines, ""]:
        if line.startswith(" ") and not in_bullet:
            block.append(line)
            continue
        if block and line.strip():
            rst += _literal(block)
            block = []
        elif block:
            block.append("")
            continue
        in_bullet = bool(_BULLET.match(line)) or (in_bullet and line.startswith(" "))
        rst.append(_escaped(line))
    return rst + (_literal(block) if block else [])


def _literal(block, language="text"):
    """A block that is shown as it is written."""
    lines = inspect.cleandoc("\n" + "\n".join(block)).split("\n")
    return ["", f".. code-block:: {language}", "", *("    " + line for line in lines), ""]


def _escaped(line):
    """A line in which only `code` is markup."""
    parts = re.split(r"`([^`]+)`", line)
    parts[0::2] = [re.sub(r"([\\*_|`])", r"\\\1", part) for part in parts[0::2]]
    parts[1::2] = [f"``{part}``\\ " for part in parts[1::2]]
    return "".join(parts)


def _fields_of(record):
    """The lines of a class that declare its fields."""
    try:
        source = inspect.getsource(record)
    except (OSError, TypeError):
        return []
    return [line for line in source.split("\n") if _FIELD.match(line)]
