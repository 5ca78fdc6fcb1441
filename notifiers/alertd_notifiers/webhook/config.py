"""What a site says about the endpoints that it calls."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from alertd.outbox.channel_config import ChannelConfig, SecretFile


class Endpoint(ChannelConfig):
    """One endpoint that is called."""

    url: str
    """Its address: `https://host/path`."""
    secret_file: SecretFile
    """The file that holds its signing secrets, a line each (`whsec_…`). Every message is signed with all of them,
    so that a new one can be added before the old one is taken out."""
    allow_private: bool = False
    """It is in our own network, where alertd else calls nobody."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""

    @field_validator("url")
    @classmethod
    def _https(cls, url: str) -> str:
        plain = url.isascii() and url.isprintable() and " " not in url
        parts = urlsplit(url if plain else "")
        if (
            parts.port == 0
            or parts.scheme not in ("https", "http")
            or not parts.hostname
            or parts.username
            or parts.fragment
        ):
            raise ValueError(
                "is no address of an endpoint: write https://host/path, in plain letters, without a user or a password"
            )
        return url

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.url.startswith("http:") and not self.allow_private:
            raise ValueError("url: an endpoint outside our own network needs https")
        return self


class WebhookConfig(ChannelConfig):
    """The endpoints that are called."""

    endpoints: dict[str, Endpoint] = Field(min_length=1)
    """The endpoints, by the names under which people and agencies have them as their address."""
    timeout_seconds: float = Field(default=20, gt=0)
    """How long a whole attempt may take; the specification advises 15 to 30."""
    at_once: int = Field(default=8, ge=1, le=100)
    """Calls at one time."""
    per_minute: int | None = Field(default=None, ge=1)
    """Calls a minute, where there is a limit."""
