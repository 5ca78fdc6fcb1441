"""Teams, Slack, Matrix, ntfy and whatever else Apprise knows, by its URLs."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.errors import InputError
from alertd.outbox.channel import Notifier
from alertd.outbox.channel_config import read_config
from alertd_notifiers.apprise.config import AppriseConfig

__all__ = ["AppriseConfig", "notifier"]


def notifier(config: AppriseConfig | Mapping[str, object]) -> Notifier:
    """The channel for a configuration; ``InputError`` says which key (``apprise.key``) cannot be used, and why."""
    try:
        from alertd_notifiers.apprise.channel import AppriseNotifier
    except ImportError:
        what, fix = "needs a package that is not installed", "Run: pip install 'alertd[apprise]'"
        raise InputError(what, where="apprise", fix=fix) from None
    return AppriseNotifier(read_config("apprise", AppriseConfig, config))
