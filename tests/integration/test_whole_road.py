"""From the feed to the mail: a small SSD database, a clock the test moves, and every message collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import evaluation, sending
from alertd import turn as turning
from alertd.cases.records import LONDON
from alertd.db.tables import AlertEvent, Delivery, FeedRun
from alertd.engine import sweep as sweeping
from tests.support.council import ALL_RULES, PEOPLE, Council, Inline, council_at

pytest_plugins = ["tests.support.databases"]


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


def nov(day: int) -> date:
    return date(2026, 11, day)


def dec(day: int) -> date:
    return date(2026, 12, day)


def test_a_second_run_on_unchanged_data_sends_nothing_new(tmp_path: Path) -> None:
    council = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", ALL_RULES)  # in real worker processes
    council.looked_after("C1")
    council.looked_after("C2", date(2026, 11, 20))
    first = council.day(nov(26))
    told = council.events()
    assert {"ade", "cy"} <= set(first)
    assert len(told) > 3
    again = council.evaluate(nov(26))
    council.send(time(12))
    assert (again.changes.total(), again.notices, council.events()) == (0, 0, told)
    assert len(council.mail.sent) == len(first)
    council.house.engine.dispose()


def test_the_life_of_a_review_nobody_holds(council: Council) -> None:
    council.looked_after()
    sent = council.days(nov(11), dec(15))
    assert council.events() == [
        ("new", 0, False),  # 10 working days before
        ("reminder", 0, False),  # 5 before
        ("reminder", 0, False),  # 2 before
        ("stage", 1, False),  # the day itself: the team manager too
        ("stage", 1, False),  # overdue, a Saturday
        ("escalated", 2, False),  # 5 working days after
        ("escalated", 3, False),  # 10 after
    ]
    assert sent == {
        nov(13): ["ade"],
        nov(20): ["ade"],
        nov(25): ["ade"],
        nov(27): ["ade", "cy"],
        nov(30): ["ade", "cy"],
        dec(4): ["di", "flo"],
        dec(7): ["ade", "cy", "di", "flo"],  # Monday: what is overdue
        dec(11): ["ed", "flo"],
        dec(14): ["ade", "cy", "di", "ed", "flo"],
    }
    assert council.alerts() == [("cla.review.first", "C1", "open", None)]  # one alert, from warning to breach
    council.reviewed(dec(15))
    # Those whom the ladder told hear once that it is over; the worker who recorded it need not.
    assert council.days(dec(16), dec(22)) == {dec(16): ["cy", "di", "ed", "flo"]}
    assert all(
        "ref C1 · First looked-after review: done, after the date" in body for _, _, body in council.mail.sent[-4:]
    )
    assert council.alerts() == [("cla.review.first", "C1", "closed", "met_late")]


def test_a_breach_speaks_for_the_warnings_before_it(council: Council) -> None:
    council.looked_after()
    council.days(nov(13), nov(30))
    _, subject, body = next(m for m in reversed(council.mail.sent) if m[0] == "ade")
    assert subject.startswith("1 overdue · your children")
    assert body.partition("YOUR CHILDREN")[2].count("ref C1") == 1
    assert "Coming up" not in body


def test_a_visit_in_time_that_was_entered_late_says_so(council: Council) -> None:
    council.child()
    council.put("cp_plans", cppl_cp_plan_id="P1", cppl_person_id="C1", cppl_cp_plan_start_date=datetime(2026, 11, 2))
    council.days(nov(10), nov(18))  # due Monday 16: ten working days
    assert council.alerts() == [("cp.visit", "C1", "open", None)]
    council.put(
        "cp_visits",
        cppv_cp_visit_id="X1",
        cppv_person_id="C1",
        cppv_cp_visit_date=datetime(2026, 11, 13),
        cppv_cp_visit_seen="Y",
    )
    assert council.day(nov(19)) == ["cy", "di", "ed"]  # told of it in vain: they hear that it was done
    assert "was done in time, recorded later" in council.mail.sent[-1][2]
    assert council.alerts() == [("cp.visit", "C1", "closed", "met_recorded_late")]
    council.days(nov(20), nov(27))
    assert council.alerts()[1:] == [("cp.visit", "C1", "open", None)]  # the next clock, from that visit


def test_an_overdue_visit_is_told_at_once_and_the_worker_hears_of_every_stage(council: Council) -> None:
    council.child()
    council.put("cp_plans", cppl_cp_plan_id="P1", cppl_person_id="C1", cppl_cp_plan_start_date=datetime(2026, 11, 2))
    council.days(nov(10), nov(15))
    council.evaluate(nov(16))
    council.send(time(6, 31))
    due = {to for to, subject, _ in council.mail.sent if subject.startswith("Due today")}
    council.evaluate(nov(17))
    council.send(time(6, 31))
    overdue = {to for to, subject, _ in council.mail.sent if subject.startswith("Overdue")}
    assert due == {"ade", "cy", "di"}
    assert overdue >= {"ade", "di"}  # a ladder step reached on the same day leaves nobody out


def test_three_weeks_of_downtime_are_told_once_and_marked_late(council: Council) -> None:
    council.looked_after()
    council.days(nov(13), nov(19))
    back = dec(14)
    assert council.day(back) == ["ade", "cy", "di", "ed", "flo"]  # every step that passed meanwhile
    steps = [("stage", 1, True), ("escalated", 2, True), ("escalated", 3, True)]
    assert council.events() == [("new", 0, False), *steps]
    assert all("told late: unchanged since" in text for _, _, text in council.mail.sent[-5:])
    assert council.days(back + timedelta(days=1), dec(20)) == {}


@pytest.mark.parametrize(
    ("what", "closed_as"),
    [("the row is deleted", "source_removed"), ("care ended", "withdrawn"), ("the child died", "withdrawn")],
)
def test_what_no_longer_applies_is_closed_and_says_why(council: Council, what: str, closed_as: str) -> None:
    council.looked_after()
    council.looked_after("C2")
    council.days(nov(13), nov(14))
    if what == "the row is deleted":
        council.remove("cla_episodes", "clae_person_id = 'C1'")
    elif what == "care ended":
        council.change(
            "cla_episodes",
            "clae_person_id = 'C1'",
            clae_cla_episode_ceased_date=datetime(2026, 11, 14),
            clae_cla_episode_ceased_reason="E8",
        )
    else:
        council.change("person", "pers_person_id = 'C1'", pers_death_date=datetime(2026, 11, 14))
    council.days(nov(15), nov(17))
    council.days(nov(27), nov(30))
    assert council.alerts() == [
        ("cla.review.first", "C1", "closed", closed_as),
        ("cla.review.first", "C2", "open", None),
    ]
    open_now = [body.partition("YOUR CHILDREN")[2] for _, _, body in council.mail.sent[2:]]
    assert all("ref C1" not in body for body in open_now), "only that it is cleared is told"


def test_a_child_who_died_before_is_never_told_of(council: Council) -> None:
    council.looked_after()
    council.change("person", "pers_person_id = 'C1'", pers_death_date=datetime(2026, 11, 3))
    assert council.days(nov(12), nov(14)) | council.days(nov(26), dec(1)) == {}
    assert council.alerts() == []


def test_what_closes_before_the_digest_is_told_to_nobody(council: Council) -> None:
    council.looked_after()
    council.evaluate(nov(14))  # a Saturday
    council.reviewed(nov(14))
    assert council.days(nov(15), nov(16)) == {}


def _fill_reviews(council: Council) -> None:
    council.put("person", pers_person_id="F1", pers_dob=datetime(2010, 1, 1))
    council.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 102) "
        "INSERT INTO ssd_cla_reviews (clar_cla_review_id, clar_cla_person_id) SELECT 'F' || i, 'F1' FROM n"
    )


def _half_of_the_reviews(council: Council) -> None:
    council.remove("cla_reviews", "rowid % 2 = 0")


def _no_children(council: Council) -> None:
    council.remove("person", "1 = 1")


def _no_table(council: Council) -> None:
    council.sql("DROP TABLE ssd_cla_episodes")


def _no_database(council: Council) -> None:
    council.feed.write_bytes(b"this is no database" * 100)


def _no_file(council: Council) -> None:
    council.feed.unlink()


@pytest.mark.parametrize("spoil", [_half_of_the_reviews, _no_children, _no_table, _no_database, _no_file])
def test_a_feed_that_cannot_be_believed_changes_nothing_and_the_data_owner_is_told_once_a_day(
    council: Council, spoil: Callable[[Council], None]
) -> None:
    council.looked_after()
    _fill_reviews(council)
    council.day(nov(13))
    sound = council.feed.read_bytes()
    spoil(council)
    before = council.events(), council.alerts()
    assert council.day(nov(14)) == ["gus"]
    assert council.mail.sent[-1][1] == "alertd could not use the case data"
    refused = council.evaluate(nov(14))
    council.send(time(12))
    assert refused.refused
    assert [to for to, _, _ in council.mail.sent].count("gus") == 1
    assert council.day(nov(15)) == ["gus"]
    assert (council.events(), council.alerts()) == before
    with Session(council.house.engine) as session:
        outcomes = [run.outcome for run in session.scalars(select(FeedRun).order_by(FeedRun.id))]
    assert outcomes == ["accepted", "refused", "refused", "refused"]
    council.feed.write_bytes(sound)
    council.day(nov(27))
    assert council.events() == [("new", 0, False), ("stage", 1, False)]


def test_a_column_that_is_lost_for_a_night_closes_nothing(council: Council) -> None:
    council.child()
    council.put(
        "care_leavers",
        clea_person_id="C1",
        clea_care_leaver_eligibility="Relevant",
        clea_pathway_plan_review_date=datetime(2026, 5, 1),
    )
    assert council.day(nov(2)) == ["ade", "cy"]  # due on Sunday 1 November
    council.sql("ALTER TABLE ssd_care_leavers RENAME COLUMN clea_pathway_plan_review_date TO odd")
    assert council.day(nov(3)) == ["gus"]
    assert "RULES THAT WAIT FOR RECORDS" in council.mail.sent[-1][2]
    open_still = ("lc.review", "C1", "open", None)
    assert council.alerts() == [open_still, ("lc.review", "*", "open", None)]
    council.sql("ALTER TABLE ssd_care_leavers RENAME COLUMN odd TO clea_pathway_plan_review_date")
    # Three working days after: the next step, and that the feed can be measured again; nobody else hears anything.
    assert council.day(nov(4)) == ["di", "gus"]
    assert council.alerts() == [open_still, ("lc.review", "*", "closed", "withdrawn")]


def test_a_child_handed_over_goes_to_the_new_workers_digest(council: Council) -> None:
    council.looked_after()
    assert council.day(nov(13)) == ["ade"]
    council.change("involvements", "invo_person_id = 'C1'", invo_professional_id="W2")
    assert council.days(nov(14), nov(16)) == {nov(16): ["bo"]}
    assert council.days(nov(17), nov(27)) == {nov(20): ["bo"], nov(25): ["bo"], nov(27): ["bo", "cy"]}


def test_a_child_without_a_worker_goes_to_the_teams_inbox(council: Council) -> None:
    council.looked_after()
    council.change("involvements", "invo_person_id = 'C1'", invo_involvement_end_date=datetime(2026, 11, 1))
    assert council.day(nov(13)) == ["duty", "gus"]  # and whoever runs it hears that nobody else was found
    council.put(
        "involvements",
        invo_involvements_id="I2",
        invo_person_id="C1",
        invo_professional_team="T1",
        invo_involvement_start_date=datetime(2026, 11, 1),
    )
    assert council.day(nov(20)) == ["north"]


def test_a_child_the_engine_cannot_evaluate_keeps_its_alerts_and_the_data_owner_is_told(council: Council) -> None:
    council.looked_after("C1")
    council.looked_after("C2")
    council.day(nov(13))
    Inline.dies_on = "C1"
    council.reviewed(nov(20), "C1")
    done = council.evaluate(nov(27))
    council.send()
    assert (done.failed, dict(done.changes)) == (1, {"stage": 1})
    assert [state for _, _, state, _ in council.alerts()] == ["open", "open"]
    (report,) = [m for m in council.mail.sent if m[0] == "gus"]
    assert report[1] == "alertd could not evaluate some children"
    assert "ref C1" in report[2]
    Inline.dies_on = ""
    council.evaluate(nov(28))
    assert council.alerts()[0] == ("cla.review.first", "C1", "closed", "met")


def test_messages_that_cannot_be_made_are_reported_to_the_data_owner_once_a_day(council: Council) -> None:
    council.looked_after()
    staff = council.house.staff
    whole = staff.directory
    staff.directory = replace(whole, people={**whole.people, "W1": replace(PEOPLE[0], address="nowhere")})
    assert council.day(nov(13)) == ["gus"]
    assert council.mail.sent[-1][1] == "alertd could not make some messages"
    assert "W1: " in council.mail.sent[-1][2]
    council.send(time(12))
    assert len(council.mail.sent) == 1
    staff.directory = whole
    council.send(time(13))
    assert [to for to, _, _ in council.mail.sent] == ["gus", "ade"]


@pytest.mark.slow
def test_daemons_that_share_a_database_tell_nobody_twice(
    tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    council = council_at(tmp_path, postgres_server.replace("/postgres?", f"/{name}?"))
    council.child()
    council.put("cp_plans", cppl_cp_plan_id="P1", cppl_person_id="C1", cppl_cp_plan_start_date=datetime(2026, 11, 2))
    council.looked_after("C2")
    council.now = datetime(2026, 11, 27, 8, 5, tzinfo=LONDON)
    evaluation.read_feeds(council.house)
    standings = turning.standings(council.house, council.now)
    turns = [turning.Turn(council.house, council.now, *standings) for _ in range(4)]
    for turn in turns:
        turn.call(turning.PORTION, ())
    looked = [turn.look(lambda _done, _all: None) for turn in turns]
    assert [len(one.holdings) for one in looked] == [2] * 4, "all find the same before any of them writes"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: turns[n].finish(looked[n]), range(4)))
        with Session(council.house.engine) as session:
            events = session.execute(select(AlertEvent.alert_id, AlertEvent.reason, AlertEvent.level)).all()
        assert len(events) == len(set(events)), "each change, and each step of the ladder, is written once"
        assert [reason for _, reason, _ in events].count("new") == 2
        list(pool.map(lambda _: sending.compose_once(council.house), range(4)))
    with Session(council.house.engine) as session:
        people = [d.person for d in session.scalars(select(Delivery).where(Delivery.urgent))]
    assert len(people) == len(set(people)) > 1
    council.house.engine.dispose()


def test_a_message_nobody_took_is_told_to_the_data_owner_once_and_never_forgotten(council: Council) -> None:
    council.looked_after()
    council.mail.refuses = "ade"
    assert council.day(nov(13)) == []
    assert council.day(nov(14)) == ["gus"]
    assert council.mail.sent[-1][1] == "alertd could not deliver some messages"
    assert "to W1: refused: no such mailbox" in council.mail.sent[-1][2]
    assert council.day(nov(15)) == []


def test_when_the_data_owners_own_mailbox_is_gone_the_duty_address_hears_of_it(council: Council) -> None:
    council.looked_after()
    council.mail.refuses = "gus"
    council.put("cla_episodes", clae_cla_episode_id="E9", clae_person_id="C1", clae_cla_id="L9")
    council.remove("person", "1 = 1")
    council.day(nov(13))
    assert council.days(nov(14), nov(15)) == {nov(14): ["duty"], nov(15): ["duty"]}  # each day's own message
