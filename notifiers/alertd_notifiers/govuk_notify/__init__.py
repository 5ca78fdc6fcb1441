"""GOV.UK Notify: e-mails, text messages and letters by the government's own service."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.errors import InputError
from alertd.outbox.channel import Notifier
from alertd.outbox.channel_config import read_config
from alertd_notifiers.govuk_notify.config import GovukNotifyConfig

__all__ = ["GovukNotifyConfig", "notifier"]


def notifier(config: GovukNotifyConfig | Mapping[str, object]) -> Notifier:
    """The channel for a configuration; ``InputError`` says which key (``govuk_notify.key``) cannot be used, and why."""
    try:
        from alertd_notifiers.govuk_notify.channel import GovukNotifyNotifier
    except ImportError:
        what, fix = "needs a package that is not installed", "Run: pip install 'alertd[govuk-notify]'"
        raise InputError(what, where="govuk_notify", fix=fix) from None
    return GovukNotifyNotifier(read_config("govuk_notify", GovukNotifyConfig, config))
