"""Files of torch.save, `.pth` or `.pt`, in both of its formats, read without PyTorch and without running anything.

    since 1.6   a zip archive: NAME/data.pkl, the pickle, and NAME/data/KEY, the bytes of each storage, not compressed
    before      one after the other: pickles of a magic number, a version, facts about the machine, the object and the
                list of storage keys; then each storage, the count of its numbers (int64) before its bytes

The published weights of 2017 (ssd.pytorch) have the older one.  In an archive that `torch_writing.py` made,
NAME/minissd.json describes the network; PyTorch does not look at it.
"""

import io
import json
import struct
import zipfile

from minissd.errors import MinissdError
from minissd.weights.torch_pickle import unpickle
from minissd.weights.torch_tensors import Tensor, as_array, numbers

_MAGIC_NUMBER, _VERSION = 0x1950A86A20F9469CFC6C, 1001
DESCRIPTION = "minissd.json"
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which training scripts save a state_dict


def read_torch(path):
    """(name -> array, metadata if we wrote it) of the state_dict in a file.  Raises MinissdError, without the path."""
    with open(path, "rb") as file:
        start = file.read(4)
    return _read_zip(path) if start == b"PK\x03\x04" else (_read_legacy(path.read_bytes()), {})


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
        if "constants.pkl" in entries or any(name.startswith("code/") for name in entries):
            raise MinissdError(
                "a TorchScript archive, that is a program: load it in PyTorch and save its state_dict() with torch.save"
            )
        if "data.pkl" not in entries:
            raise MinissdError("a zip archive, but not one of torch.save: give a file that torch.save wrote")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise MinissdError("compressed, which torch.save never does: use the original file")
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise MinissdError("says that it holds more bytes than it has: use another file")
        _check_byte_order("byteorder" not in entries or archive.read(entries["byteorder"]) == b"little")
        value, _ = unpickle(io.BytesIO(archive.read(entries["data.pkl"])))

        def read_storage(storage):
            entry = entries.get(f"data/{storage.key}")
            if entry is None:
                raise MinissdError(f"damaged (it lacks storage {storage.key[:20]!r}): use another file")
            return archive.read(entry)

        metadata = _metadata(archive.read(entries[DESCRIPTION])) if DESCRIPTION in entries else {}
        return _arrays(_state_dict(value), read_storage), metadata


def _metadata(text):
    """Names and texts, as safetensors has them."""
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        metadata = None
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise MinissdError("its description is damaged: use another file")
    return metadata


def _read_legacy(content):
    file = io.BytesIO(content)
    try:
        magic_number, _ = unpickle(file)
    except MinissdError:
        magic_number = None
    if magic_number != _MAGIC_NUMBER:
        raise MinissdError("not a file of torch.save, or a damaged one: give a file that torch.save wrote")
    (version, _), (machine, _) = unpickle(file), unpickle(file)
    if version != _VERSION or type(machine) is not dict:
        raise MinissdError("written in a format of torch.save that is not known here: save it anew with PyTorch")
    _check_byte_order(machine.get("little_endian") is True)
    (value, storages), (keys, _) = unpickle(file), unpickle(file)
    if type(keys) is not list or any(type(key) is not str for key in keys) or sorted(keys) != sorted(storages):
        raise MinissdError("damaged (its list of storages is another one): use another file")

    view = memoryview(content)
    begin, raw = file.tell(), {}
    for storage in (storages[key] for key in keys):
        end = begin + 8 + storage.nbytes
        if end > len(content) or struct.unpack_from("<q", content, begin) != (storage.numel,):
            raise MinissdError("damaged or cut short (a storage is not as described): fetch it again")
        raw[storage.key] = view[begin + 8 : end]
        begin = end
    return _arrays(_state_dict(value), lambda storage: raw[storage.key])


def _check_byte_order(little):
    if not little:
        raise MinissdError("written on a big-endian machine, and only little-endian files are read: save it elsewhere")


def _state_dict(value):
    """name -> Tensor: the object itself, or what it has under one of the usual names."""
    if type(value) is dict:
        for candidate in (value, *(value.get(name) for name in _WRAPPERS)):
            if type(candidate) is dict:
                tensors = {name: tensor for name, tensor in candidate.items() if isinstance(tensor, Tensor)}
                if tensors:
                    return {str(name): tensor for name, tensor in tensors.items()}
    raise MinissdError("holds no dictionary of tensors: save a state_dict() with torch.save")


def _arrays(tensors, read_storage):
    """name -> array; each storage is read once, those of an optimiser beside the state_dict never."""
    values, arrays = {}, {}
    for name, tensor in tensors.items():
        storage = tensor.storage
        if storage.key not in values:
            raw = read_storage(storage)
            if len(raw) != storage.nbytes:
                raise MinissdError(f"damaged (the storage of {name[:60]!r} has {len(raw)} bytes): use another file")
            values[storage.key] = numbers(storage, raw)
        arrays[name] = as_array(tensor, values[storage.key])
    return arrays
