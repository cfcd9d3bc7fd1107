"""XML files as labelling tools write them -> their elements: any encoding that they declare, no namespaces."""

import codecs
import re
from xml.etree import ElementTree

import defusedxml
from defusedxml.ElementTree import fromstring as parse_warily

from minissd.errors import MinissdError

_MARKS = {  # at the start of a file
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']""")
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}  # what files hold that say the first
_BARE_AMPERSAND = re.compile(r"&(?!#?\w+;)")


def read_xml(path):
    """The root element of an XML file.

    Raises MinissdError naming the file if it is missing, empty, broken, not in the encoding that it declares, or
    defines entities (a few lines of which can grow to gigabytes).
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise MinissdError(f"annotation {path} cannot be read ({error.strerror or error})") from None
    if not data.strip():
        raise MinissdError(f"annotation {path} is empty, so no well-formed XML: write it anew or remove it")
    text = _decode(data, path)
    try:
        # Entities are defined in a DOCTYPE alone; without one the parser in C will do, which is several times faster.
        root = parse_warily(text) if "<!DOCTYPE" in text else ElementTree.fromstring(text)
    except defusedxml.DefusedXmlException:
        raise MinissdError(f"annotation {path} defines XML entities, a danger: remove them") from None
    except (ElementTree.ParseError, ValueError) as error:
        hint = ", a bare & is written &amp;" if _BARE_AMPERSAND.search(text) else ""
        raise MinissdError(f"annotation {path} is no well-formed XML ({error}): repair it{hint}") from None
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root


def child_text(element, tag):
    """The text of a child on one line, "" if there is none.  (A child: <part>s have a <name> too.)"""
    return " ".join((element.findtext(tag) or "").split())


def _decode(data, path):
    """The text of an XML file, by the mark at its start or the encoding that it declares, UTF-8 if neither."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if encoding is None:
        declared = _DECLARED.match(data)
        encoding = declared[1].decode().lower() if declared else "utf-8"
        if encoding.startswith("utf-16"):
            encoding = "utf-8"  # two bytes a character it cannot be, though .NET says so of what it saves as UTF-8
    try:
        text = data.decode(_SUPERSETS.get(encoding, encoding))
    except (UnicodeError, LookupError):
        raise MinissdError(
            f"annotation {path} is no well-formed XML: it is not in {encoding.upper()} as it "
            f"{'says' if _DECLARED.match(data) else 'should be'}; save it as UTF-8"
        ) from None
    return text.lstrip("\ufeff \t\r\n\0")
