"""What a site says about its GOV.UK Notify service."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from alertd.outbox.channel_config import ChannelConfig

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ONE = f"^{UUID}$"


class GovukNotifyConfig(ChannelConfig):
    """``api_key_file`` holds the whole key as Notify shows it. A template for each sort of message that is sent:
    ``email_template`` and ``letter_template`` with ((subject)) and ((body)), ``text_template`` with ((message)).
    ``callback_token_file`` holds the bearer token of Notify's callbacks, where it is given alertd's address for them.
    ``sms_sender`` is the id of another sender than the service's usual one. ``timeout_seconds`` is for each request;
    ``per_minute`` is Notify's own limit for a key, 3,000."""

    api_key_file: Path
    email_template: str | None = Field(default=None, pattern=_ONE)
    text_template: str | None = Field(default=None, pattern=_ONE)
    letter_template: str | None = Field(default=None, pattern=_ONE)
    sms_sender: str | None = Field(default=None, pattern=_ONE)
    callback_token_file: Path | None = None
    base_url: str = Field(default="https://api.notifications.service.gov.uk", pattern=r"^https?://[^\s/?#@]+/?$")
    timeout_seconds: float = Field(default=30, gt=0)
    per_minute: int | None = Field(default=3000, ge=1)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not (self.email_template or self.text_template or self.letter_template):
            raise ValueError("give a template: email_template, text_template or letter_template")
        if self.base_url.startswith("http:") and urlsplit(self.base_url).hostname not in (
            "localhost",
            "127.0.0.1",
            "::1",
        ):
            raise ValueError("base_url: Notify is reached by https; http is for one on this machine, to try it out")
        return self
