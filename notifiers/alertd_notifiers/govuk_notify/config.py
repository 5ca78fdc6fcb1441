"""What a site says about its GOV.UK Notify service."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from alertd.outbox.channel_config import ChannelConfig, SecretFile

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ONE = f"^{UUID}$"


class GovukNotifyConfig(ChannelConfig):
    """A GOV.UK Notify service, with a template for each sort of message that is sent."""

    api_key_file: SecretFile
    """The file that holds the whole key as Notify shows it."""
    email_template: str | None = Field(default=None, pattern=_ONE)
    """The id of the template of e-mails, with `((subject))` and `((body))`."""
    text_template: str | None = Field(default=None, pattern=_ONE)
    """The id of the template of text messages, with `((message))`."""
    letter_template: str | None = Field(default=None, pattern=_ONE)
    """The id of the template of letters, with `((subject))` and `((body))`."""
    sms_sender: str | None = Field(default=None, pattern=_ONE)
    """The id of another sender of text messages than the service's usual one."""
    callback_token_file: SecretFile | None = None
    """The file that holds the bearer token of Notify's callbacks, where it is given alertd's address for them."""
    base_url: str = Field(default="https://api.notifications.service.gov.uk", pattern=r"^https?://[^\s/?#@]+/?$")
    """Where Notify is."""
    timeout_seconds: float = Field(default=30, gt=0)
    """How long each request may take."""
    per_minute: int | None = Field(default=3000, ge=1)
    """Messages a minute: Notify's own limit for a key."""

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
