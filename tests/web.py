"""A small web server of our own, with the bad habits of large ones."""

import contextlib
import hashlib
import http.server
import threading
from dataclasses import dataclass, field


@dataclass
class Habit:
    """How one request is answered."""

    status: int = 0  # an error in place of the file
    redirect: str = ""  # to another path
    elsewhere: str = ""  # to another address
    cut_after: int | None = None  # bytes sent before the connection is closed
    stall_after: int | None = None  # bytes sent before silence
    ranges: bool = True  # whether Range is obeyed
    if_range: bool = True  # whether If-Range is
    shift: int = 0  # bytes by which an answered range begins too late
    validator: bool = True  # whether an ETag is sent
    corrupt: bool = False  # the first byte sent is another
    length: bool = True  # whether Content-Length is sent


@dataclass
class Site:
    """What the server offers, how it answers, and what it was asked for and sent."""

    url: str = ""
    files: dict = field(default_factory=dict)  # path -> bytes
    habits: list = field(default_factory=list)  # of the next requests; then it behaves
    asked: list = field(default_factory=list)  # (path, Range, If-Range) of each request
    sent: list = field(default_factory=list)  # bytes of the body of each answer
    over: threading.Event = field(default_factory=threading.Event)


class Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self):
        site = self.site
        path, wanted = self.path.lstrip("/"), self.headers.get("Range")
        site.asked.append((path, wanted, self.headers.get("If-Range")))
        site.sent.append(0)
        habit = site.habits.pop(0) if site.habits else Habit()
        if habit.redirect:
            return self.head(302, Location=f"{site.url}/{habit.redirect}", Content_Length=0)
        if habit.elsewhere:
            return self.head(302, Location=habit.elsewhere, Content_Length=0)
        if habit.status or path not in site.files:
            return self.head(habit.status or 404, Content_Length=0)
        content = site.files[path]
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": tag} if habit.validator else {}
        changed = habit.if_range and self.headers.get("If-Range") not in (None, tag)
        start = int(wanted[len("bytes=") : -1]) if wanted and habit.ranges and not changed else None
        if start is not None and start >= len(content):
            return self.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
        body = content[(start or 0) + habit.shift :]
        if habit.length:
            headers["Content_Length"] = len(body)
        if start is None:
            self.head(200, **headers)
        else:
            first = start + habit.shift
            self.head(206, Content_Range=f"bytes {first}-{len(content) - 1}/{len(content)}", **headers)
        if habit.corrupt:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send(body, habit)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, body, habit):
        ends = [end for end in (habit.cut_after, habit.stall_after) if end is not None]
        part = body[: ends[0]] if ends else body
        self.site.sent[-1] = len(part)  # before it is sent: whoever asked has it all before `write` returns
        with contextlib.suppress(ConnectionError):  # or has gone
            self.wfile.write(part)
            self.wfile.flush()
        if habit.stall_after is not None:
            self.site.over.wait(5)
        self.close_connection = True

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve():
    """A Site on the web, at http://127.0.0.1, as long as the context lasts."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield site
        site.over.set()
        server.shutdown()


class Bar:
    """A progress bar that remembers."""

    total, seen, closed = None, 0, False

    def update(self, count):
        self.seen += count

    def reset(self):
        self.seen = 0

    def close(self):
        self.closed = True
