"""A drop folder: one file a message, for testing and for handing over where there is no network."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.outbox.channel_config import read_config
from alertd_notifiers.file.channel import FileNotifier
from alertd_notifiers.file.config import FileConfig

__all__ = ["FileConfig", "FileNotifier", "notifier"]


def notifier(config: FileConfig | Mapping[str, object]) -> FileNotifier:
    """The channel for a configuration; ``InputError`` says which key (``file.key``) cannot be used, and why."""
    return FileNotifier(read_config("file", FileConfig, config))
