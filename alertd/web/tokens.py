"""Who may deliver: tokens, of which alertd keeps no more than the hashes.

A token is 256 random bits, so a plain SHA-256 of it cannot be turned round by guessing. The file has a line for
each, ``name hash``; a line taken away ends its token at once.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from alertd.errors import InputError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_LINE: Final = re.compile(r"(\S+) +([0-9a-f]{64})")
_SEEN_BY_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def read_tokens(file: Path) -> dict[str, str]:
    """The hash of each name's token. Raises InputError for a file that is not there, not so written, or open to
    other users of the machine."""
    try:
        mode = file.stat().st_mode
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(file), fix="Make one: alertd receive token NAME") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise InputError(f"cannot be read ({why})", where=str(file)) from None
    if mode & _SEEN_BY_OTHERS:
        raise InputError("is open to other users of this machine", where=str(file), fix=f"chmod 600 {file}")
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if not match or match[1] in found:
            what = "names somebody a second time" if match else "is not a name and the hash of a token"
            raise InputError(what, where=f"{file}:{number}", fix="Take the line away: alertd receive token NAME")
        found[match[1]] = match[2]
    return found


def add_token(file: Path, name: str) -> str:
    """Make a token for ``name``, add its hash to the file, and give the token: it cannot be had again."""
    if not NAME.fullmatch(name):
        raise InputError("a name is up to 40 letters, digits, dots, hyphens and underscores", where="NAME")
    if file.exists() and name in read_tokens(file):
        raise InputError(f"{name} has a token", where=str(file), fix="Take its line away to end it, or choose a name")
    token = secrets.token_urlsafe(32)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(f"{name} {hash_of(token)}\n")
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(file)) from None
    return token


class Tokens:
    """The tokens of a file, read again whenever the file has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, ...] = ()
        self._hashes: dict[str, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the file if it has changed. Raises InputError like :func:`read_tokens`."""
        stamp: tuple[int, ...] = (0,)
        with contextlib.suppress(OSError):
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
        if stamp != self._stamp:
            self._hashes, self._stamp = {}, ()  # a file that can no longer be read lets nobody in
            self._hashes = read_tokens(self._file)
            self._stamp = stamp

    def __call__(self, token: str) -> str | None:
        """Whose token it is, or None. Takes as long for a wrong one as for a right one."""
        self.refresh()
        given, whose = hash_of(token), None
        for name, kept in self._hashes.items():
            if hmac.compare_digest(given, kept):
                whose = name
        return whose
