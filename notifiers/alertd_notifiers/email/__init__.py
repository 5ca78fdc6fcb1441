"""E-mail by SMTP submission to one relay, encrypted or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from alertd.errors import InputError, did_you_mean
from alertd_notifiers.email.channel import EmailNotifier
from alertd_notifiers.email.config import EmailConfig

__all__ = ["EmailConfig", "EmailNotifier", "notifier"]


def notifier(config: EmailConfig | Mapping[str, object]) -> EmailNotifier:
    """The channel for a configuration; ``InputError`` says which key (``email.key``) cannot be used, and why."""
    try:
        return EmailNotifier(EmailConfig.model_validate(config))
    except ValidationError as fault:
        errors = fault.errors(include_input=False, include_url=False)
        first = min(errors, key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key before the missing one
        where = ".".join(["email", *map(str, first["loc"])])
        if first["type"] != "extra_forbidden":
            raise InputError(first["msg"].removeprefix("Value error, "), where=where) from None
        fix = did_you_mean(str(first["loc"][-1]), EmailConfig.model_fields)
        raise InputError("is not a setting", where=where, fix=fix) from None
