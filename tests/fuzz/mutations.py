"""Sound content made unsound: bytes of a file, and structures as JSON holds; all of it drawn from a random.Random."""

import copy
import io
import json
import re
import tarfile
import zipfile

NUMBERS = (0, 1, 2, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    *("", " ", "0", "-1", "1", "1e308", "1e999", "-1e-400", "nan", "inf", "-Infinity", "0x10", "1_0", "1,5", "½", "٣"),
    *("9" * 25, "9" * 5000, "true", "null", "None", "../x", "/etc/passwd", "a/../../b", "C:\\x", "~", "-", "--help"),
    *("[red]", "[/]", ":car:", "<b>&amp;", "&x;", "<!DOCTYPE a>", "{0}", "%s", "\x00", "\x1b[2J", "\u202e", "\ud800"),
    *("\n", "\r\n", "\u2028", "é", "止", "🚗", "x" * 300, "[" * 3000, "{" * 100, "'", '"', "#", "!!python/object:os"),
)
VALUES = (
    *(None, True, False, 0, -1, 1, 2.5, 1e308, float("inf"), float("nan"), 10**30, -(10**30), 2**31, 2**63),
    *([], {}, [[]], [None], [1, 2], {"": 0}, {"a": {}}, [[[0]]]),
    *WORDS,
)
TOKEN = re.compile(r"[\w.+-]+|[^\w\s]")


def mutated_bytes(rng, content):
    """One to four changes somewhere: bits, numbers, pieces lost, doubled, moved or made up, the end cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # files begin with what tells most of the rest
        at = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(min(len(data), 200) + 1)
        length = rng.choice((1, 2, 4, 8, rng.randrange(1, 64), rng.randrange(1, len(data) + 2)))
        kind = rng.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 1] = rng.randbytes(1)
        elif kind == 2:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(NUMBERS) % 256**size
            data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif kind == 3:
            del data[at : at + length]
        elif kind == 4:
            data[at:at] = data[at : at + length]
        elif kind == 5:
            data[at:at] = rng.randbytes(min(length, 1000))
        elif kind == 6:
            source = rng.randrange(len(data) + 1)
            data[at : at + length] = data[source : source + length]
        else:
            del data[at:]
    return bytes(data)


def mutated_text(rng, content):
    """One to three words exchanged for odd ones or for others of the text, lost or doubled; or bytes changed."""
    if rng.random() < 0.3:
        return mutated_bytes(rng, content)
    text = content.decode("utf-8", "surrogateescape")
    for _ in range(rng.choice((1, 1, 2, 3))):
        tokens = list(TOKEN.finditer(text))
        if not tokens:
            break
        one, other = rng.choice(tokens), rng.choice(tokens)
        new = rng.choice((rng.choice(WORDS), rng.choice(WORDS), other[0], "", one[0] * 2))
        text = text[: one.start()] + new + text[one.end() :]
    return text.encode("utf-8", "surrogatepass" if "\ud800" in text else "surrogateescape")


def mutated_structure(rng, value):
    """One to three places of nested dicts and lists changed: another value, a key lost or renamed, doubled, nested."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return rng.choice(VALUES)
        holder, key = rng.choice(places)
        kind = rng.randrange(8)
        if kind < 4:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind == 4:
            del holder[key]
        elif kind == 5:
            other, there = rng.choice(places)
            holder[key] = copy.deepcopy(other[there])
        elif kind == 6:
            for _ in range(rng.choice((1, 2, 60))):
                holder[key] = rng.choice(([holder[key]], {"a": holder[key]}))
        elif isinstance(holder, dict):
            holder[rng.choice(WORDS)] = holder.pop(key)
        else:
            holder.append(copy.deepcopy(holder[key]))
    return value


def _places(value):
    """(holder, key) of everything within."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


def mutated_json(rng, content):
    """JSON of another structure, or with other bytes."""
    if rng.random() < 0.2:
        return mutated_text(rng, content)
    if rng.random() < 0.05:  # deeper than a parser can call itself
        return re.sub(rb"[\w.]+", b"[" * rng.choice((300, 600, 100_000)), content, count=1)
    return json.dumps(mutated_structure(rng, json.loads(content)), ensure_ascii=rng.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


def mutated_json_lines(rng, content):
    """The same for one line of several, or a line lost or doubled."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines) - 1)
    lines[at : at + 1] = rng.choice(([mutated_json(rng, lines[at])], [mutated_json(rng, lines[at])], [], lines[at:]))
    return b"\n".join(lines)


def mutated_safetensors(rng, content):
    """A safetensors file whose header says something else, or with other bytes."""
    if rng.random() < 0.3:
        return mutated_bytes(rng, content)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    described = header.get("__metadata__")
    if described and rng.random() < 0.7:  # what ours say in JSON within the JSON
        name = rng.choice(list(described))
        try:
            described[name] = json.dumps(mutated_structure(rng, json.loads(described[name])))
        except ValueError:
            described[name] = rng.choice(WORDS)
    else:
        header = mutated_structure(rng, header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def mutated_zip(rng, content):
    """A zip archive with an odd member more, one of its own changed, or with other bytes."""
    if rng.random() < 0.4:
        return mutated_bytes(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {entry: archive.read(entry) for entry in archive.infolist()}
    changed = rng.choice(list(files))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for entry, data in files.items():
            if entry is changed:
                data = mutated_bytes(rng, data) if rng.random() < 0.5 else data
                entry.filename = _odd_name(rng, entry.filename) if rng.random() < 0.7 else entry.filename
                entry.external_attr = rng.choice((entry.external_attr, 0o120777 << 16, 0o060666 << 16, 0))
            entry.compress_type = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            archive.writestr(entry, data)
    return target.getvalue()


def mutated_tar(rng, content):
    """A tar archive with an odd member: a link, a device, another name, owner, mode or size; or with other bytes."""
    if rng.random() < 0.3:
        return mutated_bytes(rng, content)
    target = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as source, tarfile.open(fileobj=target, mode="w") as archive:
        members = source.getmembers()
        changed = rng.choice(members)
        for member in members:
            data = source.extractfile(member)
            if member is changed:
                member.type = rng.choice((member.type, *(bytes([kind]) for kind in b"01234567LKSxg")))
                member.name, member.linkname = _odd_name(rng, member.name), _odd_name(rng, members[0].name)
                member.mode = rng.choice((member.mode, 0, 0o7777))
                member.uid = member.gid = rng.choice((0, 65534))
            archive.addfile(member, data if member.type in b"0\0" and data else None)
    return target.getvalue()


def _odd_name(rng, name):
    odd = (
        "../evil",
        "/evil",
        f"../{name}",
        f"{name}/../../evil",
        "a/" * 60,
        "..\\evil",
        "C:evil",
        "con",
        "~",
        ".",
        "é",
    )
    return rng.choice((name, *odd, "\x1b[2J", "new\nline", "x" * 300))
