"""E-mail by SMTP submission to one relay, encrypted or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from alertd.errors import InputError
from alertd_notifiers.email.channel import EmailNotifier
from alertd_notifiers.email.config import EmailConfig

__all__ = ["EmailConfig", "EmailNotifier", "notifier"]


def notifier(config: EmailConfig | Mapping[str, object]) -> EmailNotifier:
    """The channel for a configuration; ``InputError`` says which key cannot be used, and why."""
    try:
        return EmailNotifier(EmailConfig.model_validate(config))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], where=f"e-mail channel: {key}" if key else "e-mail channel") from None
