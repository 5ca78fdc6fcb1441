"""``alertd subscriptions`` and ``alertd calendar``: what is shown first, kept, listed, ended and refused."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import delete
from sqlalchemy.orm import Session

from alertd.db.engine import open_engine
from alertd.db.links import find_link
from alertd.db.tables import FeedRun
from tests.support.cli import Here
from tests.support.databases import opened
from tests.support.office import Office, at, review, visit

PACK = """\
pack: council.test
edition: "2026"
owner: The principal social worker
rules:
  - id: plain.review
    title: Review
    why: Because.
    law: {cite: "SI 1", confidence: P}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: a review is recorded
    warn: W2
    escalate: L1
  - id: urgent.visit
    title: Visit
    why: Because.
    law: {cite: "SI 1", confidence: P}
    for: cp_plan
    clock: {every: 10 working days, from: start}
    until: {record: cp_visit}
    clears: a visit is recorded
    warn: W2
    escalate: L2
"""
PEOPLE = """\
id,name,email,role,team,deputy,away_from,away_to,leaves
W1,Ade,ade@council.example,worker,T1,,,,
M1,Cy,cy@council.example,team_manager,T1,,,,
S1,Di,di@council.example,service_manager,SV,,2026-11-28,2026-11-30,
"""
CONFIG = """\
[feed]
kind = "ssda903"
url = "return"
[rules]
packs = ["./pack.yaml"]
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[web]
url = "https://alertd.council.example"
[email]
sender = "alertd@council.example"
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A council on Friday 27 November whose daemon has run for four days."""
    path = tmp_path / "alertd.toml"
    path.write_text(CONFIG)
    (tmp_path / "pack.yaml").write_text(PACK)
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nSV,Service,,\nT1,North,SV,\n")
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    office = Office(engine)
    with Session(engine) as session, session.begin():
        session.add(FeedRun(source="s", at=at(23, 6), outcome="accepted", counts={}, feed="feed"))
    office.look(at(24, 6, 30), review("overdue", "C1"))
    office.look(at(26, 6, 30), review("overdue", "C1"), visit("overdue", "C2"))
    engine.dispose()
    with time_machine.travel(at(27, 12), tick=False):
        yield path


def subject_of(config: Path, secret: str) -> str | None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session:
        found = find_link(session, "calendar", secret)
    engine.dispose()
    return found


def test_a_subscription_is_shown_before_it_is_kept_and_is_listed(config: Path, here: Here) -> None:
    asked = ("--config", config, "--as", "M1", "--rules", "plain.*,urgent.visit")
    only = here("subscriptions", "add", *asked, "--preview")
    assert (only.code, only.err) == (0, "")
    assert only.out.splitlines() == [
        "alertd has watched since Mon 23 Nov; since then this would have told of 2 changes in 2 messages.",
        "  Tue 24 Nov: 1 message, 1 line",
        "  Thu 26 Nov: 1 message, 1 line",
        "The latest:",
        "  ref C2  Visit (you subscribe to urgent.visit: overdue)",
        "  ref C1  Review (you subscribe to plain.*: overdue)",
        "2 of the 2 rules asked for are in shadow; nobody is told of those until they are adopted: alertd rules "
        "status says why.",
        "Nothing is kept.",
    ]
    assert here("subscriptions", "list", "--config", config).out == "Nobody subscribes to anything.\n"
    kept = here("subscriptions", "add", *asked, "--yes")
    assert kept.out.splitlines()[-1] == "Subscription 1 is kept. What a ladder tells M1 is told all the same."
    again = here("subscriptions", "add", *asked, "--yes")
    assert again.err.startswith("alertd: M1 has that subscription already: it is number 1. End it first")
    away = here("subscriptions", "add", "--config", config, "--as", "S1", "--rules", "*", "--every", "weekly", "--yes")
    assert away.code == 0
    _, first, _ = here("subscriptions", "list", "--config", config).out.splitlines()
    assert re.split(r"  +", first.strip()) == [
        "1", "M1", "plain.*, urgent.visit", "all of their own", "overdue, escalated", "urgent, routine", "daily",
        "email", "Fri 27 Nov", "in force",
    ]  # fmt: skip
    with time_machine.travel(at(28), tick=False):
        waits = here("subscriptions", "list", "--config", config, "--as", "S1").out
    assert waits.rstrip().endswith("waits: S1 is away until 30 Nov")
    (config.parent / "people.csv").write_text(PEOPLE.replace("team_manager,T1,,,,", "team_manager,T1,,,,2026-11-27"))
    assert "tells nobody: M1 has left" in here("subscriptions", "list", "--config", config).out


def test_nothing_is_kept_without_an_answer_or_against_it(
    config: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("subscriptions", "add", "--config", config, "--as", "M1", "--rules", "plain.*")
    answers = {"": "nobody answered, so nothing is kept. Give --yes", "n\n": "Nothing is kept.", "y\n": "1 is kept."}
    for given, said in answers.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        done = here(*asked)
        assert said in done.out + done.err and "Traceback" not in done.err
        assert done.code == (0 if given else 2)


def test_before_the_first_reading_there_is_no_past_to_show(config: Path, here: Here) -> None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session, session.begin():
        session.execute(delete(FeedRun))
    engine.dispose()
    shown = here("subscriptions", "add", "--config", config, "--as", "M1", "--rules", "*", "--preview").out
    assert shown.startswith("alertd has taken no reading in yet, so there is no past to show.\n")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("--as", "W1", "--rules", "*"), "W1 is no manager and does not look at the whole service. Managers, and"),
        (("--as", "M1", "--rules", "plain.reviews"), "there is no rule 'plain.reviews'. Did you mean plain.review?"),
        (("--as", "M1", "--rules", "*", "--teams", "SV"), "SV is not a team M1 answers for. Theirs are T1"),
        (
            ("--as", "M1", "--rules", "*", "--channel", "pigeon"),
            "there is no channel 'pigeon'. There are email, calendar",
        ),
        (
            ("--as", "M1", "--rules", "*", "--stages", "late"),
            "there is no stage 'late'. Did you mean escalated?",
        ),
    ],
)
def test_what_cannot_be_subscribed_to_is_one_line(config: Path, here: Here, asked: tuple[str, ...], why: str) -> None:
    assert here("subscriptions", "add", "--config", config, *asked, "--yes").one_line.startswith(why)


def test_what_a_ladder_tells_cannot_be_ended_and_a_subscription_can(config: Path, here: Here) -> None:
    mine = ("--config", config, "--as", "M1")
    assert here("subscriptions", "end", "plain.review", *mine).one_line == (
        "M1 cannot unsubscribe from plain.review: step 1 of ladder L1 tells the team manager of plain.review. M1 holds "
        "that role, and nobody can unsubscribe from a ladder. An overlay of the authority's can change it; who answers "
        "for it: The principal social worker"
    )
    assert here("subscriptions", "end", "nothing.at.all", *mine).one_line == (
        "there is no rule 'nothing.at.all'. Subscriptions of M1 in force: none"
    )
    here("subscriptions", "add", *mine, "--rules", "plain.*", "--yes")
    assert here("subscriptions", "end", "1", "--config", config, "--as", "S1").one_line == (
        "S1 has no subscription 1. Those in force: none"
    )
    ended = here("subscriptions", "end", "1", *mine).out.splitlines()
    assert ended[0] == "Subscription 1 of M1 has ended."
    assert ended[1].startswith("Still told: step 1 of ladder L1 tells the team manager of plain.review. M1 holds")
    assert here("subscriptions", "end", "1", *mine).one_line.startswith("M1 has no subscription 1.")


def test_a_calendar_of_a_subscription_has_an_address_until_it_is_ended(config: Path, here: Here) -> None:
    done = here(
        "subscriptions", "add", "--config", config, "--as", "M1", "--rules", "*", "--channel", "calendar", "--yes"
    )
    first, *_, last = done.out.splitlines()
    assert first == "A calendar sends nothing; this one holds 2 alerts now."
    found = re.fullmatch(
        r"Its calendar, shown this once: https://alertd\.council\.example/calendar/([\w-]{43})\.ics", last
    )
    assert found and subject_of(config, found[1]) == "subscription:1"
    here("subscriptions", "end", "1", "--config", config, "--as", "M1")
    assert subject_of(config, found[1]) is None


def test_a_calendars_address_is_shown_once_replaced_listed_and_revoked(config: Path, here: Here) -> None:
    mine = ("--config", config, "--as", "M1", "--team", "T1")
    first = here("calendar", "link", *mine).out.splitlines()
    secret = first[0].removeprefix("https://alertd.council.example/calendar/").removesuffix(".ics")
    assert subject_of(config, secret) == "team:T1:by:M1"
    assert first[1:] == ["Whoever has this address sees the calendar. It is not kept and cannot be shown again."]
    second = here("calendar", "link", *mine).out.splitlines()
    assert second[0] != first[0] and second[-1] == "The address given out before no longer works."
    assert subject_of(config, secret) is None
    here("calendar", "link", "--config", config, "--as", "W1")
    listed = here("calendar", "list", "--config", config).out
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["team:T1:by:M1", "person:W1"]
    assert listed.count("answers") == 2 and "https" not in listed
    (config.parent / "people.csv").write_text(PEOPLE.replace("worker,T1,,,,", "worker,T1,,,,2026-11-20"))
    assert "does not answer: W1 has left" in here("calendar", "list", "--config", config).out
    assert here("calendar", "revoke", *mine).out == "The address no longer works.\n"
    assert here("calendar", "revoke", *mine).one_line == (
        "no such address is in force. alertd calendar list shows them"
    )


def test_who_gets_no_calendar_is_told_why(config: Path, here: Here) -> None:
    def refused(*asked: str) -> str:
        return here("calendar", "link", "--config", config, *asked).one_line

    assert refused("--as", "M1", "--team", "SV").startswith("M1 does not answer for SV. A calendar is for staff;")
    assert refused("--as", "W1", "--team", "T1").startswith("W1 is no manager and does not look at the whole service.")
    assert refused("--as", "M2") == "there is no person 'M2'. See the staff files"
    config.write_text(CONFIG.replace('[web]\nurl = "https://alertd.council.example"\n', ""))
    assert refused("--as", "M1").endswith("no address is set for alertd's pages. Add [web] with a url")
    none = here(
        "subscriptions", "add", "--config", config, "--as", "M1", "--rules", "*", "--channel", "calendar", "--yes"
    )
    assert none.one_line.endswith("Add [web] with a url")


def test_without_a_database_there_is_one_line(config: Path, here: Here) -> None:
    (config.parent / "alertd.db").unlink()
    assert "nothing has been kept here yet" in here("subscriptions", "list", "--config", config).one_line
