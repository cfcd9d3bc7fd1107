"""The published networks in PyTorch, as far as names, shapes and order go: nothing here knows minissd's names.

Each function returns (module, layers in the order in which an image passes them), where a layer is anything with a
`weight` and a `bias`; the heads come last, the offsets and the logits of one map after the other.
"""

from torch import nn

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
BOXES_PER_CELL = (4, 6, 6, 6, 4, 4)
EXTRAS = ((256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 1, 0), (128, 256, 1, 0))  # narrow, wide, stride, pad


def features(widths=WIDTHS):
    """The list that torchvision numbers: convolution, ReLU, ..., and a pool after each group."""
    layers, channels = [], 3
    for group in widths:
        for width in group:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return layers


def convolutions(layers):
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]


def vgg16(widths=WIDTHS, fc=4096, classes=1000):
    """torchvision.models.vgg16, whole."""
    module = nn.Module()
    module.features = nn.Sequential(*features(widths))
    dense = [nn.Linear(widths[-1][-1] * 49, fc), nn.Linear(fc, fc), nn.Linear(fc, classes)]
    module.classifier = nn.Sequential(dense[0], nn.ReLU(), nn.Dropout(), dense[1], nn.ReLU(), nn.Dropout(), dense[2])
    return module, convolutions(module.features) + dense


def reduced_vgg16(widths=WIDTHS, fc=1024):
    """ssd.pytorch's trunk, vgg16_reducedfc.pth: a list, numbered through to fc7."""
    layers = features(widths)[:-1]  # pool5 is another one
    fc6 = nn.Conv2d(widths[-1][-1], fc, 3, padding=6, dilation=6)
    trunk = nn.ModuleList([*layers, nn.MaxPool2d(3, 1, 1), fc6, nn.ReLU(), nn.Conv2d(fc, fc, 1), nn.ReLU()])
    return trunk, convolutions(trunk)


def _extras(channels):
    """Pairs of convolutions, each pair a stage."""
    pairs = []
    for narrow, wide, stride, pad in EXTRAS:
        pairs.append((nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, wide, 3, stride, pad)))
        channels = wide
    return pairs


def _heads(maps, outputs):
    """A convolution for each map, with so many outputs for each box of a cell."""
    pairs = zip(maps, BOXES_PER_CELL, strict=True)
    return nn.ModuleList(nn.Conv2d(channels, k * outputs, 3, padding=1) for channels, k in pairs)


def _maps(widths, fc):
    return [widths[3][-1], fc, *(wide for _, wide, _, _ in EXTRAS)]


def ssd_pytorch(widths=WIDTHS, fc=1024, outputs=21):
    """ssd.pytorch's SSD300.  `norm` has a weight alone."""
    module = nn.Module()
    module.vgg, trunk = reduced_vgg16(widths, fc)
    module.L2Norm = nn.Module()
    module.L2Norm.weight = nn.Parameter(20 + nn.init.normal_(nn.Parameter(nn.Linear(1, widths[3][-1]).bias)))
    module.extras = nn.ModuleList(layer for pair in _extras(fc) for layer in pair)
    module.loc, module.conf = _heads(_maps(widths, fc), 4), _heads(_maps(widths, fc), outputs)
    heads = [head for pair in zip(module.loc, module.conf, strict=True) for head in pair]
    return module, [*trunk, *module.extras, *heads]


def torchvision_ssd(widths=WIDTHS, fc=1024, outputs=91):
    """torchvision.models.detection.ssd300_vgg16."""
    layers = features(widths)
    pool4 = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)][3]
    backbone = nn.Module()
    backbone.scale_weight = nn.Parameter(20 + nn.init.normal_(nn.Parameter(nn.Linear(1, widths[3][-1]).bias)))
    backbone.features = nn.Sequential(*layers[:pool4])
    fc6 = nn.Conv2d(widths[-1][-1], fc, 3, padding=6, dilation=6)
    dense = nn.Sequential(nn.MaxPool2d(3, 1, 1), fc6, nn.ReLU(), nn.Conv2d(fc, fc, 1), nn.ReLU())
    extras = _extras(fc)
    backbone.extra = nn.ModuleList(
        [
            nn.Sequential(*layers[pool4:-1], dense),
            *(nn.Sequential(first, nn.ReLU(), second, nn.ReLU()) for first, second in extras),
        ]
    )
    module = nn.Module()
    module.backbone, module.head = backbone, nn.Module()
    for name, count in (("classification_head", outputs), ("regression_head", 4)):
        setattr(module.head, name, nn.Module())
        getattr(module.head, name).module_list = _heads(_maps(widths, fc), count)
    lists = module.head.regression_head.module_list, module.head.classification_head.module_list
    heads = [head for pair in zip(*lists, strict=True) for head in pair]
    trunk = convolutions(backbone.features) + convolutions(backbone.extra[0]) + convolutions(dense)
    return module, [*trunk, *(layer for pair in extras for layer in pair), *heads]
