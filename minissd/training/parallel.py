"""Data parallelism: processes that mpiexec starts, on one machine or several, train one model together.

Each holds the whole model and processes its share of every batch.  The loss of a batch is a sum over its images,
divided by M: its matched boxes, its images, its pixels.  Process k knows M_k, that of its share, and g_k, the gradient
of its share's loss.  So with

    M = sum_k M_k        g = sum_k M_k g_k / M

one all-reduce of a flat buffer, the M_k g_k with M_k behind them, gives all of them the gradient of the whole batch.
They make the same update of the same parameters, and stay equal bit for bit.  Batch norm alone sees shares.

MPI is reached through mpi4py, which is imported only where a launcher's variables say that there are several processes.
"""

import os
import sys
from itertools import accumulate
from typing import Any
from zlib import crc32

import numpy as np
from threadpoolctl import ThreadpoolController

from minissd.device import Array, array_module, to_like, to_numpy, wait_for_device
from minissd.errors import MinissdError
from minissd.together import loaded_mpi
from minissd.training.optim import gradient_norm

# what launchers tell a process: how many there are, and its number among those of its machine
_LAUNCHERS = {
    "OMPI_COMM_WORLD_SIZE": "OMPI_COMM_WORLD_LOCAL_RANK",  # Open MPI
    "PMI_SIZE": "MPI_LOCALRANKID",  # MPICH, Intel MPI
    "SLURM_STEP_NUM_TASKS": "SLURM_LOCALID",  # srun
}


class Processes:
    """The processes that train together; `rank` is the number of this one, `size` how many there are.

    world: an mpi4py communicator; None for a process alone.  place: its number among those of its machine.
    """

    def __init__(self, world: Any = None, place: int = 0):
        self.world, self.place = world, place
        self.rank: int = 0 if world is None else world.rank
        self.size: int = 1 if world is None else world.size

    def mean(
        self, terms: dict[str, Array], grads: dict[str, Array], weight: int
    ) -> tuple[dict[str, Any], dict[str, Array], Any]:
        """(terms, grads, |grads|) of the whole batch, on every process, from those of the shares; the module says how.

        terms: name -> 0-d array; grads: name -> array; weight: M_k.  On a GPU the new gradients are there too; terms
        and norm are in host memory where the sum was made there, so that to read them takes no second wait.
        """
        if self.size == 1:
            return terms, grads, gradient_norm(grads)
        arrays = [*terms.values(), *grads.values()]
        xp = array_module(*arrays)
        flat = xp.concatenate([*(array.reshape(-1) for array in arrays), xp.ones(1, dtype=arrays[0].dtype)])
        flat *= weight  # (1) M_k times everything, and M_k itself
        total = self._sum(flat)
        total /= array_module(total).maximum(total[-1:], 1)  # (2) M = 0: nothing to learn, all sums are 0
        terms, summed = dict(zip(terms, total, strict=False)), total[len(terms) : -1]
        return terms, _unflatten(summed, grads), gradient_norm({"all": summed})

    def _sum(self, flat):
        """The sum of the buffers (n,) of all processes; in host memory if MPI cannot read that of a GPU."""
        if not isinstance(flat, np.ndarray) and self._reads_cards():
            wait_for_device(flat)
        else:
            flat = to_numpy(flat)
        self.world.Allreduce(loaded_mpi().IN_PLACE, flat)
        return flat

    def _reads_cards(self):
        """Whether MPI takes arrays on a GPU, as MPI 4.1 lets it say."""
        info = self.world.Get_info()
        return "cuda" in (info.get("mpi_memory_alloc_kinds") or "")

    def broadcast(self, arrays: dict[str, Array]) -> None:
        """Give the arrays (name -> array) on all processes the values that they have on process 0."""
        for array in arrays.values():
            values = np.array(to_numpy(array), order="C")
            self.world.Bcast(values)
            array[...] = to_like(values, array)

    def gather(self, value: Any) -> list[Any]:
        """[value of process 0, value of process 1, ...], on every process."""
        return [value] if self.size == 1 else self.world.allgather(value)


ALONE = Processes()


def join() -> Processes:
    """The processes that this one was started with; `ALONE` where it was started in the ordinary way.

    Those of one machine share its cores.  MinissdError, on one process of each machine, if they cannot find together;
    the others exit silently.
    """
    variables = next((names for names in _LAUNCHERS.items() if os.environ.get(names[0], "").isdecimal()), None)
    if variables is None or int(os.environ[variables[0]]) < 2:
        return ALONE
    count, place = int(os.environ[variables[0]]), os.environ.get(variables[1], "0")
    os.environ.setdefault("MPIR_CVAR_SUPPRESS_ABORT_MESSAGE", "1")  # of MPICH: we say ourselves what went wrong
    try:
        from mpi4py import MPI
    except ModuleNotFoundError:
        fault = "mpi4py is not installed: pip install 'minissd[mpi]'"
    except Exception as error:  # there is no MPI library, or one that mpi4py cannot use, or half an mpi4py
        reason = (str(error) or type(error).__name__).splitlines()[0]
        fault = f"mpi4py does not load ({reason}): install the MPI that this mpiexec belongs to, or pip install mpich"
    else:
        world = MPI.COMM_WORLD
        if world.size == count:
            machine = world.Split_type(MPI.COMM_TYPE_SHARED)
            _share_cores(machine)
            return Processes(world, machine.rank)
        fault = f"mpi4py finds {world.size} of them: it works with another MPI; start with the mpiexec of that one"
    if place != "0":
        sys.exit(1)
    raise MinissdError(f"training with {count} processes: {fault}")


def start_alike(processes, model, optimizer, data, step):
    """Let all processes begin with the parameters, statistics and momentum of process 0.

    MinissdError if one has other images or another step, as when a machine does not see the same folders.
    """
    if processes.size == 1:
        return
    seen = processes.gather((step, len(data), crc32("\n".join(data.ids).encode("utf-8", "surrogateescape"))))
    other = next((rank for rank, one in enumerate(seen) if one != seen[0]), None)
    if other is not None:
        raise MinissdError(
            f"process {other} has {seen[other][1]} images and is at step {seen[other][0]}, process 0 has "
            f"{seen[0][1]}, perhaps others, and is at step {seen[0][0]}: let all machines see the same folders"
        )
    for arrays in (model.params, model.buffers, optimizer.velocity):
        processes.broadcast(arrays)


def _share_cores(machine):
    """No more BLAS threads, and so threads of ours, than this process's share of the cores that its machine gives."""
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count()))
    share = max(1, len(set().union(*machine.allgather(own))) // machine.size)
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        library.set_num_threads(min(share, library.num_threads))


def _unflatten(flat, like):
    """Cut `flat` (n,) into arrays with the names and shapes of `like`, on its device."""
    flat = to_like(flat, next(iter(like.values())))
    ends = list(accumulate(array.size for array in like.values()))
    starts = [0, *ends[:-1]]
    return {name: flat[i:j].reshape(like[name].shape) for name, i, j in zip(like, starts, ends, strict=True)}
