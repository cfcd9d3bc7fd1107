"""Lists of images as people write them: the ids that are meant, or one line that says what is wrong."""

import unicodedata
from collections import defaultdict

import pytest

from minissd.data.voc_lists import NO_LISTS, NOT_MARKED, TWICE, lists_in, read_split, splits_of
from minissd.errors import MinissdError

KNOWN = ("img0", "img1", "img2", "img", "img 1", "site1/img0", "000001", "a.b", "naïve", "café", "my photo", "a")


@pytest.fixture
def read(tmp_path):
    """Writes lists, reads the first -> ids, remarks."""

    def read(text, split="train", known=KNOWN, **others):
        for name, content in {split: text, **others}.items():
            if content is not None:
                (tmp_path / f"{name}.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
        remarks = defaultdict(list)
        ids = read_split(lists_in(tmp_path), split, dict.fromkeys(known), "JPEGImages", remarks, tmp_path)
        return ids, {remark: where for remark, where in remarks.items() if where}

    return read


@pytest.mark.parametrize(
    "line",
    [
        "img0",
        "  img0\t",
        "img0.jpg",
        "img0.JPEG",
        "img0.xml",
        "./img0.png",
        "JPEGImages/img0.jpg",
        "./JPEGImages/img0.jpg",
        "data/JPEGImages/img0",
        "/home/somebody/set/JPEGImages/img0.jpg",
        "/somewhere/else/img0.jpg",
        "C:\\Users\\me\\JPEGImages\\img0.jpg",
        "D:\\pictures\\img0.bmp",
        "img0 1",
        "img0.jpg  1",
        "img0 0 0 1",
        "./JPEGImages/img0.jpg ./Annotations/img0.xml",
    ],
)
def test_what_a_line_may_look_like(read, line):
    assert read(f"{line}\n") == (["img0"], {})


@pytest.mark.parametrize(
    ("line", "image_id"),
    [
        ("img 1", "img 1"),  # an id, although img is one too
        ("img  1", "img"),  # a mark of one class
        ("img 2", "img"),
        ("my photo\t-1", "my photo"),
        ("my photo  1", "my photo"),
        ('"my photo" -1', "my photo"),
        ("site1/img0", "site1/img0"),
        ("JPEGImages/site1/img0.jpg", "site1/img0"),
        ("site1\\img0.jpg", "site1/img0"),
        ("a.b", "a.b"),
        ("a.b.png", "a.b"),
    ],
)
def test_which_id_a_line_means(read, line, image_id):
    assert read(line) == ([image_id], {})


@pytest.mark.parametrize(
    "line", ["site3/img0", "img0,img1", "img0;", "# train", "1", "img3", "images/img0.jpg", "img0 img1", "img0 red"]
)
def test_a_line_that_means_no_image(read, line, one_line):
    """Nothing is guessed: site3/img0 is not img0, and 1 not 000001."""
    with pytest.raises(MinissdError) as caught:
        read(f"img1\n{line}")
    one_line(caught, "train.txt", "1 of 2 lines", repr(line), "JPEGImages")


def test_many_lines_that_mean_no_image_are_named_together(read, one_line):
    with pytest.raises(MinissdError) as caught:
        read("\n".join(f"x{number}" for number in range(50)))
    one_line(caught, "50 of 50 lines", "'x0', 'x1', 'x2', ...")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(read, encoding, end):
    known, names = (*KNOWN, "汽车"), ["img0", "汽车" if encoding == "gb18030" else "café", "img1"]
    assert read(end.join(names).encode(encoding), known=known) == (names, {})


@pytest.mark.parametrize(("listed", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_unicode_forms(read, listed, stored):
    name = unicodedata.normalize(stored, "über.é")
    assert read(unicodedata.normalize(listed, name), known=[name]) == ([name], {})


def test_blank_lines_and_repetitions(read):
    text = "\ufeffimg1 \r\n\r\nimg0\r\nimg1.jpg\r\n \r\nimg1\r\n"
    assert read(text) == (["img1", "img0"], {TWICE: ["img1"]})
    assert read("a\na\n") == (["a"], {TWICE: ["a"]})


@pytest.mark.parametrize("text", ["", "\n \r\n", "\ufeff"])
def test_a_list_of_nothing(read, text, one_line):
    with pytest.raises(MinissdError) as caught:
        read(text)
    one_line(caught, "train.txt lists no image")


def test_the_list_of_one_class(read):
    text = "img0  1\nimg1 -1\nimg2  0\n"
    assert read(text, "red_train", train="img0\nimg1\nimg2") == (["img0"], {NOT_MARKED: ["img1", "img2"]})


def test_marks_in_a_list_of_a_whole_split_do_not_count(read):
    assert read("img0  1\nimg1 -1\nimg2  0\n") == (["img0", "img1", "img2"], {})


def test_lists_of_single_classes_alone_make_a_split(read, tmp_path, one_line):
    """As VoTT writes them: every image is on every list."""
    marks = {
        "red_train": "img0.jpg 1\nimg1.jpg -1\n",
        "big_cat_train": "img1.jpg 1\nimg2.jpg 1\n",
        "red_val": "img 1\n",
    }
    ids, remarks = read(None, **marks)
    assert sorted(ids) == ["img0", "img1", "img2"] and remarks == {NO_LISTS: ["big_cat_train", "red_train"]}
    assert splits_of(lists_in(tmp_path)) == ["train", "val"]
    with pytest.raises(MinissdError) as caught:
        read(None, "test")
    one_line(caught, "'test'", "there are train, val")


def test_splits_in_any_case(read):
    lists = {"Train": "img0", "Validation": "img1", "test": "img2"}
    for split, ids in (("train", ["img0"]), ("Train", ["img0"]), ("val", ["img1"]), ("test", ["img2"])):
        assert read(None, split, **lists) == (ids, {})


def test_folds_are_no_classes(read, tmp_path, one_line):
    """The images of fold1_train and fold2_train together would be those to validate on as well."""
    folds = {"fold1_train": "img0\n", "fold1_val": "img1\n", "fold2_train": "img1\n", "fold2_val": "img0\n"}
    assert read(None, "fold2_train", **folds) == (["img1"], {})
    assert splits_of(lists_in(tmp_path)) == list(folds)
    with pytest.raises(MinissdError) as caught:
        read(None, "train")
    one_line(caught, "'train'", "fold1_train")


def test_names_of_lists(tmp_path):
    for name in ("train.txt", "my_own.txt", ".hidden.txt", "._train.txt", "classes.txt", "notes.md", "dog_train.txt"):
        (tmp_path / name).write_text("x 1\n")
    assert list(lists_in(tmp_path)) == ["dog_train", "my_own", "train"]
    assert splits_of(lists_in(tmp_path)) == ["my_own", "train"]
    assert list(lists_in(tmp_path, only_splits=True)) == ["train"] and lists_in(tmp_path / "none") == {}


def test_forty_thousand_lines_do_not_take_long(read):
    """Repetitions and marks are found by hash: linear, where a search in lists takes minutes."""
    known = [f"img{number:05}" for number in range(40_000)]
    ids, remarks = read("\n".join([*(f"{one}.jpg" for one in known), known[-1]]), known=known)
    assert ids == known and remarks == {TWICE: [known[-1]]}
