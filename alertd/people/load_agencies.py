"""Reads ``agencies.yaml``: the agencies, their contacts, and what may be shared with each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from alertd.errors import InputError
from alertd.people.agencies import EMAIL, EVERYWHERE, Agencies, Agency, Agreement, Contact
from alertd.people.rows import check_channel_address
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY
from alertd.rulebook.names import UnknownNameError
from alertd.rulebook.profiles import Model
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml
from alertd.rulebook.written import validate


class _Agreement(Model):
    reference: str = Field(min_length=1)
    fields_: tuple[str, ...] = Field(alias="fields")
    until: date | None = None

    @field_validator("fields_")
    @classmethod
    def _may_leave(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in DISCLOSABLE:
                raise UnknownNameError(f"no field {name!r} may be shared with an agency", name, tuple(DISCLOSABLE))
        return names


class _Contact(Model):
    id: str
    name: str = Field(min_length=1)
    address: str = ""
    language: Literal["en", "cy"] = "en"
    away_from: date | None = None
    away_to: date | None = None
    leaves: date | None = None
    channel: str = Field(default=EMAIL, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")


class _Agency(Model):
    id: str
    kind: str
    name: str = Field(min_length=1)
    covers: tuple[str, ...] | Literal["everywhere"] = ()
    agreement: _Agreement | None = None
    secure: str = ""
    contacts: tuple[_Contact, ...] = ()

    @field_validator("kind")
    @classmethod
    def _an_agency(cls, kind: str) -> str:
        known = [name for name in AGENCIES if name not in FAMILY]
        if kind in FAMILY:
            raise UnknownNameError(f"{kind!r} is told by the worker, never by alertd", kind, tuple(known))
        if kind not in known:
            raise UnknownNameError(f"{kind!r} is no kind of agency", kind, tuple(known))
        return kind


class _AgenciesFile(Model):
    agencies: tuple[_Agency, ...]


_PARTS: dict[str, type[Model]] = {"agencies": _Agency, "agreement": _Agreement, "contacts": _Contact}


def load_agencies(path: Path, *, allowed_domains: Collection[str], authority: str = "") -> Agencies:
    """The agencies of a file, wholly checked; ``authority`` is the code of our own.

    Raises :class:`InputError` with ``file:line: key`` at the first fault.
    """
    document = read_yaml(path)
    file = validate(document, _AgenciesFile, _PARTS)
    found: dict[str, Agency] = {}
    for n, written in enumerate(file.agencies):
        loc: Loc = ("agencies", n)
        _check_id(document, loc, written.id, found)
        found[written.id] = _agency(document, loc, written, allowed_domains)
    return Agencies(found, authority)


def _agency(document: Document, loc: Loc, written: _Agency, allowed_domains: Collection[str]) -> Agency:
    contacts: dict[str, Contact] = {}
    for n, one in enumerate(written.contacts):
        here = (*loc, "contacts", n)
        _check_id(document, here, one.id, contacts)
        if one.address:
            check_channel_address(one.channel, one.address, allowed_domains, document.at((*here, "address")))
        if one.away_to and (one.away_from is None or one.away_to < one.away_from):
            where = document.at((*here, "away_to"))
            raise InputError("away_to needs an away_from that is not later", where=where, fix="Correct the two dates.")
        contacts[one.id] = Contact(**dict(one))
    covers = (EVERYWHERE,) if written.covers == EVERYWHERE else written.covers
    return Agency(
        id=written.id,
        kind=written.kind,
        name=written.name,
        covers=frozenset(covers),
        agreement=_agreement(document, loc, written),
        secure=written.secure.strip(),
        contacts=tuple(contacts.values()),
        where=document.at(loc),
    )


def _agreement(document: Document, loc: Loc, written: _Agency) -> Agreement | None:
    agreement = written.agreement
    if agreement is None:
        return None
    for n, name in enumerate(agreement.fields_):
        if not DISCLOSABLE[name].may_go_to(written.kind):
            raise InputError(
                f"{name!r} may not go to {written.kind}, whatever an agreement says",
                where=document.at((*loc, "agreement", "fields", n)),
                fix="Take it out.",
            )
    return Agreement(agreement.reference, frozenset(agreement.fields_), agreement.until)


def _check_id(document: Document, loc: Loc, id_: str, there: Collection[str]) -> None:
    where = document.at((*loc, "id"))
    if not id_ or not all(c.isalnum() or c in "._-" for c in id_) or not id_.isascii():
        raise InputError(f"{id_!r} is no id", where=where, fix="Write letters, digits, full stops and hyphens only.")
    if id_ in there:
        raise InputError(f"id {id_!r} is there twice", where=where, fix="Give each its own.")
