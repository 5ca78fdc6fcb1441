"""``GET /calendar/<secret>.ics``: who gets it, who no longer does, and what it costs somebody who guesses."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import icalendar
import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from alertd.cases.records import LONDON
from alertd.db.links import new_link, revoke_links
from alertd.db.tables import Alert
from alertd.people.load import Staff
from alertd.subscriptions import feeds
from alertd.web.calendars import routes
from alertd.web.per_minute import PerMinute
from tests.support.council import Council, council_at

OWN = feeds.of_person("W1")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """C1 came into care on 30 October: its first review is due on Friday 27 November."""
    folder = tmp_path_factory.mktemp("council")
    made = council_at(folder, f"sqlite:///{folder / 'alertd.db'}")
    made.looked_after("C1")
    made.change(
        "person", "pers_person_id = 'C1'", pers_forename="CANARY", pers_surname="CANARYSON", pers_upn="CANARY-UPN"
    )
    made.evaluate(date(2026, 11, 26))
    made.house.engine.dispose()
    return folder


@pytest.fixture
def council(evaluated: Path, tmp_path: Path) -> Iterator[Council]:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    made = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    made.now = datetime(2026, 11, 26, 9, tzinfo=LONDON)
    yield made
    made.house.engine.dispose()


def link(council: Council, subject: str = OWN) -> str:
    with Session(council.house.engine) as session, session.begin():
        return new_link(session, feeds.PURPOSE, subject, council.now)


def get(
    council: Council, secret: str, *, times: int = 1, limits: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """The last of so many answers."""
    transport = httpx.ASGITransport(Starlette(routes=routes(council.house, **limits or {})))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="https://alertd.example") as client:
            for _ in range(times):
                answer = await client.get(
                    f"/calendar/{secret}.ics", headers={k.replace("_", "-"): v for k, v in headers.items()}
                )
            return answer

    return asyncio.run(ask())


def leave(council: Council, person: str, on: date) -> None:
    """Somebody's last day is written into the staff files."""
    directory = council.house.staff.directory
    people = directory.people | {person: replace(directory.people[person], leaves=on)}  # type: ignore[operator]
    gone = replace(directory, people=people)
    council.house = replace(council.house, staff=Staff((), lambda: gone))


def test_a_calendar_is_what_is_due_and_holds_nothing_of_the_child_but_the_reference(council: Council) -> None:
    answer = get(council, link(council))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["referrer-policy"] == "no-referrer"
    (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert (str(event["SUMMARY"]), event["DTSTART"].dt) == ("First looked-after review · ref C1", date(2026, 11, 27))
    assert "Clears when: " in str(event["DESCRIPTION"]) and "reg 33(1)" in str(event["DESCRIPTION"])
    unfolded = answer.text.replace("\r\n ", "")
    assert not re.search(r"CANARY|2015-?03-?02|2 Mar 2015|@council|Ade", unfolded), "a name, a birth or an address"


def test_it_is_fetched_again_only_when_it_changed(council: Council) -> None:
    secret = link(council)
    tag = get(council, secret).headers["etag"]
    same = get(council, secret, if_none_match=f'"other", W/{tag}')
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert get(council, secret, if_none_match='"other"').status_code == 200
    council.now += timedelta(hours=8)
    assert get(council, secret).headers["etag"] == tag
    with Session(council.house.engine) as session, session.begin():
        alert = session.scalars(select(Alert)).one()
        alert.state, alert.closed_as, alert.changed_at = "closed", "met", council.now
    changed = get(council, secret, if_none_match=tag)
    assert changed.status_code == 200 and b"VEVENT" not in changed.content


def test_unknown_revoked_and_left_are_alike(council: Council) -> None:
    secret = link(council)
    other = link(council, feeds.of_team("T1", "M1"))
    wrong_purpose = link(council, "what:is:this")
    assert get(council, secret).status_code == 200
    leave(council, "W1", council.now.date())
    with Session(council.house.engine) as session, session.begin():
        assert revoke_links(session, feeds.PURPOSE, feeds.of_team("T1", "M1"), council.now) == 1
    answers = [get(council, s) for s in (secret, other, wrong_purpose, "x" * 43, secret[:-1], secret.swapcase())]
    assert {answer.status_code for answer in answers} == {404}
    assert len({(answer.text, tuple(sorted(answer.headers.items()))) for answer in answers}) == 1


def test_a_manager_who_moves_loses_the_calendar_of_the_team(council: Council) -> None:
    secret = link(council, feeds.of_team("T1", "M1"))
    assert b"ref C1" in get(council, secret).content
    directory = council.house.staff.directory
    moved = replace(directory, people=directory.people | {"M1": replace(directory.people["M1"], team=None)})  # type: ignore[operator]
    council.house = replace(council.house, staff=Staff((), lambda: moved))
    assert get(council, secret).status_code == 404


def test_too_many_fetches_are_refused_for_a_minute_and_no_secret_is_logged(council: Council) -> None:
    secret, other = link(council), link(council, feeds.of_team("T1", "M1"))
    limits = {"found": PerMinute(2), "missed": PerMinute(3)}
    with structlog.testing.capture_logs() as logged:
        assert get(council, secret, times=2, limits=limits).status_code == 200
        refused = get(council, secret, limits=limits)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert get(council, other, limits=limits).status_code == 200
        assert get(council, "guess", times=3, limits=limits).status_code == 404
        assert get(council, "another", limits=limits).status_code == 429
    assert [line["whose"] for line in logged] == [OWN, "nobody's"]
    assert secret not in str(logged) and "another" not in str(logged)
    council.now += timedelta(minutes=1)
    assert get(council, secret, limits=limits).status_code == 200
    assert get(council, "another", limits=limits).status_code == 404


def test_a_counter_forgets_what_is_a_minute_old_and_who_has_not_asked_since() -> None:
    counter, now = PerMinute(2), datetime(2026, 11, 26, 9, tzinfo=LONDON)
    asked = [counter.allows("a", now + timedelta(seconds=n)) for n in (0, 30, 59, 60, 61, 90)]
    assert asked == [True, True, False, True, False, True]
    assert counter.allows("b", now + timedelta(minutes=9)) and list(counter._seen) == ["b"]


def test_only_a_calendars_address_is_there_and_it_is_only_read(council: Council) -> None:
    secret = link(council)
    transport = httpx.ASGITransport(Starlette(routes=routes(council.house)))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="https://alertd.example") as client:
            head = await client.head(f"/calendar/{secret}.ics")
            post = await client.post(f"/calendar/{secret}.ics")
            bare = await client.get(f"/calendar/{secret}")
            deeper = await client.get(f"/calendar/x/{secret}.ics")
            return [answer.status_code for answer in (head, post, bare, deeper)]

    assert asyncio.run(ask()) == [200, 405, 404, 404]
