"""Files that hold no image: what they are by their first bytes, and what to do about each."""

from pathlib import Path

_HEIC_SUFFIXES = (".heic", ".heif")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_WEB_PAGE = "a web page, of a failed download perhaps: fetch the image again"
_TIFF = "a TIFF of a kind that Pillow does not know (its channels or their bits): convert it to 8 bits, RGB"
_STARTS = (  # how a file begins, in lower case -> what it is
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    (b"<!doctype html", _WEB_PAGE),
    (b"<html", _WEB_PAGE),
    (b"%pdf", "a PDF: save its pages as PNG"),
    (b"\0\0\0\x0cjp  ", "JPEG 2000: convert it to JPEG or PNG"),
    (b"ii*\0", _TIFF),
    (b"mm\0*", _TIFF),
)


def what_it_is(path, formats):
    """Of a file that Pillow cannot identify, what it is instead; else which `formats` are expected."""
    with open(path, "rb") as file:
        start = file.read(64).lower()
    if not start:
        return "it is empty: replace it or leave it out"
    brand = start[8:12] if start[4:8] == b"ftyp" else b""  # of HEIC, AVIF and videos
    if brand in _HEIC_BRANDS or Path(path).suffix.lower() in _HEIC_SUFFIXES:
        return "it is HEIC: convert it to JPEG"
    if brand == b"avif":
        return "it is AVIF: convert it to JPEG, or pip install -U pillow"
    known = next((what for beginning, what in _STARTS if start.startswith(beginning)), None)
    return f"it is {known}" if known else f"expected {', '.join(formats)}"
