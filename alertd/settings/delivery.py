"""The sections about what becomes of messages: the outbox, the mailbox that answers come to, and the watchdog."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from alertd.settings.section import Section


class Outbox(Section):
    """``epoch`` is a file outside the database that says how far the outbox has come, so that a restored database
    is noticed. Keep it on another disk, and never restore it with the database."""

    epoch: Path | None = None


class Mailbox(Section):
    """Where bounces, automatic answers and answers of agencies arrive: a Maildir here, or a mailbox read by IMAP.

    ``every`` is in seconds. Times out after ``timeout_seconds`` for each command.
    """

    maildir: Path | None = None
    host: str = ""
    port: int = Field(default=993, ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Path | None = None
    username: str = ""
    password: SecretStr | None = None
    password_file: Path | None = None
    folder: str = "INBOX"
    every: int = Field(default=60, ge=1, le=3600)
    timeout_seconds: float = Field(default=60, gt=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.maildir) == bool(self.host):
            raise ValueError("give maildir, or host with a username and a password")
        return self


class Watchdog(Section):
    """``address`` gets a message through the whole road at every evaluation, from a rule that always fires. Whoever
    reads it is outside: that it stops coming is the alarm. ``expect_every`` is how many hours may lie between two."""

    address: str
    channel: str = "email"
    expect_every: int = Field(default=26, ge=1)
