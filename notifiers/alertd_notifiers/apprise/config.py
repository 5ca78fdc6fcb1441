"""What a site says about the services that Apprise reaches."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from alertd.outbox.channel_config import ChannelConfig


class Target(ChannelConfig):
    """``file`` holds the one URL of a service, which most often is a secret. ``full_text``: the whole message goes
    there, with the references of children; else no more than that something waits."""

    file: Path
    full_text: bool = False


class AppriseConfig(ChannelConfig):
    """``targets`` by the names under which people and agencies have them as their address. ``timeout_seconds`` is for
    the answer; connecting has 5 s. ``per_minute`` is in all; Apprise's own waiting is switched off."""

    targets: dict[str, Target] = Field(min_length=1)
    timeout_seconds: float = Field(default=15, gt=0)
    per_minute: int | None = Field(default=30, ge=1)
