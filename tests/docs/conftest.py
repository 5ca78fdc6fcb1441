"""What the tests of the documents share."""

from __future__ import annotations

from tests.support.cli import here

__all__ = ["here"]
