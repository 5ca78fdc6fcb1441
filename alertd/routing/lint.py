"""What must not be in a message, looked for in the text that is about to leave. Pure.

The last fence, behind the types that keep personal fields from templates: it sees only text, and so
finds what slipped into a free field. What it finds is named by its kind, never shown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from alertd.errors import InputError

OLD: Final = 3
"""Years back from which a date in a subject or preview is taken for a birth."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is in a message on purpose.

    ``references`` are case references, rows and links, each allowed as it stands; ``contacts`` the e-mail addresses
    and telephone numbers the reader is to use. ``names`` of people must not be in a subject or preview, ``canaries``
    nowhere. ``disclosed`` are kinds of :data:`KINDS` that this reader is owed.
    """

    references: Collection[str] = frozenset()
    contacts: Collection[str] = frozenset()
    names: Collection[str] = frozenset()
    canaries: Collection[str] = frozenset()
    disclosed: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Personal:
    """Something personal that was found: its kind, in words, and in which part of the message."""

    kind: str
    part: str


_AREA_CODES: Final = (
    "AB AL B BA BB BD BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK "
    "FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP "
    "NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W "
    "WA WC WD WF WN WR WS WV YO ZE"
)
_AREAS: Final = frozenset(_AREA_CODES.split())
_DAY: Final = r"\d{1,4}[-/. ](?:\d{1,2}|[^\W\d]{3,10})[-/. ]\d{2,4}"
_GAP: Final = r"[ \u00a0\u2010\u2011\u2013-]?"

KINDS: Final = {
    "an NHS number": re.compile(rf"(?<![\w-])\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{4}}(?![\w-])"),
    "a unique pupil number": re.compile(r"\b[A-HJ-NP-RT-Z]\d{11}[\dA-HJ-NP-RT-Z]\b"),
    "a National Insurance number": re.compile(
        rf"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]{_GAP}\d\d{_GAP}\d\d{_GAP}\d\d{_GAP}[A-D]\b"
    ),
    "a postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?[ \u00a0]?\d[ABD-HJLNP-UW-Z]{2}\b"),
    "a date of birth": re.compile(
        r"\b(?:dates? of birth|d\.?o\.?b\.?|birthday|born|dyddiad geni|pen-blwydd|ganwyd|ganed|geni)"
        rf"\W{{0,3}}(?:(?:is|on|yw|ar|ym)\W{{1,2}})?(?:[^\W\d]{{3,9}}\W{{1,2}})?{_DAY}",
        re.IGNORECASE,
    ),
    "an e-mail address": re.compile(r"(?<![\w.+'%-])[\w.+'%-]{1,64}@[\w-]+(?:\.[\w-]+)+"),
    "a telephone number": re.compile(r"(?<![\w/.:=+-])(?:\+44|0044|0)(?:[ \u00a0-]?\(?\d\)?){9,10}(?![\w/-])"),
}
"""What is looked for, by its kind in words."""

_YEAR: Final = re.compile(r"(?<![\w/:-])(?:\d{1,2}[-/. ](?:\d{1,2}|[^\W\d]{3,10})[-/. ])?((?:19|20)\d\d)(?![\w/:])")
_ISO: Final = re.compile(r"\b((?:19|20)\d\d)-\d\d-\d\d\b")
_SHORT: Final = re.compile(r"\b\d{1,2}[-/.]\d{1,2}[-/.](\d\d)\b")


def personal(parts: dict[str, str], known: Known, today: date) -> Iterator[Personal]:
    """Everything personal in the parts of a message (``subject``, ``preview``, ``text``, ``html``), by kind."""
    references = _whole(known.references)
    for part, whole in parts.items():
        shown = _shown(whole) if part == "html" else whole
        folded = shown.casefold()
        if any(canary.casefold() in folded for canary in known.canaries if canary):
            yield Personal("a value that must never leave", part)
        rest = references.sub("…", shown) if references else shown
        for kind, shape in KINDS.items():
            if kind not in known.disclosed and any(_is(kind, m[0], known) for m in shape.finditer(rest)):
                yield Personal(kind, part)
        if part in ("subject", "preview"):
            if any(year <= today.year - OLD for year in _years(rest, today)):
                yield Personal("a date of some years ago", part)
            if any(_names(name, folded) for name in known.names):
                yield Personal("somebody's name", part)


def check(parts: dict[str, str], known: Known, today: date, *, template: str, rule: str = "") -> None:
    """Raises :class:`InputError` where something personal was found: the message is held, not sent."""
    found = sorted({f"{p.kind} in the {p.part}" for p in personal(parts, known, today)})
    if found:
        about = f" about the rule {rule}" if rule else ""
        raise InputError(
            f"a message{about} is held: it seems to hold {found[0]}"
            + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""),
            where=f"template {template}",
            fix="Whoever keeps the case system corrects the record, or whoever keeps the templates the template; "
            "the message is then made anew. A false alarm is for whoever runs alertd",
        )


def holds(kind: str, text: str) -> bool:
    """Whether a text holds something of one of the :data:`KINDS`."""
    return any(_is(kind, match[0], Known()) for match in KINDS[kind].finditer(text))


def _is(kind: str, found: str, known: Known) -> bool:
    if kind == "an NHS number":
        return nhs_number(re.sub(r"\D", "", found))
    if kind == "a postcode":
        return re.match("[A-Z]+", found)[0] in _AREAS  # type: ignore[index]
    if kind == "an e-mail address":
        return found.rstrip(".").casefold() not in {c.casefold() for c in known.contacts}
    if kind == "a telephone number":
        return _digits(found) not in {_digits(c) for c in known.contacts}
    return True


def nhs_number(digits: str) -> bool:
    """Whether ten digits have the check digit of an NHS number (modulus 11, weights 10 to 2)."""
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    rest = 11 - sum((10 - n) * int(digit) for n, digit in enumerate(digits[:9])) % 11
    return (0 if rest == 11 else rest) == int(digits[9])


def _digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^(?:0044|44)", "0", digits)


def _years(text: str, today: date) -> Iterator[int]:
    for shape in (_YEAR, _ISO):
        yield from (int(m[1]) for m in shape.finditer(text))
    century = today.year - today.year % 100
    for match in _SHORT.finditer(text):
        year = century + int(match[1])
        yield year if year <= today.year + 2 else year - 100


def _whole(references: Collection[str]) -> re.Pattern[str] | None:
    """What finds those that are known to be in a message; only whole ones, never part of a longer number."""
    if not (known := sorted(filter(None, references), key=len, reverse=True)):
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)")


def _names(name: str, folded: str) -> bool:
    """Whether a name of two words or more is there: a staff number or a "May" alone would be found in any subject."""
    return len(name.split()) > 1 and re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded) is not None


def _shown(page: str) -> str:
    """What a reader of an HTML page sees, and the addresses of its links."""
    body = re.sub(r"(?s)<(style|title)\b.*?</\1>|<!--.*?-->", " ", page)
    links = " ".join(re.findall(r'href="([^"]*)"', body))
    return html.unescape(re.sub(r"(?s)<[^>]+>", " ", body) + " " + links)
