"""The mailbox that answers come to: a Maildir on this machine, or one that is read by IMAP over checked TLS."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from alertd.errors import InputError
from alertd.receipts.read import LARGEST

AT_ONCE: Final = 200
"""Messages that are taken in one look, so that other work gets its turn; the next look takes the next."""


class MailboxFaultError(InputError):
    """The mailbox cannot be read now. It may be again by itself."""


class Mailbox(Protocol):
    """Messages that nobody has taken yet."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Each unread message as its key and its first :data:`~alertd.receipts.read.LARGEST` bytes, the oldest
        first, :data:`AT_ONCE` at most. Raises :class:`MailboxFaultError`."""
        ...

    def done(self, key: str) -> None:
        """That one has been taken: it is marked as read, and stays where it is for people."""
        ...


class Maildir:
    """A folder with ``new`` and ``cur``. Read is what bears the flag S."""

    def __init__(self, folder: Path) -> None:
        """Raises :class:`MailboxFaultError` for a folder that is none."""
        if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
            fix = "Name a folder that has new and cur in it, which alertd may read"
            raise MailboxFaultError("is no Maildir", where=str(folder), fix=fix)
        self._folder = folder

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """A file that cannot be read keeps no other from being read: it is said after them."""
        faults = []
        for key in self._keys()[:AT_ONCE]:
            try:
                with (self._folder / key).open("rb") as file:
                    content = file.read(LARGEST)
            except FileNotFoundError:
                continue  # somebody else took it
            except OSError as fault:
                faults.append(f"{type(fault).__name__}: {key.partition('/')[0]}")
                continue
            yield key, content
        if faults:
            what = f"{len(faults)} messages cannot be read ({faults[0]})"
            raise MailboxFaultError(what, where=str(self._folder), fix="Let alertd's user read and rename them")

    def _keys(self) -> list[str]:
        found = []
        try:
            for part in ("new", "cur"):
                for file in (self._folder / part).iterdir():
                    is_read = part == "cur" and "S" in file.name.partition(":2,")[2]
                    if not is_read and not file.name.startswith(".") and file.is_file():
                        found.append(f"{part}/{file.name}")
        except OSError as fault:
            what = f"cannot be read ({type(fault).__name__})"
            raise MailboxFaultError(what, where=str(self._folder), fix="Let alertd's user read it") from fault
        return sorted(found, key=lambda key: key.partition("/")[2])

    def done(self, key: str) -> None:
        """Into ``cur``, with the flag S beside those it has."""
        name, _, flags = key.partition("/")[2].partition(":2,")
        try:
            (self._folder / key).rename(self._folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")
        except FileNotFoundError:
            pass  # somebody else took it
        except OSError as fault:
            what = f"a message cannot be marked as read ({type(fault).__name__})"
            raise MailboxFaultError(what, where=str(self._folder), fix="Let alertd's user rename in it") from fault


class ImapFolder:
    """A folder that is open to be read and written."""

    def __init__(self, client: IMAPClient, where: str) -> None:
        self._client, self._where = client, where

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """By their numbers, which grow with time. Looking leaves them unread."""
        with _faults(self._where):
            numbers = sorted(self._client.search(["UNSEEN", "UNDELETED"]))[:AT_ONCE]
        for number in numbers:
            with _faults(self._where):
                found = self._client.fetch([number], [f"BODY.PEEK[]<0.{LARGEST}>"])
            for key, content in found.get(number, {}).items():
                if key.upper().startswith(b"BODY[]") and isinstance(content, bytes):
                    yield str(number), content

    def done(self, key: str) -> None:
        r"""Marks it as ``\Seen``."""
        with _faults(self._where):
            self._client.add_flags([int(key)], [rb"\Seen"], silent=True)


@contextmanager
def imap(
    host: str,
    port: int,
    *,
    tls: str,
    username: str,
    password: str,
    folder: str,
    timeout_seconds: float,
    ca_file: Path | None = None,
) -> Iterator[ImapFolder]:
    """A folder of a mailbox elsewhere, for as long as it is read.

    ``tls`` is ``implicit``, ``starttls``, or ``none`` for a server on this machine. Raises
    :class:`MailboxFaultError` where the server cannot be reached, is not who it should be, or refuses.
    """
    where = f"mailbox {host}:{port}"
    if tls == "none" and not _is_loopback(host):
        fix = "Use implicit, or starttls"
        raise MailboxFaultError("tls = none is only for a server on this machine", where=where, fix=fix)
    with _faults(where):
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        client = IMAPClient(
            host,
            port,
            ssl=tls == "implicit",
            ssl_context=context if tls == "implicit" else None,
            timeout=SocketTimeout(connect=timeout_seconds, read=timeout_seconds),
        )
    try:
        with _faults(where):
            if tls == "starttls":
                client.starttls(context)
            client.login(username, password)
            client.select_folder(folder)
        yield ImapFolder(client, where)
    finally:
        _leave(client)


def _leave(client: IMAPClient) -> None:
    try:
        client.logout()
    except (IMAPClientError, OSError):
        client.shutdown()


@contextmanager
def _faults(where: str) -> Iterator[None]:
    """What the server or the network did, said for whoever must act; never what the server wrote, which may hold
    an address."""
    try:
        yield
    except LoginError:
        fix = "Look at the username and the password under [mailbox]"
        raise MailboxFaultError("the server refused the login", where=where, fix=fix) from None
    except CapabilityError:
        fix = "Use tls = implicit, or have the server offer STARTTLS"
        raise MailboxFaultError("the server cannot do what is needed", where=where, fix=fix) from None
    except ssl.SSLCertVerificationError as fault:
        what = f"the server's certificate is not trusted ({fault.verify_message})"
        raise MailboxFaultError(what, where=where, fix="Set ca_file, or correct the host") from None
    except TimeoutError:
        raise MailboxFaultError("the server does not answer in time", where=where, fix="See whether it runs") from None
    except (IMAPClientError, OSError) as fault:
        what = f"the server cannot be read ({type(fault).__name__})"
        raise MailboxFaultError(what, where=where, fix="See whether it runs, and whether the folder is there") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
