"""What a site says about its MESH mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from alertd.outbox.channel_config import ChannelConfig, SecretFile

MAILBOX: Final = r"[A-Z0-9]{5,20}"
"""A mailbox's id, as X26HC005."""


class MeshConfig(ChannelConfig):
    """A MESH mailbox."""

    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+/?$")
    """The service, as https://mesh-sync.spineservices.nhs.uk."""
    mailbox: str = Field(pattern=f"^{MAILBOX}$")
    """The id of the mailbox."""
    password_file: SecretFile
    """The file that holds the mailbox's password, given on assurance."""
    shared_key_file: SecretFile
    """The file that holds the environment's shared key, given on assurance."""
    workflow_id: str = Field(min_length=1, max_length=300, pattern=r"^[\x21-\x7e]+$")
    """What is agreed with those who receive it."""
    certificate_file: Path | None = None
    """The certificate that proves who connects, as PEM."""
    key_file: SecretFile | None = None
    """Its private key, as PEM."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_seconds: float = Field(default=60, gt=0)
    """How long each request may take."""
    per_minute: int | None = Field(default=None, ge=1)
    """Messages a minute, where there is a limit."""

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file go together")
        if self.url.startswith("http:") and urlsplit(self.url).hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("url: MESH is reached by https; http is for one on this machine, to try it out")
        return self
