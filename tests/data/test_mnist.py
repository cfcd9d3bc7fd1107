"""IDX files: what is in them is what was written, and whatever is wrong with them is said in one line."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idx_files import idx, write, write_digits

from minissd.data import open_dataset
from minissd.data.mnist import Mnist, is_mnist, read_idx
from minissd.errors import MinissdError


@pytest.fixture
def digits(tmp_path):
    return write_digits(tmp_path / "digits")


@given(seed=st.integers(0, 99), axes=st.sampled_from([1, 3]), packed=st.booleans())
def test_what_was_written_is_read(tmp_path_factory, seed, axes, packed):
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 256, rng.integers(1, 6, axes), np.uint8)
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if packed else "a")
    write(path, idx(array))
    np.testing.assert_array_equal(read_idx(path, axes), array)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_splits_and_samples(tmp_path, suffix):
    root = write_digits(tmp_path, suffix=suffix)
    train, val, both, test = (Mnist(root, split) for split in ("train", "val", "trainval", "test"))
    assert (len(train), len(val), len(both), len(test)) == (22, 2, 24, 10)  # val: the last twelfth
    assert train.ids + val.ids == both.ids and not set(both.ids) & set(test.ids)
    assert train.task == "classify" and train.classes == tuple("0123456789") and train.notes == []
    assert test.labels.dtype == np.int64
    for dataset in (train, val, both, test):
        for index in (0, len(dataset) - 1):
            sample = dataset[index]
            number = int(sample.id.rpartition("-")[2])
            assert sample.image.shape == (28, 28, 1) and (sample.image == number).all()
            assert sample.label == dataset.labels[index] == number % 10 and type(sample.label) is int


def test_chosen_digits_and_a_limit(digits):
    dataset = Mnist(digits, "trainval", classes=["7", "3"])
    assert dataset.classes == ("7", "3")
    assert [int(one[-2:]) for one in dataset.ids] == [3, 7, 13, 17, 23] and dataset.labels.tolist() == [1, 0, 1, 0, 1]
    assert Mnist(digits, "trainval", classes=["7", "3"], limit=2).ids == dataset.ids[:2]
    assert len(Mnist(digits, "train", limit=5)) == 5 and len(Mnist(digits, "train", limit=99)) == 22


def test_other_names_of_the_files(tmp_path):
    """The content tells whether a file is packed; some programs unpack to images.idx3."""
    root = write_digits(tmp_path, suffix="")
    for start in ("train", "t10k"):
        (root / f"{start}-images-idx3-ubyte").rename(root / f"{start}-images.idx3-ubyte")
        labels = root / f"{start}-labels-idx1-ubyte"
        labels.write_bytes(gzip.compress(labels.read_bytes()))
    assert len(Mnist(root, "train")) == 22


def test_it_is_found_by_its_path(digits, tmp_path, one_line):
    assert is_mnist(digits) and not is_mnist(digits.parent)
    assert isinstance(open_dataset(digits, "test", task="classify", limit=3), Mnist)
    with pytest.raises(MinissdError) as caught:
        open_dataset(digits, "test")
    one_line(caught, digits, "MNIST", "not to detect")


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
PIXELS = np.zeros((24, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (IMAGES, idx(PIXELS, magic=2052), ["begins with 2052", "images with 2051"]),
        (LABELS, idx(PIXELS), ["begins with 2051", "labels with 2049"]),
        (IMAGES, idx(PIXELS)[:10], ["cut short", "10 bytes"]),
        (IMAGES, b"", ["cut short", "0 bytes"]),
        (IMAGES, idx(PIXELS)[:-1], ["claims 24x28x28", "holds 18815", "fetch it again"]),
        (IMAGES, idx(PIXELS) + b"x", ["claims 24x28x28", "holds more"]),
        (IMAGES, idx(PIXELS)[:4] + b"\xff" * 12, ["claims 4294967295 x", "damaged"]),
        (IMAGES, idx(PIXELS[:0]), ["0 images", "24 labels"]),
        (LABELS, idx(np.zeros(23, np.uint8)), ["24 images", "23 labels", "do not belong together"]),
        (LABELS, idx(np.full(24, 10, np.uint8)), ["label number 0 is 10", "0 to 9"]),
    ],
)
def test_a_wrong_file_is_named_in_one_line(digits, one_line, name, content, parts):
    write(digits / name, content)
    with pytest.raises(MinissdError) as caught:
        Mnist(digits, "train")
    one_line(caught, digits / name, *parts)
    assert len(Mnist(digits, "test")) == 10  # the other pair is as good as before


def test_a_packed_file_that_is_damaged(digits, one_line):
    path = digits / IMAGES
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-8] + bytes(8), whole[:30] + b"garbage" + whole[37:]):
        path.write_bytes(damaged)
        with pytest.raises(MinissdError) as caught:
            Mnist(digits, "train")
        one_line(caught, path, "fetch it again")


def test_what_is_missing(digits, tmp_path, one_line):
    (digits / LABELS).unlink()
    for options, parts in [
        ({"split": "train"}, ["train-labels-idx1-ubyte", "labels"]),
        ({"split": "valid"}, ["'valid'", "train, val, trainval, test"]),
        ({"split": "test", "classes": ["ten"]}, ["'ten'", "0, 1, 2"]),
        ({"split": "test", "limit": 0}, ["limit"]),
    ]:
        with pytest.raises(MinissdError) as caught:
            Mnist(digits, **options)
        one_line(caught, *parts)
    with pytest.raises(MinissdError) as caught:
        Mnist(write_digits(tmp_path / "few", train=3), "val", classes=["7"])
    one_line(caught, "split val", "no image")


def test_the_real_set(shared):
    """Counts, first labels and the mean of the pixels are those that are published."""
    root = shared / "data" / "mnist"
    train, val, test = (Mnist(root, split) for split in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (55_000, 5_000, 10_000)
    counts = np.bincount(train.labels) + np.bincount(val.labels)
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    pixels = np.array([train.images.mean(), val.images.mean()]) / 255
    assert pixels @ [55 / 60, 5 / 60] == pytest.approx(0.13066, abs=1e-5)
