"""The layouts of networks on MobileNet v1: qfgaohao's pytorch-ssd."""

from minissd.weights.classes import VOC
from minissd.weights.layout import Layout, Reading, layers, normed

QFGAOHAO = Reading(mean=(127.0, 127.0, 127.0), scale=(1 / 128,) * 3)


def _mobilenet(prefix):
    """MobileNet v1 as a list: a convolution, then 13 blocks, each a depthwise and a pointwise one; ReLUs count."""
    pairs = [((f"{prefix}0.0", f"{prefix}0.1"), ("conv0", "bn0"))]
    for i in range(1, 14):
        for place, kind in ((0, "dw"), (3, "pw")):
            pairs.append(((f"{prefix}{i}.{place}", f"{prefix}{i}.{place + 1}"), (f"conv{i}_{kind}", f"bn{i}_{kind}")))
    return normed(pairs)


_TRUNK = _mobilenet("")
MOBILENET = Layout(
    "qfgaohao mobilenet-v1",
    _TRUNK,
    signature=frozenset(_TRUNK),
    models=("ssd300-mobilenet", "mobilenet"),
    reading=QFGAOHAO,
)
_SSD_TRUNK = _mobilenet("base_net.")
_EXTRAS = layers((f"extras.{i}.{2 * j}", f"conv{14 + i}_{j + 1}") for i in range(4) for j in range(2))
MOBILENET_SSD = Layout(
    "qfgaohao mobilenet-v1-ssd",
    {
        **_SSD_TRUNK,
        **_EXTRAS,
        **layers((f"regression_headers.{i}", f"head{i}.offsets") for i in range(6)),
        **layers((f"classification_headers.{i}", f"head{i}.logits") for i in range(6)),
    },
    signature=frozenset(_SSD_TRUNK | _EXTRAS),
    models=("ssd300-mobilenet", "mobilenet"),
    reading=QFGAOHAO,
    classes=VOC,
    boxes="qfgaohao",
)

MOBILENET_LAYOUTS = (MOBILENET_SSD, MOBILENET)
