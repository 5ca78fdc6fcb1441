"""Fixtures for every test here."""

from tests.support.cli import here, ssd

__all__ = ["here", "ssd"]
