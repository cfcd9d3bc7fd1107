"""Links that are text files now, as Git leaves them on systems without links."""

import pytest
from voc_scenes import count_boxes, off_colour, put_tree

from minissd.data import open_dataset
from minissd.data.voc_files import written_link


def test_folders_behind_them_are_read(tmp_path):
    root = tmp_path / "data"
    put_tree(root)
    for part in ("JPEGImages", "Annotations"):
        (root / part).rename(tmp_path / f"store of {part}")
        (root / part).write_text(f"../store of {part}", encoding="utf-8")
    dataset = open_dataset(root, "train")
    assert count_boxes(dataset) == 2 * len(dataset) and off_colour(dataset) == []


@pytest.mark.parametrize("content", [b"", b" \n", b"../nothing", b"\0", b"\xff\xfe", b"x" * 4000, b"y" * 5000])
def test_other_files_are_no_links(tmp_path, content):
    file = tmp_path / "JPEGImages"
    file.write_bytes(content)
    assert written_link(file) is None
    assert written_link(tmp_path / "missing") is None and written_link(tmp_path) is None
