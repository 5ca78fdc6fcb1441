"""What a viewer may see, and by what right. Pure.

The right is kept in the audit with each look at a child, so it is said in words. A refusal says what to do instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alertd.access.viewer import WHOLE_SERVICE, Viewer
from alertd.alerts.handling import Office, acts_as, rank_over
from alertd.cases.holding import Holding
from alertd.people.directory import LINE, role_words

EMERGENCY_HOURS: Final = 4
"""How long breaking the glass holds: a shift of the emergency duty team's night is two of them. A proposal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``allowed``, and by what right; or why not, and what to do."""

    allowed: bool
    why: str


@dataclass(frozen=True, slots=True)
class AboutChild:
    """What of a child decides who may see it: who holds it, to whom its open alerts were handed over, who was told
    of an open one, and what was written when somebody broke the glass (blank: nobody did)."""

    child: str
    holding: Holding
    handed_to: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    emergency: str = ""


def may_see_child(viewer: Viewer, about: AboutChild, office: Office) -> Verdict:
    """Whether somebody may see a child's page."""
    if viewer.agency:
        return Verdict(False, "An agency sees its own notifications only")
    barred = [why for id_ in viewer.ids if (why := office.directory.may_hear(id_, about.child, office.today))]
    if barred:
        return Verdict(False, f"You {_second_person(barred[0])}: ask information governance")
    right = _right(viewer, about, office)
    if right:
        return Verdict(True, right)
    if about.emergency:
        return Verdict(True, f"emergency access: {about.emergency}")
    return Verdict(False, "You neither have this child nor manage who does. If a child is at risk now, say why below")


def may_break_glass(viewer: Viewer, child: str, office: Office) -> Verdict:
    """Whether somebody may open a child's page in an emergency, with a reason that others read."""
    if viewer.agency or viewer.roles <= {"administrator"}:
        return Verdict(False, "Only the authority's own staff who work with children may do this")
    if any(office.directory.may_hear(id_, child, office.today) for id_ in viewer.ids):
        return Verdict(False, "This child is restricted: ring information governance or duty")
    return Verdict(True, "staff")


def _right(viewer: Viewer, about: AboutChild, office: Office) -> str:
    acting = {id_: own for own in sorted(viewer.ids) for id_ in acts_as(own, office)}
    holder = about.holding.worker
    if holder in viewer.ids:
        return "allocated worker"
    if holder in acting:
        return f"deputy of {holder}, the allocated worker, who is away"
    if not about.handed_to.isdisjoint(acting):
        return "an alert was handed over to them"
    # Nobody manages a child they hold themselves: the allocated worker was answered above.
    managed = max(acting, key=lambda id_: (rank_over(id_, about.holding, office.directory), id_), default="")
    if managed and (rank := rank_over(managed, about.holding, office.directory)):
        right = f"{role_words(LINE[rank - 1])} above the child"
        return right if managed in viewer.ids else f"deputy of {managed}, {right}"
    if over := sorted(viewer.roles & WHOLE_SERVICE):
        return f"{role_words(over[0])}, who looks at the whole service"
    if not about.told.isdisjoint(acting):
        return "was told of an open alert about the child"
    return ""


def may_see_team(viewer: Viewer, team: str, office: Office) -> Verdict:
    """Whether somebody may see a team's board: who manages it or a team above it, their deputies, and oversight."""
    if team not in office.directory.teams:
        return Verdict(False, "There is no such team")
    if team in teams_seen(viewer, office):
        return Verdict(True, "oversight" if viewer.oversees else "manages the team or one above it")
    return Verdict(False, "Its manager, and managers above, see a team's board")


def teams_seen(viewer: Viewer, office: Office) -> frozenset[str]:
    """The teams whose boards somebody may see."""
    if viewer.agency:
        return frozenset()
    directory = office.directory
    if viewer.oversees:
        return frozenset(directory.teams)
    acting = {id_ for own in viewer.ids for id_ in acts_as(own, office)}
    managing = [directory.people[id_] for id_ in acting if not set(directory.people[id_].roles).isdisjoint(LINE)]
    return frozenset(team for one in managing for team in directory.teams_under(one.team))


def barred_from(viewer: Viewer, office: Office) -> list[str]:
    """The children of whom somebody must not hear."""
    directory = office.directory
    limited = directory.limited_children
    return sorted(c for c in limited if any(directory.may_hear(id_, c, office.today) for id_ in viewer.ids))


def may_see_service(viewer: Viewer) -> Verdict:
    """Whether somebody sees figures of the whole service by team: everybody who works for it. They name no child and
    no colleague."""
    if viewer.agency:
        return Verdict(False, "Figures are for the authority's own staff")
    return Verdict(True, "staff")


def may_see_system(viewer: Viewer) -> Verdict:
    """Whether somebody sees how alertd itself fares: feeds, outbox, channels. No child is shown there."""
    allowed = viewer.runs or viewer.oversees or "head_of_service" in viewer.roles
    return Verdict(allowed, "looks after alertd" if allowed else "The data owner and administrators see this")


def _second_person(why: str) -> str:
    return why.replace("is not among", "are not among", 1) if why.startswith("is ") else why
