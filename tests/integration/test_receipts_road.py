"""What comes back, on the whole road: a bounce, an answer of somebody who is away, a forgery, a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import LONDON
from alertd.db.tables import Alert, Delivery, DeliveryEvent, DeliveryReceipt, Handling, Notice
from alertd.engine import sweep as sweeping
from alertd.following import follow_once
from alertd.partners.reference import new_reference
from alertd.people.directory import Directory
from alertd.people.staff import Staff
from alertd.settings.delivery import Mailbox
from tests.support.council import PEOPLE, TEAMS, Council, Inline, council_at
from tests.support.reports import SHAPES, out_of_office, postfix

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 26)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    found = made_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", monkeypatch)
    yield found
    found.house.engine.dispose()


@pytest.fixture
def council_anywhere(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    found = made_at(tmp_path, database_url, monkeypatch)
    yield found
    found.house.engine.dispose()


def made_at(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Council:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, url)
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    settings = found.house.settings.model_copy(update={"mailbox": Mailbox(maildir=tmp_path / "Maildir")})
    people = {p.id: replace(p, deputy="W2") if p.id == "W1" else p for p in PEOPLE}
    directory = Directory(people, TEAMS, "duty@council.example")
    found.house = replace(found.house, settings=settings, staff=Staff((), lambda: directory))
    found.looked_after("C1")
    return found


def at(council: Council, hour: int, minute: int = 0) -> None:
    council.now = datetime.combine(TODAY, time(hour, minute), LONDON)


def told(council: Council, person: str = "W1") -> Delivery:
    """The latest message to somebody."""
    with Session(council.house.engine) as session:
        rows = session.scalars(
            select(Delivery).where(Delivery.person == person).order_by(Delivery.created_at.desc(), Delivery.id)
        )
        return next(iter(rows))


def arrives(council: Council, *messages: bytes) -> bool:
    """The messages lie in the mailbox, and the daemon looks at what was sent. Whether there is more to send."""
    folder = council.house.settings.mailbox
    assert folder is not None and folder.maildir is not None
    for n, raw in enumerate(messages):
        (folder.maildir / "new" / f"{council.now.timestamp():.0f}.{n}").write_bytes(raw)
    more = asyncio.run(follow_once(council.house))
    assert not list((folder.maildir / "new").iterdir()), "each message is marked as read"
    return more


def receipts(council: Council) -> list[tuple[str, str]]:
    with Session(council.house.engine) as session:
        rows = session.execute(
            select(Delivery.person, DeliveryReceipt.kind)
            .join(Delivery, Delivery.id == DeliveryReceipt.delivery_id)
            .order_by(DeliveryReceipt.id)
        )
        return [(person, kind) for person, kind in rows]


def sent(council: Council, hour: int, minute: int = 0) -> dict[str, list[str]]:
    """Who is sent something now, and its subjects."""
    before = len(council.mail.sent)
    council.send(time(hour, minute))
    found: dict[str, list[str]] = {}
    for to, subject, _ in council.mail.sent[before:]:
        found.setdefault(to, []).append(subject)
    return found


@pytest.fixture
def sent_this_morning(council: Council) -> Council:
    return sent_from(council)


def sent_from(council: Council) -> Council:
    council.evaluate(TODAY)
    council.send()
    assert told(council).state == "delivered"
    return council


@pytest.mark.fault("F29")
@pytest.mark.parametrize("shape", ["Exchange", "RFC 6533"])
def test_what_came_back_is_refused_whatever_server_says_so(sent_this_morning: Council, shape: str) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 10)
    assert arrives(council, SHAPES[shape](mail.id, mail.address, "failed", "5.1.1"))
    assert told(council).state == "refused"


@pytest.mark.fault("F29")
def test_what_came_back_is_refused_and_told_once(council_anywhere: Council) -> None:
    council = sent_from(council_anywhere)
    mail = told(council)
    at(council, 10)
    assert arrives(council, postfix(mail.id, mail.address))
    mail = told(council)
    assert (mail.state, mail.reason) == ("refused", "it came back: there is no such mailbox (5.1.1)")
    assert receipts(council) == [("W1", "failed")]
    with Session(council.house.engine) as session:
        events = session.scalars(
            select(DeliveryEvent).where(DeliveryEvent.delivery_id == mail.id).order_by(DeliveryEvent.id)
        )
        assert [(e.from_state, e.to_state) for e in events][-1] == ("delivered", "refused")
    assert sent(council, 10, 5) == {"gus": ["alertd could not deliver some messages"]}
    assert "no such mailbox (5.1.1)" in council.mail.sent[-1][2] and "ade@" not in council.mail.sent[-1][2]
    assert sent(council, 10, 6) == {}, "each failure is told once"


def test_a_bounce_that_is_read_twice_counts_once(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    report = postfix(mail.id, mail.address)
    at(council, 10)
    assert arrives(council, report)
    at(council, 10, 1)
    assert not arrives(council, report)
    assert receipts(council) == [("W1", "failed")]


def test_a_delay_is_only_noted(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 10)
    for minute in (0, 1):
        at(council, 10, minute)
        arrives(council, postfix(mail.id, mail.address, "delayed", "4.4.1"))
    with Session(council.house.engine) as session:
        events = [
            (e.from_state, e.to_state, e.reason)
            for e in session.scalars(select(DeliveryEvent).where(DeliveryEvent.delivery_id == mail.id))
        ]
    assert [e for e in events if "still tries" in e[2]] == [
        ("delivered", "delivered", "their mail server still tries: their mail server could not be reached (4.4.1)")
    ]
    assert receipts(council) == [] and told(council).state == "delivered"


def test_a_report_of_success_is_kept(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 10)
    arrives(council, postfix(mail.id, mail.address, "delivered", "2.1.5"))
    assert receipts(council) == [("W1", "arrived")] and told(council).state == "delivered"


@pytest.mark.fault("F29")
def test_forged_reports_change_nothing_and_alarm_nobody(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    unknown = "0f8fad5b-d9cb-469f-a165-70867728950e"
    path = f"Delivered-To: alertd+{unknown.replace('-', '')}@council.example\r\n".encode()
    at(council, 10)
    assert not arrives(
        council,
        postfix(unknown, mail.address),
        postfix(mail.id, "somebody@elsewhere.example", "delayed", "4.4.1"),
        postfix("none", mail.address),
        path + postfix(mail.id, mail.address),
        postfix(mail.id, mail.address).replace(b"Action: failed", b"Action: burnt"),
        out_of_office(mail.id, "somebody@elsewhere.example"),
        out_of_office(unknown, mail.address),
    )
    assert receipts(council) == [] and told(council).state == "delivered"
    assert sent(council, 10, 5) == {}


@pytest.mark.fault("F29")
def test_a_report_about_another_address_changes_nothing_and_is_told_once(sent_this_morning: Council) -> None:
    """Their mailbox may pass its mail on to one that is not there any more."""
    council, mail = sent_this_morning, told(sent_this_morning)
    for minute in (0, 10):
        at(council, 10, minute)
        report = postfix(mail.id, "somebody@elsewhere.example").replace(b"4F2A2", f"4F2A{minute}".encode())
        arrives(council, report)
        found = sent(council, 10, minute)
        assert found == ({"gus": ["A message was passed on and came back"]} if minute == 0 else {})
    assert "somebody" not in council.mail.sent[-1][2] and "W1" in council.mail.sent[-1][2]
    assert receipts(council) == [] and told(council).state == "delivered"


@pytest.mark.fault("F32")
def test_our_own_mail_and_machines_are_not_answered_however_often_they_write(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    for minute in range(5):
        at(council, 10, minute)
        own = mail.message
        loop = f"From: robot@elsewhere.example\r\nAuto-Submitted: auto-replied\r\n\r\nHello {minute}.\r\n".encode()
        quoted = own.replace(b"Subject: ", b"Subject: " + new_reference(lambda _: 7).encode() + b" ")
        assert not arrives(council, own, loop, own.replace(b"Message-ID", b"X-Id"), quoted)
        assert sent(council, 10, minute) == {}
    assert receipts(council) == []


# Somebody who is away.


def owed(council: Council) -> set[str | None]:
    with Session(council.house.engine) as session:
        return set(session.scalars(select(Notice.composed_into).where(Notice.role == "worker")))


def test_what_somebody_away_was_told_goes_to_their_deputy_and_their_manager_hears_once(
    council_anywhere: Council,
) -> None:
    council = sent_from(council_anywhere)
    mail = told(council)
    at(council, 9, 30)
    assert arrives(council, out_of_office(mail.id, mail.address))
    assert receipts(council) == [("W1", "away")]
    assert owed(council) == {None}
    found = sent(council, 9, 31)
    assert sorted(found) == ["bo", "cy"]
    assert found["cy"] == ["Away, and not on the staff list · Ade"]
    body = next(body for to, _, body in council.mail.sent if to == "bo")
    assert "deputy of W1, who is away, as their mailbox answered on 26 Nov" in " ".join(body.split())
    at(council, 11)
    assert not arrives(council, out_of_office(mail.id, mail.address)), "the same answer, read again"
    assert arrives(council, out_of_office(mail.id, mail.address, Subject="Automatic reply: again"))
    again = sent(council, 11, 1)
    assert "cy" not in again, "the manager has heard"


def test_after_a_week_or_once_they_act_they_are_told_again(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 9, 30)
    arrives(council, out_of_office(mail.id, mail.address))

    def worker() -> str:
        held = council.house.composer_now().directory
        absence = held.people["W1"].absence(council.now.astimezone(LONDON).date())
        return absence or "here"

    assert worker() == "is away, as their mailbox answered on 26 Nov"
    council.now += timedelta(days=6)
    assert worker() != "here"
    council.now += timedelta(days=1)
    assert worker() == "here"
    at(council, 12)
    with Session(council.house.engine) as session, session.begin():
        alert = session.scalars(select(Alert.id)).first()
        session.add(Handling(alert_id=alert, kind="claim", by="W1", at=council.now, reason="Done."))
    at(council, 12, 1)
    assert worker() == "here", "whoever acts in alertd is here"


def test_who_acted_after_their_mailbox_answered_keeps_what_they_were_told(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 9, 20)
    with Session(council.house.engine) as session, session.begin():
        alert = session.scalars(select(Alert.id)).first()
        session.add(Handling(alert_id=alert, kind="claim", by="W1", at=council.now, reason="Done."))
    at(council, 9, 30)
    arrives(council, out_of_office(mail.id, mail.address))  # written at 9:10
    assert owed(council) == {mail.id}
    assert sent(council, 9, 31) == {}


def test_the_staff_list_and_the_mailbox_agree_and_nobody_is_told_of_it(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    directory = council.house.staff.directory
    away = {**directory.people, "W1": replace(directory.people["W1"], away_from=TODAY)}
    council.house.staff.directory = replace(directory, people=away)
    at(council, 9, 30)
    arrives(council, out_of_office(mail.id, mail.address))
    assert list(sent(council, 9, 31)) == ["bo"]


def test_an_answer_of_long_ago_says_nothing_of_today(sent_this_morning: Council) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    council.now += timedelta(days=8)
    assert not arrives(council, out_of_office(mail.id, mail.address))
    assert receipts(council) == [] and owed(council) == {mail.id}


def test_a_shared_mailbox_that_thanks_for_the_mail_is_not_away(council: Council) -> None:
    people = {p.id: p for p in PEOPLE if p.id != "W1"}
    directory = Directory(people, TEAMS, "duty@council.example")
    council.house = replace(council.house, staff=Staff((), lambda: directory))
    council.evaluate(TODAY)
    council.send()
    mail = told(council, "team:T1")
    at(council, 9, 30)
    thanks = {"Subject": "Thank you for writing to North", "Auto-Submitted": "auto-replied"}
    assert not arrives(council, out_of_office(mail.id, mail.address, **thanks))
    assert receipts(council) == [] and owed(council) == {mail.id}


def test_an_answer_from_a_colleagues_mailbox_says_nothing_of_the_person(sent_this_morning: Council) -> None:
    """The mail was passed on, and the mailbox of whom it was passed on to answered."""
    council, mail = sent_this_morning, told(sent_this_morning)
    at(council, 9, 30)
    assert not arrives(council, out_of_office(mail.id, "bo@council.example"))
    assert receipts(council) == []


# The mailbox itself.


def test_a_mailbox_that_cannot_be_read_is_told_after_a_while_and_once_a_day(sent_this_morning: Council) -> None:
    council = sent_this_morning
    mailbox = Mailbox(maildir=Path("/nowhere/Maildir"))
    council.house = replace(council.house, settings=council.house.settings.model_copy(update={"mailbox": mailbox}))
    heard = {}
    for minute in (0, 10, 20, 40):
        at(council, 10, minute)
        asyncio.run(follow_once(council.house))
        heard[minute] = sent(council, 10, minute)
    assert heard == {0: {}, 10: {}, 20: {"gus": ["alertd cannot read its mailbox"]}, 40: {}}


def test_a_message_that_alertd_falls_over_keeps_no_other_from_being_read(
    sent_this_morning: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    council, mail = sent_this_morning, told(sent_this_morning)
    from alertd import following

    take = following.take

    def fails(session, composer, incoming, now):  # type: ignore[no-untyped-def]
        if incoming.sender == "bad@elsewhere.example":
            session.add(Handling(alert_id=1, kind="claim", by="W1", at=now, reason="half done"))
            session.flush()
            raise RuntimeError("a fault")
        return take(session, composer, incoming, now)

    monkeypatch.setattr(following, "take", fails)
    at(council, 10)
    assert arrives(council, b"From: bad@elsewhere.example\r\n\r\nx\r\n", postfix(mail.id, mail.address))
    assert told(council).state == "refused"
    with Session(council.house.engine) as session:
        assert session.scalars(select(Handling)).all() == [], "nothing of it was kept"
    assert "alertd could not take a message" in sent(council, 10, 1)["gus"]
