"""Text files as people have them: UTF-8 with or without a mark at its start, or UTF-16 as Windows writes it; and names
that a person separates by commas."""

import csv
import io
import json

from minissd.errors import MinissdError


def read_text(path, what="file"):
    """The text in a file, without a mark at its start.

    Raises MinissdError naming the file if it cannot be read, or is neither UTF-8 nor UTF-16 or UTF-32.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise MinissdError(f"{what} {path} cannot be read ({error.strerror or error})") from None
    encoding = json.detect_encoding(data)  # by the mark, or by where the zero bytes of the first characters are
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise MinissdError(f"{what} {path} is no {encoding.removesuffix('-sig').upper()}: save it as UTF-8") from None


def split_at_commas(text):
    """["person", "dog"] from "person, dog", ["bolt, hex", "nut"] from '"bolt, hex",nut'."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in names if name.strip()]


def join_by_commas(names):
    """What `split_at_commas` makes these names of."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue()
