"""The settings of ``alertd receive``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from alertd.settings.listening import Listening


class Receive(Listening):
    """Where the CSC API payload is received, and under which address.

    ``la_code`` is the authority's three-digit number, as it stands in the path. ``tokens_file`` holds the hashes
    of the tokens. ``max_bytes`` is of one delivery, which holds 100 children at most;
    ``per_minute`` is deliveries of one token.
    """

    inbox: Path
    la_code: int = Field(ge=1, le=999)
    tokens_file: Path
    port: int = Field(default=8443, ge=0, le=65535)
    max_bytes: int = Field(default=5_000_000, ge=1_000, le=50_000_000)
    per_minute: int = Field(default=600, ge=1)
