"""A real IMAP server, Dovecot, for as long as a test needs it: one account, its mail in a Maildir."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

BINARY: Final = shutil.which("dovecot") or ("/usr/sbin/dovecot" if Path("/usr/sbin/dovecot").exists() else None)
USER: Final = "alertd"
PASSWORD: Final = "of-no-use-elsewhere"
_STARTS_WITHIN: Final = 20.0

_CONFIG: Final = """
protocols = imap
base_dir = {folder}/run
log_path = {folder}/log
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/Maildir
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {implicit}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """Where it listens, by which certificate authority it is trusted, and its Maildir."""

    implicit: int
    starttls: int
    ca_file: Path
    maildir: Path

    def put(self, name: str, content: bytes) -> None:
        """Deliver a message."""
        file = self.maildir / "tmp" / name
        file.write_bytes(content)
        if os.geteuid() == 0:
            there = self.maildir.stat()
            os.chown(file, there.st_uid, there.st_gid)
        file.rename(self.maildir / "new" / name)

    def flags(self) -> list[str]:
        """The flags of every message, by the name it was delivered under."""
        names = [file.name for part in ("new", "cur") for file in (self.maildir / part).iterdir()]
        return sorted(f"{name.partition(':')[0]} {name.partition(':2,')[2]}" for name in names)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Started, and stopped at the end. It runs as whoever runs the test; for root, as ``nobody``."""
    assert BINARY is not None
    with tempfile.TemporaryDirectory(prefix="dovecot-") as made:  # its sockets need a short path
        folder = Path(made)
        ca = trustme.CA()
        cert = ca.issue_cert("127.0.0.1", "localhost")
        cert.private_key_pem.write_to_path(folder / "key.pem")
        cert.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        ca.cert_pem.write_to_path(folder / "ca.pem")
        for part in ("new", "cur", "tmp"):
            (folder / "Maildir" / part).mkdir(parents=True)
        who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, who.pw_uid, who.pw_gid)
        found = Dovecot(_free_port(), _free_port(), folder / "ca.pem", folder / "Maildir")
        config = folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(
                folder=folder, user=who.pw_name, group=grp.getgrgid(who.pw_gid).gr_name, uid=who.pw_uid,
                gid=who.pw_gid, password=PASSWORD, starttls=found.starttls, implicit=found.implicit,
            )
        )  # fmt: skip
        with subprocess.Popen([BINARY, "-F", "-c", str(config)]) as server:
            try:
                _wait(server, found.implicit, folder / "log")
                yield found
            finally:
                server.terminate()
                server.wait()


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(int(_STARTS_WITHIN / 0.05)):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else ''}")
