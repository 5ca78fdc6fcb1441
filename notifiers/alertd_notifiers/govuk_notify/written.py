"""What is said by each sort of message, and to which sort an address belongs."""

from __future__ import annotations

import json
import re
from typing import Final, Literal

from alertd.addresses import is_address
from alertd.errors import InputError
from alertd.outbox.channel import Letter

Sort = Literal["email", "text", "letter"]

_MOBILE: Final = re.compile(r"(?:\+44|0044|0)7\d{9}")
_POSTCODE: Final = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", re.IGNORECASE)
LINES: Final = (3, 7)
"""Lines that a letter's address has at least and at most, the postcode last."""

_BRIEF: Final = {
    "en": ("alertd: {urgent}a message waits.", "Alerts it tells of: {n}.", "alertd says which."),
    "cy": (
        "alertd: mae {urgent}neges yn aros.",
        "Rhybuddion ynddi: {n}.",
        "Mae alertd yn dweud pa rai.",
    ),
}
_URGENT: Final = {"en": "urgent, ", "cy": "[brys] "}

_UNSEEN: Final = "\u200b"
_MARK: Final = r"#|\^|`{3}|~{3}|\d+\.|[-=*_:|\u00a0 ]+$"
"""What begins a heading, an inset, code, a numbered list, or is all of a line that makes a rule, heading or table."""
_BEGIN: Final = re.compile(rf"(?m)^(?:- +(?=[-*•]|{_MARK})|(?=(?!- +[^ \n])[-*•]|{_MARK}))")
_WITHIN: Final = re.compile(r"\\|\](?=[(\[:])|\[(?=\^)")
"""A backslash, which would be swallowed, and where brackets become a link or a footnote."""
_INDENT: Final = re.compile(r"(?m)^ +")


def sort_of(address: str) -> Sort | None:
    """Whether an address is an e-mail address, a mobile number of the UK, or a postal address of lines that are parted
    by semicolons or line ends; None where it is none of them."""
    if is_address(address):
        return "email"
    if _MOBILE.fullmatch(re.sub(r"[ ()-]", "", address)):
        return "text"
    lines = _lines(address)
    return "letter" if LINES[0] <= len(lines) <= LINES[1] and _POSTCODE.fullmatch(lines[-1]) else None


def written(letter: Letter) -> bytes:
    """What Notify is given. A text message says no more than that something waits: it shows on locked phones.

    Raises InputError for an address that is none.
    """
    sort = sort_of(letter.address)
    if sort is None:
        fix = "Write an e-mail address, a mobile number, or a postal address with its lines parted by ;"
        raise InputError("is no address that Notify can send to", where=f"delivery {letter.id}", fix=fix)
    says = {"message": _brief(letter)} if sort == "text" else {"subject": letter.subject, "body": plain(letter.text)}
    return json.dumps({"sort": sort, "says": says}, ensure_ascii=False, sort_keys=True).encode("utf-8")


def _brief(letter: Letter) -> str:
    waits, about, where = _BRIEF.get(letter.language, _BRIEF["en"])
    urgent = _URGENT.get(letter.language, _URGENT["en"]) if letter.urgent else ""
    said = [waits.format(urgent=urgent)]
    if letter.about:
        said += [about.format(n=len(letter.about)), where]
    return " ".join([*said, f"({letter.reference})"] if letter.reference else said)


def plain(text: str) -> str:
    """Text that Notify's Markdown shows as it is, but for lists of ``- ``: before what it would take for a mark stands
    a character that nobody sees, and lines keep their indentation. Its own escapes with backslashes would be seen in
    the plain-text part."""
    text = _WITHIN.sub(rf"\g<0>{_UNSEEN}", text)
    text = _INDENT.sub(lambda found: "\u00a0" * len(found[0]), text)
    return _BEGIN.sub(rf"\g<0>{_UNSEEN}", text)


def address_lines(address: str) -> dict[str, str]:
    """A postal address as Notify's letters have it."""
    return {f"address_line_{n}": line for n, line in enumerate(_lines(address), 1)}


def _lines(address: str) -> list[str]:
    return [line.strip() for line in re.split(r"[;\n]", address) if line.strip()]
