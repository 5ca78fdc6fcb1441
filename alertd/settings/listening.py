"""What both sections say that let others connect to alertd."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from alertd.outbox.channel_config import SecretFile
from alertd.settings.section import Section


class Listening(Section):
    """Where alertd listens."""

    host: str = "127.0.0.1"
    """The address. Another than this machine's needs a certificate, or `behind_proxy`."""
    port: int = Field(ge=0, le=65535)
    """The port."""
    certfile: Path | None = None
    """The certificate, as PEM."""
    keyfile: SecretFile | None = None
    """Its private key, as PEM."""
    behind_proxy: bool = False
    """Something before alertd ends TLS."""

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


def loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
