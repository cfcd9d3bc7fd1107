"""A whole detector in one file, small enough to train while you wait.

`python FILE` trains it on generated images, prints its vital signs, and draws what it finds.
"""

import sys

import numpy as np

from minissd.course.vitals import examine
from minissd.detection import Detections, iou, to_centers, to_corners
from minissd.layers import Conv2d, Initializer
from minissd.training import SGD

CLASSES = ("ellipse", "rectangle")
DEPTH = 4 + len(CLASSES) + 1  # numbers for each default box: its offsets, its logits, background among them
SIZE, STEPS, BATCH = 150, 240, 16  # pixels a side, updates, images in each
SMALLEST, LARGEST = 0.2, 0.6  # sides of the default boxes of the first and the last map
MEAN_RGB = np.array([131, 125, 120], np.float32)  # of the generated images, red first
VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)


def scales(maps):
    """s_l = smallest + (largest - smallest) (l - 1) / (maps - 1) for l = 1 .. maps + 1."""
    step = (LARGEST - SMALLEST) / (maps - 1)
    return [SMALLEST + step * (level - 1) for level in range(1, maps + 2)]


def default_boxes(map_sizes):
    """map_sizes: cells a side of each map -> (P, 4) centers: in each cell two squares, one wide and one tall box."""
    sides, boxes = scales(len(map_sizes)), []
    for level, cells in enumerate(map_sizes):
        s, root = sides[level], np.sqrt(2)
        extra = np.sqrt(s * sides[level + 1])
        for i in range(cells):  # rows
            for j in range(cells):  # columns
                c_x, c_y = (j + 0.5) / cells, (i + 0.5) / cells
                for w, h in ((s, s), (extra, extra), (s * root, s / root), (s / root, s * root)):
                    boxes.append((c_x, c_y, w, h))
    return np.array(boxes, np.float32)


def encode(objects, boxes):
    """Offsets (n, 4) that lead from default boxes to objects, both (n, 4) centers."""
    moved = (objects[:, :2] - boxes[:, :2]) / boxes[:, 2:]
    return np.concatenate([moved, np.log(objects[:, 2:] / boxes[:, 2:])], axis=1) / VARIANCES


def decode(offsets, boxes):
    """Offsets (P, 4) back to boxes (P, 4), centers."""
    offsets = offsets * VARIANCES
    return np.concatenate([boxes[:, :2] + offsets[:, :2] * boxes[:, 2:], boxes[:, 2:] * np.exp(offsets[:, 2:])], axis=1)


def match(corners, labels, boxes):
    """corners (G, 4), labels (G,), boxes (P, 4) centers -> class targets (P,), 0 background, and offsets (P, 4)."""
    classes, offsets = np.zeros(len(boxes), np.int64), np.zeros_like(boxes)
    if len(labels) == 0:
        return classes, offsets
    overlaps = iou(corners.astype(boxes.dtype), to_corners(boxes))  # (G, P)
    owner = np.where(overlaps.max(axis=0) > 0.5, overlaps.argmax(axis=0), -1)  # (P,)
    left = overlaps.copy()
    for _ in range(len(labels)):
        g, p = np.unravel_index(left.argmax(), left.shape)
        if left[g, p] > 0:
            owner[p] = g
            left[g], left[:, p] = 0, 0
    matched = owner >= 0
    classes[matched] = labels[owner[matched]] + 1
    offsets[matched] = encode(to_centers(corners)[owner[matched]], boxes[matched])
    return classes, offsets


def log_softmax(logits):
    """log of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def hard_negatives(loss, positive):
    """(N, P) losses and matches -> mask (N, P): in each image the 3 negatives with the highest loss for each match."""
    rank = np.argsort(np.argsort(np.where(positive, np.inf, -loss), axis=1, kind="stable"), axis=1)
    wanted = np.minimum(3 * positive.sum(axis=1), (~positive).sum(axis=1))
    return rank < wanted[:, None]


def multibox_loss(offsets, logits, offset_targets, classes):
    """The loss of a batch and its gradients: a number, (N, P, 4), (N, P, C + 1)."""
    positive = classes > 0
    matched = max(positive.sum(), 1)
    difference = np.where(positive[..., None], offsets - offset_targets, 0)
    size = np.abs(difference)
    localization = np.where(size < 1, 0.5 * difference**2, size - 0.5).sum()
    log_p = log_softmax(logits)
    loss = -np.take_along_axis(log_p, classes[..., None], axis=-1)[..., 0]  # (N, P)
    counted = positive | hard_negatives(loss, positive)
    d_logits = (np.exp(log_p) - (classes[..., None] == np.arange(logits.shape[-1]))) * counted[..., None] / matched
    total = (localization + loss[counted].sum()) / matched
    return float(total), np.clip(difference, -1, 1) / matched, d_logits.astype(logits.dtype)


def normalize(images):
    """uint8 RGB (N, H, W, 3) -> float32 about 0."""
    return (images - MEAN_RGB) / np.float32(58)


def halved(cells):
    return (cells + 1) // 2  # pairs that cover them all


def max_pool(x):
    """The largest of each 2 x 2 cells: (N, H, W, C) -> (N, ceil(H / 2), ceil(W / 2), C), and what backward needs."""
    n, h, w, c = x.shape
    rows, columns = halved(h), halved(w)
    padded = np.full((n, 2 * rows, 2 * columns, c), -np.inf, x.dtype)
    padded[:, :h, :w] = x[:, : 2 * rows, : 2 * columns]
    windows = padded.reshape(n, rows, 2, columns, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, rows, columns, c, 4)
    winner = windows.argmax(axis=-1)[..., None]
    return np.take_along_axis(windows, winner, axis=-1)[..., 0], (x.shape, winner)


def max_pool_backward(dy, cache):
    (n, h, w, c), winner = cache
    rows, columns, dx = halved(h), halved(w), np.zeros((n, h, w, c), dy.dtype)
    windows = dy[..., None] * (np.arange(4) == winner)
    padded = windows.reshape(n, rows, columns, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * rows, 2 * columns, c)
    dx[:, : 2 * rows, : 2 * columns] = padded[:, :h, :w]
    return dx


def l2_normalize(x, scale=4.0):
    """Every cell's vector (..., C) brought to the length `scale`."""
    norm = np.sqrt((x * x).sum(axis=-1, keepdims=True) + 1e-10)
    return scale * x / norm, (x, norm, scale)


def l2_normalize_backward(dy, cache):
    x, norm, scale = cache
    unit = x / norm
    return scale * (dy - unit * (dy * unit).sum(axis=-1, keepdims=True)) / norm


class Detector:
    """Five convolutions, three maps of 19, 10 and 5 cells a side, four default boxes in each cell."""

    def __init__(self, rng):
        init = Initializer(rng)
        widths = {"1": (3, 16, 2), "2": (16, 32, 1), "3": (32, 48, 1), "4": (48, 64, 2), "5": (64, 64, 2)}
        self.layers = {name: Conv2d(a, b, 3, stride=s, pad=1, init=init) for name, (a, b, s) in widths.items()}
        for name in "345":
            self.layers[f"head{name}"] = Conv2d(widths[name][1], 4 * DEPTH, 3, pad=1, init=init, filler="xavier")
        self.params = {f"{name}.{key}": p for name, layer in self.layers.items() for key, p in layer.params.items()}
        self.boxes = default_boxes([y.shape[1] for y in self.forward(np.zeros((1, SIZE, SIZE, 3), np.uint8))[2]])

    def forward(self, images):
        """uint8 images -> offsets (N, P, 4), logits (N, P, C + 1), the heads' maps, and what backward needs."""
        x, maps, caches = normalize(images), [], {}
        for name in "12345":
            x, caches[name] = self.layers[name].forward(x)
            if name in "12":  # pooling first: the ReLU then has a quarter of the numbers, and the result is the same
                x, caches[f"pool{name}"] = max_pool(x)
            caches[f"relu{name}"] = x > 0
            x = x * caches[f"relu{name}"]
            if name in "345":
                read, caches[f"norm{name}"] = l2_normalize(x)
                y, caches[f"head{name}"] = self.layers[f"head{name}"].forward(read)
                maps.append(y)
        joined = np.concatenate([y.reshape(len(y), -1, DEPTH) for y in maps], axis=1)
        return joined[..., :4], joined[..., 4:], maps, caches

    def backward(self, d_offsets, d_logits, maps, caches):
        """Gradients of all parameters, by name."""
        joined, grads, dx, stop = np.concatenate([d_offsets, d_logits], axis=-1), {}, 0, d_offsets.shape[1]
        for name in "54321":
            if name in "345":
                shape = maps[int(name) - 3].shape
                start = stop - 4 * shape[1] * shape[2]
                dy, stop = joined[:, start:stop].reshape(shape), start
                d_read, own = self.layers[f"head{name}"].backward(dy, caches[f"head{name}"])
                grads |= {f"head{name}.{key}": g for key, g in own.items()}
                dx = dx + l2_normalize_backward(d_read, caches[f"norm{name}"])  # the map is read twice
            dx = dx * caches[f"relu{name}"]
            if name in "12":
                dx = max_pool_backward(dx, caches[f"pool{name}"])
            dx, own = self.layers[name].backward(dx, caches[name])
            grads |= {f"{name}.{key}": g for key, g in own.items()}
        return grads


def choose_window(corners, minimum, rng):
    """A random part of the image that some object overlaps by IoU >= minimum; the whole image if 50 tries find none."""
    for _ in range(50):
        side = rng.uniform(0.5, 1, 2)
        start = rng.uniform(0, 1 - side)
        window = np.concatenate([start, start + side])
        if len(corners) and iou(window[None], corners).max() >= minimum:
            return window
    return np.array([0.0, 0.0, 1.0, 1.0])


def crop(image, corners, labels, window):
    """The part `window` of an image at full size, and the objects whose centre lies in it."""
    start, side = window[:2], window[2:] - window[:2]
    columns, rows = (start[:, None] * SIZE + side[:, None] * (np.arange(SIZE) + 0.5)).astype(int)
    inside = (np.abs((to_centers(corners)[:, :2] - start) / side - 0.5) < 0.5).all(axis=1)
    moved = (corners[inside] - np.tile(start, 2)) / np.tile(side, 2)
    return image[rows][:, columns], moved.clip(0, 1), labels[inside]


def learning_rates(start, stop, total, peak=0.012):
    """The rates of the steps start .. stop - 1 of a run of `total`: up for a fifth of it, then down to nothing."""
    return [peak * min((step + 1) / (0.2 * total), (total - step) / (0.8 * total)) for step in range(start, stop)]


def batch_of(data, step, boxes):
    """Batch number `step`: images (N, S, S, 3), class targets (N, P), offset targets (N, P, 4)."""
    rng, parts = np.random.default_rng([7, step]), []
    for i in rng.integers(len(data), size=BATCH):
        image, corners, labels = data[i].image, data[i].corners, data[i].labels
        if rng.random() < 0.5:
            image, corners, labels = crop(image, corners, labels, choose_window(corners, rng.choice([0.1, 0.3]), rng))
        parts.append((image, *match(corners, labels, boxes)))
    return [np.stack(part) for part in zip(*parts)]


def train(model, data, start=0, stop=STEPS, report=lambda step, loss: None):
    optimizer = SGD(model.params, 0.01)
    for step, optimizer.lr in enumerate(learning_rates(start, stop, STEPS), start):
        images, classes, offset_targets = batch_of(data, step, model.boxes)
        offsets, logits, maps, caches = model.forward(images)
        loss, d_offsets, d_logits = multibox_loss(offsets, logits, offset_targets, classes)
        optimizer.step(model.backward(d_offsets, d_logits, maps, caches))
        report(step, loss)


def nms(corners, scores, threshold=0.45):
    """Indices of the boxes that stay, best first: a box goes if a better one that stays overlaps it by more."""
    order, keep = list(np.argsort(-scores, kind="stable")), []
    while order:
        best, *rest = order
        keep.append(best)
        overlaps = iou(corners[[best]], corners[rest])[0] if rest else []
        order = [k for k, overlap in zip(rest, overlaps) if overlap <= threshold]
    return np.array(keep, np.int64)


def detect(model, images):
    """Detections(corners, labels, scores) for each image, best first; each class for itself."""
    (offsets, logits, *_), found = model.forward(images), []
    for n in range(len(images)):
        p, parts = np.exp(log_softmax(logits[n])), []
        corners = to_corners(decode(offsets[n], model.boxes)).clip(0, 1)
        for label in range(len(CLASSES)):
            likely = np.flatnonzero(p[:, label + 1] > 0.05)
            keep = likely[nms(corners[likely], p[likely, label + 1])]
            parts.append((corners[keep], np.full(len(keep), label), p[keep, label + 1]))
        joined = [np.concatenate(part) for part in zip(*parts)]
        best = np.argsort(-joined[2], kind="stable")
        found.append(Detections(*(part[best] for part in joined)))
    return found


def hits(corners, scores, objects):
    """Which detections of a class hit an object, (K,) bool: IoU >= 0.5, each object once, by the best detection."""
    hit, taken = np.zeros(len(scores), bool), np.zeros(len(objects), bool)
    overlapping = iou(corners, objects)  # (K, G)
    for k in np.argsort(-scores, kind="stable") if len(objects) else ():
        overlaps, best = overlapping[k], overlapping[k].argmax()
        if overlaps[best] >= 0.5 and not taken[best]:
            hit[k] = taken[best] = True
    return hit


def average_precision(recall, precision):
    """Mean over the recalls 0, 0.1, ..., 1 of the highest precision at that recall or above (11 points)."""
    return float(np.mean([max(precision[recall >= k / 10], default=0) for k in range(11)]))


if __name__ == "__main__":
    examine(sys.modules[__name__])
