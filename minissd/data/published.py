"""What `minissd fetch` knows: published sets and weights, where they are and under which licence.

Checksums are those that somebody published.  MNIST, VOC and COCO publish none themselves; theirs are from the
lists of TensorFlow Datasets (SHA-256), which agree with others, and Penn-Fudan's is from Avalanche (MD5).  Where nobody
published one, there is None.  The weights are in published_weights.py.
"""

from minissd.data.pennfudan import to_voc_tree
from minissd.data.published_weights import WEIGHTS
from minissd.data.remote import Download, RemoteFile

_VOC = "https://thor.robots.ox.ac.uk/pascal/VOC"  # the official host; host.robots.ox.ac.uk leads here
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"  # PyTorch's copy of the original files
_COCO = "http://images.cocodataset.org"  # has no valid certificate; the checksums vouch for the files
_FLICKR = "images: Flickr terms of use"
_TRAIN = "minissd train --data PLACE"

DATA = {
    "voc2007": Download(
        "data",
        (
            RemoteFile(
                f"{_VOC}/voc2007/VOCtrainval_06-Nov-2007.tar",
                460_032_000,
                "sha256:7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            ),
            RemoteFile(
                f"{_VOC}/voc2007/VOCtest_06-Nov-2007.tar",
                451_020_800,
                "sha256:6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            ),
        ),
        "PASCAL VOC 2007: boxes, 20 classes, 9,963 images",
        _FLICKR,
        _TRAIN,
        tree="VOCdevkit/VOC2007",
        unpacked=2_000_000_000,
    ),
    "voc2012": Download(
        "data",
        (
            RemoteFile(
                f"{_VOC}/voc2012/VOCtrainval_11-May-2012.tar",
                1_999_639_040,
                "sha256:e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            ),
        ),
        "PASCAL VOC 2012: boxes, 20 classes, 11,540 images",
        _FLICKR,
        _TRAIN,
        tree="VOCdevkit/VOC2012",
        unpacked=4_000_000_000,
    ),
    "coco-val2017": Download(
        "data",
        (
            RemoteFile(
                f"{_COCO}/zips/val2017.zip",
                815_585_330,
                "sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            ),
            RemoteFile(
                f"{_COCO}/annotations/annotations_trainval2017.zip",
                252_907_541,
                "sha256:113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            ),
        ),
        "COCO val2017: boxes, 80 classes, 5,000 images",
        f"annotations: CC BY 4.0; {_FLICKR}",
        "minissd evaluate --data PLACE --split val2017 --checkpoint FILE",
        tree=".",
        unpacked=4_000_000_000,
    ),
    "bccd": Download(
        "data",
        # Packed by GitHub from the tag on request, so that the bytes of the archive may change.
        (RemoteFile("https://github.com/Shenggan/BCCD_Dataset/archive/refs/tags/v1.0.zip", None, None, 8_000_000),),
        "BCCD blood smears: boxes, 3 classes, 364 images",
        "MIT",
        _TRAIN,
        tree="BCCD_Dataset-1.0/BCCD",
        unpacked=200_000_000,
    ),
    "pennfudan": Download(
        "data",
        (
            RemoteFile(
                "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",
                53_723_336,
                "md5:5aaa3dee905cef73325923716e38fc6d",
            ),
        ),
        "Penn-Fudan pedestrians: boxes and masks, 170 images",
        "not stated",
        _TRAIN,
        tree="PennFudanPed",
        unpacked=500_000_000,
        convert=to_voc_tree,
    ),
    "mnist": Download(
        "data",
        (
            RemoteFile(
                f"{_MNIST}/train-images-idx3-ubyte.gz",
                9_912_422,
                "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            RemoteFile(
                f"{_MNIST}/train-labels-idx1-ubyte.gz",
                28_881,
                "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            RemoteFile(
                f"{_MNIST}/t10k-images-idx3-ubyte.gz",
                1_648_877,
                "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            RemoteFile(
                f"{_MNIST}/t10k-labels-idx1-ubyte.gz",
                4_542,
                "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        "MNIST: handwritten digits, 10 classes, 70,000 images",
        "CC BY-SA 3.0",
        "minissd train --model lenet5 --data PLACE",
    ),
}
DOWNLOADS = DATA | WEIGHTS
