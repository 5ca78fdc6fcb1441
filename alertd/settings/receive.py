"""The settings of ``alertd receive``."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from alertd.settings.section import Section
from alertd.settings.web import loopback


class Receive(Section):
    """Where the CSC API payload is received, and under which address.

    ``la_code`` is the authority's three-digit number, as it stands in the path. ``tokens_file`` holds the hashes
    of the tokens. ``behind_proxy`` says that something before alertd ends TLS: else an address that other machines
    reach needs a certificate. ``max_bytes`` is of one delivery, which holds 100 children at most;
    ``per_minute`` is deliveries of one token.
    """

    inbox: Path
    la_code: int = Field(ge=1, le=999)
    tokens_file: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8443, ge=0, le=65535)
    certfile: Path | None = None
    keyfile: Path | None = None
    behind_proxy: bool = False
    max_bytes: int = Field(default=5_000_000, ge=1_000, le=50_000_000)
    per_minute: int = Field(default=600, ge=1)

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if bool(self.certfile) != bool(self.keyfile):
            raise ValueError("certfile and keyfile go together")
        if not (self.certfile or self.behind_proxy or loopback(self.host)):
            raise ValueError(
                "other machines reach this host, so it needs certfile and keyfile; "
                "or behind_proxy = true where something before it ends TLS"
            )
        return self
