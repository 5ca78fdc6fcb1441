"""The settings of ``alertd receive``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from alertd.settings.listening import Listening


class Receive(Listening):
    """Where `alertd receive` takes deliveries of the CSC API payload."""

    inbox: Path
    """The folder that they are put into, which a feed of kind `csc_api` reads."""
    la_code: int = Field(ge=1, le=999)
    """The authority's three-digit number, as it stands in the path."""
    tokens_file: Path
    """The file of the hashes of tokens: `alertd receive token` adds one."""
    port: int = Field(default=8443, ge=0, le=65535)
    """The port."""
    max_bytes: int = Field(default=5_000_000, ge=1_000, le=50_000_000)
    """How long one delivery may be; it holds 100 children at most."""
    per_minute: int = Field(default=600, ge=1)
    """How many deliveries one token may make."""
