"""The settings of ``alertd receive``."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Receive(BaseModel):
    """Where the CSC API payload is received, and under which address.

    ``la_code`` is the authority's three-digit number, as it stands in the path. ``tokens_file`` holds the hashes
    of the tokens. ``behind_proxy`` says that something before alertd ends TLS: else an address that other machines
    reach needs a certificate. ``max_bytes`` is of one delivery, which holds 100 children at most;
    ``per_minute`` is deliveries of one token.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

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
        if not (self.certfile or self.behind_proxy or _loopback(self.host)):
            raise ValueError(
                "other machines reach this host, so it needs certfile and keyfile; "
                "or behind_proxy = true where something before it ends TLS"
            )
        return self

    def beside(self, folder: Path) -> Receive:
        """With every relative path read as beside the settings file."""
        paths = {name: getattr(self, name) for name in ("inbox", "tokens_file", "certfile", "keyfile")}
        return self.model_copy(update={name: folder / path for name, path in paths.items() if path})


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
