"""The other side of the benchmarks on a GPU: eager PyTorch with cuDNN, channels_last, in the same precision."""

from contextlib import contextmanager

import torch

from minissd.bench.torch_peer import Inference as InferenceOnHost
from minissd.bench.torch_peer import TrainingStep as TrainingStepOnHost
from minissd.bench.torch_peer import multibox_loss

DEVICE = "cuda"
FORMAT = "channels_last"


def usable():
    return DEVICE == "cpu" or torch.cuda.is_available()


@contextmanager
def rules(precision):
    """How exact the products may be; cuDNN tries its algorithms out, since the shapes stay the same."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    try:
        with torch.autocast(DEVICE, dtype=torch.float16, enabled=precision == "fp16"):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before[:2]
        torch.backends.cudnn.benchmark = before[2]


class Inference(InferenceOnHost):
    """A detector of ours, whose arrays are in host memory; images (N, S, S, 3) uint8 lie on the GPU."""

    def __init__(self, model, images, precision):
        super().__init__(model, images, FORMAT)
        self.module, self.x, self.precision = self.module.to(DEVICE), self.x.to(DEVICE), precision

    def __call__(self):
        with rules(self.precision):
            super().__call__()

    def results(self):
        offsets, logits = (output.float().cpu().numpy() for output in self.outputs)
        return {"offsets": offsets, "logits": logits}


class TrainingStep(TrainingStepOnHost):
    """One step on a batch that lies on the GPU; a call returns the loss."""

    def __init__(self, model, batch, config, precision):
        super().__init__(model, batch, config, FORMAT)
        self.twin.to(DEVICE)  # its parameters stay the objects that the optimiser knows
        self.images, self.targets = self.images.to(DEVICE), tuple(target.to(DEVICE) for target in self.targets)
        self.precision = precision
        self.scaler = torch.amp.GradScaler(DEVICE, enabled=precision == "fp16")

    def __call__(self):
        self.optimizer.zero_grad()
        with rules(self.precision):
            offsets, logits = self.twin(self.images)
            loss = multibox_loss(offsets.float(), logits.float(), *self.targets)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.twin.parameters(), self.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item()


def forget_memory():
    """As `minissd.device.free_card_memory`."""
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def memory_held():
    """As `minissd.device.card.memory_held`: what PyTorch's allocator has reserved at most."""
    return torch.cuda.max_memory_reserved() if DEVICE == "cuda" else 0
