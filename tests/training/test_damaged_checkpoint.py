"""load_checkpoint on files that are no checkpoint, or no longer one: one line that names the file."""

import json
import pickle
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from minissd.errors import MinissdError
from minissd.training import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def content(tmp_path_factory, new_model):
    """The bytes of a sound checkpoint."""
    path = tmp_path_factory.mktemp("sound") / "last.safetensors"
    model = new_model()
    velocity = {name: np.ones_like(array) for name, array in model.params.items()}
    save_checkpoint(path, model, velocity=velocity, step=4, settings={"best_mAP": 0.5})
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last.safetensors"


def rewritten(content, path, *, metadata=None, tensors=None):
    """A copy of the checkpoint with entries changed; None takes an entry away."""
    path.write_bytes(content)
    with safetensors.safe_open(path, framework="numpy") as file:
        described, stored = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    described = {key: value for key, value in (described | (metadata or {})).items() if value is not None}
    stored = {name: tensor for name, tensor in (stored | (tensors or {})).items() if tensor is not None}
    path.write_bytes(safetensors.numpy.save(stored, described))


def test_the_copy_itself_is_sound(content, path):
    rewritten(content, path)
    assert load_checkpoint(path).step == 4


@given(st.data())
def test_a_file_cut_short_anywhere(content, path, data):
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(MinissdError) as raised:
        load_checkpoint(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=200))
def test_any_bytes(path, content):
    path.write_bytes(content)
    with pytest.raises(MinissdError, match=r"last\.safetensors"):
        load_checkpoint(path)


@given(st.data())
def test_a_damaged_header_is_refused_or_harmless(content, path, data):
    """One byte of the description changed: a MinissdError, or a checkpoint that still loads; nothing else."""
    (header,) = struct.unpack("<Q", content[:8])
    at = data.draw(st.integers(0, 8 + min(header, 1000) - 1))
    byte = data.draw(st.integers(0, 255))
    path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
    try:
        load_checkpoint(path)
    except MinissdError as error:
        message = str(error)
    else:
        return
    assert str(path) in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["missing.safetensors", "no/such/folder/last.safetensors"])
def test_a_missing_file(tmp_path, refused, name):
    with refused(tmp_path / name, "no such checkpoint", "minissd train"):
        load_checkpoint(tmp_path / name)


def test_a_folder(tmp_path, refused):
    with refused(tmp_path, "is a folder"):
        load_checkpoint(tmp_path)


def test_tensors_of_something_else(path, refused):
    path.write_bytes(safetensors.numpy.save({"weight": np.ones(3, np.float32)}))
    with refused(path, "no minissd checkpoint"):
        load_checkpoint(path)


def test_a_pickle_is_not_opened(tmp_path, path, refused):
    """torch.save writes pickles, which run what they contain: this one would leave a trace."""
    trace = tmp_path / "trace"

    class Trap:
        def __reduce__(self):
            return open, (str(trace), "w")

    path.write_bytes(pickle.dumps(Trap()))
    with refused(path, "not a checkpoint"):
        load_checkpoint(path)
    assert not trace.exists()


DAMAGED = "its description is damaged"
METADATA = {
    "no format": ({"format": None}, "no minissd checkpoint"),
    "a later format": ({"format": "minissd checkpoint 2"}, "no minissd checkpoint"),
    "no model": ({"model": None}, DAMAGED),
    "an unknown model": ({"model": "ssd-huge"}, "'ssd-huge' is not known"),
    "no classes": ({"classes": None}, DAMAGED),
    "classes that are no JSON": ({"classes": "['a'"}, DAMAGED),
    "an empty list of classes": ({"classes": "[]"}, "at least one class"),
    "classes that are one word": ({"classes": '"abcde"'}, DAMAGED),
    "classes that are numbers": ({"classes": "[1, 2, 3, 4, 5]"}, DAMAGED),
    "no step": ({"step": None}, DAMAGED),
    "a step that is no number": ({"step": "four"}, DAMAGED),
    "a negative step": ({"step": "-4"}, DAMAGED),
    "no settings": ({"settings": None}, DAMAGED),
    "settings that are a list": ({"settings": "[]"}, DAMAGED),
    "images that are a number": ({"settings": '{"images": 5}'}, DAMAGED),
    "a config that is a list": ({"settings": '{"config": []}'}, DAMAGED),
    "a best score that is a word": ({"settings": '{"best": "0.9"}'}, DAMAGED),
    "thresholds that are a list": ({"thresholds": "[0.5]"}, DAMAGED),
    "a threshold that is a word": ({"thresholds": '{"a": "0.5"}'}, DAMAGED),
    "a threshold of another class": ({"thresholds": '{"z": 0.5}'}, DAMAGED),
    "no options": ({"options": None}, DAMAGED),
    "options that are a list": ({"options": "[64]"}, DAMAGED),
    "no input size": ({"options": '{"dtype": "float32"}'}, DAMAGED),
    "an input size in words": ({"options": '{"input_size": "64", "dtype": "float32"}'}, DAMAGED),
    "an input size of 0": ({"options": '{"input_size": 0, "dtype": "float32"}'}, "input size 0"),
    "an input size without end": (
        {"options": '{"input_size": 1000000000, "dtype": "float32"}'},
        "input size 10000",
    ),
    "a fraction as input size": ({"options": '{"input_size": 64.5, "dtype": "float32"}'}, DAMAGED),
    "an unknown option": ({"options": '{"input_size": 64, "dtype": "float32", "depth": 3}'}, "no option depth"),
    "a seed": ({"options": '{"input_size": 64, "dtype": "float32", "seed": 3}'}, DAMAGED),
    "no dtype": ({"options": '{"input_size": 64}'}, DAMAGED),
    "an unknown dtype": ({"options": '{"input_size": 64, "dtype": "float33"}'}, DAMAGED),
    "whole numbers": ({"options": '{"input_size": 64, "dtype": "int32"}'}, DAMAGED),
    "another dtype than the tensors": ({"options": '{"input_size": 64, "dtype": "float64"}'}, "float32"),
    "fewer classes than the tensors": ({"classes": '["a"]'}, "head0.logits"),
}


@pytest.mark.parametrize(("metadata", "part"), METADATA.values(), ids=METADATA)
def test_a_wrong_description(content, path, refused, metadata, part):
    rewritten(content, path, metadata=metadata)
    with refused(path, part):
        load_checkpoint(path)


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


TENSORS = {
    "a parameter is missing": {"params/head0.logits.b": None},
    "a parameter too many": {"params/head9.logits.b": ones(3)},
    "a parameter of another shape": {"params/stage0.conv0.w": ones(3, 3, 3, 17)},
    "a shape that would broadcast": {"params/stage0.bn0.gamma": ones(1)},
    "a parameter of whole numbers": {"params/stage0.bn0.gamma": ones(16, dtype=np.int64)},
    "a buffer is missing": {"buffers/stage0.bn0.running_mean": None},
    "a buffer of another shape": {"buffers/stage0.bn0.running_mean": ones(4, 4)},
    "some momentum is missing": {"velocity/stage0.conv0.w": None},
    "momentum of another shape": {"velocity/stage0.bn0.gamma": ones(1)},
    "momentum of another dtype": {"velocity/stage0.bn0.gamma": ones(16, dtype=np.float64)},
}


@pytest.mark.parametrize("tensors", TENSORS.values(), ids=TENSORS)
def test_tensors_that_do_not_fit(content, path, refused, tensors):
    rewritten(content, path, tensors=tensors)
    kind, name = next(iter(tensors)).split("/")
    with refused(path, kind, name):
        load_checkpoint(path)


def test_numbers_that_numpy_does_not_know(content, path, refused):
    """bfloat16, which safetensors has and NumPy has not."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    entry = {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}
    header = json.dumps({"__metadata__": metadata, "params/a": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
    with refused(path, "bfloat16"):
        load_checkpoint(path)


def test_a_missing_card_is_not_blamed_on_the_file(content, path, refused):
    path.write_bytes(content)
    with refused("device 'gpu' is not known"):
        load_checkpoint(path, device="gpu")
