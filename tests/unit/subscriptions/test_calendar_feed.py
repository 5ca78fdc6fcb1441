"""A calendar feed, read by hand against RFC 5545 and by the library's own parser."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
from hypothesis import given
from hypothesis import strategies as st

from alertd.subscriptions.calendar import Item, calendar_of

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
VISIT = Item(
    identity=("cp.visit", "48213", "cp_plan:P1", "start"),
    title="Child protection visit",
    reference="ref 48213",
    stage="overdue",
    due=date(2026, 11, 24),
    clears="a visit with the child seen is recorded",
    law="Local policy 4.2; no national limit",
    next_step="If nothing changes: the service manager is told Thu 26 Nov.",
    changes=3,
    changed=datetime(2026, 11, 25, 6, 30, tzinfo=UTC),
)
HOURS = replace(
    VISIT,
    identity=("missing.rhi", "51007", "missing:M1", "start"),
    title="Return home interview",
    reference="ref 51007",
    stage="upcoming",
    due=datetime(2026, 7, 1, 16, 30, tzinfo=UTC),
)


def lines(raw: bytes) -> list[str]:
    """The content lines, unfolded as RFC 5545 section 3.1 says."""
    assert raw.endswith(b"\r\n")
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    return raw.replace(b"\r\n ", b"").replace(b"\r\n\t", b"").decode().split("\r\n")[:-1]


def events(raw: bytes) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))


def text(value: Any) -> str:
    return str(value)


def test_every_line_is_as_the_standard_asks() -> None:
    found = lines(calendar_of([VISIT], "alertd: North, East", NOW, feed="team:T1:by:M1"))
    assert found[0] == "BEGIN:VCALENDAR" and found[-1] == "END:VCALENDAR"
    head = found[: found.index("BEGIN:VEVENT")]
    assert set(head[1:]) == {
        "VERSION:2.0",
        "PRODID:-//alertd//alertd//EN",
        "METHOD:PUBLISH",
        "NAME:alertd: North\\, East",
        "X-WR-CALNAME:alertd: North\\, East",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    }
    first = found[found.index("BEGIN:VEVENT") : found.index("END:VEVENT")]
    assert "SUMMARY:Child protection visit · ref 48213" in first
    assert "DTSTART;VALUE=DATE:20261124" in first and "DTEND;VALUE=DATE:20261125" in first
    assert "DTSTAMP:20261126T000000Z" in first
    assert "LAST-MODIFIED:20261125T063000Z" in first and "SEQUENCE:2" in first
    assert "CLASS:PRIVATE" in first and "TRANSP:TRANSPARENT" in first and "CATEGORIES:Overdue" in first
    assert (
        "DESCRIPTION:Clears when: a visit with the child seen is recorded\\nLaw: Local policy 4.2\\; "
        "no national limit\\nIf nothing changes: the service manager is told Thu 26 Nov."
    ) in first
    assert sum(line.startswith("UID:") for line in first) == 1


def test_what_is_overdue_stays_on_its_day_and_is_counted_on_today() -> None:
    visit, today = events(calendar_of([VISIT, HOURS], "n", NOW))[1:]
    assert text(visit["SUMMARY"]).startswith("Child protection visit")
    assert visit["DTSTART"].dt == date(2026, 11, 24)
    assert (text(today["SUMMARY"]), today["DTSTART"].dt) == ("1 overdue", date(2026, 11, 26))
    assert text(today["DESCRIPTION"]) == "Child protection visit · ref 48213, due 24 Nov 2026"
    assert len(events(calendar_of([HOURS], "n", NOW))) == 1
    tomorrow = events(calendar_of([VISIT], "n", NOW + timedelta(days=1)))[-1]
    assert tomorrow["UID"] == today["UID"] and tomorrow["SEQUENCE"] > today["SEQUENCE"]
    assert tomorrow["DTSTART"].dt == date(2026, 11, 27)


def test_a_moment_is_written_in_utc_and_a_day_is_a_day() -> None:
    found = lines(calendar_of([HOURS], "n", NOW))
    assert "DTSTART:20260701T163000Z" in found
    assert not any(line.startswith("DTEND") for line in found), "a moment takes no time"
    assert not any("TZID" in line for line in found)


def test_an_alert_keeps_its_id_and_its_sequence_rises_with_its_changes() -> None:
    before = events(calendar_of([HOURS], "n", NOW))[0]
    moved = replace(HOURS, due=date(2026, 12, 1), changes=4, changed=NOW)
    after = events(calendar_of([moved], "another name", NOW + timedelta(days=3)))[0]
    assert before["UID"] == after["UID"]
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    other = replace(HOURS, identity=(*HOURS.identity[:3], "another"))
    assert len({event["UID"] for event in events(calendar_of([HOURS, other], "n", NOW))}) == 2


def test_two_calendars_in_one_program_do_not_take_each_others_count() -> None:
    mine, theirs = (events(calendar_of([VISIT], "n", NOW, feed=feed))[-1]["UID"] for feed in ("person:A", "person:B"))
    assert mine != theirs


def test_the_same_day_it_is_the_same_bytes_in_any_order_and_only_a_change_makes_others() -> None:
    once = calendar_of([VISIT, HOURS], "n", NOW)
    assert calendar_of([HOURS, VISIT], "n", NOW + timedelta(hours=9)) == once
    assert calendar_of([VISIT], "n", NOW) != once
    assert calendar_of([VISIT, replace(HOURS, stage="due", changed=NOW)], "n", NOW) != once


def test_an_alert_in_doubt_says_so_and_an_empty_calendar_is_one() -> None:
    assert text(events(calendar_of([replace(HOURS, stage="unknown")], "n", NOW))[0]["SUMMARY"]).startswith(
        "Cannot tell: "
    )
    empty = lines(calendar_of([], "n", NOW))
    assert (empty[0], empty[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")


def test_there_is_no_field_for_a_childs_name_or_birth() -> None:
    assert {field.name for field in fields(Item)} == {
        "identity", "title", "reference", "stage", "due", "clears", "law", "next_step", "changes", "changed",
    }  # fmt: skip


_any_text = st.text(st.characters(), max_size=200)
_items = st.builds(
    Item,
    identity=st.tuples(_any_text, _any_text, _any_text, _any_text),
    title=_any_text,
    reference=_any_text,
    stage=st.sampled_from(["upcoming", "due", "overdue", "unknown"]),
    due=st.dates(date(2000, 1, 1), date(2060, 1, 1))
    | st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    clears=_any_text,
    law=_any_text,
    next_step=_any_text,
    changes=st.integers(0, 500),
    changed=st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 26), timezones=st.just(UTC)),
)


def _expected(given_text: str) -> str:
    """A text without what the standard does not let it hold, and what turns a line."""
    shown = re.sub(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", given_text)
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", " ", shown)


def test_no_text_turns_the_direction_of_a_line() -> None:
    item = Item(("r", "c", "k", "s"), "Visit", "C\u202e1", "due", date(2026, 11, 27), "", "", "", 0, NOW)
    assert text(events(calendar_of([item], "n", NOW))[0]["SUMMARY"]) == "Visit · C1"


@given(_items, _any_text)
def test_any_text_survives_escaping_folding_and_reading_back(item: Item, name: str) -> None:
    item = replace(item, stage="due")
    raw = calendar_of([item], name, NOW)
    lines(raw)
    (event,) = events(raw)
    assert text(event["SUMMARY"]) == _expected(item.summary)
    wanted_text = f"Clears when: {item.clears}\nLaw: {item.law}" + (f"\n{item.next_step}" if item.next_step else "")
    assert text(event["DESCRIPTION"]) == _expected(wanted_text)
    due = event["DTSTART"].dt
    assert due == (item.due.replace(microsecond=0) if isinstance(item.due, datetime) else item.due)


@given(st.lists(_items, max_size=4, unique_by=lambda item: item.identity))
def test_no_text_makes_a_line_of_its_own(items: list[Item]) -> None:
    """Nobody's title can add a property, an event or an address to a calendar."""
    found = lines(calendar_of(items, "n", NOW))
    overdue = sum(item.stage == "overdue" for item in items)
    assert found.count("BEGIN:VEVENT") == len(items) + bool(overdue)
    names = {re.split("[:;]", line)[0] for line in found}
    assert names <= {
        "BEGIN", "END", "VERSION", "PRODID", "METHOD", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
        "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "CLASS", "TRANSP", "SEQUENCE",
        "LAST-MODIFIED", "CATEGORIES",
    }  # fmt: skip
