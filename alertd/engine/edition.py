"""What two machines must have the same of, so that they find the same of a child."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from alertd.intake.edition import parts

DECIDING: Final = ("durable_rules", "govuk-bank-holidays", "holidays", "python-dateutil", "pydantic")
"""The packages whose edition may change a finding, or what becomes of a rulebook on its way."""


@cache
def edition() -> Mapping[str, str]:
    """By what it is of, which edition is here. That of alertd has a digest of its code: a version that is being
    worked on keeps its number."""
    digest = blake2b(digest_size=4)
    for part in parts(files("alertd")):
        digest.update(part.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "alertd": f"{version('alertd')} ({digest.hexdigest()})",
        "python": python,
        **{name: version(name) for name in DECIDING},
    }


def differing(theirs: Mapping[str, str]) -> str:
    """How another edition is not this one, in words; blank where it is the same."""
    ours = edition()
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(f"{name} {theirs.get(name, 'none')} there and {ours.get(name, 'none')} here" for name in names)
