"""Unpacking archives from elsewhere: nothing outside of the folder, no links out of it, no more than stated."""

import errno
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath, PureWindowsPath

_BLOCK = 1 << 20
_PATHS = (PurePosixPath, PureWindowsPath)
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)
# What the system says of names that cannot be: a file that is also a folder, one too long, a place before the file.
_IMPOSSIBLE = (
    *(errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP),
    errno.ENOENT,
)
_UNKNOWN = (RuntimeError, NotImplementedError)  # zipfile's words for encrypted members and unknown methods


class BadArchive(Exception):
    """An archive that is damaged, or that holds what it must not; the message is one line."""


def unpack(path, folder, limit):
    """Unpacks a tar (perhaps compressed) or zip file into a folder -> the bytes that came out.

    Raises BadArchive if it is none or damaged, if it would come to more than `limit` bytes, and for a member
    with an absolute path, with `..` in its path, or that is a device or a link to the outside; what came before
    that member is unpacked by then.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _unpack_zip(archive, folder, limit)
        with tarfile.open(path, "r:*") as archive:
            return _unpack_tar(archive, folder, limit)
    except (*_DAMAGE, *_UNKNOWN, ValueError, KeyError) as error:  # the last: a link to a member that is not there
        raise BadArchive(" ".join(str(error).split()) or type(error).__name__) from None
    except OSError as error:
        if error.errno not in _IMPOSSIBLE and error.errno is not None:  # a full disk is not the archive's fault
            raise
        raise BadArchive(" ".join((error.strerror or str(error)).split())) from None


def _unpack_tar(archive, folder, limit):
    total = 0
    for member in archive:
        total = _add(total, member.size, limit)
        archive.extract(member, folder, filter="data")
    left = limit + _BLOCK
    while left > 0 and archive.fileobj.read(_BLOCK):  # padding; behind it, in a compressed file, is the checksum
        left -= _BLOCK
    return total


def _unpack_zip(archive, folder, limit):
    total = 0
    for member in archive.infolist():
        if any(kind(member.filename).anchor or ".." in kind(member.filename).parts for kind in _PATHS):
            raise BadArchive(f"{member.filename!r} would be unpacked outside of the folder")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise BadArchive(f"{member.filename!r} is a link")
        total = _add(total, member.file_size, limit)  # and zipfile reads no more than this of a member
        archive.extract(member, folder)
    return total


def _add(total, size, limit):
    if total + size > limit:
        raise BadArchive(f"it would unpack to more than {limit:,} bytes")
    return total + size
