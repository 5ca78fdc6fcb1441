"""When somebody reads: the hours and days off of their team."""

from __future__ import annotations

from datetime import date, time

from alertd.outbox.deliver import Composer
from alertd.people.directory import Directory, Resolved, Team


def team_of(directory: Directory, person: Resolved) -> Team | None:
    found = directory.people.get(person.person_id)
    return directory.teams.get((found.team if found else person.person_id.removeprefix("team:")) or "")


def hours(composer: Composer, person: Resolved) -> tuple[time, frozenset[date]]:
    """From which time of day somebody reads a digest, and on which further days nobody of the team does."""
    team = team_of(composer.directory, person)
    if team is None:
        return composer.digest_at, frozenset()
    return max(composer.digest_at, team.hours[0] if team.hours else composer.digest_at), team.closed
