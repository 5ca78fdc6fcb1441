"""Webhooks as the Standard Webhooks specification has them: signed, thin, and only where they may go."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.outbox.channel_config import read_config
from alertd_notifiers.webhook.channel import WebhookNotifier
from alertd_notifiers.webhook.config import WebhookConfig

__all__ = ["WebhookConfig", "WebhookNotifier", "notifier"]


def notifier(config: WebhookConfig | Mapping[str, object]) -> WebhookNotifier:
    """The channel for a configuration; ``InputError`` says which key (``webhook.key``) cannot be used, and why."""
    return WebhookNotifier(read_config("webhook", WebhookConfig, config))
