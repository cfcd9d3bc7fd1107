"""The weights that `minissd fetch` knows.

PyTorch puts the first eight digits of the SHA-256 into a file's name; where independent sources name the whole of it,
the whole is here.  Sizes of which the last digits are not known are those of torchvision's documentation.
"""

from minissd.data.remote import Download, RemoteFile

_TORCH = "https://download.pytorch.org/models"
_SSD_PYTORCH = "https://s3.amazonaws.com/amdegroot-models"
# qfgaohao's own addresses are gone.  NVIDIA's jetson-inference keeps a copy of the first file, the author's folder both
_NVIDIA = "https://nvidia.box.com/shared/static"
_QFGAOHAO = "https://drive.google.com/drive/folders/1pKn-RifvJGWiOx0ZCRLtCXM5GT5lAluu"
_TRAIN = "minissd train --model {} --weights PLACE --data MY_IMAGES"
_TRAIN_VGG = "minissd train --model ssd300-vgg16 --recipe paper-voc07 --weights PLACE --data voc2007"
_DETECT = "minissd detect --weights PLACE IMAGE"

WEIGHTS = {
    "ssdlite-coco": Download(
        "weights",
        (
            RemoteFile(
                f"{_TORCH}/ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
                14_069_355,
                "sha256:a79551df90c79834bcd3bb3845ef9d966b5449a3a9b2833ae8404778ca5d65d2",
            ),
        ),
        "torchvision's SSDLite on MobileNetV3, trained on COCO: small and quick",
        "BSD 3-Clause (torchvision)",
        "minissd detect IMAGE",
        model="ssdlite320-mobilenet-v3",
    ),
    "mobilenet-v3-large": Download(
        "weights",
        (RemoteFile(f"{_TORCH}/mobilenet_v3_large-8738ca79.pth", None, "sha256:8738ca79", 22_140_000),),
        "torchvision's MobileNetV3, trained on ImageNet",
        "BSD 3-Clause (torchvision)",
        _TRAIN.format("ssdlite320-mobilenet-v3"),
    ),
    "ssd300-mobilenet-voc": Download(
        "weights",
        (
            RemoteFile(
                f"{_NVIDIA}/djf5w54rjvpqocsiztzaandq1m3avr7c.pth",
                None,
                None,
                38_000_000,
                called="mobilenet-v1-ssd-mp-0_675.pth",
            ),
        ),
        "qfgaohao's SSD on MobileNet, trained on VOC 07+12, mAP .676",
        "MIT (qfgaohao)",
        _DETECT,
        model="ssd300-mobilenet",
    ),
    "mobilenet-v1": Download(
        "weights",
        (RemoteFile(_QFGAOHAO, None, None, 13_000_000, called="mobilenet_v1_with_relu_69_5.pth", by_hand=True),),
        "qfgaohao's MobileNet, trained on ImageNet",
        "MIT (qfgaohao)",
        _TRAIN.format("ssd300-mobilenet"),
    ),
    "vgg16": Download(
        "weights",
        (
            RemoteFile(
                f"{_TORCH}/vgg16-397923af.pth",
                553_433_881,
                "sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            ),
        ),
        "torchvision's VGG16, trained on ImageNet",
        "BSD 3-Clause (torchvision)",
        _TRAIN_VGG,
    ),
    "vgg16-features": Download(
        "weights",
        (RemoteFile(f"{_TORCH}/vgg16_features-amdegroot-88682ab5.pth", None, "sha256:88682ab5", 553_440_000),),
        "torchvision's copy of ssd.pytorch's VGG16 features",
        "BSD 3-Clause (torchvision)",
        _TRAIN_VGG,
    ),
    "ssd300-vgg16-coco": Download(
        "weights",
        (
            RemoteFile(
                f"{_TORCH}/ssd300_vgg16_coco-b556d3b4.pth",
                142_594_222,
                "sha256:b556d3b43ab6c3f63d81bfb8835fe8756ac22da664357da100dccf96b6a6b42d",
            ),
        ),
        "torchvision's SSD300 on VGG16, trained on COCO",
        "BSD 3-Clause (torchvision)",
        _DETECT,
        model="ssd300-vgg16",
    ),
    "vgg16-reducedfc": Download(
        "weights",
        (RemoteFile(f"{_SSD_PYTORCH}/vgg16_reducedfc.pth", None, None, 82_000_000),),
        "ssd.pytorch's VGG16 with decimated fc6 and fc7",
        "MIT (ssd.pytorch)",
        _TRAIN_VGG,
    ),
    "ssd300-voc": Download(
        "weights",
        (RemoteFile(f"{_SSD_PYTORCH}/ssd300_mAP_77.43_v2.pth", None, None, 105_000_000),),
        "ssd.pytorch's SSD300 on VGG16, trained on VOC 07+12, mAP .774",
        "MIT (ssd.pytorch)",
        _DETECT,
        model="ssd300-vgg16",
    ),
}
