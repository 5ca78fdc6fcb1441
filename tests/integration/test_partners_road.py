"""The whole road of a notification: a trigger in the feed, a yes, a delivery, the duty met, the receipt chased."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import gauges, sending
from alertd.cases.records import LONDON
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Delivery, Link
from alertd.engine import sweep as sweeping
from alertd.partners import store
from alertd.partners.policy import Policy, Sending
from alertd.partners.preview import preview
from alertd.people.agencies import Agencies, Agency, Agreement, Contact
from alertd.people.directory import Directory
from alertd.people.restrictions import Restriction
from alertd.people.staff import Staff
from alertd.routing.wording import Wording
from alertd.settings import Web
from tests.support.council import ALL_RULES, PEOPLE, TEAMS, Council, Inline, council_at
from tests.support.fed import fed_by, written

pytest_plugins = ["tests.support.databases"]

WANTED = ("notify.n5", "notify.n11", "notify.n12.a", "notify.receipt.routine", "notify.receipt.urgent")
RULES = ALL_RULES.model_copy(update={"rules": tuple(r for r in ALL_RULES.rules if r.id in WANTED)})
FIELDS = frozenset({"reference", "trigger_date", "legal_status", "worker_contact", "return_time"})
REVIEWERS = Agency(
    "reviewers",
    "iro_service",
    "Reviewing service",
    frozenset({"everywhere"}),
    Agreement("DSA-1", FIELDS),
    "TLS was seen",
    (Contact("desk", "Desk", "desk@reviewers.example"),),
)
POLICY = {"notify.n5": Sending(send="approve", approved_by="worker")}
LISTS = {
    "child.csv": "child,born\nC1,2015-03-02\n",
    "care_period.csv": "child,key,start,end\nC1,L1,2026-11-02,\n",
    "legal_status.csv": "child,key,start,end,status\nC1,S1,2026-11-02,,C2\n",
    "allocation.csv": "child,key,start,end,worker,team,role\nC1,A1,2026-01-05,,W1,T1,CW\n",
}


def nov(day: int) -> date:
    return date(2026, 11, day)


class Town:
    """A council that tells the reviewing service, and the lists it is fed by."""

    def __init__(self, folder: Path, url: str, policy: dict[str, Sending] = POLICY) -> None:
        self.lists = folder / "lists"
        self.lists.mkdir()
        self.council: Council = council_at(folder, url, RULES)
        fed_by(self.council, kind="csv", url=str(self.lists))
        settings = self.council.house.settings.model_copy(update={"web": Web(url="https://alertd.council.example")})
        self.council.house = replace(self.council.house, policy=Policy(policy), settings=settings)
        self.agencies(REVIEWERS)

    def agencies(self, *agencies: Agency, restricted: str = "") -> None:
        found = Agencies({a.id: a for a in agencies})
        people = {p.id: p for p in PEOPLE}
        kept = {restricted: Restriction(restricted, only=("W1",))} if restricted else {}
        directory = Directory(people, TEAMS, "duty@council.example", agencies=found, restrictions=kept)
        self.council.house = replace(self.council.house, staff=Staff((), lambda: directory))

    def day(self, on: date, **changed: str) -> list[str]:
        """What the lists say on the morning of a day, and all that follows from it; who was written to."""
        for name, text in {**LISTS, **{f"{k}.csv": v for k, v in changed.items()}}.items():
            (self.lists / name).write_text(text)
        written(self.lists, on)
        return self.council.day(on)

    def at(self, on: date, hour: int = 9) -> datetime:
        self.council.now = datetime.combine(on, time(hour), LONDON)
        return self.council.now

    def rows(self) -> list[Notification]:
        with Session(self.council.house.engine) as session:
            return list(session.scalars(select(Notification).order_by(Notification.id)))

    def only(self) -> Notification:
        (row,) = self.rows()
        return row

    def do(self, what: Any, *args: Any) -> None:
        with Session(self.council.house.engine) as session, session.begin():
            row = store.by_reference(session, self.only().reference)
            what(session, row, *args)

    def mails_to(self, mailbox: str) -> list[tuple[str, str]]:
        return [(subject, body) for to, subject, body in self.council.mail.sent if to == mailbox]

    def alert(self, rule: str) -> tuple[str, str | None] | None:
        return next(((state, why) for id_, _, state, why in self.council.alerts() if id_ == rule), None)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.council.house.engine.dispose()


@pytest.fixture
def town_anywhere(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, database_url)
    yield found
    found.council.house.engine.dispose()


def test_a_yes_a_delivery_and_a_receipt_close_everything(town_anywhere: Town) -> None:
    town = town_anywhere
    town.day(nov(3))
    row = town.only()
    assert (row.state, row.agency, row.kind, row.receipt) == (
        "awaiting_approval",
        "reviewers",
        "iro_service",
        "routine",
    )
    asked = [body for subject, body in town.mails_to("ade") if "other agencies" in subject]
    assert len(asked) == 1 and row.reference in asked[0]
    assert town.mails_to("desk") == []
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    ((subject, body),) = town.mails_to("desk")
    assert subject == f"Notification {row.reference}, to acknowledge by 6 November 2026"
    assert "C2: full care order" in body
    assert "Monday 2 November 2026" in body
    assert "https://alertd.council.example/acknowledge/" in body
    town.day(nov(4))
    assert town.only().state == "sent"
    town.day(nov(5))
    assert town.alert("notify.n5") == ("closed", "met")
    assert len(town.mails_to("desk")) == 1
    town.do(store.acknowledge, "agency:reviewers by link", town.at(nov(5)), "pressed the button")
    town.day(nov(6))
    assert town.only().state == "acknowledged"
    assert town.alert("notify.receipt.routine") in (None, ("closed", "met"))
    town.day(nov(20))
    assert len(town.mails_to("desk")) == 1


def test_a_notification_nobody_acknowledges_becomes_an_alert_and_no_second_mail(town: Town) -> None:
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    for day in (4, 5, 6, 9, 10):
        town.day(nov(day))
    assert town.alert("notify.n5") == ("closed", "met")
    assert town.alert("notify.receipt.routine") == ("open", None)
    told = {to for to, _, body in town.council.mail.sent if "Notification not acknowledged" in body}
    assert {"ade", "cy"} <= told
    assert len(town.mails_to("desk")) == 1
    town.do(store.acknowledge, "agency:reviewers by link", town.at(nov(11)), "pressed the button")
    town.day(nov(12))
    assert town.alert("notify.receipt.routine") == ("closed", "met_late")


def test_without_a_yes_nothing_leaves_and_the_duty_stands(town: Town) -> None:
    for day in (3, 4, 5, 6):
        town.day(nov(day))
    assert town.mails_to("desk") == []
    assert town.alert("notify.n5") == ("open", None)


def reasons(town: Town) -> list[str]:
    with Session(town.council.house.engine) as session:
        return list(session.scalars(select(NotificationEvent.why).order_by(NotificationEvent.id)))


def test_what_somebody_says_in_their_own_words_is_in_no_mail_and_no_log(town: Town) -> None:
    town.day(nov(3))
    with structlog.testing.capture_logs() as logged:
        town.do(store.hold, "W1", town.at(nov(3)), "Zebedee's grandmother works there")
        town.council.send(time(9, 5))
        town.day(nov(4))
        town.do(store.send_again, "W1", town.at(nov(4)), "Zebedee's grandmother left")
        town.council.mail.refuses = "desk"
        town.council.send(time(9, 5))
        town.council.send(time(9, 6))
    assert [why for why in reasons(town) if "Zebedee" in why] == [
        "held by W1: Zebedee's grandmother works there",
        "let go again by W1: Zebedee's grandmother left",
    ]
    said = [subject + body for _, subject, body in town.council.mail.sent]
    assert any("held by W1" in one for one in said)
    assert not any("Zebedee" in one for one in [*said, str(logged), town.only().why])


def test_a_refusal_keeps_its_reason_and_meets_no_duty(town: Town) -> None:
    town.day(nov(3))
    town.do(store.refuse, "W1", town.at(nov(3)), "they were told at the meeting")
    for day in (4, 5):
        town.day(nov(day))
    assert town.only().state == "withdrawn"
    assert reasons(town)[-1] == "refused by W1: they were told at the meeting"
    assert town.mails_to("desk") == []
    assert town.alert("notify.n5") == ("open", None)


def test_what_bounced_is_told_and_never_sent_again_by_itself(town: Town) -> None:
    town.council.mail.refuses = "desk"
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    town.council.send(time(9, 10))
    row = town.only()
    assert row.state == "held" and row.why.startswith("address: no such mailbox")
    told = {to for to, subject, body in town.council.mail.sent if "did not reach the agency" in body}
    assert told == {"ade", "cy", "gus"}
    town.council.mail.refuses = ""
    for day in (4, 5):
        town.day(nov(day))
    assert town.mails_to("desk") == []
    assert town.alert("notify.n5") == ("open", None)
    town.do(store.send_again, "W1", town.at(nov(5)), "the address is mended")
    town.council.send(time(9, 15))
    assert len(town.mails_to("desk")) == 1


def test_an_agreement_that_runs_out_before_it_leaves_holds_it(town: Town) -> None:
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.agencies(replace(REVIEWERS, agreement=Agreement("DSA-1", FIELDS, until=nov(2))))
    town.council.send(time(9, 5))
    row = town.only()
    assert row.state == "held"
    assert "ran out on 2026-11-02" in row.why and "information_governance" in row.why
    assert town.mails_to("desk") == []
    town.agencies(REVIEWERS)
    town.council.send(time(9, 10))
    assert len(town.mails_to("desk")) == 1  # the yes that was given still stands


def test_a_contact_who_changes_after_composing_gets_it_and_the_old_one_does_not(town: Town) -> None:
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    sending.compose_once(town.council.house)
    town.agencies(replace(REVIEWERS, contacts=(Contact("new", "New", "new@reviewers.example"),)))
    town.council.send(time(9, 5))
    town.council.send(time(9, 6))
    assert town.mails_to("desk") == []
    assert len(town.mails_to("new")) == 1


def test_a_duty_that_ends_before_the_yes_withdraws_it(town: Town) -> None:
    town.day(nov(3))
    notice = "child,key,happened,notice,about,urgent,acknowledged\nC1,N1,2026-11-03,notify.n5,L1,no,\n"
    town.day(nov(4), agency_notice=notice)
    assert town.alert("notify.n5") == ("closed", "met")
    assert town.only().state == "withdrawn"
    assert town.mails_to("desk") == []


def test_a_missing_date_holds_it_and_says_where(town: Town) -> None:
    town.council.house = replace(
        town.council.house, policy=Policy({"notify.n11": Sending(send="approve", approved_by="worker")})
    )
    police = replace(REVIEWERS, id="police", kind="police", agreement=Agreement("P", frozenset({"worker_contact"})))
    town.agencies(police)
    missing = "child,key,start,end,type\nC1,M1,2026-11-02T20:00:00+00:00,2026-11-03T05:30:00+00:00,missing\n"
    town.day(nov(3), missing=missing)
    rows = {row.kind: row for row in town.rows()}
    assert rows["carer"].state == "held" and "told by the worker" in rows["carer"].why
    assert rows["iro"].state == "held" and "the agencies' file has no" in rows["iro"].why
    assert rows["police"].state == "awaiting_approval"


def test_what_happened_before_alertd_told_agencies_is_no_duty_of_its_own(town: Town) -> None:
    since = Policy({"notify.n5": Sending(send="automatic", since=nov(3))})
    town.council.house = replace(town.council.house, policy=since)
    town.day(nov(3))
    assert (town.rows(), town.alert("notify.n5")) == ([], None)  # looked after since the day before
    second = "child,key,start,end\nC1,L1,2026-11-02,2026-11-03\nC1,L2,2026-11-04,\n"
    town.day(nov(4), care_period=second)
    assert len(town.mails_to("desk")) == 1


def test_notifications_that_alertd_does_not_send_are_as_unmeasurable_as_before(town: Town) -> None:
    times = "2026-11-02T20:00:00+00:00,2026-11-02T21:00:00+00:00"
    town.day(nov(3), missing=f"child,key,start,end,type\nC1,M1,{times},missing\n")
    states = {(rule, child) for rule, child, _, _ in town.council.alerts()}
    assert ("notify.n11", "*") in states and ("notify.n11", "C1") not in states


def test_every_move_has_its_reason_and_who_made_it(town: Town) -> None:
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    town.day(nov(4))
    with Session(town.council.house.engine) as session:
        moves = session.scalars(select(NotificationEvent).order_by(NotificationEvent.id)).all()
        seen = [(m.from_state, m.to_state, m.by) for m in moves]
        assert all(m.why for m in moves)
        to = session.scalars(select(Delivery.person).where(Delivery.person.startswith("agency:"))).all()
    assert seen == [
        (None, "awaiting_approval", "alertd"),
        ("awaiting_approval", "ready", "W1"),
        ("ready", "sent", "alertd"),
    ]
    assert list(to) == ["agency:reviewers"]


def test_a_child_whose_numbers_are_merged_is_told_of_once(town: Town) -> None:
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    town.council.house = replace(town.council.house, merged={"C1": "C9"})
    town.day(nov(4))
    town.day(nov(5))
    assert len(town.rows()) == 1
    assert len(town.mails_to("desk")) == 1
    assert not [alert for alert in town.council.alerts() if alert[:3] == ("notify.n5", "C9", "open")]


def test_a_text_that_seems_to_hold_something_personal_is_held(town: Town) -> None:
    town.council.house = replace(
        town.council.house,
        settings=town.council.house.settings.model_copy(
            update={"authority": town.council.house.settings.authority.model_copy(update={"name": "12 SW1A 1AA Road"})}
        ),
    )
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    assert town.mails_to("desk") == []
    assert town.only().state == "held" and "a postcode" in town.only().why
    with Session(town.council.house.engine) as session:
        shown = preview(session, town.council.house.partners(), town.only(), town.council.now)
        assert shown.startswith("It cannot be made: ") and "SW1A" not in shown
        assert session.scalars(select(Link)).all() == []  # tried again at every pass, and nothing left behind


def test_a_child_restricted_after_composing_waits_for_a_yes(town: Town) -> None:
    town.council.house = replace(town.council.house, policy=Policy({"notify.n5": Sending(send="automatic")}))
    for name, text in LISTS.items():
        (town.lists / name).write_text(text)
    written(town.lists, nov(3))
    town.council.evaluate(nov(3))
    sending.compose_once(town.council.house)
    assert town.only().state == "ready" and town.only().delivery_id
    town.agencies(REVIEWERS, restricted="C1")
    town.council.send(time(9, 5))
    assert town.mails_to("desk") == []
    assert town.only().state == "held" and "nobody has approved it" in town.only().why


def test_a_welsh_contact_is_written_to_in_welsh(town: Town) -> None:
    desk = Contact("desk", "Desk", "desk@reviewers.example", "cy")
    town.agencies(replace(REVIEWERS, contacts=(desk,)))
    town.day(nov(3))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    ((subject, body),) = town.mails_to("desk")
    assert subject.startswith("Hysbysiad ")
    assert RULES.rule("notify.n5").title not in body  # type: ignore[union-attr]
    assert "dydd Llun 2 Tachwedd 2026" in body
    with Session(town.council.house.engine) as session:
        sent = session.scalars(select(Delivery.message).where(Delivery.person == "agency:reviewers")).one()
    assert b"Content-Language: cy" in sent


def test_an_authoritys_own_template_for_one_rule_in_welsh_goes_to_the_welsh_contact_alone(
    town: Town, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "notification.notify.n5.iro_service.cy.md.j2").write_text(
        "Annwyl wasanaeth adolygu,\n\n{% for label, text in mail.facts %}\n- {{ label }}: {{ text }}\n{% endfor %}\n\n"
        "{% for link in mail.links %}\n[Mae gennym]({{ link.url }})\n{% endfor %}\n",
        encoding="utf-8",
    )
    house = town.council.house
    town.council.house = replace(house, composer=replace(house.composer, wording=Wording(own)))
    desk = Contact("desk", "Desk", "desk@reviewers.example")
    said = {}
    for number, language in enumerate(("cy", "en")):
        town.agencies(replace(REVIEWERS, contacts=(replace(desk, language=language),)))
        if not number:
            town.day(nov(3))
        with Session(town.council.house.engine) as session:
            said[language] = preview(session, town.council.house.partners(), town.only(), town.council.now)
    assert "Annwyl wasanaeth adolygu," in said["cy"] and "- Ein cyfeirnod: " in said["cy"]
    assert "Annwyl" not in said["en"] and "Our reference: " in said["en"]
    town.agencies(replace(REVIEWERS, contacts=(replace(desk, language="cy"),)))
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    ((_, body),) = town.mails_to("desk")
    assert "Annwyl wasanaeth adolygu," in body
    assert "Mae gennym: https://alertd.council.example/acknowledge/" in " ".join(body.split())


def test_the_data_owner_is_told_once_a_day_of_what_is_held_for_agencies(town: Town) -> None:
    town.agencies(replace(REVIEWERS, agreement=Agreement("DSA-1", FIELDS, until=nov(2))))

    def told() -> list[str]:
        subject = "alertd holds notifications to other agencies"
        return [body for said, body in town.mails_to("gus") if said == subject]

    town.day(nov(3))
    town.council.send(time(11))
    (first,) = told()
    row = town.only()
    standing = gauges.standing(town.council.house)
    assert standing["alertd_notifications_waiting"] == {("held",): 1, ("awaiting_approval",): 0}
    counted = town.council.house.metrics.registry.get_sample_value
    assert counted("alertd_messages_held") == 0, "it is counted once, among the notifications"
    assert f"notification {row.reference} to " in first and "ran out on 2026-11-02" in " ".join(first.split())
    assert not re.search(r"\bC1\b", first)
    town.day(nov(4))
    town.council.send(time(11))
    assert len(told()) == 2
    town.agencies(REVIEWERS)
    town.day(nov(5))
    assert town.only().state == "awaiting_approval" and "approves it" in told()[2]  # for more than a day, too
    town.do(store.approve, "W1", town.at(nov(5)))
    town.council.send(time(11))
    town.day(nov(6))
    assert town.only().state == "sent" and len(told()) == 3
