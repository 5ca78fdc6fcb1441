"""Which agency is told, at whose address, and under which agreement: or why none is, and who mends that.

An agency is never guessed. A child's own link says which it is; without one, it is the only agency of its kind
that covers the authority. Where several do, nobody is told until somebody says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from alertd.rulebook.agencies import AGENCIES

EVERYWHERE: Final = "everywhere"
EMAIL: Final = "email"
"""The channel by which an agency is told where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at an agency, reached by a ``channel`` at an ``address`` of that channel. Away and gone as staff are:
    :class:`~alertd.people.directory.Person`."""

    id: str
    name: str
    address: str
    language: Literal["en", "cy"] = "en"
    away_from: date | None = None
    away_to: date | None = None
    leaves: date | None = None
    channel: str = EMAIL

    def absence(self, today: date) -> str:
        """Why they cannot be told today; blank where they can."""
        if self.has_left(today):
            return "has left"
        away = self.away_from is not None and self.away_from <= today and (self.away_to or date.max) >= today
        return "is away" if away else ""

    def has_left(self, today: date) -> bool:
        """Whether they are gone for good."""
        return self.leaves is not None and self.leaves <= today


@dataclass(frozen=True, slots=True)
class Agreement:
    """The data-sharing agreement: its reference, its last day (None: no end) and the fields it allows."""

    reference: str
    fields: frozenset[str]
    until: date | None = None

    def in_force(self, today: date) -> bool:
        """Whether it allows anything on that day."""
        return self.until is None or today <= self.until


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency. ``covers`` are codes of authorities, or "everywhere"; one that covers nothing, as a GP practice,
    is told only of children linked with it. ``secure`` is the evidence that mail to it is encrypted: without it
    nobody there is told by e-mail.
    ``contacts`` are in the order in which they are told; ``where`` is its place in the file."""

    id: str
    kind: str
    name: str
    covers: frozenset[str] = frozenset()
    agreement: Agreement | None = None
    secure: str = ""
    contacts: tuple[Contact, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class AgencyContact:
    """Who is told at which agency. ``fields`` are those the agreement allows; ``how`` says why this agency and
    this contact."""

    agency: str
    kind: str
    agency_name: str
    contact: str
    name: str
    address: str
    language: Literal["en", "cy"]
    fields: frozenset[str]
    agreement: str
    how: str
    channel: str = EMAIL


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Nobody can be told: why, the role that mends it, and what that role must do."""

    kind: str
    reason: str
    owner: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Agencies:
    """The agencies by id. ``authority`` is the code of our own, for what they cover."""

    agencies: Mapping[str, Agency] = field(default_factory=lambda: MappingProxyType({}))
    authority: str = ""

    def resolve(self, kind: str, child_links: Mapping[str, str], today: date) -> AgencyContact | NotKnown:
        """Who is told as an agency of a kind about a child with these links (kind of agency: id). Pure.

        What is unclear about a link is never made up for by another agency: the child's is that one.
        """
        found = self._which(kind, child_links.get(kind))
        if isinstance(found, NotKnown):
            return found
        agency, how = found
        return self._unable(agency, today) or self._contact(agency, how, today)

    def _which(self, kind: str, linked: str | None) -> tuple[Agency, str] | NotKnown:
        title = AGENCIES.get(kind, kind)
        if linked is not None and " " in linked:
            what = f"the child is linked with several at once: {_as_id(linked)}"
            return NotKnown(kind, what, "worker", "End the agency_link of those that it is no longer")
        if linked is not None:
            agency = self.agencies.get(linked)
            if agency is None:
                what = f"the child is linked with {_as_id(linked)}, which is no agency's id"
                return NotKnown(kind, what, "data_owner", "Correct the child's agency_link, or add the agency")
            if agency.kind != kind:
                what = f"the child is linked with {linked} as {kind}, and it is {agency.kind}"
                return NotKnown(kind, what, "data_owner", "Correct the child's agency_link")
            return agency, "the child is linked with it"
        covering = sorted(a.id for a in self.agencies.values() if a.kind == kind and self._covers(a))
        if len(covering) > 1:
            what = f"{', '.join(covering)} could be meant by {title}, and the child is linked with none"
            return NotKnown(kind, what, "worker", "Record which it is, as the child's agency_link")
        if covering:
            return self.agencies[covering[0]], f"the only one of its kind for {self._whom(covering[0])}"
        if any(a.kind == kind for a in self.agencies.values()):
            what = f"the child is linked with no {title}, and none is there for all children"
            return NotKnown(kind, what, "worker", "Record which it is, as the child's agency_link")
        what = f"the agencies' file has no {title}"
        return NotKnown(kind, what, "partner_lead", "Add the agency, with its agreement and a contact")

    def _covers(self, agency: Agency) -> bool:
        return EVERYWHERE in agency.covers or (self.authority != "" and self.authority in agency.covers)

    def _whom(self, agency: str) -> str:
        return EVERYWHERE if EVERYWHERE in self.agencies[agency].covers else f"authority {self.authority}"

    @staticmethod
    def _unable(agency: Agency, today: date) -> NotKnown | None:
        """Why this agency may not be told anything."""
        agreement = agency.agreement
        if agreement is None:
            what, fix = "has no data-sharing agreement", "Conclude one and enter it, or tell them another way"
        elif not agreement.in_force(today):
            what = f"has a data-sharing agreement that ran out on {agreement.until}"
            fix = "Renew it and enter its new date, or tell them another way"
        else:
            return None
        return NotKnown(agency.kind, f"{agency.id} {what}", "information_governance", fix)

    @staticmethod
    def _contact(agency: Agency, how: str, today: date) -> AgencyContact | NotKnown:
        passed, insecure = "", False
        for one in agency.contacts:
            why = one.absence(today) or ("" if one.address else "has no address")
            if not why and one.channel == EMAIL and not agency.secure:
                why, insecure = "is reached by e-mail, which is not known to be encrypted", True
            if not why:
                assert agency.agreement is not None
                return AgencyContact(
                    agency=agency.id,
                    kind=agency.kind,
                    agency_name=agency.name,
                    contact=one.id,
                    name=one.name,
                    address=one.address,
                    language=one.language,
                    fields=agency.agreement.fields,
                    agreement=agency.agreement.reference,
                    how=f"{agency.id}: {how}{passed}; contact {one.id}",
                    channel=one.channel,
                )
            passed += f"; {one.id} {why}"
        if insecure:
            what, fix = f"{agency.id} has no evidence that mail to it is encrypted", "Enter the evidence as `secure`"
            return NotKnown(agency.kind, what, "information_governance", fix)
        what = f"{agency.id} has no contact who can be told{passed}"
        return NotKnown(agency.kind, what, "partner_lead", "Ask them for a contact and enter it")


def _as_id(linked: str) -> str:
    """What a feed names as an agency, where it is written as ids are: a feed may hold anything, and this is mailed."""
    return linked if re.fullmatch(r"[A-Za-z0-9._-]{1,60}( and [A-Za-z0-9._-]{1,60})*", linked) else "something else"
