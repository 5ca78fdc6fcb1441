"""Somebody who looks: a person of the directory or a contact of an agency, as they are today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from alertd.people.agencies import Agencies
from alertd.people.directory import LINE, Directory

OVERSIGHT: Final = frozenset(
    {
        "director",
        "head_of_service",
        "iro",
        "iro_manager",
        "cp_chair",
        "principal_social_worker",
        "quality_assurance",
        "virtual_head",
        "missing_lead",
    }
)
"""Roles whose work is to look at the whole service: they see every team, and every child that is not restricted.
A head of service sees the teams under their own."""

WHOLE_SERVICE: Final = OVERSIGHT - {"head_of_service"}

SYSTEM: Final = frozenset({"administrator", "data_owner"})
"""Roles that look after alertd itself. They see no child for that."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. ``ids`` are all their ids in the directory, ``roles`` those of all of them.

    ``agency`` is the agency of a partner's contact, blank for the authority's own staff; ``id`` is then
    ``agency:<agency>:<contact>``.
    """

    id: str
    name: str
    ids: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    team: str | None = None
    agency: str = ""
    language: str = "en"

    @property
    def manages(self) -> bool:
        """Whether they hold a role of the management line."""
        return not self.roles.isdisjoint(LINE)

    @property
    def oversees(self) -> bool:
        """Whether they look at the whole service."""
        return not self.roles.isdisjoint(WHOLE_SERVICE)

    @property
    def runs(self) -> bool:
        """Whether they look after alertd itself."""
        return not self.roles.isdisjoint(SYSTEM)


def viewer_of(subject: str, directory: Directory, today: date) -> Viewer | None:
    """The viewer that a session's subject stands for today; None for somebody who has left or is not known.

    Somebody who is away may still look: only what they are told goes to their deputy.
    """
    if subject.startswith("agency:"):
        return _contact(subject, directory.agencies, today)
    person = directory.people.get(subject)
    if person is None or (person.leaves is not None and person.leaves <= today):
        return None
    ids = directory.ids_of(person.id)
    here = [one for id_ in ids if (one := directory.people[id_]).leaves is None or one.leaves > today]
    roles = frozenset(role for one in here for role in one.roles)
    return Viewer(person.id, person.name, ids, roles, person.team, language=person.language)


def _contact(subject: str, agencies: Agencies, today: date) -> Viewer | None:
    _, _, rest = subject.partition(":")
    agency_id, _, contact_id = rest.partition(":")
    agency = agencies.agencies.get(agency_id)
    found = next((one for one in agency.contacts if one.id == contact_id), None) if agency else None
    if found is None or found.has_left(today):
        return None
    return Viewer(subject, found.name, agency=agency_id, language=found.language)


def subjects_at(address: str, directory: Directory, today: date) -> tuple[str, ...]:
    """Whose address this is, as subjects of a session: one of the staff, or a contact of an agency told by e-mail.

    Of somebody who has several rows, the first by id that is still here.
    """
    wanted = address.strip().lower()
    if not wanted:
        return ()
    for person in sorted(directory.people.values(), key=lambda one: one.id):
        if person.address.lower() == wanted and viewer_of(person.id, directory, today):
            return (person.id,)
    return tuple(
        f"agency:{agency.id}:{contact.id}"
        for agency in sorted(directory.agencies.agencies.values(), key=lambda one: one.id)
        for contact in agency.contacts
        if contact.channel == "email" and contact.address.lower() == wanted and not contact.has_left(today)
    )
