"""What comes from elsewhere: archives and answers of servers, folders of the course, words on a command line."""

import contextlib
import io
import json
import os
import shutil
import socket
import sys
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path
from unittest import mock

from fuzz.guard import Broken
from fuzz.mutations import WORDS, mutated_bytes, mutated_json, mutated_tar, mutated_text, mutated_zip
from fuzz.target import Target, require, sound

from minissd.cli.main import main
from minissd.course import sandbox
from minissd.course.folder import StudentFolder
from minissd.course.shelf import find_shelf, read_lessons
from minissd.data import download
from minissd.data.http import ResumingDownloader
from minissd.data.remote import Download, RemoteFile
from minissd.viz import style  # noqa: F401  (matplotlib makes a folder of its own when it is first there)

FILES = {"tree/a.txt": b"one", "tree/b/c.bin": bytes(range(256)) * 40, "tree/d": b""}


def tar(mode):
    def write(folder):
        path = folder / "archive"
        with tarfile.open(path, mode) as archive:
            for name, content in FILES.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    return sound(write)


def zip_archive(folder):
    path = folder / "archive"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def unpack(path, out):
    """As `fetch` does with what it has downloaded."""
    (out / "place").mkdir()
    shutil.copy(path, out / "archive")
    made = Download("data", (RemoteFile("http://x/archive", None, None),), "", "", "", tree="tree", unpacked=50_000)
    try:
        download._put(made, [out / "archive"], out / "place" / "set")
    except download.BadArchive as error:
        require(len(str(error).splitlines()) == 1, error)
        require(not (out / "place" / "set").exists(), "half of it is there")
        return
    total = 0
    for file in (out / "place").rglob("*"):
        require(file.resolve().is_relative_to(out.resolve()) or not file.is_symlink(), f"{file} leads outside")
        require(file.is_file() or file.is_dir() or file.is_symlink(), f"{file} is no file")
        total += file.lstat().st_size if file.is_file() else 0
    require(total <= 50_000, f"{total} bytes")


ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nETag: "abc"\r\nLast-Modified: x\r\n'
    b"Content-Type: text/plain\r\n\r\n" + b"x" * 3000
)
RANGE = (
    b'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1000-2999/3000\r\nETag: "abc"\r\n'
    b"Content-Length: 2000\r\n\r\n" + b"x" * 2000
)


class Server:
    """Gives the bytes of a file for an answer, whatever it is asked."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/file"
        self.answer = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                connection.recv(4096)
                connection.sendall(self.answer)


_server: list = []


def answer(content):
    @contextlib.contextmanager
    def prepared(folder):
        path = folder / "answer"
        path.write_bytes(content)
        _server.append(Server())
        try:
            yield path
        finally:
            _server.pop().socket.close()

    return prepared


def fetch(path, out):
    """As `minissd fetch` does it, from a server whose answer the file is; a checksum vouches for what arrives."""
    import requests

    server, whole = _server[-1], path.read_bytes().startswith(b"HTTP/1.1 200")
    server.answer = path.read_bytes()
    part = out / "file.part"
    if not whole:  # something has arrived before
        part.write_bytes(b"x" * 1000)
        part.with_name("file.part.json").write_text(json.dumps({"url": server.url, "validator": '"abc"'}))
    loader = ResumingDownloader(part, 3000, True, stall=0.5, tries=1, wait=0)
    try:
        loader(server.url, str(out / "file"), None)
    except (requests.RequestException, OSError) as error:  # which `fetch` puts into words: an OSError, all of them
        require(isinstance(error, OSError), error)
        return
    size = (out / "file").stat().st_size
    require(size == 3000, f"{size} bytes for the 3000 that were expected")


def state(content):
    def write(folder):
        path = folder / "part.json"
        path.write_text(json.dumps(content))
        return path

    return sound(write)


def go_on(path, out):
    shutil.copy(path, out / "file.part.json")
    (out / "file.part").write_bytes(b"x")
    start, validator = ResumingDownloader(out / "file.part", 3000)._place_to_go_on("http://x/")
    require(start in (0, 1) and (validator is None or isinstance(validator, str)), f"{start}, {validator!r}")


def progress(folder):
    records = {"01/resize": {"passed": "2026-01-01", "tries": 3, "hints": 1}}
    path = folder / "minissd-course" / "progress.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"minissd-course": 1, "exercises": records}))
    return path


def read_progress(path, out):
    folder = StudentFolder(path.parent)
    for lesson in read_lessons():
        for exercise in lesson.exercises:
            require(folder.record(exercise)["tries"] is not None, "tries")


def handout(which):
    def write(folder):
        shelf = find_shelf()
        chosen = next(shelf.glob("01_*"))
        shutil.copytree(chosen, folder / "lessons" / chosen.name)
        return next((folder / "lessons" / chosen.name).glob(which))

    return sound(write)


def read_handout(path, out):
    shelf = next(folder for folder in path.parents if folder.name == "lessons")
    for lesson in read_lessons(shelf):
        require(lesson.title and lesson.question and lesson.number.isdecimal(), "lesson")
        for exercise in lesson.exercises:
            require(len(exercise.hints) == 3 and exercise.properties and exercise.start_text, "exercise")
            require(all(mutant.hint for mutant in exercise.mutants), "mutants")


_judges: list = []


@contextlib.contextmanager
def submission(folder):
    """Judged one after the other by one process, as `lesson grade` does it; it lives in a folder of its own."""
    exercise = next(one for lesson in read_lessons() for one in lesson.exercises)
    path = folder / f"{exercise.name}.py"
    shutil.copy(exercise.solution, path)
    (folder / "judges").mkdir()
    with mock.patch.object(tempfile, "tempdir", str(folder / "judges")):
        judges = sandbox.Judges()
    with judges:
        _judges.append((judges, exercise))
        yield path
        _judges.pop()


def judge(path, out):
    judges, exercise = _judges[-1]
    verdict = judges.judge(sandbox.read_answer(path), exercise, path.name, seconds=5)
    require(verdict.status in ("passed", "wrong", "empty", "broken", "stopped"), verdict)


def verdict_file(folder):
    path = folder / "answer.json"
    path.write_text(json.dumps({"status": "wrong", "held": ["a"], "statement": "b", "reason": "c", "printed": ""}))
    return path


def read_verdict(path, out):
    verdict = sandbox._answer(path)
    require(verdict is None or all(isinstance(one, str) for one in verdict.held), verdict)
    if verdict:
        require(all(isinstance(getattr(verdict, name), str) for name in ("status", "reason", "example")), verdict)


COMMANDS = (
    "train --data TREE --limit 1 --steps 1 --input-size 64 --batch-size 1 --workers 0 --validation none --out OUT/run",
    "train --data TREE --model lenet5 --task classify --classes a,b --recipe scratch --epochs 1 --out OUT/run",
    "evaluate --checkpoint TREE/last.safetensors --data TREE --split train --iou 0.5 --limit 1 --out OUT",
    "detect TREE/JPEGImages --checkpoint TREE/last.safetensors --threshold 0.5 --batch-size 1 --out OUT/found",
    "doctor TREE --split train",
    "explain nms --checkpoint TREE/last.safetensors --out OUT/nms.png",
    "fetch vgg17",
    "lesson hint 02/conv --folder OUT",
    "gradcheck no such thing",
    "bench no such thing",
    "ablate no such thing --out OUT",
)


def command(folder):
    from fuzz.data_targets import voc_tree
    from fuzz.network_targets import checkpoint

    voc_tree(folder)
    checkpoint(folder / "tree")
    path = folder / "words"
    path.write_text("\n".join(COMMANDS))
    return path


def mutated_command(rng, content):
    """One of the commands with a word or two that are odd, lost, moved or doubled."""
    words = rng.choice(content.decode().split("\n")).split(" ")
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(1, len(words) + 1)
        odd = rng.choice([word for word in WORDS if not set("\0\ud800/\\~") & set(word)])
        words[at : at + rng.choice((0, 1))] = rng.choice(([odd], [odd], [], words[at : at + 1] * 2))
    return "\0".join(words).encode()


def run_command(path, out):
    """Status 0, 1 with a line or 2 with how it is used."""
    text = path.read_text()
    if "\n" in text.strip() and "\0" not in text:  # all of them, sound: one is enough
        text = text.split("\n")[4].replace(" ", "\0")
    words = [word.replace("OUT", str(out)).replace("TREE", str(path.parent / "tree")) for word in text.split("\0")]
    before, out_before, err_before, here = sys.argv, sys.stdout, sys.stderr, Path.cwd()
    os.chdir(out)  # where the defaults lead to
    printed = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    sys.argv, sys.stdout, sys.stderr = ["minissd", *words], printed, printed
    try:
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code or 0
    finally:
        sys.argv, sys.stdout, sys.stderr = before, out_before, err_before
        os.chdir(here)
    text = printed.buffer.getvalue().decode()
    if status not in (0, 1, 2) or "Traceback" in text:
        raise Broken(f"{words}: {status} {text[-300:]}")
    if status == 1 and "lesson" not in words and text.count("error: ") != 1:
        raise Broken(f"{words}: not one line: {text[-300:]}")


OUTSIDE = (
    Target("tar", tar("w"), mutated_tar, unpack),
    Target("tar.gz", tar("w:gz"), mutated_bytes, unpack),
    Target("zip", sound(zip_archive), mutated_zip, unpack),
    Target("answer of a server", answer(ANSWER), mutated_text, fetch, names=("127.0.0.1",)),
    Target("answer with the rest", answer(RANGE), mutated_text, fetch, names=("127.0.0.1",)),
    Target("state of a download", state({"url": "http://x/", "validator": '"abc"'}), mutated_json, go_on),
    Target("progress.json", sound(progress), mutated_json, read_progress),
    Target("lesson.toml", handout("lesson.toml"), mutated_text, read_handout),
    Target("exercise.toml", handout("exercises/*.toml"), mutated_text, read_handout),
    Target("mutants.toml", handout("mutants/*.toml"), mutated_text, read_handout),
    Target("submission", submission, mutated_text, judge, 8, aside="judges"),
    Target("verdict of a process", sound(verdict_file), mutated_json, read_verdict),
    Target("command line", sound(command), mutated_command, run_command, 15),
)
