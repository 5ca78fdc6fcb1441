"""The section about the pages that partners and calendars reach."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from alertd.settings.listening import Listening, loopback


class Web(Listening):
    """Where alertd's pages are. ``url`` is how people reach them, as written in mails: https, no path needed."""

    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._/-]*)?$")
    port: int = Field(default=8400, ge=0, le=65535)

    @model_validator(mode="after")
    def _https(self) -> Self:
        if self.url.startswith("http://") and not loopback(self.url.split("/")[2].rsplit(":", 1)[0]):
            raise ValueError("url: links in mails must be https, so that nobody on the way can read them")
        return self

    def link(self, path: str) -> str:
        """The address of a page, as written in a mail."""
        return f"{self.url.rstrip('/')}/{path.lstrip('/')}"
