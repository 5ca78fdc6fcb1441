"""The sections about what becomes of messages: the outbox, the mailbox that answers come to, and the watchdog."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from alertd.outbox.channel_config import SecretFile
from alertd.settings.section import Section


class Outbox(Section):
    """How far the outbox has come, kept outside the database."""

    epoch: Path | None = None
    """A file that shows that a restored database is older than what was sent. Keep it on another disk, and never
    restore it with the database."""


class Mailbox(Section):
    """Where bounces, automatic answers and answers of agencies arrive: a Maildir here, or a mailbox read by IMAP."""

    maildir: Path | None = None
    """The folder of a Maildir on this machine."""
    host: str = ""
    """The IMAP server."""
    port: int = Field(default=993, ge=1, le=65535)
    """Its port."""
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    """`none` is for a server on this machine."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    username: str = ""
    """The account."""
    password: SecretStr | None = None
    """Its password; better in a file."""
    password_file: SecretFile | None = None
    """The file that holds the password."""
    folder: str = "INBOX"
    """The folder of the mailbox that is read."""
    every: int = Field(default=60, ge=1, le=3600)
    """How often it is looked at, in seconds."""
    timeout_seconds: float = Field(default=60, gt=0)
    """How long one command may take."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.maildir) == bool(self.host):
            raise ValueError("give maildir, or host with a username and a password")
        if self.password and self.password_file:
            raise ValueError("give password or password_file, not both")
        return self


class Watchdog(Section):
    """A message from a rule that always fires goes through the whole road at every evaluation. Whoever reads it is
    outside: that it stops coming is the alarm."""

    address: str
    """Who gets it, as an address of the channel."""
    channel: str = "email"
    """The channel."""
    expect_every: int = Field(default=26, ge=1)
    """How many hours may lie between two."""
