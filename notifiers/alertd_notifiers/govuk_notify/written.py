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
    "en": "alertd: {urgent}a message waits. Alerts it tells of: {n}. Your e-mail and alertd say which.",
    "cy": "alertd: mae {urgent}neges yn aros. Rhybuddion ynddi: {n}. Mae eich e-bost ac alertd yn dweud pa rai.",
}
_URGENT: Final = {"en": "urgent, ", "cy": "[brys] "}


def sort_of(address: str) -> Sort | None:
    """Whether an address is an e-mail address, a mobile number of the UK, or a postal address of lines that are parted
    by semicolons; None where it is none of them."""
    if is_address(address):
        return "email"
    if _MOBILE.fullmatch(re.sub(r"[\s()-]", "", address)):
        return "text"
    lines = [line.strip() for line in address.split(";") if line.strip()]
    return "letter" if LINES[0] <= len(lines) <= LINES[1] and _POSTCODE.fullmatch(lines[-1]) else None


def written(letter: Letter) -> bytes:
    """What Notify is given. A text message says no more than that something waits: it shows on locked phones.

    Raises InputError for an address that is none.
    """
    sort = sort_of(letter.address)
    if sort is None:
        fix = "Write an e-mail address, a mobile number, or a postal address with its lines parted by ;"
        raise InputError("is no address that Notify can send to", where=f"delivery {letter.id}", fix=fix)
    if sort == "text":
        urgent = _URGENT.get(letter.language, _URGENT["en"]) if letter.urgent else ""
        brief = _BRIEF.get(letter.language, _BRIEF["en"]).format(urgent=urgent, n=len(letter.about))
        says = {"message": f"{brief} ({letter.reference})" if letter.reference else brief}
    else:
        says = {"subject": letter.subject, "body": plain(letter.text)}
    return json.dumps({"sort": sort, "says": says}, ensure_ascii=False, sort_keys=True).encode("utf-8")


def plain(text: str) -> str:
    """Text that Notify's Markdown shows as it is: a line that would begin a heading, an inset or a rule begins with a
    character that nobody sees."""
    return re.sub(r"(?m)^(?=\s*(?:#|\^|-{3,}|\*{3,}|_{3,}))", "\u200b", text)


def address_lines(address: str) -> dict[str, str]:
    """A postal address as Notify's letters have it."""
    lines = [line.strip() for line in address.split(";") if line.strip()]
    return {f"address_line_{n}": line for n, line in enumerate(lines, 1)}
