"""Reading files of torch.save, in both formats, beside torch.load; and what such a file may try to make us do."""

import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.errors import MinissdError
from minissd.weights import read_weights

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, path):
    def write(value, **options):
        torch.save(value, path, _use_new_zipfile_serialization=request.param, **options)

    return write


def expect(path, tensors):
    found = read_weights(path).tensors
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        np.testing.assert_array_equal(found[name], expected)
        assert (found[name].dtype, found[name].shape) == (expected.dtype, expected.shape)


@given(st.data())
def test_every_dtype_and_every_view(save, path, data):
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
    tensor = (torch.randn(shape) * 9).to(getattr(torch, data.draw(st.sampled_from(DTYPES))))
    turned = tensor.permute(data.draw(st.permutations(range(len(shape)))))
    part = turned[data.draw(st.integers(0, turned.shape[0])) :: data.draw(st.integers(1, 3))] if shape else turned
    save({"whole": tensor, "turned": turned, "part": part})  # three tensors on one storage
    expect(path, {"whole": tensor, "turned": turned, "part": part})


def test_a_state_dict(save, path):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    save(module.state_dict())
    expect(path, module.state_dict())


@pytest.mark.parametrize("name", ["state_dict", "model", "model_state_dict"])
def test_a_state_dict_beside_an_optimiser(save, path, name):
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save(
        {
            "epoch": 3,
            "loss": 0.25,
            "best": None,
            name: module.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
    )
    expect(path, module.state_dict())


def test_parameters_instead_of_tensors(save, path):
    parameters = {"w": torch.nn.Parameter(torch.randn(3, 2))}
    save(parameters)
    expect(path, parameters)


def test_a_later_pickle_protocol(save, path):
    tensors = {"w": torch.randn(3)}
    save(tensors, pickle_protocol=4)
    expect(path, tensors)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], 5, {"state_dict": {"a": 1}}])
def test_a_file_without_tensors(save, path, refused, content):
    save(content)
    with refused(path, "no dictionary of tensors"):
        read_weights(path)


def test_a_whole_module_is_refused(save, path, refused):
    save(torch.nn.Linear(2, 2))
    with refused(path, "'torch.nn.modules.linear.Linear'", "state_dict"):
        read_weights(path)


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_refused_by_name_and_not_made(path, tmp_path, refused, protocol, save):
    trace = tmp_path / "trace"

    class Trap:
        def __reduce__(self):
            return os.system, (f"touch {trace}",)

    save({"w": torch.ones(2), "x": Trap()}, pickle_protocol=max(protocol, 2))
    with refused(path, f"{os.system.__module__}.system", "nothing from a file is run"):
        read_weights(path)
    path.write_bytes(pickle.dumps(Trap(), protocol))  # a plain pickle under the same suffix
    with refused(path, "not a file of torch.save"):
        read_weights(path)
    assert not trace.exists()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_program_is_refused(path, refused):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with refused(path, "TorchScript"):
        read_weights(path)


def test_the_other_byte_order(path, refused):
    torch.save({"w": torch.ones(3)}, path)
    rewrite(path, {"byteorder": b"big"})
    with refused(path, "big-endian"):
        read_weights(path)


@given(st.data())
def test_a_damaged_file(save, path, data):
    """Cut short, or bytes changed: a MinissdError of one line, or arrays of the shapes they had; nothing else."""
    save({"first": torch.ones(2, 3), "second": torch.ones(3)[::2]})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    harmless(path)


@given(st.data())
def test_a_damaged_pickle_behind_a_sound_checksum(path, data):
    torch.save({"first": torch.ones(2, 3), "second": torch.ones(3, dtype=torch.bfloat16)}, path)
    with zipfile.ZipFile(path) as archive:
        content = bytearray(archive.read("weights/data.pkl"))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    rewrite(path, {"data.pkl": bytes(content)})
    harmless(path)


@given(st.lists(st.sampled_from([*b"()]}.0abcdhijlopqrstu\x80\x85\x86\x87\x88\x89\x8a\x93\x94NQK"]), max_size=40))
def test_instructions_in_any_order(path, instructions):
    torch.save({"w": torch.ones(1)}, path)
    rewrite(path, {"data.pkl": b"\x80\x02" + bytes(instructions) + b"."})
    harmless(path)


def rewrite(path, changes, compression=zipfile.ZIP_STORED):
    """Replace entries of a zip archive of torch.save."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, changes.get(name.partition("/")[2], content))


def harmless(path):
    try:
        tensors = read_weights(path).tensors
    except MinissdError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert sum(array.size for array in tensors.values()) < 100
