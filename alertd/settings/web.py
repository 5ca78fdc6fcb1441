"""The section about the pages that partners and calendars reach."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from alertd.settings.section import Section


class Web(Section):
    """Where alertd's pages are. ``url`` is how people reach them, as written in mails: https, no path needed.

    ``host`` and ``port`` are where alertd listens. ``behind_proxy`` says that something before alertd ends TLS:
    else an address that other machines reach needs a certificate.
    """

    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._/-]*)?$")
    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=0, le=65535)
    certfile: Path | None = None
    keyfile: Path | None = None
    behind_proxy: bool = False

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if bool(self.certfile) != bool(self.keyfile):
            raise ValueError("certfile and keyfile go together")
        if not (self.certfile or self.behind_proxy or loopback(self.host)):
            raise ValueError(
                "other machines reach this host, so it needs certfile and keyfile; "
                "or behind_proxy = true where something before it ends TLS"
            )
        if self.url.startswith("http://") and not loopback(self.url.split("/")[2].rsplit(":", 1)[0]):
            raise ValueError("url: links in mails must be https, so that nobody on the way can read them")
        return self

    def link(self, path: str) -> str:
        """The address of a page, as written in a mail."""
        return f"{self.url.rstrip('/')}/{path.lstrip('/')}"


def loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
