"""``alertd alerts``, ``alertd silences`` and ``alertd rules precision``, as those who live with alerts use them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts import store
from alertd.alerts.reconcile import reconcile
from alertd.bootstrap import rulebook_of
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON
from alertd.db.engine import open_engine
from alertd.db.tables import AlertEvent, Delivery, Handling, Notice
from alertd.engine.findings import Finding
from alertd.routing.route import route
from alertd.settings import load
from tests.support.cli import Done, Here
from tests.support.databases import opened
from tests.support.settings_text import SETTINGS

NOW = datetime.combine(date(2026, 11, 26), time(10), LONDON)
DUE = date(2026, 11, 27)
REVIEW = Finding(
    "cla.review.first", "C1", "care_period:L1", "start", "due",
    start=date(2026, 10, 30), due=DUE, binding="statutory", statutory=DUE, limit="20 working days", where="ssd L1",
)  # fmt: skip
PEOPLE = """\
id,name,email,role,team,deputy,away_from,away_to,leaves
W1,Ade,ade@council.example,worker,T1,,,,
W2,Bo,bo@council.example,worker,T1,,,,
M1,Cy,cy@council.example,team_manager,T1,,,,
S1,Di,di@council.example,service_manager,SV,,,,
"""
TEAMS = """\
id,name,parent,inbox
SV,Service,,
T1,North,SV,north@council.example
T2,East,SV,
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """An authority with three open alerts of W1 and W2, on a Thursday: 1 due, 2 overdue, and 3 of another child."""
    path = tmp_path / "alertd.toml"
    path.write_text(SETTINGS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "teams.csv").write_text(TEAMS)
    settings = load(path)
    book = rulebook_of(settings)
    engine = opened(settings.database.url)
    world = [
        REVIEW,
        Finding(**{**_fields(REVIEW), "stage": "overdue", "level": 1, "occurrence": "R1", "due": date(2026, 11, 20)}),
        Finding(**{**_fields(REVIEW), "child": "C2"}),
    ]
    holdings = {"C1": Holding("W1", "T1"), "C2": Holding("W2", "T2")}
    with Session(engine) as session, session.begin():
        done = reconcile(world, {}, NOW, present=lambda *_: True, holdings=holdings)
        store.apply(session, done, NOW, lambda t: route(t, book.rule(t.finding.rule), book), holdings)  # type: ignore[arg-type]
        session.add(
            Delivery(
                id="m1", person="M1", address="cy@council.example", resolved_by="team manager of T1", channel="email",
                message=b"", state="delivered", next_attempt_at=NOW, created_at=NOW,
            )
        )  # fmt: skip
        session.flush()
        for notice in session.scalars(select(Notice).where(Notice.alert_id == 2, Notice.role == "team_manager")):
            notice.composed_into = "m1"
    engine.dispose()
    with time_machine.travel(NOW, tick=False):
        yield path


def _fields(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__dataclass_fields__}


def ok(done: Done) -> str:
    assert (done.code, done.err) == (0, ""), done
    return done.out


def listed(here: Here, config: Path, *options: str) -> list[int]:
    return [
        row["id"] for row in json.loads(ok(here("alerts", "list", "--config", config, "--format", "json", *options)))
    ]


def test_open_alerts_are_listed_most_pressing_first_and_chosen_by_who_where_and_how(here: Here, config: Path) -> None:
    assert listed(here, config) == [2, 1, 3]
    assert listed(here, config, "--person", "W2") == [3]
    assert listed(here, config, "--team", "T1") == [2, 1]
    assert listed(here, config, "--team", "SV") == [2, 1, 3]
    assert listed(here, config, "--stage", "overdue") == [2]
    table = ok(here("alerts", "list", "--config", config))
    assert "cla.review.first" in table and "Ade" not in table
    assert here("alerts", "list", "--config", config, "--team", "T11").one_line.startswith("there is no team 'T11'")


def test_an_alert_is_claimed_shown_with_who_until_when_and_what_comes_next_and_undone(here: Here, config: Path) -> None:
    before = ok(here("alerts", "show", "1", "--config", config))
    assert "told         nobody yet" in before
    assert "next         step 1 of L3, Fri 27 Nov 2026: Ade (W1) as worker, Cy (M1) as team_manager" in before
    say = ("alerts", "claim", "1", "--config", config, "--as", "W1", "--reason", "held today")
    assert ok(here(*say)) == "alert 1: claimed until Tue 1 Dec 2026 00:00, handling 1\n"
    shown = ok(here("alerts", "show", "1", "--config", config))
    assert "claim by W1, until Tue 1 Dec 2026 00:00: held today" in shown
    assert "held back: done, not yet recorded, says W1, until Tue 1 Dec 2026 00:00" in shown
    rows = json.loads(ok(here("alerts", "list", "--config", config, "--format", "json")))
    assert [row["managed"] for row in rows] == ["", "claim by W1 until Tue 1 Dec 2026 00:00", ""]
    assert "W1 has claimed it already" in here(*say).one_line
    undo = ("alerts", "undo", "1", "--config", config, "--reason", "a slip")
    assert here(*undo, "--as", "W2").one_line.startswith("handling 1: W2 may not undo it")
    assert ok(here(*undo, "--as", "M1")) == "handling 1: undone\n"
    found = json.loads(ok(here("alerts", "show", "1", "--config", config, "--format", "json")))
    (handling,) = found["handlings"]
    assert (handling["ended_by"], handling["ended_why"]) == ("M1", "undone: a slip")
    assert found["next_step"]["held"] == ""


def test_who_was_told_is_shown_with_the_road_to_them(here: Here, config: Path) -> None:
    shown = ok(here("alerts", "show", "2", "--config", config))
    assert "Thu 26 Nov 2026 10:00  M1 as team_manager (team manager of T1): told, delivered" in shown
    assert "Thu 26 Nov 2026 10:00  new: overdue, steps told 1" in shown
    assert here("alerts", "show", "9", "--config", config).one_line == "there is no alert 9. See: alertd alerts list"


def test_several_are_accepted_with_one_reason_and_each_refusal_is_reported(here: Here, config: Path) -> None:
    accept = ("--config", config, "--as", "W1", "--reason", "family abroad", "--until", "2026-11-27")
    done = here("alerts", "accept", "1", "2", *accept)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "alert 1: accepted until Mon 30 Nov 2026 00:00, handling 1",
        "alert 2: refused: It is overdue: only the team manager or somebody above may accept it now",
    ]
    done = here("alerts", "snooze", "1", "3", "--all-or-none", *accept)
    assert done.code == 1
    assert done.out.splitlines()[0] == "alert 1: not done, because another was refused"
    with_two = here("alerts", "hand-over", "2", "--to", "W2", "--reason", "x", "--as", "M1", "--config", config)
    assert ok(with_two) == "alert 2: handed over, handling 2\n"
    assert listed(here, config, "--person", "W2") == [2, 3]


def test_a_dispute_is_decided_and_counts_in_the_precision_of_its_rule(here: Here, config: Path) -> None:
    dispute = here("alerts", "dispute", "2", "--config", config, "--as", "M1", "--reason", "the child went home")
    assert ok(dispute) == "alert 2: disputed, handling 1\n"
    resolve = ("alerts", "resolve", "1", "--config", config)
    assert "Give --upheld or --rejected" in here(*resolve, "--as", "S1").one_line
    assert "somebody else has to decide" in here(*resolve, "--as", "M1", "--upheld").one_line
    (row,) = json.loads(ok(here("rules", "precision", "--config", config, "--format", "json")))
    assert (row["told"], row["disputes_open"], row["precision"]) == (1, 1, 1.0)
    assert ok(here(*resolve, "--as", "S1", "--upheld")) == "handling 1: upheld\n"
    (row,) = json.loads(ok(here("rules", "precision", "--config", config, "--format", "json")))
    assert (row["rule"], row["disputes_upheld"], row["precision"]) == ("cla.review.first", 1, 0.0)
    assert "cla.review.first" in ok(here("rules", "precision", "--config", config))


def test_a_silence_is_asked_for_listed_and_ended(here: Here, config: Path) -> None:
    add = ("silences", "add", "--config", config, "--as", "M1", "--team", "T1", "--reason", "migration")
    made = here(*add, "--rule", "cla.review.first", "--until", "2026-12-04")
    assert ok(made) == "silence 1: from Thu 26 Nov 2026 10:00 until Fri 4 Dec 2026 is over\n"
    assert here(*add, "--until", "2026-12-04").one_line.startswith("Urgent rules are among them")
    assert here(*add, "--rule", "cla.review.first", "--until", "2026-12-31").one_line.startswith("At most 14 days")
    assert "migration" in ok(here("silences", "list", "--config", config))
    assert "W1 may not end it" in here("silences", "end", "1", "--config", config, "--as", "W1").one_line
    assert ok(here("silences", "end", "1", "--config", config, "--as", "S1")).startswith("silence 1: ended")
    assert json.loads(ok(here("silences", "list", "--config", config, "--format", "json"))) == []
    (row,) = json.loads(ok(here("silences", "list", "--all", "--config", config, "--format", "json")))
    assert (row["stands"], row["reason"]) == (False, "migration")


def test_nothing_is_said_before_a_daemon_has_kept_anything(here: Here, config: Path, tmp_path: Path) -> None:
    (tmp_path / "alertd.db").unlink()
    assert "nothing has been kept here yet" in here("alerts", "list", "--config", config).one_line
    assert "nothing has been kept here yet" in here("rules", "precision", "--config", config).one_line


def test_what_is_said_is_written_with_the_moment_it_was_said(here: Here, config: Path) -> None:
    ok(here("alerts", "claim", "1", "--config", config, "--as", "W1", "--reason", "held today"))
    engine = open_engine(load(config).database.url)
    with Session(engine) as session:
        assert session.scalars(select(Handling.at)).one() == NOW
        assert len(session.scalars(select(AlertEvent)).all()) == 3  # saying something is no change of an alert
    engine.dispose()
