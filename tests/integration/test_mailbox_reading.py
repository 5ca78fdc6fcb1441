"""Reading the mailbox: a Maildir as mail servers fill it, a real IMAP server, and servers that fail."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alertd.engine import sweep as sweeping
from alertd.following import follow_once
from alertd.receipts import mailbox
from alertd.receipts.mailbox import MailboxFaultError, Maildir, imap
from alertd.receipts.read import LARGEST
from alertd.settings.delivery import Mailbox
from tests.support import dovecot as dovecots
from tests.support.council import Inline, council_at
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.reports import postfix


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


# A Maildir.


def test_what_is_new_and_what_nobody_read_is_taken_in_the_order_it_came(maildir: Path) -> None:
    for name in ("new/3.c", "cur/1.a:2,", "cur/2.b:2,RS", "cur/4.d:2,F", "new/.hidden", "tmp/0.x"):
        (maildir / name).write_bytes(name.encode())
    folder = Maildir(maildir)
    taken = []
    for key, content in folder.unread():
        taken.append(content.decode())
        folder.done(key)
    assert taken == ["cur/1.a:2,", "new/3.c", "cur/4.d:2,F"]
    assert sorted(os.listdir(maildir / "cur")) == ["1.a:2,S", "2.b:2,RS", "3.c:2,S", "4.d:2,FS"]
    assert list(Maildir(maildir).unread()) == []


def test_a_look_is_bounded_in_number_and_in_size(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "AT_ONCE", 3)
    for n in range(5):
        (maildir / "new" / f"{n}.a").write_bytes(b"x" * (LARGEST + 1 if n == 0 else 1))
    found = list(Maildir(maildir).unread())
    assert [len(content) for _, content in found] == [LARGEST, 1, 1]


def test_a_message_that_somebody_else_took_meanwhile_is_no_fault(maildir: Path) -> None:
    for n in range(3):
        (maildir / "new" / f"{n}.a").write_bytes(b"x")
    folder = Maildir(maildir)
    found = folder.unread()
    key, _ = next(found)
    (maildir / "new" / "1.a").rename(maildir / "cur" / "1.a:2,S")
    (maildir / key).unlink()
    folder.done(key)
    assert [key for key, _ in found] == ["new/2.a"]


def test_one_file_that_cannot_be_read_keeps_no_other_from_being_read_and_is_said(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        (maildir / "new" / f"{n}.a").write_bytes(b"x")
    plain_open = Path.open

    def refused(path: Path, *how: Any) -> Any:
        if path.name == "1.a":
            raise PermissionError(13, "Permission denied")
        return plain_open(path, *how)

    monkeypatch.setattr(Path, "open", refused)
    keys: list[str] = []

    found = Maildir(maildir).unread()
    keys += [next(found)[0], next(found)[0]]
    with pytest.raises(MailboxFaultError, match=r"1 messages cannot be read \(PermissionError: new\)"):
        next(found)
    assert keys == ["new/0.a", "new/2.a"]


def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path) -> None:
    with pytest.raises(MailboxFaultError, match=r"is no Maildir\. Name a folder"):
        Maildir(tmp_path)


# A real IMAP server.


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    if dovecots.BINARY is None:
        pytest.skip("dovecot is not installed (Debian package dovecot-imapd)")
    with dovecots.dovecot() as found:
        yield found


def account(server: Dovecot, tls: str = "implicit", **changes: Any) -> Any:
    port = server.implicit if tls == "implicit" else server.starttls
    settings: dict[str, Any] = {
        "tls": tls, "username": USER, "password": PASSWORD, "folder": "INBOX", "timeout_seconds": 20,
        "ca_file": server.ca_file,
    }  # fmt: skip
    settings |= changes
    return imap(settings.pop("host", "127.0.0.1"), port, **settings)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_unread_messages_are_fetched_and_marked_as_read_only_once_they_are_taken(server: Dovecot, tls: str) -> None:
    body = postfix("x", "ade@council.example")
    for n in range(2):
        server.put(f"{n}.{tls}", body)
    with account(server, tls) as folder:
        keys = [(key, content) for key, content in folder.unread()]
        assert [content for _, content in keys] == [body, body]
        folder.done(keys[0][0])
    with account(server, tls) as folder:
        assert [key for key, _ in folder.unread()] == [keys[1][0]], "looking alone marks nothing"
        folder.done(keys[1][0])
    assert [flags for flags in server.flags() if tls in flags] == [f"0.{tls} S", f"1.{tls} S"]


def test_only_the_beginning_of_a_huge_message_is_fetched(server: Dovecot) -> None:
    server.put("9.huge", b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" * (LARGEST // 2))
    with account(server) as folder:
        [(key, content)] = folder.unread()
        assert len(content) == LARGEST
        folder.done(key)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"password": "wrong"}, "refused the login"),
        ({"folder": "Nowhere"}, "cannot be read"),
        ({"ca_file": None}, "certificate is not trusted"),
        ({"host": "127.0.0.2"}, "cannot be read|certificate is not trusted"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_not_right_is_said_and_nothing_is_read(server: Dovecot, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(MailboxFaultError, match=what) as fault, account(server, **changes):
        pass
    assert USER not in str(fault.value).replace("alertd's", "") and "wrong" not in str(fault.value)


def test_a_password_goes_nowhere_without_tls_but_to_this_machine() -> None:
    with (
        pytest.raises(MailboxFaultError, match="only for a server on this machine"),
        imap("mail.council.example", 143, tls="none", username="u", password="p", folder="INBOX", timeout_seconds=1),
    ):
        pass


def test_the_daemon_reads_a_mailbox_by_imap(server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    council = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    settings = Mailbox(
        host="127.0.0.1", port=server.implicit, username=USER, password_file=secret, ca_file=server.ca_file
    )
    council.house = replace(council.house, settings=council.house.settings.model_copy(update={"mailbox": settings}))
    server.put("5.a", b"From: somebody@elsewhere.example\r\nSubject: Hello\r\n\r\nHello.\r\n")
    assert asyncio.run(follow_once(council.house)), "what a person wrote is told to the data owner"
    assert [flags for flags in server.flags() if flags.startswith("5.a")] == ["5.a S"]
    secret.chmod(0o644)
    council.now = datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert not asyncio.run(follow_once(council.house))
    assert "mailbox" in council.house.failing, "a password that everybody can read is not used"
    council.house.engine.dispose()


# Servers that fail.


@contextmanager
def speaks(*lines: bytes, close: bool = False) -> Iterator[int]:
    """A server that says these lines, one at each connection or command, and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def serve() -> None:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            kept.append(connection)
            try:
                for line in lines:
                    connection.sendall(line)
                    if not connection.recv(1000):
                        return
            except OSError:
                return
            if close:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    ("lines", "close", "what"),
    [
        ((), False, "does not answer in time"),
        ((b"* OK ready\r\n",), False, "does not answer in time"),
        ((b"* BYE full\r\n",), True, "cannot be read"),
        ((b"220 mx.example ESMTP\r\n",), True, "cannot be read"),
        ((b"* OK ready\r\n", b"\x00\xff\r\n" * 10), True, "cannot be read"),
        ((b"* OK " + b"x" * 1_100_000,), True, "cannot be read"),
    ],
    ids=["silent", "greets and is silent", "bye", "no IMAP", "garbage", "endless line"],
)
def test_a_server_that_hangs_or_says_what_is_no_imap_is_left_in_time(
    lines: tuple[bytes, ...], close: bool, what: str
) -> None:
    with (
        speaks(*lines, close=close) as port,
        pytest.raises(MailboxFaultError, match=what) as fault,
        imap("127.0.0.1", port, tls="none", username="u", password="p", folder="INBOX", timeout_seconds=0.3),
    ):
        pass
    assert re.search(rf"mailbox 127.0.0.1:{port}", str(fault.value))


def test_nobody_listening_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        pytest.raises(MailboxFaultError, match=r"cannot be read \(ConnectionRefusedError\)"),
        imap("127.0.0.1", port, tls="none", username="u", password="p", folder="INBOX", timeout_seconds=5),
    ):
        pass
