"""A child's chronology and rolling record as pages, told from lists of a council's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.access_tables import AuditEntry
from alertd.engine import sweep as sweeping
from alertd.settings import Settings
from alertd.web.app import app
from tests.support.council import ALL_RULES, Inline
from tests.support.fed import write_lists
from tests.support.pages import Browser, Pages, pages_at

TODAY = date(2026, 11, 24)
VISITS = (
    "child,key,happened,child_seen,seen_alone,recorded\n"
    "C1,S1,2026-11-03,yes,yes,2026-11-03\n"
    "C1,S2,2026-11-10,yes,no,2026-11-22\n"
)
CONTACTS = "child,key,happened,assessed\nC1,K1,2025-12-30,yes\nC1,K2,,no\n"
NEEDS = (
    "child,key,happened,closed,type\n"
    "C1,N1,2026-09-01,,emotional_health\n"
    "C1,N2,2026-10-01,,housing\n"
    "C1,N3,2026-02-02,2026-05-05,speech\n"
)
ACTIONS = (
    "child,key,start,end,need,type,decided\n"
    "C1,A1,2026-09-10,2026-11-02,N1,counselling,2026-09-08\n"
    "C1,A3,2026-02-10,2026-05-01,N3,therapy,2026-02-10\n"
)
DELIVERIES = "child,key,happened,planned_action\nC1,D1,2026-09-14,A1\nC1,D2,2026-10-05,A1\nC1,D3,2026-03-03,A3\n"
OUTCOMES = "child,key,happened,planned_action\nC1,O3,2026-05-02,A3\n"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    rules = ALL_RULES.model_copy(
        update={"rules": tuple(r for r in ALL_RULES.rules if r.id in ("cla.review.first", "gap.need_unplanned"))}
    )
    composer = replace(found.council.house.composer, rulebook=rules)
    found.council.house = replace(found.council.house, rulebook=rules, composer=composer)
    yield found
    found.council.house.engine.dispose()


def fed(pages: Pages, folder: Path, **more: str) -> Pages:
    """The council's lists, and more of them, read and told of; the allocated worker is signed in."""
    write_lists(folder, TODAY)
    for name, text in more.items():
        (folder / f"{name}.csv").write_text(text)
    write_lists(folder, TODAY)
    council = pages.council
    there = Settings(
        feed={"kind": "csv", "url": str(folder)},  # type: ignore[arg-type]
        people={"people": "p.csv", "teams": "t.csv", "duty": "duty@council.example", "allowed_domains": []},  # type: ignore[arg-type]
        email={},
    ).model_copy(update={"web": council.house.settings.web})
    council.house = replace(council.house, settings=there, clock=lambda: council.now)
    council.day(TODAY)
    pages.client = Browser(app(council.house))
    return pages.sign_in("W1")


def words(text: str) -> str:
    """What is read of a page's main part."""
    main = text[text.index("<main") : text.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def days(text: str) -> list[str]:
    return re.findall(r'app-line__day">([^<]+)<', text)


def test_a_chronology_is_told_in_order_with_what_was_recorded_late_and_what_has_no_day(
    pages: Pages, tmp_path: Path
) -> None:
    seen = fed(pages, tmp_path / "lists", cla_visit=VISITS, contact=CONTACTS)
    page = seen.get("/children/C1/chronology")
    assert page.status_code == 200
    told, oldest = words(page.text), days(page.text)
    assert told.count("Chronology") >= 2 and oldest[-1] == "No day", "what has no day stands at the end"
    assert [day for day in oldest if "Nov" in day] == ["Tue 3 Nov 2026", "Tue 10 Nov 2026"]
    assert "Recorded 12 days later" in told and told.count("later") == 1
    assert "Without a day that can be used" in told and "No date is recorded for it" in told
    newest = days(seen.get("/children/C1/chronology?order=newest").text)
    assert newest == [*reversed(oldest[:-1]), "No day"]
    assert "newest first" in words(seen.get("/children/C1/chronology?order=newest").text)


def test_groups_are_chosen_and_the_page_says_which_are_shown(pages: Pages, tmp_path: Path) -> None:
    seen = fed(pages, tmp_path / "lists", cla_visit=VISITS, contact=CONTACTS)
    page = seen.get("/children/C1/chronology?group=visits&group=nothing").text
    assert "Visits and contact with the child; oldest first. 2 lines" in words(page)
    assert days(page) == ["Tue 3 Nov 2026", "Tue 10 Nov 2026"]
    assert re.search(r'value="visits" checked', page) and not re.search(r'value="contact" checked', page)
    assert "Came into care" not in page and "Came into care" in seen.get("/children/C1/chronology").text
    assert "Health (" not in page, "no group is offered of which there is nothing"


def test_what_alertd_told_stands_between_what_happened_if_asked_for(pages: Pages, tmp_path: Path) -> None:
    seen = fed(pages, tmp_path / "lists", cla_visit=VISITS)
    seen.council.send(time(8, 10))
    plain, page = (seen.get(f"/children/C1/chronology{more}").text for more in ("", "?told=yes"))
    assert "alertd told" not in words(plain).replace("What alertd told people", "")
    assert "alertd told Ade (worker): First looked-after review" in words(page)
    assert days(page).count("Tue 24 Nov 2026") == 1
    assert re.search(r'href="/alerts/\d+">alertd told', page)


def test_a_rolling_record_reads_from_need_to_outcome_and_says_where_it_breaks_off(pages: Pages, tmp_path: Path) -> None:
    more = {"need": NEEDS, "planned_action": ACTIONS, "delivery": DELIVERIES, "outcome": OUTCOMES}
    seen = fed(pages, tmp_path / "lists", **more)
    page = seen.get("/children/C1/record").text
    told = words(page)
    assert "Followed still: 2" in told and "Over: 1" in told
    assert told.index("emotional health") < told.index("Need: speech"), "those still followed come first"
    first = told[told.index("Need: emotional health") : told.index("Need: housing")]
    steps = ("Need", "Planned", "Done", "Outcome", "No outcome is recorded")
    assert all(first.index(earlier) < first.index(later) for earlier, later in pairwise(steps))
    assert "counselling" in first and "Delivered 2 times" in first and first.count("Ade (team North) had the case") == 1
    assert "Need without a planned action" not in first
    assert "Breaks off" in first and "No outcome Missing" in first and "which ended on Mon 2 Nov 2026" in first
    unplanned = told[told.index("Need: housing") : told.index("Over: 1")]
    assert "No planned action is recorded since Thu 1 Oct 2026" in unplanned
    assert "Overdue Need without a planned action" in unplanned, "the alert about it is linked"
    assert "Breaks off" not in told[told.index("Over: 1") :]


def test_what_no_feed_holds_cannot_be_told_and_is_never_called_nothing(pages: Pages, tmp_path: Path) -> None:
    seen = fed(pages, tmp_path / "lists", need=NEEDS)
    told = words(seen.get("/children/C1/record").text)
    assert "Cannot tell whether there is any planned action or service: no feed holds it" in told
    assert told.count("What is planned cannot be told") == 2 and "othing planned" not in told
    assert "Cannot tell: whether anything is planned for it: no feed holds it" in told
    assert "No planned action" not in told and "Breaks off" not in told


def test_where_no_feed_holds_any_of_it_that_is_all_that_is_said(pages: Pages, tmp_path: Path) -> None:
    told = words(fed(pages, tmp_path / "lists").get("/children/C1/record").text)
    assert "Cannot tell: no feed holds needs" in told and "No need is recorded" not in told


def test_each_look_is_kept_by_its_name_and_refused_to_others(pages: Pages, tmp_path: Path) -> None:
    seen = fed(pages, tmp_path / "lists")
    seen.get("/children/C1/chronology")
    seen.get("/children/C1/record")
    seen.sign_in("W3")
    assert {seen.get(f"/children/C1/{tab}").status_code for tab in ("chronology", "record")} == {403}
    with Session(seen.council.house.engine) as session:
        looks = session.execute(
            select(AuditEntry.by, AuditEntry.what).where(AuditEntry.child == "C1").order_by(AuditEntry.id)
        ).all()
    kept = [("W1", "saw chronology"), ("W1", "saw rolling record"), ("W3", "refused"), ("W3", "refused")]
    assert [tuple(one) for one in looks] == kept
