"""The section about whom alertd may tell."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class People(Section):
    """The directory files, the address that is told when nobody else can be, and where mail may go.

    ``restrictions`` (CSV) says of which children not everybody may hear, and ``agencies`` (YAML) which agencies
    there are; their mail goes to ``agency_domains`` alone. ``duty_fallback`` (``channel:address``) stands in where
    the duty address fails. ``from_feed`` is the name of an SSD feed whose professionals and departments are the
    staff: the two files then add what it does not hold.
    """

    people: Path
    teams: Path
    duty: str
    duty_fallback: str = ""
    allowed_domains: tuple[str, ...]
    restrictions: Path | None = None
    agencies: Path | None = None
    agency_domains: tuple[str, ...] = ()
    from_feed: str | None = None
