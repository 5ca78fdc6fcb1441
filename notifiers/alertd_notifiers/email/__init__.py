"""E-mail by SMTP submission to one relay, encrypted or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.outbox.channel_config import read_config
from alertd_notifiers.email.channel import EmailNotifier
from alertd_notifiers.email.config import EmailConfig

__all__ = ["EmailConfig", "EmailNotifier", "notifier"]


def notifier(config: EmailConfig | Mapping[str, object]) -> EmailNotifier:
    """The channel for a configuration; ``InputError`` says which key (``email.key``) cannot be used, and why."""
    return EmailNotifier(read_config("email", EmailConfig, config))
