"""What can befall any file: bytes flipped, put in or lost, cut off, renamed, emptied, something else in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.fuzz.feeds import Draft

Change = Callable[[Draft], bool]
"""Changes a draft in its place; False where it does not apply."""

_INTERESTING: Final = (0x00, 0xFF, 0x7F, 0x80, 0x22, 0x2C, 0x0A, 0x0D, 0x3C, 0x26, 0x5B, 0x7B, 0xEF, 0xC3, 0x81)


def flip_bytes(draft: Draft) -> bool:
    """A few bits, or bytes, become others."""
    name = draft.file()
    if not name or not draft.files[name]:
        return False
    data = bytearray(draft.files[name])
    for _ in range(draft.rng.choice((1, 1, 2, 8, 64))):
        at = draft.rng.randrange(len(data))
        data[at] = draft.rng.choice((data[at] ^ (1 << draft.rng.randrange(8)), *_INTERESTING[:4]))
    draft.files[name] = bytes(data)
    return True


def insert_bytes(draft: Draft) -> bool:
    """Bytes that do not belong there, or a block of the file once more."""
    name = draft.file()
    if not name:
        return False
    data, rng = draft.files[name], draft.rng
    at = rng.randrange(len(data) + 1)
    block = bytes(rng.choice(_INTERESTING) for _ in range(rng.choice((1, 3, 40))))
    if data and rng.random() < 0.4:
        start = rng.randrange(len(data))
        block = data[start : start + rng.choice((1, 20, 500, 5000))]
    draft.files[name] = data[:at] + block + data[at:]
    return True


def delete_bytes(draft: Draft) -> bool:
    """A stretch of the file is gone."""
    name = draft.file()
    if not name or not draft.files[name]:
        return False
    data = draft.files[name]
    at = draft.rng.randrange(len(data))
    draft.files[name] = data[:at] + data[at + draft.rng.choice((1, 2, 30, 512, 4096)) :]
    return True


def truncate(draft: Draft) -> bool:
    """The file ends anywhere."""
    name = draft.file()
    if not name or not draft.files[name]:
        return False
    draft.files[name] = draft.files[name][: draft.rng.randrange(len(draft.files[name]))]
    return True


def zeros(draft: Draft) -> bool:
    """A stretch of zero bytes, as of a disk that was full."""
    name = draft.file()
    if not name or not draft.files[name]:
        return False
    data = draft.files[name]
    at = draft.rng.randrange(len(data))
    n = min(draft.rng.choice((16, 512, 4096)), len(data) - at)
    draft.files[name] = data[:at] + bytes(n) + data[at + n :]
    return True


def empty_file(draft: Draft) -> bool:
    """A file of no bytes, or of blanks."""
    name = draft.file()
    if not name:
        return False
    draft.files[name] = draft.rng.choice((b"", b"", b"\n", b" \r\n \r\n", b"\xef\xbb\xbf", b"\0" * 100))
    return True


def noise(draft: Draft) -> bool:
    """A file of random bytes, or of another format's beginning."""
    name = draft.file()
    if not name:
        return False
    starts = (
        b"",
        b"PK\x03\x04",
        b"SQLite format 3\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"<?xml",
        b"[{",
        b"%PDF-1.7",
    )
    draft.files[name] = draft.rng.choice(starts) + draft.rng.randbytes(draft.rng.choice((10, 1000, 60_000)))
    return True


def other_ending(draft: Draft) -> bool:
    """The right content under a wrong ending."""
    name = draft.file()
    if not name:
        return False
    stem, _, ending = name.rpartition(".")
    others = [e for e in ("csv", "xml", "xlsx", "xls", "json", "db", "txt", "CSV", "") if e != ending]
    draft.files[f"{stem}.{draft.rng.choice(others)}".rstrip(".")] = draft.files.pop(name)
    return True


def another_name(draft: Draft) -> bool:
    """A name with what a shell or a log might stumble over."""
    name = draft.file()
    if not name:
        return False
    stem, _, ending = name.rpartition(".")
    odd = draft.rng.choice(("{} copy", "{}\n2", "é{}", "{} (1)", "-{}", "{}%s", "{}'", "~${}", ".{}", "{}\x1b[31m"))
    draft.files[f"{odd.format(stem)}.{ending}"] = draft.files.pop(name)
    return True


def no_file(draft: Draft) -> bool:
    """A file that is not there; of a single one, an empty place."""
    name = draft.file()
    if name:
        del draft.files[name]
    return bool(name)


def folder_instead(draft: Draft) -> bool:
    """A folder of a file's name."""
    name = draft.file()
    if not name:
        return False
    del draft.files[name]
    draft.folders.append(name)
    return True


def pipe_instead(draft: Draft) -> bool:
    """A named pipe of a file's name, at which a reader could wait for ever."""
    name = draft.file()
    if not name:
        return False
    del draft.files[name]
    draft.pipes.append(name)
    return True


def same_file_twice(draft: Draft) -> bool:
    """A copy of a file beside it."""
    name = draft.file()
    if not name or draft.given.single:
        return False
    stem, _, ending = name.rpartition(".")
    draft.files[f"{stem}-copy.{ending}"] = draft.files[name]
    return True


ANY_FILE: Final[tuple[Change, ...]] = (
    flip_bytes, flip_bytes, insert_bytes, insert_bytes, delete_bytes, delete_bytes, truncate, truncate, truncate,
    zeros, empty_file, noise, other_ending, another_name, no_file, folder_instead, pipe_instead, same_file_twice,
)  # fmt: skip
