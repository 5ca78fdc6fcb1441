"""*Insight* in pages: what each sees of whom, what is behind a figure, and what may be taken away as a file."""

from __future__ import annotations

import asyncio
import csv
import re
import threading
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from alertd.cases.records import LONDON
from alertd.db.access_tables import AuditEntry
from alertd.db.tables import Delivery, DeliveryAlert, Handling
from alertd.insight.timeliness import BASIS
from alertd.people.restrictions import Restriction
from alertd.views import insight as view
from alertd.web import lists
from alertd.web.api import counted
from alertd.web.app import app
from alertd.web.pages import insight as pages_of_insight
from tests.support.met import Done, met
from tests.support.pages import Pages, pages_at

RULE = "/insight/cla.review.first"
HIDDEN = "KID-HIDDEN"
NOW = datetime(2026, 11, 27, 9, tzinfo=LONDON)


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """W1 did 8 reviews, one of them late; four others of T1 did 52, of which two are of a child hidden from all but
    W2; T2 did 43."""
    monkeypatch.setattr(pages_of_insight, "PATIENCE", 60)
    only = {HIDDEN: Restriction(HIDDEN, only=("W2",), reason="kept apart")}
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", restrictions=only)
    found.council.now = NOW
    met(
        found.council.house.engine,
        Done("W1", "T1", 6),
        Done("W1", "T1", 1, closed_as="met_recorded_late", on=date(2026, 10, 6)),
        Done("W1", "T1", 1, days=4, closed_as="met_late", on=date(2026, 10, 5)),
        Done("W2", "T1", 10),
        Done("W2", "T1", 2, child=HIDDEN),
        *(Done(f"X{n}", "T1", 10) for n in range(3)),
        Done("X4", "T1", 10, days=12, closed_as="met_late"),
        *(Done(f"Y{n}", "T2", 14) for n in range(3)),
        Done("W3", "T2", 1, days=2, closed_as="met_late"),
    )
    yield found
    found.council.house.engine.dispose()


def words(text: str) -> str:
    """What a page says, its pictures too."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text.split("<main", 1)[1])))


def row(text: str, whose: str) -> list[str]:
    """The first row of a table that is about somebody."""
    for one in re.findall(r"<tr.*?</tr>", text, re.DOTALL):
        cells = [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", one)]
        if cells and cells[0] == whose:
            return cells[1:]
    raise AssertionError(f"{whose} has no row")


def test_a_worker_sees_their_own_as_it_is_and_the_others_rounded(pages: Pages) -> None:
    text = pages.sign_in("W1").get("/insight").text
    assert row(text, "You") == ["88% (small base)", "8", "4", "0"]
    assert row(text, "Your team, without you") == ["76% to 88% (small base)", "about 50", "12", "5 or fewer"]
    assert row(text, "The service")[1] == "about 105"
    assert unescape(BASIS) in words(text) and "a count of 5 or fewer is not shown" in words(text)
    assert 'name="team"' not in text
    everything = text + pages.get(RULE).text + pages.get("/insight.csv").text
    for name in ("Bo", "W2", "X4", "Hal", "KID"):
        assert not re.search(rf"\b{name}", everything), "nobody but the viewer is named, and no child"


def test_a_manager_sees_their_team_as_it_is_without_a_child_of_whom_they_must_not_hear(pages: Pages) -> None:
    text = pages.sign_in("M1").get("/insight").text
    assert row(text, "North") == ["81%", "58", "12", "0"]
    assert row(pages.get("/insight?team=T2").text, "North")[1] == "58", "the other is not theirs to look at"


def test_who_sees_several_teams_may_choose_one(pages: Pages) -> None:
    text = pages.sign_in("S1").get("/insight").text
    assert row(text, "Service and the teams under it")[1] == "101"
    assert "The service" not in words(text), "which is the same"
    text = pages.get("/insight?team=T2").text
    assert row(text, "South")[:2] == ["98%", "43"]
    assert "/insight/cla.review.first?team=T2" in text and "/insight.csv?team=T2" in text
    assert row(pages.get(f"{RULE}?team=T2").text, "South")[1] == "43"


def test_a_colleagues_figure_is_not_shown_as_a_teams(pages: Pages) -> None:
    met(pages.council.house.engine, Done("W2", "T1", 40), Done("W1", "T1", 3), rule="notify.n5")
    text = pages.sign_in("W1").get("/insight/notify.n5").text
    assert row(text, "Your team, without you") == ["Not shown: fewer than 3 people's work"]
    assert row(text, "You")[1] == "3"


def test_every_chart_of_a_rule_has_its_table_and_can_be_taken_away(pages: Pages) -> None:
    text = pages.sign_in("W1").get(RULE).text
    charts = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(charts) >= 5 and all("<svg" in one and "<table" in one for one in charts)
    kept = re.findall(r'href="(/insight/[^"]+\.svg[^"]*)" download', text)
    assert len(kept) == len(charts) == len(set(kept))
    for path in kept:
        answer = pages.get(unescape(path))
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert etree.fromstring(answer.content).tag == "{http://www.w3.org/2000/svg}svg"
    assert row(text, "1 day after") == ["late", "0"]
    assert re.search(r"You 7 1 14% \(small base\)", words(text)), "what was done in time, and recorded late of it"


def test_how_often_a_rule_was_wrong_is_shown(pages: Pages) -> None:
    with Session(pages.council.house.engine) as session, session.begin():
        session.add(Delivery(id="d", person="W1", address="a", resolved_by="worker", channel="email", message=b"",
                             state="delivered", next_attempt_at=NOW, created_at=NOW))  # fmt: skip
        session.flush()
        for n in range(1, 5):
            session.add(DeliveryAlert(delivery_id="d", alert_id=n, kind="told", role="worker", how="worker"))
        for n, why in ((1, "upheld"), (2, "rejected")):
            session.add(Handling(alert_id=n, kind="dispute", by="W1", at=NOW, reason="r", ended_at=NOW, ended_why=why))
    text = words(pages.sign_in("W1").get(RULE).text)
    assert "You 4 2 50% (small base) 1 75% (small base)" in text


def test_tables_can_be_taken_away(pages: Pages) -> None:
    pages.sign_in("W1")

    def table(path: str) -> list[dict[str, str]]:
        answer = pages.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert answer.headers["content-disposition"].endswith('.csv"')
        return list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))

    assert table("/insight.csv") == table(f"{RULE}.csv")
    assert {one["whose"]: one["done"] for one in table(f"{RULE}.csv")}["You"] == "8"
    months = {one["month"]: one["late"] for one in table(f"{RULE}/months.csv") if one["whose"] == "You"}
    assert (len(months), months["2026-10"]) == (12, "1")
    days = {one["in words"]: one["done"] for one in table(f"{RULE}/days.csv") if one["whose"] == "You"}
    assert (days["3 days before"], days["4 days after"]) == ("7", "1")


@pytest.mark.parametrize(
    "path",
    [
        *("/insight/none", "/insight/none.csv", "/insight/none/children", "/insight/none/shares.svg"),
        *(f"{RULE}/none.csv", f"{RULE}/none.svg", f"{RULE}/months-nobody.svg", f"{RULE}/days-me.svg"),
    ],
)
def test_what_there_is_not_is_said(pages: Pages, path: str) -> None:
    answer = pages.sign_in("A1").get(path)  # who did none of it themselves
    assert answer.status_code == 404 and "There is nothing here" in answer.text


def test_a_program_reads_the_figures_rounded_and_hidden_as_its_person_does(pages: Pages) -> None:
    found = pages.program("W1", "/insight")
    assert (found["team"], found["teams"], found["basis"]) == ("T1", [], BASIS) and found["as_of"]
    [rule] = found["rules"]
    figures = {one["who"]: one for one in rule["figures"]}
    assert figures["me"]["done"] == {"value": 8, "exact": True}
    assert figures["me"]["share_in_time"] == {"value": 0.875, "low": 0.875, "high": 0.875, "small": True}
    assert figures["team"]["done"] == {"value": 50, "exact": False}
    assert figures["team"]["recorded_late"] == {"value": None, "exact": False}, "5 or fewer are not shown"
    assert figures["service"]["done"] == {"value": 105, "exact": False}
    assert "KID" not in str(found) and "W2" not in str(found)
    one = pages.program("W1", RULE)
    assert one["rule"]["rule"] == "cla.review.first" and {by["who"] for by in one["by_time"]} == figures.keys()
    mine = next(by for by in one["by_time"] if by["who"] == "me")
    assert {at["month"]: at["late"]["value"] for at in mine["months"]}["2026-10"] == 1
    assert {at["days"]: at["done"]["value"] for at in mine["days"]}[-3] == 7
    assert pages.program("W1", "/insight/none") == 404
    assert pages.program("W1", "/insight?team=T2") == pages.program("W1", f"{RULE}?team=T1") == 403
    of_team = pages.program("M1", "/insight?team=T1")["rules"][0]["figures"]
    assert {one["who"]: one["done"] for one in of_team}["team"] == {"value": 58, "exact": True}


def test_a_program_reads_what_is_behind_a_figure_only_where_its_person_sees_that_as_it_is(pages: Pages) -> None:
    of_team = f"{RULE}/children?scope=team&team=T1"
    first = pages.program("M1", of_team)
    assert len(first["alerts"]) == lists.AT_ONCE
    kept = last_look(pages)
    assert (kept.what, kept.by) == ("saw list", "M1") and first["alerts"][0]["child"] in str(kept.detail)
    rest = pages.program("M1", first["next"].removeprefix("/api/v1"))
    children = {one["child"] for one in (*first["alerts"], *rest["alerts"])}
    assert len(children) == 58 and HIDDEN not in children and rest["next"] is None
    assert len(pages.program("W1", f"{RULE}/children?outcome=late")["alerts"]) == 1
    assert len(pages.program("W1", f"{RULE}/children?month=2026-10")["alerts"]) == 2
    assert pages.program("W1", f"{RULE}/children?scope=service") == pages.program("W1", of_team) == 403
    assert pages.program("W1", f"{RULE}/children?month=1999-10") == 404


def listed(text: str) -> list[str]:
    return re.findall(r'href="/children/([^"]+)"', text)


def last_look(pages: Pages) -> Any:
    with Session(pages.council.house.engine) as session:
        return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()


def test_behind_ones_own_figure_stand_ones_own_children_and_the_look_is_kept(pages: Pages) -> None:
    text = pages.sign_in("W1").get(f"{RULE}/children").text
    children = listed(text)
    assert len(children) == 8 and all(child.startswith("KIDW1") for child in children)
    kept = last_look(pages)
    assert (kept.what, kept.by) == ("saw list", "W1") and all(child in str(kept.detail) for child in children)
    assert len(listed(pages.get(f"{RULE}/children?month=2026-10").text)) == 2
    assert len(listed(pages.get(f"{RULE}/children?outcome=late").text)) == 1
    assert re.search(r"href=\"/insight/[^\"]*month=2026-10\"", pages.get(RULE).text)


@pytest.mark.parametrize("scope", ["team", "similar", "service"])
def test_nothing_is_listed_behind_a_figure_that_is_rounded(pages: Pages, scope: str) -> None:
    answer = pages.sign_in("W1").get(f"{RULE}/children?scope={scope}&team=T1")
    assert answer.status_code == 403 and "KID" not in answer.text
    assert f"scope={scope}" not in pages.get(RULE).text


def test_behind_a_teams_figure_stand_as_many_as_it_says(pages: Pages) -> None:
    pages.sign_in("M1")
    first = pages.get(f"{RULE}/children?scope=team").text
    assert len(listed(first)) == lists.AT_ONCE
    earlier = re.search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert earlier
    rest = listed(pages.get(f"{RULE}/children{unescape(earlier[1])}").text)
    children = {*listed(first), *rest}
    assert len(children) == 58 == int(row(pages.get(RULE).text, "North")[1])
    assert HIDDEN not in children
    assert not any(child.startswith("KIDY") for child in children), "not those of another team"
    assert pages.get(f"{RULE}/children?scope=service").status_code == 403


def test_while_it_is_counted_for_the_first_time_the_page_says_so(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    release, books_of = threading.Event(), view.books_of

    def slow(*args: Any) -> Any:
        assert release.wait(60)
        return books_of(*args)

    monkeypatch.setattr(view, "books_of", slow)
    monkeypatch.setattr(pages_of_insight, "PATIENCE", 0)
    answer = pages.sign_in("W1").get("/insight")
    assert answer.status_code == 200 and "are being counted" in answer.text and answer.headers["retry-after"]
    assert pages.get("/insight.csv").status_code == 503, "a program is not to keep this as a table"
    monkeypatch.setattr(counted, "PATIENCE", 0)
    assert pages.program("W1", "/insight") == 503
    release.set()
    monkeypatch.setattr(pages_of_insight, "PATIENCE", 60)
    assert row(pages.get("/insight").text, "You")[1] == "8"


def test_a_count_that_failed_is_said_to_whoever_asks_and_tried_again(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("no disk")

    pages.sign_in("W1")
    with monkeypatch.context() as patched:
        patched.setattr(view, "books_of", broken)
        assert pages.get("/insight").status_code == 500
    assert row(pages.get("/insight").text, "You")[1] == "8"


def test_it_is_counted_from_the_start_and_no_more_after_the_end(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, books_of = threading.Event(), view.books_of
    threads: list[threading.Thread] = []

    def seen(*args: Any) -> Any:
        threads.append(threading.current_thread())
        begun.set()
        return books_of(*args)

    monkeypatch.setattr(view, "books_of", seen)
    made = app(pages.council.house)

    async def live(found: Starlette) -> None:
        async with found.router.lifespan_context(found):
            assert await asyncio.to_thread(begun.wait, 60), "before anybody asked"

    asyncio.run(live(made))
    assert len(threads) == 1 and not threads[0].is_alive()
