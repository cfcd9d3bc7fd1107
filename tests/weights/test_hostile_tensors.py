"""Descriptions of tensors that a file has no right to: outside of their storage, larger than it, or of nonsense."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.errors import MinissdError
from minissd.weights import read_weights

torch = pytest.importorskip("torch")

NUMEL = 24


class Storage:
    """Stands for a persistent id in a pickle."""

    def __init__(self, *identity):
        self.identity = identity


class Description:
    """Pickles as a call of a function of torch._utils."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.identity if isinstance(value, Storage) else None


def write(path, value, numbers):
    """An archive as torch.save makes it, with a pickle of our own."""
    content = io.BytesIO()
    Pickler(content, 2).dump(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content.getvalue())
        archive.writestr("archive/data/0", numbers.tobytes())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


STORAGE = "storage", torch.FloatStorage, "0", "cpu", NUMEL
NUMBERS = np.arange(NUMEL, dtype=np.float32)


def tensor(offset, shape, strides, storage=STORAGE):
    rest = False, OrderedDict()
    return Description(torch._utils._rebuild_tensor_v2, Storage(*storage), offset, shape, strides, *rest)


@given(st.data())
def test_no_tensor_reaches_out_of_its_storage(path, data):
    shape = tuple(data.draw(st.lists(st.integers(-1, 6), max_size=3)))
    strides = tuple(data.draw(st.integers(-1, 12)) for _ in shape)
    offset = data.draw(st.integers(-1, NUMEL + 1))
    write(path, {"w": tensor(offset, shape, strides)}, NUMBERS)
    try:
        found = read_weights(path).tensors["w"]
    except MinissdError:
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
        inside = min((offset, *shape, *strides)) >= 0 and (last < NUMEL or 0 in shape)
        assert not inside or np.prod(shape) > NUMEL  # more entries than numbers: refused as well
    else:
        assert found.shape == shape
        if found.size:
            expected = torch.as_strided(torch.from_numpy(NUMBERS), shape, strides, offset)
            np.testing.assert_array_equal(found, expected.numpy())


HUGE = 1 << 62
OUTSIDE = "reaches out of its storage"
OTHERWISE = "described as what it cannot be"
HOSTILE = {
    "an expanded tensor": (tensor(0, (1 << 20, 1 << 20), (0, 0)), OUTSIDE),
    "sizes that overflow": (tensor(0, (HUGE, HUGE), (1, 1)), OUTSIDE),
    "a stride that overflows": (tensor(0, (2,), (HUGE,)), OUTSIDE),
    "an offset that overflows": (tensor(1 << 70, (1,), (1,)), OUTSIDE),
    "fewer strides than sizes": (tensor(0, (2, 2), (1,)), OUTSIDE),
    "a size in words": (tensor(0, ("2",), (1,)), OUTSIDE),
    "a size that is true": (tensor(0, (True,), (1,)), OUTSIDE),
    "a fraction": (tensor(0.0, (2,), (1,)), OUTSIDE),
    "a storage that is a number": (
        Description(torch._utils._rebuild_tensor_v2, 5, 0, (1,), (1,), False, None),
        OUTSIDE,
    ),
    "a shape that is none": (tensor(0, None, None), "NoneType"),
    "too few arguments": (Description(torch._utils._rebuild_tensor_v2, Storage(*STORAGE)), "missing 3"),
    "a storage of another size": (tensor(0, (2,), (1,), (*STORAGE[:4], 1 << 40)), "two descriptions"),
    "a negative storage": (tensor(0, (0,), (1,), (*STORAGE[:2], "1", "cpu", -1)), OTHERWISE),
    "a part outside of its storage": (tensor(0, (2,), (1,), (*STORAGE, ("1", NUMEL - 1, 2))), OTHERWISE),
    "a storage that is not there": (
        tensor(0, (2,), (1,), (*STORAGE[:2], "../1", "cpu", NUMEL)),
        "lacks storage '../1'",
    ),
    "a storage of modules": (
        tensor(0, (2,), (1,), ("module", *STORAGE[1:])),
        "not the description of a storage",
    ),
    "a parameter without a tensor": (
        Description(torch._utils._rebuild_parameter, 5, True, None),
        "without a tensor",
    ),
    "more dimensions than arrays have": (tensor(0, (1,) * 100, (1,) * 100), "dimension"),
}


@pytest.mark.parametrize(("value", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_no_tensor_can_be(path, refused, value, why):
    write(path, {"sound": tensor(0, (NUMEL,), (1,)), "w": value}, NUMBERS)
    with refused(path, "damaged", why):
        read_weights(path)


@pytest.mark.parametrize("numel", [2, 1 << 40])
def test_a_storage_of_another_size_than_the_file_has(path, refused, numel):
    write(path, {"w": tensor(0, (2,), (1,), (*STORAGE[:4], numel))}, NUMBERS)
    with refused(path, "damaged", f"the storage of 'w' has {4 * NUMEL} bytes"):
        read_weights(path)


def test_a_stride_that_no_one_takes_may_be_anything(path):
    write(path, {"w": tensor(5, (1, 2), (1 << 70, 3))}, NUMBERS)
    np.testing.assert_array_equal(read_weights(path).tensors["w"], [[5, 8]])


def test_tensors_of_the_time_before_gradients_were_theirs(path):
    """`_rebuild_tensor` has four arguments; a storage could be a part of another."""
    storage = Storage(*STORAGE, ("1", 4, 10))
    write(path, {"w": Description(torch._utils._rebuild_tensor, storage, 1, (3, 3), (3, 1))}, NUMBERS)
    np.testing.assert_array_equal(read_weights(path).tensors["w"], NUMBERS[5:14].reshape(3, 3))


def test_a_dictionary_of_python_2(path):
    """There an OrderedDict was pickled as a call with a list of pairs."""
    pairs = [["w", tensor(0, (2,), (1,))]]
    write(path, Description(OrderedDict, pairs), NUMBERS)
    np.testing.assert_array_equal(read_weights(path).tensors["w"], [0, 1])


def test_a_structure_that_is_exponential_when_written_out(path, refused):
    nested = (1,)
    for _ in range(60):
        nested = (nested, nested)
    for hostile in (
        tensor(0, nested, nested),
        Description(OrderedDict, [[nested, 1]]),
        tensor(nested, (1,), (1,)),
    ):
        write(path, {"w": hostile}, NUMBERS)
        with refused(path, "damaged"):
            read_weights(path)


def test_a_compressed_archive_is_refused(path, refused):
    write(path, {"w": tensor(0, (2,), (1,))}, NUMBERS)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with refused(path, "compressed"):
        read_weights(path)


def test_another_zip_archive(path, refused):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", "no weights")
    with refused(path, "not one of torch.save"):
        read_weights(path)
