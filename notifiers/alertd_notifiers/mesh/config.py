"""What a site says about its MESH mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from alertd.outbox.channel_config import ChannelConfig

MAILBOX: Final = r"[A-Z0-9]{5,20}"
"""A mailbox's id, as X26HC005."""


class MeshConfig(ChannelConfig):
    """``url`` is the service's, as https://mesh-sync.spineservices.nhs.uk. ``password_file`` is of the mailbox and
    ``shared_key_file`` of the environment, both given on assurance; ``certificate_file`` and ``key_file`` prove who
    connects, and ``ca_file`` is whom to trust. ``workflow_id`` is agreed with those who receive it.
    ``timeout_seconds`` is for each request."""

    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+/?$")
    mailbox: str = Field(pattern=f"^{MAILBOX}$")
    password_file: Path
    shared_key_file: Path
    workflow_id: str = Field(min_length=1, max_length=300, pattern=r"^[\x21-\x7e]+$")
    certificate_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=60, gt=0)
    per_minute: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file go together")
        if self.url.startswith("http:") and urlsplit(self.url).hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("url: MESH is reached by https; http is for one on this machine, to try it out")
        return self
