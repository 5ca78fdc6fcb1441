"""How a connection is encrypted, in words, for a person who tries a channel out."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime


def in_words(made: ssl.SSLObject) -> str:
    """The version of TLS, and until when the other side's certificate holds."""
    said = f"encrypted with {made.version()}"
    ends = (made.getpeercert() or {}).get("notAfter")
    if not ends:
        return said  # only one that was verified can be read
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)
    return f"{said}; the certificate of the other side holds until {end:%Y-%m-%d}"
