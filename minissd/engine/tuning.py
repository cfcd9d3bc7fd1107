"""What was measured on a machine: sizes of blocks, thresholds, and what the algorithms of `conv2d` cost.

`tuning.json` beside this file comes with minissd.  `minissd bench --tune` measures the machine at hand and writes such
a file into the user's cache folder; that one is in force from then on.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from minissd.engine.cpu.processor import this_machine
from minissd.errors import MinissdError, MinissdWarning
from minissd.files import cache_folder, parse_json

SHIPPED = Path(__file__).with_name("tuning.json")
AGAIN = "write it again (minissd bench --tune) or delete it"


@dataclass(frozen=True)
class Sizes:
    """How work is divided.  Of them a result depends in its rounding alone."""

    # cpu/threads.py: multiply-adds that keep a thread busy for about 0.2 ms, where to start and await one takes about
    # 0.05; elements of a part of element-wise work, which stays in the cache and takes a thread about 0.1 ms
    thread_products: int
    elementwise_part: int

    # products.py: OpenBLAS copies both factors into an order of its own before it multiplies; where the processor has
    # AVX-512, it has kernels for products of up to so many multiply-adds that read them as they are.  A long matrix
    # times a small one is 1.1 to 2 times as fast in such pieces, unless they become too short: of so many rows, or of
    # so many terms in a sum.
    small_product: int
    least_rows: int
    least_terms: int

    # algorithms/, cpu/gathering.py: bytes of patches, of transformed rows, of what is multiplied, that should still lie
    # in the cache when they are read again; tiles likewise; what a GPU works on at a time is large, to keep all of it
    # busy (those sizes are not measured)
    im2col_block: int
    im2col_block_on_card: int
    winograd_tiles: int
    winograd_block_on_card: int
    winograd_rows_block: int
    strided_block: int

    # normalisation.py: bytes of a block; and how many blocks there are at least of maps that are not large, since what
    # is repeated for every row of a block has to be written first
    batch_norm_block: int
    batch_norm_blocks: int

    # pooling.py: bytes of x under a block of y
    pooling_block: int

    # cpu/memory.py: bytes of a result from which on its memory is our own and serves again, of the regions that results
    # lie in, and of memory that nobody holds, at most; bytes from which on pages of 2 MiB are asked for, each of which
    # is cleared in one go
    small_result: int
    result_region: int
    results_kept: int
    huge_pages: int

    # cpu/arena.py: bytes of scratch memory that a thread may keep whatever its loans need, and of a loan of some size,
    # beside which more than that is given back
    scratch_kept: int
    scratch_some: int

    # algorithms/tiles.py: neighbouring tiles that one product transforms
    shortest_strip: int
    longest_strip: int


class Cost(NamedTuple):
    """Nanoseconds that an algorithm takes on one core for each item of its `minissd.engine.algorithms.Work`."""

    call: float
    product: float
    number: float
    piece: float
    weight: float


@dataclass(frozen=True, eq=False)
class Tuning:
    version: int  # raised in tuning.json when `Work` of an algorithm counts something else, or sizes mean it
    machine: Mapping[str, str]  # on which it was measured, as `this_machine` names it
    sizes: Sizes
    costs: Mapping[str, Cost]  # by the names of the algorithms
    origin: Path | None = None  # the file that it was read from

    @property
    def digest(self) -> str:
        """Eight characters that stand for all values: two tunings that agree in them give the same results."""
        content = as_json(self)
        values = json.dumps([content["sizes"], content["costs"]], sort_keys=True)
        return sha256(values.encode()).hexdigest()[:8]


_in_force: Tuning | None = None


def tuning_in_force() -> Tuning:
    """What is in force: the user's tuning, if there is one of this machine and version, else what minissd comes with.

    A user's file that is not used is named in a warning, with what is wrong.
    """
    global _in_force
    if _in_force is None:
        _in_force = _of_the_user() or shipped()
    return _in_force


@contextmanager
def tuned(other: Tuning | None = None, **sizes: int) -> Iterator[None]:
    """Within the block another tuning, or the one in force with other sizes, for all threads of the program."""
    global _in_force
    other = other or tuning_in_force()
    before, _in_force = _in_force, replace(other, sizes=replace(other.sizes, **sizes))
    try:
        yield
    finally:
        _in_force = before


def shipped() -> Tuning:
    """The tuning that minissd comes with."""
    return _parsed(_shipped_content(), SHIPPED)


def users_file() -> Path:
    """Where `minissd bench --tune` writes to."""
    return cache_folder() / "tuning.json"


def read(path: Path) -> Tuning:
    """The tuning in a file; MinissdError if it cannot be read, or is not of this version, or not of this machine."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MinissdError(f"{path}: cannot be read ({error.strerror or error}): {AGAIN}") from None
    except ValueError as error:
        raise MinissdError(f"{path}: is not JSON ({error}): {AGAIN}") from None
    wrong = _difference(content, _shipped_content())
    if wrong:
        raise MinissdError(f"{path}: is no tuning of this version, {wrong}: {AGAIN}")
    if content["version"] != shipped().version:
        raise MinissdError(f"{path}: is of another version of minissd: {AGAIN}")
    if content["machine"] != this_machine():
        raise MinissdError(f"{path}: is of another machine ({', '.join(content['machine'].values())}): {AGAIN}")
    return _parsed(content, path)


def as_json(tuning: Tuning) -> dict[str, Any]:
    """The content of a tuning's file."""
    costs = {name: cost._asdict() for name, cost in tuning.costs.items()}
    return {
        "version": tuning.version,
        "machine": dict(tuning.machine),
        "sizes": asdict(tuning.sizes),
        "costs": costs,
    }


def _of_the_user():
    try:
        path = users_file()
    except MinissdError:  # no home folder, and so no file in it
        return None
    try:
        return read(path) if path.exists() else None
    except MinissdError as error:
        warnings.warn(f"{error}; until then the tuning of minissd itself is used", MinissdWarning, stacklevel=3)
        return None


def _shipped_content():
    return json.loads(SHIPPED.read_text(encoding="utf-8"))


def _parsed(content, path):
    costs = {name: Cost(**cost) for name, cost in content["costs"].items()}
    return Tuning(content["version"], content["machine"], Sizes(**content["sizes"]), costs, path)


def _difference(given, expected, place=""):
    """What is wrong with a part of a file beside the same part of the one that minissd comes with; "" if nothing."""
    if isinstance(expected, dict):
        if not isinstance(given, dict):
            return f"{place or 'it'} holds no names"
        for name in given.keys() | expected.keys():
            inner = f"{place}.{name}" if place else name
            if name not in expected:
                return f"{inner} is not known"
            if name not in given:
                return f"{inner} is missing"
            wrong = _difference(given[name], expected[name], inner)
            if wrong:
                return wrong
        return ""
    if isinstance(expected, str):
        return "" if isinstance(given, str) else f"{place} is no text"
    of_its_kind = isinstance(given, int if isinstance(expected, int) else (int, float)) and not isinstance(given, bool)
    least = 1 if isinstance(expected, int) else 0
    if of_its_kind and least <= given < float("inf"):
        return ""
    return f"{place} is {given!r}, not a {'whole ' if least else ''}number of at least {least}"
