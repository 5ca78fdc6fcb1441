"""What a site says about its drop folder."""

from __future__ import annotations

from pathlib import Path

from alertd.outbox.channel_config import ChannelConfig


class FileConfig(ChannelConfig):
    """A drop folder. Whoever empties it takes files that end in ``.eml`` and no others."""

    folder: Path
    """The folder, which must be there."""
