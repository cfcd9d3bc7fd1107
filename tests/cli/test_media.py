"""Which files words name, and where their copies go."""

from pathlib import Path

import pytest

from minissd.cli.media import find_media
from minissd.errors import MinissdError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """here("a.jpg", "b/c.png") makes empty files in a folder of their own, which is the current one."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def found(*words, out="out"):
    return [str(medium.path) for medium in find_media(words, Path(out))]


def copies(*words, out="out"):
    return [str(medium.copy) for medium in find_media(words, Path(out))]


def test_a_folder_stands_for_all_media_below_it_and_copies_lie_as_they_do(here):
    here("p/b.JPG", "p/a.png", "p/sub/deep/clip.mov", "p/notes.txt", "p/.hidden.jpg", "p/.cache/x.jpg")
    assert found("p") == ["p/a.png", "p/b.JPG", "p/sub/deep/clip.mov"]
    assert copies("p") == ["out/a.png", "out/b.JPG", "out/sub/deep/clip.mp4"]
    assert [medium.is_video for medium in find_media(["p"], Path("out"))] == [False, False, True]


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("p/*.jpg", ["p/a.jpg"]),
        ("p/*", ["p/a.jpg", "p/sub/b.jpg"]),  # a folder that matches, like one that is named
        ("p/**/*.jpg", ["p/a.jpg", "p/sub/b.jpg"]),
        ("p/**", ["p/a.jpg", "p/sub/b.jpg"]),
        ("./p/s?b/[ab].*", ["p/sub/b.jpg"]),
    ],
)
def test_patterns(here, pattern, expected):
    here("p/a.jpg", "p/sub/b.jpg", "p/notes.txt")
    assert found(pattern) == expected


def test_a_copy_lies_where_its_file_lies_below_the_fixed_part_of_a_pattern(here):
    here("p/x/a.jpg", "p/y/a.jpg")
    assert copies("p/*/*.jpg") == ["out/x/a.jpg", "out/y/a.jpg"]
    assert copies("p/x*/../y/*.jpg") == ["out/a.jpg"]  # and never outside of the output folder


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(here):
    here("a[1].jpg", "a1.jpg")
    assert found("a[1].jpg") == ["a[1].jpg"]


@pytest.mark.parametrize("word", ["p", "p/*.jpg", "q*"])
def test_nothing_found_is_an_error_that_names_the_word(here, word):
    here("p/notes.txt")
    with pytest.raises(MinissdError, match="no image or video") as raised:
        find_media([word], Path("out"))
    assert str(raised.value).startswith(f"{word}: ")


def told(word, out="out"):
    lines = []
    find_media([word], Path(out), lines.append)
    return lines


def test_what_a_folder_holds_besides_is_counted_by_kind(here):
    here(
        "p/a.jpg",
        "p/b.HEIC",
        "p/sub/c.heic",
        "p/d.dng",
        "p/e.pdf",
        "p/README",
        "p/.hidden.txt",
        "p/f.JFIF",
        "out/x.txt",
    )
    assert told("p") == ["p: passed over 2 .heic, 1 .dng, 1 .pdf, 1 without suffix (convert photographs to JPEG)"]
    assert told("p/*.jpg") == [] and told("p/a.jpg") == []
    assert told(".") == [told("p")[0].replace("p:", ".:", 1)]
    assert "p/f.JFIF" in found("p")


def test_of_many_kinds_the_most_frequent_are_named(here):
    here("p/a.jpg", *(f"p/{i}.x{i}" for i in range(12)), "p/b.x3")
    (line,) = told("p")
    assert line.startswith("p: passed over 2 .x3, 1 .x0") and line.endswith("1 .x5, 4 others")


def test_links_to_folders_are_counted_and_broken_ones_are_files(here):
    here("p/a.jpg", "q/b.jpg")
    Path("p/q").symlink_to(Path("q").resolve(), target_is_directory=True)
    Path("p/gone.jpg").symlink_to("nowhere.jpg")
    assert found("p") == ["p/a.jpg", "p/gone.jpg"] and told("p") == ["p: passed over 1 linked folder(s)"]


def test_a_folder_without_media_says_what_it_holds(here):
    here("p/a.heic", "p/b.heic")
    with pytest.raises(MinissdError, match=r"there are 2 \.heic \(convert"):
        find_media(["p"], Path("out"))


def test_a_file_named_twice_is_searched_once(here):
    here("p/a.jpg", "p/b.jpg")
    assert found("p/b.jpg", "p", "p/*.jpg", "./p/a.jpg") == ["p/b.jpg", "p/a.jpg"]


@pytest.mark.parametrize("word", [".", "**/*", "*"])
def test_a_second_run_does_not_take_up_the_copies_of_the_first(here, word):
    here("a.jpg", "out/a.jpg", "out/sub/b.jpg")
    assert found(word) == ["a.jpg"]


def test_copies_of_one_name_are_numbered(here):
    here("a.png", "a-2.png", "d/a.png", "e/A.png", "a.bmp", "a.avi", "a.mp4")
    names = copies("a.png", "d/a.png", "a-2.png", "e/A.png", "a.bmp", "a.avi", "a.mp4")
    assert len({name.lower() for name in names}) == 7
    assert names[:2] == ["out/a.png", "out/a-2.png"] and names[-2:] == ["out/a.mp4", "out/a-2.mp4"]


@pytest.mark.parametrize("word", ["p", "p/a.jpg", "p/*.jpg"])
def test_an_original_is_never_the_place_of_a_copy(here, word):
    here("p/a.jpg")
    with pytest.raises(MinissdError, match="overwritten.*--out"):
        find_media([word], Path("p"))
