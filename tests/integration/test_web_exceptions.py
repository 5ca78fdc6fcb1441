"""*Exceptions*: which they are, who sees which, and what is said of each. SQL finds what counting one by one finds."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.access.may import teams_seen
from alertd.access.viewer import Viewer, viewer_of
from alertd.alerts.handling import Office, acts_as
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.db.access_tables import AuditEntry
from alertd.db.tables import Alert, Handling
from alertd.engine import sweep as sweeping
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.people.directory import Directory, Person, Team
from alertd.people.restrictions import Restriction
from alertd.views.exceptions import PAGE, By, Exceptions, exceptions
from alertd.web.app import app
from tests.support.council import ALL_RULES, ENTERED, Inline
from tests.support.pages import Browser, Pages, pages_at

pytest_plugins = ["tests.support.databases"]

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
GAPS = ("gap.no_worker.cp", "gap.need_unplanned", "gap.no_contact")
CLOCKS = ("cla.review.first", "cp.visit")
RESTRICTED = "C7"
HERE = [Team("SV", "Service"), Team("A", "Alpha", "SV"), Team("B", "Beta", "SV")]
PEOPLE = [
    *(Person(f"{team}{n}", f"{team}{n}", f"{team}{n}@x.org", "worker", team) for team in "AB" for n in range(3)),
    Person("MA", "MA", "ma@x.org", "team_manager", "A", deputy="B1"),
    Person("SM", "SM", "sm@x.org", "service_manager", "SV"),
    Person("Q", "Q", "q@x.org", "quality_assurance", "SV"),
    Person("AD", "AD", "ad@x.org", "administrator", "SV"),
    Person("GONE", "GONE", "gone@x.org", "worker", "A", deputy="A0", leaves=date(2026, 11, 1)),
]
BARRING = {RESTRICTED: Restriction(RESTRICTED, only=("A0", "MA"))}
DIRECTORY = Directory({p.id: p for p in PEOPLE}, {t.id: t for t in HERE}, duty="duty@x.org", restrictions=BARRING)
OFFICE = Office(DIRECTORY, calendar_for("england-and-wales"), NOW)


def made(chance: random.Random, id_: int) -> Alert:
    rule = chance.choice(GAPS + CLOCKS)
    child = WHOLE_FEED[0] if chance.random() < 0.03 else f"C{id_ % 40}"
    stage = chance.choice(("overdue", "overdue", "due", "upcoming", "unknown"))
    due = date(2026, 11, 24) - timedelta(days=chance.randrange(60))
    finding = Finding(rule, child, f"child:{id_}", "start", stage, start=due, due=None if stage == "unknown" else due)  # type: ignore[arg-type]
    is_open = chance.random() < 0.9
    return Alert(
        id=id_, rule=rule, child=child, record=finding.record, occurrence="start",
        state="open" if is_open else "closed", stage=stage, closed_as=None if is_open else "met",
        finding=finding.as_json(), worker=chance.choice([None, "A0", "A1", "A2", "B0", "B1", "GONE"]),
        team=chance.choice(["A", "B", None, "closed"]), muted=chance.choice(["", "", "", "shadow"]),
        opened_at=NOW - timedelta(days=chance.randrange(90)), changed_at=NOW,
    )  # fmt: skip


def said(chance: random.Random, id_: int) -> list[Handling]:
    """A few things said of some alerts: in force, lapsed and not yet ended, or ended."""
    found = []
    for kind in ("claim", "accept", "hand_over", "hand_over", "dispute"):
        if chance.random() > 0.15:
            continue
        until = NOW + timedelta(days=chance.choice((-1, 1))) if kind in ("claim", "accept") else None
        ended = chance.random() < 0.3
        found.append(
            Handling(
                alert_id=id_,
                kind=kind,
                by="A0",
                at=NOW,
                reason="r",
                until=until,
                to=chance.choice(["A1", "B0", "B1"]) if kind == "hand_over" else None,
                ended_at=NOW if ended else None,
                ended_why="undone" if ended else None,
            )
        )
    return found


def one_by_one(alerts: list[Alert], handlings: list[Handling], viewer: Viewer, team: str) -> dict[int, str]:
    """The exceptions that somebody follows, each with its owner: every alert looked at by itself."""
    acting = {id_ for own in viewer.ids for id_ in acts_as(own, OFFICE)}
    seen, found = teams_seen(viewer, OFFICE), {}
    for alert in alerts:
        of = [one for one in handlings if one.alert_id == alert.id and one.ended_at is None]
        managed = any(one.kind in ("claim", "accept") and one.until and one.until > NOW for one in of)
        handed = [one for one in of if one.kind == "hand_over"]
        owner = (handed[-1].to if handed else alert.worker) or ""
        if alert.state != "open" or alert.muted or alert.child == WHOLE_FEED[0]:
            continue
        if alert.rule not in GAPS and (alert.stage != "overdue" or managed):
            continue
        if any(DIRECTORY.may_hear(id_, alert.child, OFFICE.today) for id_ in viewer.ids):
            continue
        of_team = DIRECTORY.team_of(Holding(alert.worker, alert.team))
        if team:
            is_theirs = of_team in DIRECTORY.teams_under(team)
        else:
            is_theirs = viewer.oversees or owner in acting or of_team in seen
        if is_theirs:
            found[alert.id] = owner
    return found


def all_pages(session: Session, viewer: Viewer, by: By, team: str) -> list[Exceptions]:
    first = exceptions(session, viewer, ALL_RULES, OFFICE, by=by, team=team)
    rest = range(2, first.pages + 1)
    return [first, *(exceptions(session, viewer, ALL_RULES, OFFICE, by=by, team=team, page=n) for n in rest)]


@pytest.mark.parametrize("seed", [1, 2])
def test_sql_finds_for_everybody_what_looking_at_each_alert_finds(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    alerts = [made(chance, id_) for id_ in range(1, 320)]
    handlings = [one for alert in alerts for one in said(chance, alert.id)]
    with Session(engine, expire_on_commit=False) as session:
        session.add_all(alerts)
        session.flush()
        session.add_all(handlings)
        session.commit()
        for who in ("A0", "B1", "MA", "SM", "Q", "AD"):
            viewer = viewer_of(who, DIRECTORY, OFFICE.today)
            assert viewer is not None
            for team in ("", *sorted(teams_seen(viewer, OFFICE))):
                wanted = one_by_one(alerts, handlings, viewer, team)
                for by in ("owner", "need"):
                    pages = all_pages(session, viewer, by, team)  # type: ignore[arg-type]
                    lines = [line for page in pages for group in page.groups for line in group.lines]
                    assert sorted(line.row.id for line in lines) == sorted(wanted), (who, team, by)
                    assert {page.total for page in pages} == {len(wanted)}
                    assert all(sum(len(g.lines) for g in page.groups) == PAGE for page in pages[:-1])
                    for group in (group for page in pages for group in page.groups):
                        for line in group.lines:
                            assert group.key == (wanted[line.row.id] if by == "owner" else line.row.rule)
                    assert {p.overdue for p in pages} == {sum(line.row.stage == "overdue" for line in lines)}
        assert wanted == {}, "an administrator sees no child"


def test_what_nobody_owns_comes_first_then_who_has_most_overdue_and_of_each_the_oldest(engine: Engine) -> None:
    chance = random.Random(3)
    with Session(engine) as session:
        session.add_all(made(chance, id_) for id_ in range(1, 300))
        session.commit()
        viewer = viewer_of("Q", DIRECTORY, OFFICE.today)
        assert viewer is not None
        pages = all_pages(session, viewer, "owner", "")
        order = list(dict.fromkeys(group.key for page in pages for group in page.groups))
        lines = [(group.key, line) for page in pages for group in page.groups for line in group.lines]
        late = {key: sum(line.row.stage == "overdue" for other, line in lines if other == key) for key in order}
        assert order[0] == "" and [late[key] for key in order[1:]] == sorted((late[k] for k in order[1:]), reverse=True)
        for key in order:
            dated = [line.row for other, line in lines if other == key and line.row.stage in ("overdue", "due")]
            of = [(row.stage != "overdue", row.opened_at) for row in dated]
            assert of == sorted(of)
        gone = next(group for page in pages for group in page.groups if group.key == "GONE")
        assert gone.note == "has left; A0 stands in"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """C1 and C2 are W1's and overdue; C3 has no worker and a gap of its own."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    barring = {"C2": Restriction("C2", only=("W1", "M1"))}
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", restrictions=barring)
    wanted = ("cla.review.first", "gap.no_worker")
    rules = ALL_RULES.model_copy(update={"rules": tuple(r for r in ALL_RULES.rules if r.id in wanted)})
    composer = replace(found.council.house.composer, rulebook=rules)
    council = found.council
    council.house = replace(council.house, rulebook=rules, composer=composer)
    for child in ("C1", "C2", "C3"):
        council.looked_after(child)
    council.remove("involvements", "invo_person_id = 'C3'")
    council.day(ENTERED + timedelta(days=32))
    found.client = Browser(app(replace(council.house, clock=lambda: council.now)))
    yield found
    council.house.engine.dispose()


def words(text: str) -> str:
    main = text[text.index("<main") : text.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def alert_of(seen: Pages, child: str, rule: str) -> int:
    with Session(seen.council.house.engine) as session:
        return session.scalars(select(Alert.id).where(Alert.child == child, Alert.rule == rule)).one()


def test_each_sees_their_own_with_who_has_it_since_when_and_what_comes_next(pages: Pages) -> None:
    mine = words(pages.sign_in("W1").get("/exceptions").text)
    assert "2 of their own, 2 past their date" in mine
    assert "child C1" in mine and "child C2" in mine and "child C3" not in mine
    assert "Since Fri 27 Nov 2026" in mine and "Last: Ade was told as worker, Tue 1 Dec 2026" in mine
    assert "If nothing changes: " in mine
    team = words(pages.sign_in("M1").get("/exceptions").text)
    assert "Ade: 2" in team and "Nobody allocated" not in team, "C3 is of no team"
    service = words(pages.sign_in("I1").get("/exceptions").text)
    assert "Nobody allocated: 2" in service and service.index("Nobody allocated") < service.index("Ade: 1")
    assert "child C2" not in service and "3 of the service" in service, "who must not hear of C2 sees no trace of it"
    by_need = words(pages.get("/exceptions?by=need").text)
    assert "Looked-after child without a worker: 1" in by_need and "First looked-after review: 2" in by_need
    other = pages.sign_in("M2").get("/exceptions")
    assert other.status_code == 200 and "There are none" in other.text


def test_a_list_names_its_children_in_the_audit_and_a_team_of_others_is_no_filter(pages: Pages) -> None:
    pages.sign_in("M1").get("/exceptions?team=T2")
    with Session(pages.council.house.engine) as session:
        look = session.scalars(select(AuditEntry).where(AuditEntry.by == "M1").order_by(AuditEntry.id.desc())).first()
    assert look is not None and look.what == "saw list"
    assert (look.detail["children"], look.detail["team"]) == (["C1", "C2"], "")


def test_what_somebody_sees_to_is_no_exception_until_that_lapses_and_a_gap_stays(pages: Pages) -> None:
    review, gap = alert_of(pages, "C1", "cla.review.first"), alert_of(pages, "C3", "gap.no_worker")
    pages.sign_in("W1")
    assert pages.post(f"/alerts/{review}/claim", reason="held today").status_code == 303
    assert "child C1" not in words(pages.get("/exceptions").text)
    with Session(pages.council.house.engine) as session, session.begin():
        until = pages.council.now + timedelta(days=2)
        session.add(Handling(alert_id=gap, kind="accept", by="I1", at=pages.council.now, reason="r", until=until))
    service = words(pages.sign_in("I1").get("/exceptions").text)
    assert "Looked-after child without a worker , child C3" in service
    assert "Last: Flo explained it, Tue 1 Dec 2026" in service and "Nobody allocated: 2" in service
    pages.council.now += timedelta(days=3)
    assert "child C1" in words(pages.sign_in("W1").get("/exceptions").text)


def test_what_is_handed_over_is_the_takers(pages: Pages) -> None:
    review = alert_of(pages, "C1", "cla.review.first")
    pages.sign_in("W1")
    assert pages.post(f"/alerts/{review}/hand-over", reason="on leave", to="W2").status_code == 303
    assert "child C1" not in words(pages.get("/exceptions").text)
    taker = words(pages.sign_in("W2").get("/exceptions").text)
    assert "child C1" in taker and "Last: Ade handed it to Bo" in taker
    assert "Bo: 1" in words(pages.sign_in("M1").get("/exceptions").text)


def test_pages_are_turned_with_the_filter_kept_and_nonsense_is_the_first(pages: Pages) -> None:
    with Session(pages.council.house.engine) as session, session.begin():
        one = session.get_one(Alert, alert_of(pages, "C1", "cla.review.first"))
        for n in range(PAGE + 5):
            session.add(
                Alert(
                    rule=one.rule,
                    child="C1",
                    record=f"care_period:{n}",
                    occurrence="start",
                    state="open",
                    stage="overdue",
                    finding=one.finding,
                    worker="W1",
                    team="T1",
                    opened_at=one.opened_at,
                    changed_at=one.changed_at,
                )
            )
    first = pages.sign_in("M1").get("/exceptions?by=need&team=T1").text
    assert "Page 1 of 2" in first and "by=need&amp;team=T1&amp;page=2" in first
    assert words(first).count("child C") == PAGE
    second = words(pages.get("/exceptions?by=need&team=T1&page=2").text)
    assert "Page 2 of 2" in second and second.count("child C") == 7
    for nonsense in ("0", "-1", "x", "99999999999", "9"):
        assert pages.get(f"/exceptions?page={nonsense}").status_code == 200


def test_a_program_reads_the_exceptions_of_its_person_a_page_at_a_time_and_the_look_is_kept(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def children(who: str, query: str = "") -> dict[str, list[str]]:
        found = pages.program(who, f"/exceptions{query}")["exceptions"]["groups"]
        return {one["name"]: sorted(line["row"]["child"] for line in one["lines"]) for one in found}

    assert children("M1") == children("M1", "?team=T1") == {"Ade": ["C1", "C2"]}
    assert children("I1") == {"Nobody allocated": ["C3", "C3"], "Ade": ["C1"]}, "who must not hear of C2"
    assert children("I1", "?by=need").keys() == {"Looked-after child without a worker", "First looked-after review"}
    assert pages.program("M1", "/exceptions?team=T2") == 403
    monkeypatch.setattr("alertd.views.exceptions.PAGE", 1)
    seen, path = [], "/exceptions?team=T1"
    while path:
        body = pages.program("M1", path)
        seen += [line["row"]["child"] for one in body["exceptions"]["groups"] for line in one["lines"]]
        path = (body["next"] or "").removeprefix("/api/v1")
        assert (body["exceptions"]["total"], body["exceptions"]["pages"]) == (2, 2) and len(seen) < 3
    assert seen == ["C1", "C2"]
    with Session(pages.council.house.engine) as session:
        look = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert look and (look.by, look.what, look.detail["children"]) == ("M1", "saw list", ["C2"])
