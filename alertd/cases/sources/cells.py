"""Reading one cell of the Standard Safeguarding Dataset.

Each reader takes what the database driver gave and returns the typed value, None for blank, or
an :class:`Unreadable` that says why without repeating the cell.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final

from alertd.cases.records import LONDON, Unreadable, local_day

FILLERS: Final = frozenset({date(1900, 1, 1), date(9999, 12, 31)})

LONGEST: Final = 100
"""Characters in a reference or a key. What is longer is prose, and prose is not read. Our own choice."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]+(\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?)?")
_UK = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: +(\d\d:\d\d(?::\d\d)?)(\.\d+)?)?")
_NOT_A_DATE = Unreadable("is not a date (wanted: a date column, or text as 2026-03-31 or 31/03/2026)")


def text(value: object) -> str | None:
    """The cell as text without surrounding spaces; a whole number loses its decimal point."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float | Decimal):
        value = re.sub(r"\.0+$", "", str(value))
    return None if value is None else str(value).strip() or None


def reference(value: object) -> str | Unreadable | None:
    """What names a person, a team or another row: short text; -1 is the case systems' way of writing none."""
    if isinstance(value, bytes | bytearray | memoryview):
        return Unreadable("holds bytes, not text")
    found = text(value)
    if found is None or found == "-1":
        return None
    if len(found) > LONGEST:
        return Unreadable(f"is longer than {LONGEST} characters")
    if not found.isprintable() and _CONTROL.search(found):
        return Unreadable("holds a line break or a control character")
    return found


def ident(value: object) -> str | None:
    """A key of this or another table; None for what can be no reference, too: no database could keep it."""
    found = reference(value)
    return found if isinstance(found, str) else None


def moment(value: object) -> date | datetime | Unreadable | None:
    """A day, or a time in Europe/London where the cell has a time of day other than midnight."""
    if value is None:
        return None
    return _moment(value.strip() if isinstance(value, str) else value) if isinstance(value, str | date) else _NOT_A_DATE


@lru_cache(maxsize=20_000)
def _moment(value: str | date) -> date | datetime | Unreadable | None:
    """Cached: six years hold few days, and the records then share them."""
    found = _written(value) if isinstance(value, str) else _plain(value) if isinstance(value, datetime) else value
    if isinstance(found, date) and (filler := local_day(found)) in FILLERS:
        return Unreadable(f"{filler.isoformat()} is a filler date")
    return found


def day(value: object) -> date | Unreadable | None:
    """A day; a time of day is left out."""
    found = moment(value)
    return found.date() if isinstance(found, datetime) else found


def day_or_filler(value: object) -> date | Unreadable | None:
    """A day, in a column that writes "none" as 1900-01-01 or 9999-12-31."""
    found = day(value)
    return None if isinstance(found, Unreadable) and found.why.endswith("filler date") else found


def _written(value: str) -> date | datetime | Unreadable | None:
    """Text as a day or moment."""
    if not value:
        return None
    try:
        if iso := _ISO.fullmatch(value):
            first, clock, _, zone = iso.groups()
            return _plain(datetime.fromisoformat(f"{first}T{clock or '00:00'}{zone or ''}"))
        if uk := _UK.fullmatch(value):
            dd, mm, yyyy, clock, _ = uk.groups()
            return _plain(datetime.fromisoformat(f"{yyyy}-{mm:0>2}-{dd:0>2}T{clock or '00:00'}"))
    except (ValueError, OverflowError):
        pass
    return _NOT_A_DATE


def _plain(value: datetime) -> date | datetime:
    london = value.astimezone(LONDON) if value.tzinfo else value.replace(tzinfo=LONDON)
    return london.date() if london.time() == time() else london


_YES = frozenset({"y", "yes", "true", "t", "1"})
_NO = frozenset({"n", "no", "false", "f", "0"})
_NOT_ASKED = frozenset({"na", "n/a"})


def yes_no(value: object) -> bool | Unreadable | None:
    """Y or N, however the case system writes it; NA is blank."""
    found = (text(value) or "").lower()
    if not found or found in _NOT_ASKED:
        return None
    if found in _YES or found in _NO:
        return found in _YES
    return Unreadable("is neither Y nor N")


def quorate(value: object) -> bool | Unreadable | None:
    """The answer on the review form: Y, N, or words with "quorate" in them."""
    found = (text(value) or "").lower()
    if "quorate" in found:
        return not re.search(r"\b(not|non|inquorate)\b", found)
    return yes_no(found)


def flagged(value: object) -> bool:
    """A column that says Y when something is so, and anything or nothing otherwise."""
    return yes_no(value) is True


def score(value: object) -> int | Unreadable | None:
    """A strengths and difficulties total, 0 to 40."""
    found = text(value)
    if found is None:
        return None
    whole = re.fullmatch(r"(\d{1,2})(\.0+)?", found)
    return int(whole[1]) if whole and int(whole[1]) <= 40 else Unreadable("is not a score from 0 to 40")


def code(value: object) -> str | None:
    """The code of ``C2`` or ``C2 - Full care order``; a label without a code as it stands."""
    found = text(value) or ""
    leading = re.match(r"([A-Za-z]{1,2}\d{1,2})\b", found)
    return leading[1].upper() if leading else found or None


def is_short_break(status: str | None) -> bool:
    """Whether a legal status, code or label, is an agreed series of short breaks (V3, V4)."""
    return bool(status) and (status in {"V3", "V4"} or bool(re.search(r"(?i)short[- ](term )?break", status or "")))


def rolls_on(value: object) -> bool:
    """Whether a looked-after episode ceased only for the next to begin: X1, or its label."""
    return bool(re.match(r"(?i)x1\b|.*new episode", text(value) or ""))


def role(value: object) -> str | None:
    """``CW`` for the lead case worker, whether held as the code or as a label; else as it stands."""
    found = text(value)
    lead = re.search(r"(?i)\bcase ?worker\b|(?<!not )\ballocated", found or "")
    return "CW" if lead or (found or "").upper() == "CW" else found


def health_type(value: object) -> str | Unreadable | None:
    """initial, review, dental or other, from words in the authority's own label.

    A label that is about an assessment and does not say which, as "Health Assessment", may be
    either: it is in doubt, so that neither a missing nor a finished assessment is made of it.
    """
    found = (text(value) or "").lower()
    if not found:
        return None
    if "dent" in found:
        return "dental"
    kinds = {"initial": r"\binitial|\biha\b", "review": r"\breview|\brha\b"}
    matched = [name for name, words in kinds.items() if re.search(words, found)]
    if len(matched) == 1:
        return matched[0]
    if matched or re.search(r"assess|medical|\bhealth check", found):
        return Unreadable("does not say whether it is an initial or a review assessment")
    return "other"


def health_status(value: object) -> str | Unreadable | None:
    """completed, planned, refused or cancelled."""
    found = (text(value) or "").lower()
    stems = {"complet": "completed", "plan": "planned", "refus": "refused", "cancel": "cancelled"}
    for stem, status in stems.items():
        if found.startswith(stem):
            return status
    return Unreadable("is not completed, planned, refused or cancelled") if found else None


def missing_type(value: object) -> str | Unreadable | None:
    """missing or away; one authority in SystemC writes M and A."""
    found = (text(value) or "").lower()
    if not found:
        return None
    if found == "m" or found.startswith("missing"):
        return "missing"
    return "away" if found == "a" or found.startswith(("away", "absen")) else Unreadable("is neither missing nor away")


def eligibility(value: object) -> str | Unreadable | None:
    """eligible, relevant, former relevant, qualifying or none."""
    found = (text(value) or "").lower()
    if not found:
        return None
    if re.search(r"\bno\b|\bnot\b|\bnone\b", found):
        return "none"
    for word, name in (("former", "former relevant"), ("qualif", "qualifying"), ("eligible", "eligible")):
        if word in found:
            return name
    return "relevant" if "relevant" in found else Unreadable("is not a known care-leaver eligibility")


_FLAG = re.compile(r'\\?"(\w+_FLAG)\\?"\s*:\s*(?:\\?"\s*(\w*)\s*\\?"|(true|false|null|[01])\b)', re.IGNORECASE)


def flags(value: object) -> dict[str, bool]:
    """The flags that can be read in an outcome column, and whether each is set.

    The column holds JSON put together by hand: it may be cut off or hold unescaped quotes, so
    only whole ``"NAME_FLAG": "Y"`` pairs are taken and the comments are never looked at.
    """
    found: dict[str, bool] = {}
    for match in _FLAG.finditer(text(value) or ""):
        found.setdefault(match[1].upper(), (match[2] or match[3] or "").lower() in _YES)
    return found


def not_before(start: object, done: object, why: str) -> object:
    """The day on which something was done, in doubt with ``why`` where that is before it was begun."""
    if isinstance(start, date) and isinstance(done, date) and local_day(done) < local_day(start):
        return Unreadable(why, "conflict")
    return done


PERMANENCE: Final = frozenset(
    {
        "REMAINSUP",  # with the family, supported
        "RETURN1M",  # back home within a month
        "RETURN6M",
        "RETURNEV",  # back home in the end
        "LTRELFR",  # with relatives or friends
        "LTFOST18",
        "RESPLMT",  # residential
        "SUPPLIV",  # supported living
        "ADOPTION",
        "OTHERPLN",
    }
)
"""The plans for permanence a care plan can name, as the dataset codes them."""

_ANSWER = re.compile(r'\\?"(\w+)\\?"\s*:\s*\\?"\s*(\w*)\s*\\?"')


def plans_for_permanence(value: object) -> bool:
    """Whether a care plan's column of answers says yes to at least one plan for permanence."""
    return any(m[1].upper() in PERMANENCE and m[2].lower() in _YES for m in _ANSWER.finditer(text(value) or ""))
