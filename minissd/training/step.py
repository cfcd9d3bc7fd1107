"""One step of training: batch, forward, loss, backward, update."""

from itertools import pairwise

import numpy as np

from minissd.data import Batch
from minissd.device import Array, array_module, to_device, to_numpy
from minissd.engine.products import precision
from minissd.models import Network
from minissd.models.freezing import of_trained
from minissd.training.config import TrainConfig
from minissd.training.finite import raise_not_finite
from minissd.training.loss_scale import UNSCALED, LossScale, Unscaled
from minissd.training.optim import SGD, clip_gradients
from minissd.training.parallel import ALONE, Processes


def train_step(
    model: Network,
    optimizer: SGD,
    batch: Batch,
    config: TrainConfig,
    step: int,
    processes: Processes = ALONE,
    moved: Batch | None = None,
    loss_scale: LossScale | Unscaled = UNSCALED,
) -> dict[str, float]:
    """One update of the model's parameters from one batch; returns {name: number} for the log.

    Those are the loss, its parts and "norm", of the gradient; in float16 also "loss_scale", and no norm of a step that
    was skipped since its gradients overflowed.

    A batch too large for the memory is processed in `config.accumulate` parts.  Each divides its loss by what the
    whole batch is divided by, so their gradients add up to those of the batch (batch norm, though, sees a part at a
    time).  The host waits for the device once, to read the loss; several `processes` also wait for each other.
    `batch` is then the share of this one, and loss and update are those of the whole batch.  moved: the batch on the
    model's device, if it is there already.  loss_scale: of a run in float16, the `LossScale`.
    """
    rng = np.random.default_rng([config.seed, step, processes.rank])  # rank 0 draws as a single process does
    settings = {name: getattr(config, name) for name in model.loss_settings}
    size = model.loss_size(*batch.targets, **settings)  # what the loss is divided by: of an SSD, its matched boxes
    terms: dict[str, Array] = {}
    grads: dict[str, Array] = {}
    parts = split_batch(moved or batch, config.accumulate)
    silent = np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite is reported below
    with silent, precision(config.precision):
        for part in parts:
            images, *targets = (to_device(array, model.device) for array in (part.images, *part.targets))
            outputs, cache = model.forward(images, train=True, rng=rng)
            part_terms, loss_cache = model.loss(outputs, targets[0] if len(targets) == 1 else targets, size, **settings)
            d_outputs = loss_scale.magnify(model.loss_backward(loss_cache))
            _add(terms, part_terms)
            # spend: each layer's cache is freed as it is used
            _, part_grads = model.backward(d_outputs, cache, need_dx=False, spend=True)
            _add(grads, of_trained(model, part_grads))
            del part_grads  # or they would lie beside the sum while the next part is computed
        terms, grads, norm = processes.mean(terms, grads, 0 if batch.stand_in else size)
        xp = array_module(norm)
        norm, *numbers = to_numpy(xp.stack([norm, *terms.values(), *loss_scale.watch(grads, norm)])).tolist()
        if not np.isfinite(numbers).all():
            raise_not_finite(step + 1, model, parts, processes)
        count = len(terms)
        finite, entries = loss_scale.settle(numbers[count:], grads, step + 1)
        if finite:
            entries["norm"] = norm / entries.get("loss_scale", 1)
            clip_gradients(grads, entries["norm"], config.clip, step + 1)
            optimizer.step(grads)
    return dict(zip(terms, numbers[:count], strict=True)) | entries


def split_batch(batch, count):
    """A batch in at most `count` parts of nearly equal size, as views."""
    edges = sorted({len(batch.ids) * i // count for i in range(count + 1)})
    return [
        Batch(batch.ids[i:j], batch.images[i:j], tuple(target[i:j] for target in batch.targets))
        for i, j in pairwise(edges)
    ]


def _add(total, part):
    """total[name] += part[name] for every name, in place where there is something already."""
    for name, array in part.items():
        if name in total:
            total[name] += array
        else:
            total[name] = array
