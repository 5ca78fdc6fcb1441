"""What the page behind a link says, and the agency's word that it has the notification. Nothing of any child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.orm import Session

from alertd.db.links import find_link
from alertd.db.partner_tables import Notification
from alertd.language import ENGLISH, Language
from alertd.partners import store
from alertd.partners.facts import full_day
from alertd.people.agencies import Agencies
from alertd.routing.wording import Wording

Standing = Literal["waits", "acknowledged", "withdrawn", "expired", "unknown"]

PAGES: Final[Mapping[Standing, tuple[str, str]]] = {
    "waits": (
        "Acknowledge a notification",
        "This confirms that {agency} has the notification sent on {day}. It answers nothing else.",
    ),
    "acknowledged": ("Thank you", "The notification sent on {day} is acknowledged by {agency}."),
    "withdrawn": ("Nothing to acknowledge", "This notification was withdrawn. There is nothing for you to do."),
    "expired": ("Nothing to acknowledge", "This link has expired. Answer the mail, and leave its reference in it."),
    "unknown": (
        "Nothing to acknowledge",
        "This link is not known here. See that all of it was copied, or answer the mail it came in.",
    ),
}
"""The title and text of each page."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page in finished sentences. ``language`` is what its HTML says; ``button`` is blank where there is nothing to
    press."""

    standing: Standing
    language: str
    title: str
    text: str
    reference_label: str = ""
    reference: str = ""
    button: str = ""


def look(session: Session, secret: str, agencies: Agencies, wording: Wording, now: datetime, days: int) -> Page:
    """The page of a link. Reads only. A link expires ``days`` after the message was delivered."""
    row = _behind(session, secret)
    if row is None:
        return _page("unknown", ENGLISH)
    return _of(row, agencies, wording, now, days)


def confirm(session: Session, secret: str, now: datetime, days: int) -> None:
    """The agency says that it has it. Said twice, it is said once; what cannot be acknowledged stays as it is."""
    row = _behind(session, secret)
    if row is not None and _standing(row, now, days) == "waits":
        store.acknowledge(session, row, f"agency:{row.agency} by link", now, "the button on the page was pressed")


def _behind(session: Session, secret: str) -> Notification | None:
    subject = find_link(session, store.ACKNOWLEDGE, secret)
    return session.get(Notification, int(subject)) if subject else None


def _standing(row: Notification, now: datetime, days: int) -> Standing:
    if row.state == "acknowledged":
        return "acknowledged"
    if row.state == "withdrawn" or row.delivery_id is None:
        return "withdrawn"
    return "expired" if row.sent_at and now - row.sent_at >= timedelta(days=days) else "waits"


def _of(row: Notification, agencies: Agencies, wording: Wording, now: datetime, days: int) -> Page:
    agency = agencies.agencies.get(row.agency)
    language = wording.language(agency.contacts[0].language) if agency and agency.contacts else ENGLISH
    name = agency.name if agency else row.agency
    return _page(_standing(row, now, days), language, row.reference, name, row.sent_at or now)


def _page(
    standing: Standing, language: Language, reference: str = "", agency: str = "", sent: datetime | None = None
) -> Page:
    def say(english: str) -> str:
        return language.say(english, agency=agency, day=full_day(sent, language) if sent else "")

    title, text = PAGES[standing]
    shown = reference if standing in ("waits", "acknowledged") else ""
    return Page(
        standing=standing,
        language=language.tag,
        title=say(title),
        text=say(text),
        reference_label=say("Our reference") if shown else "",
        reference=shown,
        button=say("We have it") if standing == "waits" else "",
    )
