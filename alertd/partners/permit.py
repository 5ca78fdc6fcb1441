"""Who may let a notification go, stop it or settle it: whom the policy names, and the line above the child's worker."""

from __future__ import annotations

from datetime import date

from alertd.cases.holding import Holding
from alertd.people.directory import LINE, Directory, role_words


def why_not(directory: Directory, person_id: str, role: str, held: Holding, child: str, today: date) -> str:
    """Why somebody may not act as a role on a child's notification today; blank where they may. Pure.

    They may who are that role for this child now, or stand above its worker; never who must not hear of the child.
    """
    person = directory.people.get(person_id)
    if person is None:
        return f"{person_id} is not in the staff directory"
    if absence := person.absence(today):
        return f"{person_id} {absence}"
    if why := directory.may_hear(person_id, child, today):
        return f"{person_id} {why}"
    ways = {asked: directory.resolve(asked, held, today, child=child).person_id for asked in (role, *LINE)}
    if person_id in ways.values():
        return ""
    team = directory.team_of(held)
    if role in LINE and role in person.roles and person.team is not None and team in directory.teams_under(person.team):
        return ""
    return f"{role_words(role)} for this child is {ways[role]}, and {person_id} is neither that nor in the line above"
