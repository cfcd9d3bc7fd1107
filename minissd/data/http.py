"""Downloading a file over HTTP so that a stop in the middle costs nothing: what has arrived is gone on with."""

import contextlib
import json
import logging
import os
import re
import time

import requests

from minissd.errors import MinissdError
from minissd.files import parse_json

logging.getLogger("urllib3").setLevel(logging.ERROR)  # of headers that are no headers it would show a traceback
_CHUNK = 1 << 14  # bytes written at a time; of an answer that breaks off, less than this is lost
_PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class ResumingDownloader:
    """Downloads to the file `part`, going on where an earlier attempt stopped (a downloader in the sense of pooch).

    part: path of the unfinished file; beside it lies PART.json with its address and the validator (ETag or
    date) that the server gave, so that the rest of a file that has changed since is never glued to it.
    size: bytes expected, or None; checked: whether a checksum follows, without which only a part with a
    validator is gone on with.  progress: None, or an object with `total`, update(n), reset() and close().
    stall: seconds without a byte after which the server counts as silent; tries: attempts without a new byte
    before giving up; wait: seconds before the second of them, twice as many before the third, and so on.
    """

    def __init__(self, part, size=None, checked=True, progress=None, *, stall=30.0, tries=4, wait=1.0):
        self.part = part
        self.state = part.with_name(part.name + ".json")
        self.size = size
        self.checked = checked
        self.progress = progress
        self.stall = stall
        self.tries = tries
        self.wait = wait

    def __call__(self, url, output_file, pooch, check_only=False):
        """Downloads `url` and moves it to `output_file`; `pooch` and `check_only` belong to pooch's protocol.

        Raises an exception of requests if the server refuses or stays silent, MinissdError if it offers a file
        of another size; what has arrived stays in `part`.
        """
        failures = 0
        while True:
            before = self._arrived()
            try:
                if self._attempt(url):
                    break
                error = requests.ConnectionError(f"{url}: the server's answers do not fit together")
            except _PASSING as caught:
                error = caught
            except requests.HTTPError as caught:
                if caught.response.status_code < 500 and caught.response.status_code != 429:
                    raise
                error = caught
            except requests.RequestException:
                raise
            except ValueError as caught:  # an address to go on to that is none
                raise requests.exceptions.InvalidURL(f"{url}: the answer of the server is none ({caught})") from None
            failures = 1 if self._arrived() > before else failures + 1
            if failures == self.tries:
                raise error
            time.sleep(self.wait * 2 ** (failures - 1))
        os.replace(self.part, output_file)
        self.state.unlink(missing_ok=True)
        if self.progress:
            self.progress.close()

    def _attempt(self, url):
        """One request -> whether the file is complete; False if it has to be begun anew."""
        start, validator = self._place_to_go_on(url)
        headers = {"Accept-Encoding": "identity"}  # the bytes of the file itself
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator:
                headers["If-Range"] = validator
        with requests.get(url, headers=headers, stream=True, timeout=self.stall) as response:
            if url.startswith("https:") and not response.url.startswith("https:"):
                raise MinissdError(f"{url} leads to {response.url}, which nobody vouches for on the way: not fetched")
            if start and response.status_code == 416:  # nothing beyond what is here: complete, or another file
                return _content_range(response) == (None, start) or self._forget()
            response.raise_for_status()
            if response.status_code == 206:
                begins, total = _content_range(response)
                if begins != start or (validator and _validator(response) not in (None, validator)):
                    return self._forget()
            else:  # the whole file: the server does not know ranges, or the file has changed
                start, total = 0, _whole_number(response.headers.get("Content-Length"))
            if self.size is not None and total not in (None, self.size):
                raise MinissdError(f"{url} is {total:,} bytes long, expected are {self.size:,}: it has changed there")
            self._receive(response, url, start, self.size if total is None else total)
        return True

    def _receive(self, response, url, start, total):
        """Writes the body behind the first `start` bytes."""
        if start == 0:
            state = {"url": url, "validator": _validator(response)}
            self.state.write_text(json.dumps(state), encoding="utf-8")
        if self.progress:
            self.progress.reset()
            self.progress.total = total
            self.progress.update(start)
        with open(self.part, "r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                if self.progress:
                    self.progress.update(len(chunk))
        if total is not None and self._arrived() != total:
            raise requests.ConnectionError(f"{url} ended after {self._arrived():,} of {total:,} bytes")

    def _place_to_go_on(self, url):
        """How many bytes are here to go on from, and their validator (None if the server gave none)."""
        try:
            state = parse_json(self.state.read_text(encoding="utf-8"))
            known, validator = state["url"] == url, state["validator"]
            if not isinstance(validator, str | None):
                raise TypeError
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None
        return (self._arrived(), validator) if known and (validator or self.checked) else (0, None)

    def _arrived(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def _forget(self):
        """Throws away what has arrived -> False."""
        for path in (self.part, self.state):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        return False


def _validator(response):
    """What tells this version of a file from another: its ETag, unless a weak one, or its date; or None."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _content_range(response):
    """(first byte, length of the whole file) of a Content-Range header, each None where it does not say."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return (None, None) if match is None else (_whole_number(match[1]), _whole_number(match[2]))


def _whole_number(text):
    return int(text) if text and text.isdecimal() and len(text) < 20 else None
