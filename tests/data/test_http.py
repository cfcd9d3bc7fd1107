"""Downloads from a server that stalls, truncates, redirects and changes its mind: nothing arrives twice or wrong."""

import json
import random

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from web import Bar, Habit, serve

from minissd.data import http
from minissd.data.http import ResumingDownloader
from minissd.errors import MinissdError

CONTENT = random.Random(0).randbytes(300_000)
HALF = 9 * http._CHUNK  # a whole number of them, for what comes in is written in chunks


@pytest.fixture
def download(site, tmp_path):
    """download(...) -> the bytes that arrived; the file on the server is CONTENT unless said otherwise."""
    site.files.setdefault("file", CONTENT)

    def run(name="file", **options):
        options = {"stall": 0.5, "tries": 3, "wait": 0.0, **options}
        downloader = ResumingDownloader(tmp_path / "file.part", **options)
        downloader(f"{site.url}/{name}", tmp_path / "file", None)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]  # neither part nor state stays
        return (tmp_path / "file").read_bytes()

    return run


@pytest.fixture
def stopped(site, download):
    """A download that was given up after HALF the file."""
    with pytest.raises(requests.RequestException):
        site.habits = [Habit(cut_after=HALF)]
        download(tries=1)
    assert site.sent == [HALF]
    site.asked.clear()
    site.sent.clear()


def ranges(site):
    return [wanted for _, wanted, _ in site.asked]


def test_a_file_comes_as_it_is(site, download):
    assert download() == CONTENT and ranges(site) == [None]


@pytest.mark.parametrize("habit", [Habit(cut_after=HALF), Habit(stall_after=HALF)])
def test_after_a_cut_or_silence_only_the_rest_is_asked_for(site, download, habit):
    site.habits = [habit]
    assert download() == CONTENT
    assert ranges(site) == [None, f"bytes={HALF}-"] and site.sent == [HALF, len(CONTENT) - HALF]


def test_a_later_start_goes_on_where_the_last_one_stopped(site, download, stopped):
    assert download() == CONTENT
    assert ranges(site) == [f"bytes={HALF}-"] and site.sent == [len(CONTENT) - HALF]
    assert site.asked[0][2] is not None  # If-Range: the rest of this version or none


@given(cuts=st.lists(st.integers(1, 40), max_size=6))
def test_however_often_it_is_cut_no_byte_is_sent_twice(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("cuts")
    content = CONTENT[:100]
    with pytest.MonkeyPatch.context() as patch, serve() as site:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(http, "_CHUNK", 1)
        site.files["file"] = content
        site.habits = [Habit(cut_after=cut) for cut in cuts]
        ResumingDownloader(folder / "file.part", tries=2, wait=0.0)(f"{site.url}/file", folder / "file", None)
    assert (folder / "file").read_bytes() == content and sum(site.sent) == len(content)


def test_a_server_without_ranges_sends_it_anew(site, download, stopped):
    site.habits = [Habit(ranges=False)]
    assert download() == CONTENT and site.sent == [len(CONTENT)]


def test_a_file_that_changed_is_not_glued_to_its_old_half(site, download, stopped):
    site.files["file"] = CONTENT[::-1]
    assert download() == CONTENT[::-1]
    assert site.sent == [len(CONTENT)]


def test_nor_if_the_server_does_not_know_if_range(site, download, stopped):
    site.files["file"] = CONTENT[::-1]
    site.habits = [Habit(if_range=False)]
    assert download() == CONTENT[::-1]
    assert ranges(site) == [f"bytes={HALF}-", None]  # the tag of the answer was another


def test_a_range_other_than_the_one_asked_for(site, download, stopped):
    site.habits = [Habit(shift=1)]
    assert download() == CONTENT and ranges(site) == [f"bytes={HALF}-", None]


def test_a_complete_part_needs_no_more_bytes(site, download, stopped, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert download() == CONTENT and site.sent == [0]


def test_a_part_longer_than_the_file_is_thrown_away(site, download, stopped, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    assert download() == CONTENT and ranges(site) == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_part_of_another_address_is_not_gone_on_with(site, download, stopped):
    site.files["other"] = CONTENT[:1000]
    assert download("other") == CONTENT[:1000] and ranges(site) == [None]


@pytest.mark.parametrize("text", ["", "[]", '{"url": 1}'])
def test_a_part_of_unknown_origin_is_not_gone_on_with(site, download, stopped, tmp_path, text):
    (tmp_path / "file.part.json").write_text(text)
    assert download() == CONTENT and ranges(site) == [None]


@pytest.mark.parametrize("checked", [True, False])
def test_without_a_validator_only_a_checksum_allows_to_go_on(site, download, tmp_path, checked):
    site.habits = [Habit(cut_after=HALF, validator=False), Habit(validator=False)]
    assert download(checked=checked) == CONTENT
    assert ranges(site) == [None, f"bytes={HALF}-" if checked else None]


def test_redirects_are_followed_with_the_range(site, download, stopped):
    site.files["elsewhere"] = CONTENT
    site.habits = [Habit(redirect="elsewhere")]
    assert download() == CONTENT
    assert [path for path, _, _ in site.asked] == ["file", "elsewhere"] and site.sent == [0, len(CONTENT) - HALF]


def test_errors_of_a_busy_server_pass(site, download):
    site.habits = [Habit(status=503), Habit(status=429)]
    assert download() == CONTENT and len(site.asked) == 3


@pytest.mark.parametrize(("habit", "requests_made"), [(Habit(status=503), 3), (Habit(status=404), 1)])
def test_errors_that_do_not_pass(site, download, habit, requests_made):
    site.habits = [habit] * 9
    with pytest.raises(requests.HTTPError):
        download()
    assert len(site.asked) == requests_made


def test_tries_without_a_new_byte_are_counted(site, download, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "_CHUNK", 1000)
    site.habits = [Habit(cut_after=1000), Habit(cut_after=0), Habit(cut_after=1000), *[Habit(cut_after=0)] * 9]
    with pytest.raises(requests.RequestException):
        download(tries=3)
    assert len(site.asked) == 5 and (tmp_path / "file.part").read_bytes() == CONTENT[:2000]
    assert json.loads((tmp_path / "file.part.json").read_text())["url"] == f"{site.url}/file"


def test_answers_that_never_fit_together_end(site, download, stopped):
    site.habits = [habit for _ in range(9) for habit in (Habit(cut_after=10), Habit(shift=1))]
    with pytest.raises(requests.RequestException):
        download()


def test_without_a_length_the_known_size_decides(site, download):
    site.habits = [Habit(length=False, cut_after=HALF)]
    assert download(size=len(CONTENT)) == CONTENT and len(site.asked) == 2


def test_a_file_of_another_size_is_refused_at_once(site, download, one_line):
    with pytest.raises(MinissdError) as caught:
        download(size=len(CONTENT) + 1)
    one_line(caught, site.url, "300,000", "300,001")
    assert len(site.asked) == 1


def test_progress_counts_the_bytes_that_are_here(site, download, stopped):
    bar = Bar()
    seen = []
    bar.update = lambda count: seen.append(count) or Bar.update(bar, count)
    download(progress=bar)
    assert bar.total == bar.seen == len(CONTENT) and bar.closed and seen[0] == HALF


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/file", "gopher://x", "//[", "javascript:1"])
def test_a_redirect_to_another_scheme_is_followed_nowhere(site, tmp_path, target):
    site.files["file"] = CONTENT
    site.habits = [Habit(elsewhere=target)]
    with pytest.raises(requests.RequestException):
        ResumingDownloader(tmp_path / "part", tries=1, wait=0)(f"{site.url}/file", tmp_path / "file", None)
    assert not (tmp_path / "file").exists() and not (tmp_path / "part").exists()


def test_from_https_nothing_leads_to_http(site, tmp_path, monkeypatch):
    site.files["file"] = CONTENT
    get = requests.get
    monkeypatch.setattr(requests, "get", lambda url, **options: get(f"{site.url}/file", **options))  # as if redirected
    with pytest.raises(MinissdError, match="vouches"):
        ResumingDownloader(tmp_path / "part")("https://safe.example/file", tmp_path / "file", None)
    assert not (tmp_path / "part").exists()
