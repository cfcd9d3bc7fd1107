"""Reading .npz: what NumPy wrote, and nothing that would run or take all memory."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd.errors import MinissdError
from minissd.weights import npz, read_weights

DTYPES = st.sampled_from(["<f4", "<f8", "<f2", ">f4", "<i8", "|u1", "|b1"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def header(shape, descr="<f4", order=False):
    """The start of a .npy file of version 1 that promises `shape`."""
    text = repr({"descr": descr, "fortran_order": order, "shape": shape})[:-1] + ", }\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def write(path, **entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)


@given(st.data(), st.sampled_from([np.savez, np.savez_compressed]))
def test_what_numpy_writes(path, data, save):
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
    a = data.draw(arrays(data.draw(DTYPES), shape))
    written = {"c": a, "fortran": np.asfortranarray(a), "turned": a[..., None].T}
    save(path, **written)
    found = read_weights(path).tensors
    for name, expected in written.items():
        np.testing.assert_array_equal(found[name], expected)
        assert (found[name].dtype, found[name].shape) == (expected.dtype, expected.shape)


def test_objects_are_refused(path, refused):
    np.savez(path, a=np.array([{"an": "object"}], dtype=object))
    with refused(path, "'a.npy'", "objects are not read"):
        read_weights(path)


@pytest.mark.parametrize("descr", ["|O", "<U3", "<M8[s]", "<c8", "nonsense", [("x", "<f4")]])
def test_what_is_no_number(path, refused, descr):
    write(path, a=header((1,), descr) + bytes(12))
    with refused(path, "no plain array of numbers"):
        read_weights(path)


@pytest.mark.parametrize("shape", [(3,), (1 << 40,), (1 << 40, 1 << 40), (0,), (2, 0, 1 << 70)])
def test_a_header_that_promises_other_than_there_is(path, refused, shape):
    write(path, a=header(shape) + bytes(8))
    with refused(path, "'a.npy' holds 8 bytes"):
        read_weights(path)


def test_an_empty_array_of_impossible_shape(path):
    write(path, a=header((0, 1 << 70)))
    with pytest.raises(MinissdError, match=r"weights\.npz: damaged"):
        read_weights(path)


def test_a_file_that_unpacks_without_end(path, refused, monkeypatch):
    monkeypatch.setattr(npz, "LARGEST_CONTENT", 1 << 20)
    write(path, a=header((1 << 19,)) + bytes(1 << 21))
    assert path.stat().st_size < 5000
    with refused(path, "unpacks to"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\xff\xff{", b"x" * 99])
def test_an_entry_that_is_no_array(path, content):
    write(path, a=content)
    with pytest.raises(MinissdError, match=r"weights\.npz"):
        read_weights(path)


@given(st.data())
def test_a_damaged_file(path, data):
    """Cut short or changed anywhere: a MinissdError of one line, or arrays that were not hit; nothing else."""
    sound = io.BytesIO()
    np.savez(sound, a=np.arange(6.0), b=np.ones((2, 3), np.float32))
    content = bytearray(sound.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read_weights(path)
    except MinissdError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
