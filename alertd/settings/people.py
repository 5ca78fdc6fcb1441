"""The section about whom alertd may tell."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class People(Section):
    """Whom alertd may tell."""

    people: Path
    """The CSV file of staff: `id,name,email,role,team,deputy,away_from,away_to,leaves`."""
    teams: Path
    """The CSV file of teams: `id,name,parent,inbox`."""
    duty: str
    """The address that is told when nobody else can be."""
    duty_fallback: str = ""
    """What stands in where the duty address fails: `channel:address`."""
    allowed_domains: tuple[str, ...]
    """Where mail to staff may go."""
    restrictions: Path | None = None
    """The CSV file of children of whom not everybody may hear: `child,only,never,reason,until`."""
    agencies: Path | None = None
    """The YAML file of agencies, their contacts, and what may be shared with each."""
    agency_domains: tuple[str, ...] = ()
    """Where mail to agencies may go."""
    from_feed: str | None = None
    """The name of an SSD feed whose professionals and departments are the staff. The two files then add what it
    does not hold."""
