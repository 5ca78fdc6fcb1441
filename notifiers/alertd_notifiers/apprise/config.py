"""What a site says about the services that Apprise reaches."""

from __future__ import annotations

from pydantic import Field

from alertd.outbox.channel_config import ChannelConfig, SecretFile


class Target(ChannelConfig):
    """A service that Apprise reaches."""

    file: SecretFile
    """The file that holds its one URL, which most often is a secret."""
    full_text: bool = False
    """The whole message goes there, with the references of children; else no more than that something waits."""


class AppriseConfig(ChannelConfig):
    """The services that Apprise reaches. Apprise's own waiting is switched off."""

    targets: dict[str, Target] = Field(min_length=1)
    """The services, by the names under which people and agencies have them as their address."""
    timeout_seconds: float = Field(default=15, gt=0)
    """How long the answer may take; connecting has 5 seconds."""
    per_minute: int | None = Field(default=30, ge=1)
    """Messages a minute, in all."""
