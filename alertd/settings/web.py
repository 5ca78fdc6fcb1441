"""The section about the pages: those for people to sign in to, and those that partners and calendars reach."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from alertd.outbox.channel_config import SecretFile
from alertd.settings.listening import Listening, loopback
from alertd.settings.section import Section


class Oidc(Section):
    """Signing in with the council's own accounts, by OpenID Connect: docs/web.md."""

    issuer: str = Field(pattern=r"^https?://[^\s?#]+$")
    """The provider, just as it writes itself. It must be one whose addresses the council alone gives out."""
    client_id: str = Field(min_length=1)
    """What the provider calls alertd."""
    client_secret_file: SecretFile
    """The file that holds the client secret."""
    claim: str = Field(default="email", min_length=1)
    """Where the address is by which the staff files know somebody."""
    words: str = Field(default="Sign in with your council account", min_length=1)
    """The words of the button."""

    @model_validator(mode="after")
    def _https(self) -> Self:
        if self.issuer.startswith("http://") and not loopback(urlsplit(self.issuer).hostname or ""):
            raise ValueError("issuer: must be https, or anybody on the way could say who signs in")
        return self


class Web(Listening):
    """The pages, those behind links in mails, the calendars and the API."""

    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._/-]*)?$")
    """How people reach them, as written in mails: https, no path needed."""
    port: int = Field(default=8400, ge=0, le=65535)
    """The port."""
    idle_minutes: int = Field(default=30, ge=5, le=24 * 60)
    """After how many minutes without use somebody is asked to sign in again."""
    hours: float = Field(default=10, gt=0, le=24)
    """After how many hours they are in any case."""
    oidc: Oidc | None = None
    """Signing in with the council's own accounts."""
    with_daemon: bool = False
    """`alertd run` serves them too, in a process of its own; else `alertd web` does."""

    def beside(self, folder: Path) -> Self:
        """With every relative path read as beside the settings file."""
        found = super().beside(folder)
        return found.model_copy(update={"oidc": found.oidc.beside(folder)}) if found.oidc else found

    @property
    def idle(self) -> timedelta:
        """How long a session lasts without use."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def at_most(self) -> timedelta:
        """How long a session lasts at all."""
        return timedelta(hours=self.hours)

    @model_validator(mode="after")
    def _https(self) -> Self:
        if self.url.startswith("http://") and not loopback(self.url.split("/")[2].rsplit(":", 1)[0]):
            raise ValueError("url: links in mails must be https, so that nobody on the way can read them")
        return self

    def link(self, path: str) -> str:
        """The address of a page, as written in a mail."""
        return f"{self.url.rstrip('/')}/{path.lstrip('/')}"
