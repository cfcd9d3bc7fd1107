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
    """One update of the model's parameters from one batch; returns the loss, its parts and the gradient's norm.

    A batch too large for the memory is worked off in `config.accumulate` parts, whose gradients add up to those of
    the batch (batch norm, though, sees a part at a time).  The one place where the host waits for the device is the
    reading of the loss.  With several `processes`, `batch` is the share of this one, loss and update are the batch's.
    moved: the batch on the model's device, if it is there already.  loss_scale: of a run in float16, the `LossScale`;
    a step whose gradients overflow then changes nothing but the scale.
    """
    rng = np.random.default_rng([config.seed, step, processes.rank])  # NumPy seeds (seed, step) and (.., 0) alike
    settings = {name: getattr(config, name) for name in model.loss_settings}
    size = model.loss_size(*batch.targets, **settings)
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
            # under no name, which would keep this part's gradients beside the sum during the whole of the next part
            _add(grads, of_trained(model, model.backward(d_outputs, cache, need_dx=False, spend=True)[1]))
        terms, grads, norm = processes.mean(terms, grads, 0 if batch.stand_in else size)
        xp = array_module(norm)
        norm, *numbers = to_numpy(xp.stack([norm, *terms.values(), *loss_scale.watch(grads, norm)])).tolist()
        if not np.isfinite(numbers).all():
            raise_not_finite(step + 1, model, parts, processes)
        count = len(terms)
        good, scale = loss_scale.settle(numbers[count:], grads, step + 1)
        if good:
            scale["norm"] = norm / scale.get("loss_scale", 1)
            clip_gradients(grads, scale["norm"], config.clip, step + 1)
            optimizer.step(grads)
    return dict(zip(terms, numbers[:count], strict=True)) | scale


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
