"""What the CSC API's payloads say together: a statement about a child is laid over the one before.

Pure. :func:`clean` takes from a child's element what is kept, and names what cannot be used; :func:`merged` lays
it over what is known of the child. A known child has the same shape as an element of a payload.

What the API says of updating is its ``purge`` flags: true on a child, an episode or an element takes away that
one and all below it, and nothing else does. So what a statement leaves out stands. Two senders are known to
differ in the fields of one element: a full one repeats the element, a change holds its id and what changed
(data-to-insight/dfe-csc-api-data-flows, ``api_pipeline/payload.py``, MIT). They are told apart by the date with
which an element begins: with it the element is stated whole, and a field left out is blank; without it, or with
null for a field, only what is there changes. Case workers and questionnaires cannot be purged one by one, so
their list is always the whole list; a worker named without a start keeps the dates known before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from alertd.cases.sources import csc_api_fields as f
from alertd.cases.sources.csc_api_fields import Part

Element = dict[str, Any]
_LONGEST: Final = 64
_UNUSABLE: Final[dict[str, Any]] = {}
"""Stands for a value that can be no date, code, flag or number: what it was is not kept."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")


@dataclass(frozen=True, slots=True)
class Fault:
    """An element that cannot be used: ``at`` is its place (``[3].social_care_episodes[0]``), ``table`` the list it
    is of, ``column`` the field to blame."""

    at: str
    table: str
    column: str
    why: str


@dataclass(slots=True)
class Cleaning:
    """What :func:`clean` came across: elements that cannot be used, and fields the API does not know."""

    faults: list[Fault] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    def blame(self, at: str, table: str, column: str, why: str) -> None:
        """Enter an element that cannot be used."""
        self.faults.append(Fault(at, table, column, why))

    def strange(self, element: Mapping[str, object], known: Iterable[str]) -> None:
        """Enter the fields that the API does not know; a key that does not look like a field is not repeated."""
        for name in element.keys() - set(known):
            self.unknown.add(name if _NAME.fullmatch(name) else "(not a field name)")


def clean(element: object, at: str, found: Cleaning) -> Element | None:
    """What is kept of one child's element; None where it cannot be used at all."""
    child = _named(element, at, "children", "la_child_id", found)
    if child is None:
        return None
    if child.get("purge"):
        return {"la_child_id": child["la_child_id"], "purge": True}
    found.strange(child, f.KNOWN_OF_CHILD)
    kept: Element = {"la_child_id": child["la_child_id"]}
    details = _section(child, "child_details", f.DETAILS, f.KNOWN_OF_DETAILS, (at, "children"), found)
    if details is not None:
        kept["child_details"] = details
    health = _health(child, at, found)
    if health is not None:
        kept["health_and_wellbeing"] = health
    episodes = _list(child, f.EPISODES, (at, f.EPISODES), found)
    if episodes is not None:
        made = (_episode(each, place, found) for place, each in episodes)
        kept[f.EPISODES] = [episode for episode in made if episode is not None]
    return kept


def _named(element: object, at: str, table: str, key: str, found: Cleaning) -> Element | None:
    """The element, if it is one, has an id and says clearly whether it is to be purged."""
    if not isinstance(element, dict):
        found.blame(at, table, "", "is not an object")
        return None
    name = element.get(key)
    if not isinstance(name, str) or not f.ID.fullmatch(name):
        why = "is missing" if name is None else "is not an id of up to 36 letters, digits, hyphens and underscores"
        found.blame(at, table, key, why)
        return None
    if not _may_purge(element):
        found.blame(at, table, "purge", "is neither true nor false")
        return None
    return element


def _may_purge(element: Mapping[str, object]) -> bool:
    flag = element.get("purge")
    return flag is None or isinstance(flag, bool)


def _list(element: Element, name: str, place: tuple[str, str], found: Cleaning) -> list[tuple[str, object]] | None:
    """The elements of a list with their places; None where it is not stated."""
    at, table = place
    elements = element.get(name)
    if elements is None:
        return None
    if not isinstance(elements, list):
        found.blame(f"{at}.{name}", table, name, "is not a list")
        return None
    return [(f"{at}.{name}[{number}]", each) for number, each in enumerate(elements)]


def _section(
    element: Element,
    name: str,
    kept: tuple[str, ...],
    known: Iterable[str],
    place: tuple[str, str],
    found: Cleaning,
) -> Element | None:
    """A section that is a single object; None where it is not stated."""
    at, table = place
    section = element.get(name)
    if section is None:
        return None
    if not isinstance(section, dict):
        found.blame(f"{at}.{name}", table, name, "is not an object")
        return None
    if not _may_purge(section):
        found.blame(f"{at}.{name}", table, "purge", "is neither true nor false")
        return None
    found.strange(section, known)
    return {"purge": True} if section.get("purge") else _fields(section, kept)


def _fields(element: Mapping[str, object], names: Iterable[str]) -> Element:
    return {name: _value(element[name]) for name in names if name in element}


def _value(value: object) -> object:
    if isinstance(value, str):
        value = value.strip()
        return value or None if len(value) <= _LONGEST else _UNUSABLE
    return value if value is None or isinstance(value, bool | int | float) else _UNUSABLE


def _health(child: Element, at: str, found: Cleaning) -> Element | None:
    section = _section(child, "health_and_wellbeing", (), (f.SDQS, "purge"), (at, f.SDQS), found)
    if section is None or section.get("purge"):
        return section
    elements = _list(child["health_and_wellbeing"], f.SDQS, (f"{at}.health_and_wellbeing", f.SDQS), found)
    if elements is None:
        return None
    kept = []
    for place, each in elements:
        if not isinstance(each, dict):
            found.blame(place, f.SDQS, "", "is not an object")
        elif each.get("date") is None:
            found.blame(place, f.SDQS, "date", "is missing")
        else:
            found.strange(each, f.SDQ)
            kept.append(_fields(each, f.SDQ))
    return {f.SDQS: kept}


def _episode(element: object, at: str, found: Cleaning) -> Element | None:
    part = f.EPISODE
    episode = _element(part, element, at, f.EPISODES, found, (*f.WITHIN, f.LEAVERS))
    if episode is None or episode.get("purge"):
        return episode
    assert isinstance(element, dict)
    for name, within in f.WITHIN.items():
        elements = _list(element, name, (at, name), found)
        if elements is not None:
            made = (_element(within, each, place, name, found) for place, each in elements)
            episode[name] = [each for each in made if each is not None]
    leaver = _section(element, f.LEAVERS, f.LEAVER, f.KNOWN_OF_LEAVER, (at, f.LEAVERS), found)
    if leaver is not None:
        episode[f.LEAVERS] = leaver
    return episode


def _element(
    part: Part, element: object, at: str, table: str, found: Cleaning, lists: tuple[str, ...] = ()
) -> Element | None:
    whole = _named(element, at, table, part.key, found)
    if whole is None:
        return None
    if whole.get("purge") and part.purges:
        return {part.key: whole[part.key], "purge": True}
    found.strange(whole, (part.key, part.begins, "purge", *part.kept, *part.dropped, *lists))
    return {part.key: whole[part.key], **_fields(whole, (part.begins, *part.kept))}


def merged(known: Element | None, statement: Element) -> Element | None:
    """What is known of a child after a clean statement; None once the child is purged. Changes neither."""
    if statement.get("purge"):
        return None
    known = known or {}
    child: Element = {"la_child_id": statement["la_child_id"]}
    details = _over(known.get("child_details"), statement.get("child_details"))
    if details:
        child["child_details"] = details
    health = statement.get("health_and_wellbeing")
    if health is None:
        health = known.get("health_and_wellbeing")
    if health and health.get(f.SDQS):
        child["health_and_wellbeing"] = {f.SDQS: [_no_blanks(each) for each in health[f.SDQS]]}
    episodes = _lists_over(f.EPISODE, known.get(f.EPISODES), statement.get(f.EPISODES))
    if episodes:
        child[f.EPISODES] = episodes
    return child


def _no_blanks(element: Element) -> Element:
    return {name: value for name, value in element.items() if value is not None}


def _over(known: Element | None, stated: Element | None) -> Element:
    """A section that is a single object, laid over what is known of it."""
    if stated is None:
        return known or {}
    return {} if stated.get("purge") else _no_blanks({**(known or {}), **stated})


def _lists_over(part: Part, known: list[Element] | None, stated: list[Element] | None) -> list[Element]:
    if stated is None:
        return known or []
    if not part.purges:
        return list(_whole_list(part, known or [], stated))
    found = {each[part.key]: each for each in known or []}
    for each in stated:
        key = each[part.key]
        if each.get("purge"):
            found.pop(key, None)
        else:
            found[key] = _element_over(part, found.get(key, {}), each)
    return list(found.values())


def _whole_list(part: Part, known: list[Element], stated: list[Element]) -> Iterator[Element]:
    """A list stated whole; an element without its beginning takes it from the one of its key known before."""
    left = list(known)
    for each in stated:
        before: Element = {}
        if each.get(part.begins) is None:
            before = next((one for one in left if one[part.key] == each[part.key]), {})
            left = [one for one in left if one is not before]
        yield _no_blanks({**before, **each})


def _element_over(part: Part, known: Element, stated: Element) -> Element:
    lists = (*f.WITHIN, f.LEAVERS) if part is f.EPISODE else ()
    whole = stated.get(part.begins) is not None
    plain = {name: value for name, value in (stated if whole else {**known, **stated}).items() if name not in lists}
    element = _no_blanks(plain)
    for name in lists:
        held, said = known.get(name), stated.get(name)
        new = _over(held, said) if name == f.LEAVERS else _lists_over(f.WITHIN[name], held, said)
        if new:
            element[name] = new
    return element
