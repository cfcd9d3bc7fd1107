"""What is said of a set or of weights that can be had from the network."""

from collections.abc import Callable
from typing import NamedTuple


class RemoteFile(NamedTuple):
    """One file to download."""

    url: str
    size: int | None  # bytes, where known
    checksum: str | None  # "sha256:DIGITS" or "md5:DIGITS"; of SHA-256 perhaps only the first digits
    roughly: int = 0  # bytes, where the size is not known
    called: str = ""  # its name, where the address does not end with it
    by_hand: bool = False  # the address is that of a page for people, on which it is to be found

    @property
    def name(self) -> str:
        return self.called or self.url.rpartition("/")[2]


class Download(NamedTuple):
    """A set or a file of weights to be had from the network."""

    kind: str  # "data" or "weights"
    files: tuple[RemoteFile, ...]
    about: str
    licence: str
    command: str  # what uses it; PLACE stands for its name; "": nothing yet
    tree: str | None = None  # the folder that the archives unpack to together; None: the files are used as they are
    unpacked: int = 0  # bytes that the archives may unpack to, with room to spare
    convert: Callable | None = None  # (unpacked tree, new folder): makes of a tree what minissd reads
    model: str | None = None  # of weights: the detector that they are all of, where they are

    @property
    def size(self) -> int:
        """Bytes to download, as far as they are known."""
        return sum(file.size or file.roughly for file in self.files)

    @property
    def unchecked(self) -> "list[RemoteFile]":
        """The files that nobody published a checksum of."""
        return [file for file in self.files if file.checksum is None]
