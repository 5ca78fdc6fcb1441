"""``alertd outbox`` and ``alertd notify test``: what a person sees and does of what is sent."""

from __future__ import annotations

import io
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery, Notice
from alertd.errors import InputError
from alertd.outbox import operate, store
from alertd.outbox.channel import Letter, Outcome
from alertd.outbox.operate import Act
from tests.support.cli import Done, Here
from tests.support.databases import opened
from tests.support.office import Office, at, visit
from tests.support.outbox import NOW, finish, moves, next_claimed, put, states
from tests.support.smtp_server import SmtpServer

pytest_plugins = ["tests.support.databases"]
ACT = Act("op", "the mailbox was full", NOW + timedelta(hours=1))
LEASE = timedelta(minutes=4)


def ended(engine: Engine, id_: str, result: str, times: int = 1) -> None:
    """A delivery after so many attempts that ended so."""
    now = NOW
    for _ in range(times):
        [one] = next_claimed(engine, now, 1, LEASE)
        assert one.id == id_ and finish(engine, one, Outcome(result, "because"), now, random.Random(1))  # type: ignore[arg-type]
        now += timedelta(hours=3)


def test_one_that_was_refused_is_tried_again_and_says_who_had_it_so(engine: Engine) -> None:
    put(engine, "d1-refused")
    ended(engine, "d1-refused", "refused")
    with Session(engine) as session, session.begin():
        operate.retry(session, "d1-r", ACT)
    assert states(engine) == {"d1-refused": "due"}
    assert moves(engine, "d1-refused")[-1] == ("due", "op: the mailbox was full")
    assert [one.id for one in next_claimed(engine, ACT.at, 9, LEASE)] == ["d1-refused"]


def test_one_that_may_have_arrived_is_tried_again_only_when_that_is_said(engine: Engine) -> None:
    put(engine, "d1-lost")
    ended(engine, "d1-lost", "unknown", times=3)
    assert states(engine) == {"d1-lost": "parked"}
    with Session(engine) as session, pytest.raises(InputError, match="may have arrived: the answer was lost 3 times"):
        operate.retry(session, "d1-lost", ACT)
    with Session(engine) as session, session.begin():
        operate.retry(session, "d1-lost", ACT, may_be_a_copy=True)
    [one] = next_claimed(engine, ACT.at, 1, LEASE)
    finish(engine, one, Outcome("unknown", "lost"), ACT.at, random.Random(1))
    assert states(engine) == {"d1-lost": "parked"}, "one more attempt, and no more"


@pytest.mark.parametrize("does", [operate.retry, operate.park, operate.cancel])
def test_one_that_is_being_sent_is_left_to_whoever_sends_it(engine: Engine, does: object) -> None:
    put(engine, "d1-sending")
    [one] = next_claimed(engine, NOW, 1, LEASE)
    with Session(engine) as session, pytest.raises(InputError, match="is sending: only one that is"):
        does(session, "d1-sending", ACT)  # type: ignore[operator]
    assert finish(engine, one, Outcome("delivered", "taken"), NOW, random.Random(1))


def test_what_waits_is_laid_aside_and_comes_back(engine: Engine) -> None:
    put(engine, "d1-waits")
    with Session(engine) as session, session.begin():
        operate.park(session, "d1-waits", ACT)
    assert next_claimed(engine, NOW, 9, LEASE) == []
    with Session(engine) as session, session.begin():
        operate.retry(session, "d1-waits", ACT)
    assert [state for state, _ in moves(engine, "d1-waits")] == ["due", "parked", "due"]


def test_what_stands_in_is_taken_back_with_what_it_stands_in_for(engine: Engine) -> None:
    put(engine, "d1-first")
    letter = Letter("d2-copy", "a@council.example", "", "duty-team", NOW, "", "", "", "")
    with Session(engine) as session, session.begin():
        store.put(
            session, letter, b"{}", person="d1-first", resolved_by="", channel="apprise", stands_in_for="d1-first"
        )
        operate.cancel(session, "d1-first", ACT)
    assert set(states(engine).values()) == {"cancelled"}
    why = "op: what it stands in for was taken back: the mailbox was full"
    assert moves(engine, "d2-copy") == [("standing_by", ""), ("cancelled", why)]


def test_a_reason_is_needed_and_an_id_must_be_of_one_message(engine: Engine) -> None:
    put(engine, "d1-aaa")
    put(engine, "d1-abb")
    with Session(engine) as session:
        with pytest.raises(InputError, match="a reason is needed"):
            operate.park(session, "d1-aaa", Act("op", " ", NOW))
        with pytest.raises(InputError, match="several messages"):
            operate.find(session, "d1-a")
        with pytest.raises(InputError, match="no message"):
            operate.find(session, "d1-%")
        with pytest.raises(InputError, match="too short"):
            operate.find(session, "d1")
        assert operate.find(session, "d1-aa").id == "d1-aaa"


@pytest.mark.parametrize("for_good", [False, True])
def test_what_a_message_told_is_owed_again_unless_it_is_taken_back_for_good(tmp_path: Path, for_good: bool) -> None:
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    office = Office(engine)
    office.look(at(25, 6, 30), visit("overdue", "C1"))
    office.compose(at(25, 9))
    with Session(engine) as session, session.begin():
        first = session.scalars(select(Delivery).where(Delivery.state == "due")).first()
        assert first is not None
        notices = len(session.scalars(select(Notice).where(Notice.composed_into == first.id)).all())
        owed = operate.cancel(session, first.id, Act("op", "wrong words", at(25, 9, 5)), for_good=for_good)
        assert owed == (0 if for_good else notices) and notices
        person = first.person
    office.compose(at(25, 9, 10))
    with Session(engine) as session:
        due = session.scalars(select(Delivery).where(Delivery.state == "due", Delivery.person == person)).all()
    assert len(due) == (0 if for_good else 1)
    engine.dispose()


SETTINGS = """
[feed]
kind = "ssda903"
url = "return"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[database]
url = "sqlite:///alertd.db"
[rules.settings]
"cp.visit.interval" = "10 working days"
[email]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "alertd@council.example"
[channels.file]
folder = "drop"
"""


@dataclass
class Town:
    """A folder with settings and two messages that wait."""

    folder: Path
    here: Here

    def run(self, *args: str) -> Done:
        return self.here(*args, "--config", self.folder / "alertd.toml")


@pytest.fixture
def office(here: Here, tmp_path: Path) -> Town:
    (tmp_path / "people.csv").write_text(
        "id,name,email,role,team,deputy,away_from,away_to,leaves\nW1,Ade,ade@council.example,worker,,,,,\n"
    )
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\n")
    (tmp_path / "alertd.toml").write_text(SETTINGS.format(port=1))
    (tmp_path / "drop").mkdir()
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    put(engine, "d1-waits", now=datetime.now(UTC))
    put(engine, "d2-urgent", now=datetime.now(UTC), urgent=True)
    engine.dispose()
    return Town(tmp_path, here)


def test_the_list_and_the_life_of_a_message_are_shown_without_what_it_says(office: Town) -> None:
    rows = json.loads(office.run("outbox", "list", "--format", "json").out)
    assert {row["id"]: row["state"] for row in rows} == {"d1-waits": "due", "d2-urgent": "due"}
    shown = office.run("outbox", "show", "d2-u").out
    assert "Message d2-urgent to d2-urgent by email, urgent" in shown and "Text." not in shown
    assert "Text." in office.run("outbox", "show", "d2-u", "--content").out
    only = office.run("outbox", "list", "--state", "parked").out
    assert "d1-waits" not in only
    assert "there is no state 'park'" in office.run("outbox", "list", "--state", "park").err


def test_a_message_is_parked_cancelled_and_refused_to_be_by_its_state(office: Town) -> None:
    done = office.run("outbox", "park", "d1-w", "--reason", "ask first", "--as", "M1")
    assert (done.code, done.out.partition(";")[0]) == (0, "message d1-waits is parked")
    done = office.run("outbox", "cancel", "d1-w", "--reason", "not needed", "--as", "M1")
    assert done.code == 0 and "0 notices are owed again" in done.out
    done = office.run("outbox", "retry", "d1-w", "--reason", "again")
    assert done.one_line.startswith("message d1-waits is cancelled: only one that is parked or refused can be so")
    assert "M1: not needed" in office.run("outbox", "show", "d1-w").out


def test_only_what_was_made_since_a_time_in_london_is_listed(office: Town) -> None:
    engine = opened(f"sqlite:///{office.folder / 'alertd.db'}")
    put(engine, "d3-summer", now=datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    put(engine, "d4-before", now=datetime(2026, 7, 1, 7, 59, tzinfo=UTC))
    engine.dispose()

    def since(when: str) -> set[str]:
        rows = json.loads(office.run("outbox", "list", "--since", when, "--format", "json").out)
        return {row["id"] for row in rows} - {"d1-waits", "d2-urgent"}

    assert since("2026-07-01T09:00") == {"d3-summer"}
    assert since("2026-07-01") == {"d3-summer", "d4-before"} and since("2026-07-02") == set()


def test_all_that_is_parked_is_tried_again_after_a_question_but_for_what_may_have_arrived(
    office: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(f"sqlite:///{office.folder / 'alertd.db'}")
    for id_ in ("d1-waits", "d2-urgent"):
        with Session(engine) as session, session.begin():
            operate.park(session, id_, ACT)
    put(engine, "d3-lost")
    ended(engine, "d3-lost", "unknown", times=3)
    every = ("outbox", "retry", "--all-parked", "--reason", "it is back", "--as", "M1")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "nobody answered, so nothing is tried again" in office.run(*every).err
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    asked = office.run(*every)
    assert "Try 2 parked messages again?" in asked.out and asked.out.endswith("Nothing is tried again.\n")
    assert set(states(engine).values()) == {"parked"}
    done = office.run(*every, "--yes")
    assert done.code == 0 and done.out.splitlines() == [
        "1 parked messages may have arrived, and stay; --may-be-a-copy sends them too",
        "2 messages are due; the daemon tries them within a minute",
    ]
    assert states(engine) == {"d1-waits": "due", "d2-urgent": "due", "d3-lost": "parked"}
    assert moves(engine, "d1-waits")[-1] == ("due", "M1: it is back")
    done = office.run(*every, "--yes", "--may-be-a-copy")
    assert done.out == "1 messages are due; the daemon tries them within a minute\n"
    assert office.run(*every, "--yes").out == "No message is parked.\n"
    assert "either one message or --all-parked" in office.run(*every, "d1-w").one_line
    engine.dispose()


def test_a_test_message_goes_to_whom_the_files_know_and_says_what_became_of_it(office: Town) -> None:
    with SmtpServer() as server:
        (office.folder / "alertd.toml").write_text(SETTINGS.format(port=server.port))
        done = office.run("notify", "test", "email", "Ade@council.example")
        assert done.code == 0 and done.out.splitlines() == [
            "looked up 127.0.0.1: 127.0.0.1",
            f"connected to 127.0.0.1 port {server.port}",
            "127.0.0.1 answers",
            "the sender is accepted",
            "the recipient is accepted",
            "the message may come",
            "the message was taken: 250 stored",
            "delivered: the mail server took responsibility for it",
        ]
        stranger = office.run("notify", "test", "email", "x@council.example")
        assert "nobody in the staff or agency files has this address on email" in stranger.one_line
    assert [taken.recipients for taken in server.taken] == [("Ade@council.example",)]
    assert b"It tells of no child" in server.taken[0].content
    done = office.run("notify", "test", "email", "ade@council.example")
    *steps, said = done.out.splitlines()
    assert done.code == 1 and said.startswith("later: not sent: while connecting")
    assert steps == ["looked up 127.0.0.1: 127.0.0.1"], "the steps before the one that failed"
    done = office.run("notify", "test", "file", "x@y.example", "--anybody")
    assert done.code == 0 and len(list((office.folder / "drop").iterdir())) == 1
    done = office.run("notify", "test", "fil", "x")
    assert "there is no channel 'fil' in the settings" in done.one_line
