"""The files of CIN censuses: which of them are, the year each speaks for, and their children's rows.

Rows are those elements of which there may be several: each ``Child``, and in it each ``CINdetails``,
``Assessments``, ``CINPlanDates``, ``Section47``, ``ChildProtectionPlans`` and, for ``Reviews``, each
``CPPreviewDate`` (or the one that an empty ``Reviews`` should have). An element nobody knows is left
alone and named in a note; what the department has there and no rule needs, as a UPN, is never read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from lxml.etree import _Element

from alertd.cases.accounts import Ledger
from alertd.cases.records import Unreadable, Window, in_words
from alertd.cases.sources.cells import reference
from alertd.cases.sources.xml_files import elements, local, root_of
from alertd.cases.sources.years import refuse_damaged, year_of
from alertd.errors import InputError

NFA: Final = " nfa"
_MANY: Final = 10_000
"""Rejected rows after which a file is looked at before its end."""
_FIX: Final = "Name a CIN census in XML, or the folder that holds one or more years of it."


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read of an element. The first of its ``days`` places it in time. Of ``codes`` it is read whether
    they are the one given. ``unread`` is what the department has there besides."""

    days: tuple[str, ...]
    flags: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()


SHAPES: Final[Mapping[str, Shape]] = {
    "Child": Shape(
        ("PersonBirthDate", "ExpectedPersonBirthDate", "PersonDeathDate"),
        unread=frozenset({"UPN", "FormerUPN", "UPNunknown", "Sex", "GenderCurrent", "ChildCharacteristics"}),
    ),
    "CINdetails": Shape(
        ("CINreferralDate", "CINclosureDate", "DateOfInitialCPC"),
        ("ReferralNFA",),
        {"ReasonForClosure": "RC2"},  # the child died
        frozenset({"ReferralSource", "PrimaryNeedCode"}),
    ),
    "Assessments": Shape(
        ("AssessmentActualStartDate", "AssessmentAuthorisationDate"),
        unread=frozenset({"AssessmentInternalReviewDate", "FactorsIdentifiedAtAssessment"}),
    ),
    "CINPlanDates": Shape(("CINPlanStartDate", "CINPlanEndDate")),
    "Section47": Shape(("S47ActualStartDate", "InitialCPCtarget", "DateOfInitialCPC"), ("ICPCnotRequired",)),
    "ChildProtectionPlans": Shape(
        ("CPPstartDate", "CPPendDate"),
        unread=frozenset({"InitialCategoryOfAbuse", "LatestCategoryOfAbuse", "NumberOfPreviousCPP"}),
    ),
    "Reviews": Shape(("CPPreviewDate",)),
}
_WITHIN: Final = {
    "Child": ("CINdetails",),
    "CINdetails": ("Assessments", "CINPlanDates", "Section47", "ChildProtectionPlans"),
    "ChildProtectionPlans": ("Reviews",),
}

Fields = dict[str, date | bool | Unreadable]


@dataclass(slots=True)
class Row:
    """One element. ``key`` is its day, within its referral where it has one; ``fields`` has what is
    filled in, by the census's own names."""

    element: str
    key: str
    where: str
    fields: Fields
    referral: str = ""
    file: int = 0

    @property
    def name(self) -> tuple[str, str]:
        """What it is one of, and which."""
        return self.element, self.key


@dataclass(slots=True)
class Census:
    """One file. ``as_at`` is its reference date; ``made`` says when it was made, as text that sorts.
    ``strange`` counts unknown elements by name."""

    path: Path
    as_at: date
    made: str
    note: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    strange: Counter[str] = field(default_factory=Counter)

    @property
    def window(self) -> Window:
        """The census year up to the reference date, which is its last day unless somebody ran it early."""
        return Window(year_of(self.as_at).start, self.as_at)

    def account(self, element: str) -> str:
        """What its account of an element is called."""
        return f"{self.path.name}: {element}"

    def children(self) -> Iterator[tuple[str, list[Row]]]:
        """Each child's reference and rows, the child's own first. Rows without a child are rejected."""
        for element in elements(self.path, ("Header", "Child"), self.strange):
            if local(element) == "Child":
                said, rows = _Reader(self).read(element)
                child = reference(said)
                for row in rows:
                    account = self.account(row.element)
                    self.ledger.of(account).rows += 1
                    if not isinstance(child, str):
                        why = f"has a LAchildID that {child.why}" if child else "has no LAchildID"
                        self.ledger.reject(account, row.where, why, "LAchildID")
                if isinstance(child, str):
                    yield child, rows
                elif len(self.ledger.rejects) > _MANY:  # of no use already: its end need not be waited for
                    refuse_damaged(self.ledger)


def census_files(path: Path) -> tuple[list[Census], list[str]]:
    """The censuses at ``path``, a file or a folder, the latest first, and the names of other XML files there.

    Raises InputError where there is none, and for a file that cannot be read or does not say its year.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", where=str(path), fix="Check the path to the CIN census.")
    try:
        paths = sorted(p for p in path.iterdir() if p.suffix.lower() == ".xml") if path.is_dir() else [path]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    found: list[Census] = []
    strangers: list[str] = []
    for each in paths:
        census = _census(each) if not each.name.startswith(".") else None
        if census:
            found.append(census)
        else:
            strangers.append(each.name)
    if not found:
        raise InputError("there is no CIN census here", where=str(path), fix=_FIX)
    return sorted(found, key=lambda c: (c.as_at, c.made, c.path.name), reverse=True), strangers


def _census(path: Path) -> Census | None:
    """The file with its year, or None where it is something else."""
    if root_of(path) != "Message":
        return None
    with closing(elements(path, ("Header", "Child"), Counter())) as found:
        first = next(found, None)
    header: dict[str, str] = {}
    if first is not None and local(first) == "Header":
        header = {local(e): _text(e) for e in first.iter()}
    if header.get("Collection", "").upper() not in {"CIN", ""}:
        return None
    as_at, note = iso_day(header.get("ReferenceDate", "")), ""
    if as_at is None and re.fullmatch("20[0-9]{2}", header.get("Year", "")):
        as_at, note = date(int(header["Year"]), 3, 31), "has no ReferenceDate, so 31 March of its Year is taken"
    elif isinstance(as_at, date) and (as_at.month, as_at.day) != (3, 31):
        note = f"is of {in_words(as_at)}, not of a 31 March: taken to speak for the days from 1 April until then"
    if not isinstance(as_at, date):
        what = f"its ReferenceDate {as_at.why}" if as_at else "no header with a ReferenceDate comes first"
        fix = "Export it with its header: without, its year is not known."
        raise InputError(what, where=f"{path.name}:{first.sourceline if first is not None else 1}", fix=fix)
    return Census(path, as_at, header.get("DateTime", ""), f"{path.name}: {note}" if note else "")


class _Reader:
    """Reads the elements of one child."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._undated: Counter[str] = Counter()

    def read(self, child: _Element) -> tuple[str, list[Row]]:
        """The child's reference, blank where it has none, and the rows."""
        reference = ""
        fields: Fields = {}
        for part in child:
            if local(part) == "ChildIdentifiers":
                reference = reference or next((_text(e) for e in part if local(e) == "LAchildID"), "")
                fields |= self._fields("Child", part, {"LAchildID"})
        rows = [Row("Child", reference, self._where(child), fields)]
        self._strangers("Child", child, {"ChildIdentifiers"})
        of_need = _named(child, "CINdetails")
        referrals = [self._row("CINdetails", details) for details in of_need]
        _tell_apart(referrals)
        for details, referral in zip(of_need, referrals, strict=True):
            rows.append(referral)
            for element in _WITHIN["CINdetails"]:
                for part in _named(details, element):
                    rows.append(self._row(element, part, referral.key))
                    for inner in _WITHIN.get(element, ()):
                        rows += [row for reviews in _named(part, inner) for row in self._reviews(reviews)]
        return reference, rows

    def _row(self, element: str, part: _Element, referral: str = "") -> Row:
        fields = self._fields(element, part)
        key = self._key(element, fields)
        return Row(element, f"{key} of {referral}" if referral else key, self._where(part), fields, referral)

    def _reviews(self, part: _Element) -> Iterator[Row]:
        self._strangers("Reviews", part, {"CPPreviewDate"})
        for held in _named(part, "CPPreviewDate") or [part]:
            fields: Fields = {}
            if local(held) == "CPPreviewDate" and (day := _day("CPPreviewDate", _text(held))):
                fields["CPPreviewDate"] = day
            yield Row("Reviews", self._key("Reviews", fields), self._where(held), fields)

    def _key(self, element: str, fields: Fields) -> str:
        anchor = fields.get(SHAPES[element].days[0])
        if isinstance(anchor, date):
            return anchor.isoformat()
        self._undated[element] += 1
        return f"undated {self._undated[element]}"

    def _fields(self, element: str, part: _Element, others: set[str] | None = None) -> Fields:
        """The fields that are filled in; one that is given twice, differently, is in doubt."""
        shape = SHAPES[element]
        found: Fields = {}
        for inner in part:
            name = local(inner)
            text = _text(inner)
            value: date | bool | Unreadable | None = None
            if name in shape.days:
                value = _day(name, text)
            elif name in shape.flags:
                value = _flag(name, text)
            elif name in shape.codes and text:
                value = text.upper() == shape.codes[name]
            if value is None:
                continue
            known = found.setdefault(name, value)
            if known != value:
                found[name] = Unreadable(f"{name} is given twice, and differs", "conflict")
        self._strangers(element, part, others or set())
        return found

    def _strangers(self, element: str, part: _Element, others: set[str]) -> None:
        shape = SHAPES[element]
        known = {*shape.days, *shape.flags, *shape.codes, *shape.unread, *_WITHIN.get(element, ()), *others}
        self._census.strange.update(name for e in part if (name := local(e)) not in known)

    def _where(self, part: _Element) -> str:
        return f"{self._census.path.name}:{part.sourceline}"


def _tell_apart(referrals: list[Row]) -> None:
    """One that went no further, and another of the same day that did: two referrals, of two keys."""
    taken_up = {row.key for row in referrals if row.fields.get("ReferralNFA") is False}
    for row in referrals:
        if row.key in taken_up and row.fields.get("ReferralNFA") is True:
            row.key += NFA


def _named(part: _Element, name: str) -> list[_Element]:
    return [e for e in part if local(e) == name]


def _text(part: _Element) -> str:
    return (part.text or "").strip()


def _day(name: str, text: str) -> date | Unreadable | None:
    value = iso_day(text)
    return Unreadable(f"{name} {value.why}") if isinstance(value, Unreadable) else value


def _flag(name: str, text: str) -> bool | Unreadable | None:
    """0 or 1 by the schema; files have true and false as well."""
    if not text:
        return None
    value = {"1": True, "true": True, "0": False, "false": False}.get(text.lower())
    return Unreadable(f"{name} is neither 0, 1, true nor false") if value is None else value


_ISO: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T00:00:00)?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_YEARS: Final = range(1901, 2200)  # 1900 and 9999 are what systems fill in for "none"


@lru_cache(maxsize=65536)
def iso_day(text: str) -> date | Unreadable | None:
    """Read ``yyyy-mm-dd`` as XML writes it. Blank is None; whatever else is Unreadable, and nothing is guessed."""
    if not text:
        return None
    found = _ISO.fullmatch(text)
    if not found:
        return Unreadable("is not a date written yyyy-mm-dd")
    if int(text[:4]) not in _YEARS:
        return Unreadable("has a year outside 1901 to 2199")
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return Unreadable("is a day that does not exist")
