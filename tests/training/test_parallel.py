"""Several processes train as one would: started by mpiexec, on the CPU, networks without batch norm in float64."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import train_together
from mpi import needs_mpi, run
from plain_ssd import plain_ssd
from strict_cupy import count_syncs

from minissd.data import PRESETS, DetectionPreparation, Loader, ShapesDataset
from minissd.device import device_for, to_device
from minissd.training import ALONE, SGD, Processes, TrainConfig, join, load_checkpoint, read_log, train_step

WORKER = train_together.__file__


@needs_mpi
@pytest.mark.parametrize(
    ("count", "model", "batch", "images"),
    [
        (2, "ssd-plain", 8, 16),
        (4, "ssd-plain", 8, 16),
        (4, "ssd-plain-backgrounds", 4, 8),  # all but one of the images without an object: shares of background alone
        (4, "unet", 6, 12),  # shares of two and of one image
        (4, "ssd-plain", 8, 3),  # three images: the fourth process has none
    ],
)
def test_they_train_as_one_process_would(tmp_path, count, model, batch, images):
    status, _, err = run(count, WORKER, model, tmp_path, batch, images)
    assert status == 0, err
    alone, expected = train_together.run(model, batch, images)
    records = read_log(tmp_path / "run0" / "log.jsonl")
    assert len(records) == len(expected) >= 2
    for ours, theirs in zip(records, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - {"seconds"}:
            assert ours[name] == pytest.approx(theirs[name], rel=1e-9)
    params = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(count)]
    before = train_together.problem(model, images)[0].params
    for name, array in alone.params.items():
        np.testing.assert_allclose(params[0][name], array, rtol=1e-8, atol=1e-12)
        for other in params[1:]:
            np.testing.assert_array_equal(other[name], params[0][name])
    assert any(np.abs(array - before[name]).max() > 1e-3 for name, array in alone.params.items())
    assert {file.name for file in tmp_path.glob("run*")} == {"run0"}  # the others write nothing


@needs_mpi
def test_with_one_image_each_they_train_as_one_process_would_image_by_image(tmp_path):
    """Batch norm sees one value a channel on the last map: it takes its running statistics, and leaves them there."""
    status, _, err = run(2, WORKER, "ssd-tiny", tmp_path, 2, 4)
    assert status == 0, err
    alone, _ = train_together.run("ssd-tiny", 2, 4, accumulate=2)
    for rank in range(2):
        params = np.load(tmp_path / f"{rank}.npz")
        for name, array in alone.params.items():
            np.testing.assert_allclose(params[name], array, rtol=1e-7, atol=1e-10)
    kept = load_checkpoint(tmp_path / "run0" / "last.safetensors").model
    assert (kept.buffers["stage3.bn0.running_var"] == 1).all()
    assert (kept.buffers["stage2.bn0.running_var"] != 1).any()


@needs_mpi
@pytest.mark.parametrize("image", [0, 5])
def test_a_bug_on_one_process_ends_all(tmp_path, image):
    status, _, err = run(4, WORKER, "ssd-plain", tmp_path, 8, 8, image)
    assert status != 0
    assert err.count("ZeroDivisionError") == 1
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.parametrize(("images", "parts"), [(8, 3), (5, 2), (4, 4), (2, 3)])
def test_the_shares_of_a_batch_are_the_batch(shapes, images, parts):
    """The same images, varied the same way; who has none gets a stand-in."""
    model = plain_ssd(shapes)
    prepare = DetectionPreparation(model.targets, 64, PRESETS["ssd"])
    loader = {"dataset": ShapesDataset(images, size=64), "prepare": prepare, "batch_size": 8, "seed": 3}
    whole = next(Loader(**loader, workers=0).epoch(1))
    shares = [next(Loader(**loader, workers=2, part=(k, parts)).epoch(1)) for k in range(parts)]
    own = [share for share in shares if not share.stand_in]
    assert sum((share.ids for share in own), ()) == whole.ids
    np.testing.assert_array_equal(np.concatenate([share.images for share in own]), whole.images)
    for i, target in enumerate(whole.targets):
        np.testing.assert_array_equal(np.concatenate([share.targets[i] for share in own]), target)
    assert [share.stand_in for share in shares] == [k >= images for k in range(parts)]
    assert all(share.ids == whole.ids[:1] for share in shares if share.stand_in)


class Twin:
    """A communicator to another process that does exactly what this one does."""

    rank, size = 0, 2

    def __init__(self, memory_kinds=None):
        self.memory_kinds, self.summed = memory_kinds, []

    def Get_info(self):
        return {"mpi_memory_alloc_kinds": self.memory_kinds}

    def Allreduce(self, _, buffer):
        self.summed.append(type(buffer))
        buffer *= 2


@pytest.fixture
def mpi4py(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", SimpleNamespace(IN_PLACE=None))


def step_on(device, shapes, new_model, processes):
    """The losses and the model after one step on one batch, and the waits for the card."""
    model = new_model(dtype="float64", device=device)
    batch = next(Loader(shapes, DetectionPreparation(model.targets, 64), 4, workers=0).epoch(0))
    with count_syncs() as syncs:
        losses = train_step(model, SGD(model.params, 0.01), batch, TrainConfig(batch_size=4), 0, processes)
    return losses, model, syncs


@pytest.mark.parametrize("kinds", ["mpi,system", None, "system,cuda:device"])
def test_on_a_card(strict, mpi4py, monkeypatch, shapes, new_model, kinds):
    """Two twins learn what one of them would; the host waits for the numbers once, in whatever memory they are added.

    That MPI may read the card, all that was queued before has to be done: this is waited for, but nothing is moved."""
    waits = []
    stream = SimpleNamespace(synchronize=lambda: waits.append("stream"))
    monkeypatch.setattr(strict.cuda, "get_current_stream", lambda: stream, raising=False)
    world = Twin(kinds)
    losses, model, syncs = step_on("cuda", shapes, new_model, Processes(world))
    expected, alone, _ = step_on("cpu", shapes, new_model, ALONE)
    reads_cards = "cuda" in (kinds or "")
    assert world.summed == [strict.ndarray if reads_cards else np.ndarray]
    assert waits == ["stream"] * reads_cards
    assert syncs == ["get"]
    assert losses == pytest.approx(expected, rel=1e-9)
    for name, array in model.params.items():
        assert isinstance(array, strict.ndarray)
        np.testing.assert_allclose(strict.asnumpy(array), alone.params[name], rtol=1e-7, atol=1e-9)


def test_a_share_without_objects_has_no_say(mpi4py):
    """M_k = 0: such a loss is a sum over nothing, divided by 1."""
    terms, grads = {"loss": np.array(7.0)}, {"w": np.full((2, 3), 5.0)}
    together, shared, norm = Processes(Twin()).mean(terms, grads, 0)
    assert together == {"loss": 0} and not shared["w"].any() and norm == 0
    together, shared, norm = Processes(Twin()).mean(terms, grads, 3)
    assert together == {"loss": 7} and norm == pytest.approx(5 * 6**0.5)
    np.testing.assert_array_equal(shared["w"], grads["w"])
    assert shared["w"].shape == (2, 3)


def test_every_process_draws_dropout_of_its_own(mpi4py, shapes, new_model):
    drawn = []
    for rank in (0, 1):
        world = Twin()
        world.rank = rank
        model = new_model()
        forward = model.forward

        def spy(images, train, rng, forward=forward):
            drawn.append(rng.random())
            return forward(images, train, rng)

        model.forward = spy
        batch = next(Loader(shapes, DetectionPreparation(model.targets, 64), 4, workers=0).epoch(0))
        train_step(model, SGD(model.params, 0.01), batch, TrainConfig(batch_size=4), 5, Processes(world))
    assert drawn[0] == np.random.default_rng([0, 5]).random() != drawn[1]


def test_who_was_started_alone_is_alone(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # to import it would be an error
    assert join() is ALONE
    monkeypatch.setenv("PMI_SIZE", "1")
    assert join() is ALONE


@pytest.mark.parametrize(
    "variables", [("PMI_SIZE", "MPI_LOCALRANKID"), ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK")]
)
def test_without_mpi4py_one_process_of_a_machine_says_so(monkeypatch, refused, variables):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setenv(variables[0], "4")
    monkeypatch.setenv(variables[1], "0")
    with refused("4 processes", "pip install 'minissd[mpi]'"):
        join()
    monkeypatch.setenv(variables[1], "1")
    with pytest.raises(SystemExit) as stop:
        join()
    assert stop.value.code == 1


@pytest.mark.parametrize(("cards", "devices"), [(1, ["cuda"] * 3), (2, ["cuda:0", "cuda:1", "cuda:0"])])
def test_every_process_takes_the_next_card(strict, monkeypatch, cards, devices):
    monkeypatch.setattr(strict.cuda.runtime, "getDeviceCount", lambda: cards)
    assert [device_for("auto", place) for place in range(3)] == devices
    assert device_for("cpu", 1) == "cpu"
    assert device_for("cuda:0", 1) == "cuda:0"
    assert to_device(np.ones(2), devices[1]).shape == (2,)
