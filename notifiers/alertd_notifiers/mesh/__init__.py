"""NHS MESH: messages to agencies on the NHS's own network of mailboxes."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.errors import InputError
from alertd.outbox.channel import Notifier
from alertd.outbox.channel_config import read_config
from alertd_notifiers.mesh.config import MeshConfig

__all__ = ["MeshConfig", "notifier"]


def notifier(config: MeshConfig | Mapping[str, object]) -> Notifier:
    """The channel for a configuration; ``InputError`` says which key (``mesh.key``) cannot be used, and why."""
    try:
        from alertd_notifiers.mesh.channel import MeshNotifier
    except ImportError:
        what, fix = "needs a package that is not installed", "Run: pip install 'alertd[mesh]'"
        raise InputError(what, where="mesh", fix=fix) from None
    return MeshNotifier(read_config("mesh", MeshConfig, config))
