"""A subscription by another channel than e-mail: the whole road to it, what it says there, and who cannot have one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import sending
from alertd.db.tables import Delivery
from alertd.engine import sweep
from alertd.outbox.channel import Message, Outcome
from alertd.outbox.had import last_digests
from alertd.outbox.mail_message import PlainMail
from alertd.people.directory import Directory
from alertd.people.load import Staff
from alertd.people.person import Route
from alertd.subscriptions import store
from alertd.subscriptions.model import SEVERITIES, Wanted
from alertd_notifiers.apprise.channel import AppriseNotifier
from alertd_notifiers.apprise.config import AppriseConfig
from tests.support.cli import Here
from tests.support.council import PEOPLE, TEAMS, Council, Inline, council_at
from tests.support.databases import opened

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what Apprise imports
FIRST, LATE = date(2026, 11, 26), date(2026, 11, 30)
"""A Thursday, and the Monday after the review was due."""


class Service(AppriseNotifier):
    """What the channel writes, and no service: others' room for messages of the council."""

    def __init__(self, folder: Path) -> None:
        (folder / "room").write_text("json://service.example/room\n")
        (folder / "room").chmod(0o600)
        super().__init__(AppriseConfig.model_validate({"targets": {"room": {"file": str(folder / "room")}}}))
        self.taken: list[tuple[str, dict[str, str]]] = []

    async def send(self, message: Message) -> Outcome:
        self.taken.append((message.recipient, json.loads(message.content)))
        return Outcome("delivered", "taken")


def reached_by(council: Council, route: Route | None) -> None:
    """The head of service's other channel is this from now on."""
    people = {p.id: replace(p, fallback=route) if p.id == "H1" else p for p in PEOPLE}
    directory = Directory(people, TEAMS, "duty@council.example")
    council.house = replace(council.house, staff=Staff((), lambda: directory))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Council]:
    """A child whose review falls due, and a head of service who asked to hear of it elsewhere."""
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Inline)
    council = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    composer = replace(council.house.composer, channels={"email": PlainMail(), "teams": service})
    channels = {"email": council.mail, "teams": service}
    council.house = replace(council.house, notifiers=channels, composer=composer)  # type: ignore[arg-type]
    reached_by(council, Route("teams", "room"))
    council.looked_after("C1")
    yield council
    council.house.engine.dispose()


def subscribe(council: Council, *, every: str = "daily", channel: str = "teams", person: str = "H1") -> None:
    asked = Wanted(
        0, person, ("cla.*",), (), ("due", "overdue"), SEVERITIES, every, channel, datetime(2026, 11, 1, tzinfo=UTC)
    )
    with Session(council.house.engine) as session, session.begin():
        store.add(session, asked)


@pytest.mark.parametrize("every", ["daily", "at_once"])
def test_they_hear_there_and_not_by_mail_each_change_once_and_nothing_of_the_child(
    council: Council, service: Service, every: str
) -> None:
    subscribe(council, every=every)
    days = council.days(FIRST, date(2026, 12, 1))
    assert "ed" not in {to for sent in days.values() for to in sent}, "the mail is another's"
    said = {"title": "alertd: a message waits", "body": "Alerts it tells of: 1. alertd says which."}
    assert service.taken == [("room", said)] * 2, "when it is due, and when it is late"
    with Session(council.house.engine) as session:
        found = session.scalars(select(Delivery).where(Delivery.channel == "teams")).all()
        assert "H1" not in last_digests(session, FIRST, date(2026, 12, 1)), "what is theirs by mail is still to come"
    assert {(one.person, one.state, one.destination) for one in found} == {("H1", "delivered", "room")}


def test_what_they_hear_elsewhere_takes_no_digest_from_them(council: Council, service: Service) -> None:
    """Who subscribes by both hears by both, each on the same day."""
    subscribe(council)
    subscribe(council, channel="email")
    days = council.days(FIRST, date(2026, 12, 1))
    mails = sum(to == "ed" for sent in days.values() for to in sent)
    assert (mails, len(service.taken)) == (2, 2)


def test_who_has_no_address_there_any_more_is_held_and_the_data_owner_hears_of_it(
    council: Council, service: Service
) -> None:
    subscribe(council)
    reached_by(council, None)
    days = council.days(FIRST, LATE)
    assert service.taken == [] and "ed" not in {to for sent in days.values() for to in sent}
    held = [body for to, _, body in council.mail.sent if to == "gus" and "could not be made" in body]
    assert held and "H1: they subscribe by teams, and have no address there" in held[0]
    reached_by(council, Route("teams", "room"))
    council.day(date(2026, 12, 1))
    assert len(service.taken) == 1, "what they missed is told, once"


def test_one_whose_address_there_changed_before_it_left_is_made_anew(council: Council, service: Service) -> None:
    subscribe(council)
    council.evaluate(FIRST)
    council.evaluate(LATE)
    council.now = council.now.replace(hour=8, minute=5)
    sending.compose_once(council.house)
    reached_by(council, None)
    council.send(time(8, 6))
    with Session(council.house.engine) as session:
        [one] = session.scalars(select(Delivery).where(Delivery.channel == "teams")).all()
    assert (one.state, service.taken) == ("cancelled", []) and "another address" in one.reason


SETTINGS = """
[feed]
kind = "ssda903"
url = "return"
[rules]
packs = ["england"]
[rules.settings]
"cp.visit.interval" = "10 working days"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
sender = "alertd@council.example"
[channels.teams]
kind = "apprise"
[channels.teams.targets.room]
file = "room"
[channels.mesh]
kind = "file"
folder = "drop"
"""
STAFF = """\
id,name,email,role,team,deputy,away_from,away_to,leaves,fallback
M1,Cy,cy@council.example,team_manager,T1,,,,,teams:room
M2,Di,di@council.example,team_manager,T1,,,,,teams:rom
M3,Ed,ed@council.example,team_manager,T1,,,,,
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    (tmp_path / "alertd.toml").write_text(SETTINGS)
    (tmp_path / "people.csv").write_text(STAFF)
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nT1,North,,\n")
    (tmp_path / "room").write_text("json://service.example/room\n")
    (tmp_path / "room").chmod(0o600)
    (tmp_path / "drop").mkdir()
    opened(f"sqlite:///{tmp_path / 'alertd.db'}").dispose()
    return tmp_path / "alertd.toml"


def test_who_can_be_told_there_may_ask_for_it_and_is_listed(town: Path, here: Here) -> None:
    asked = ("--config", town, "--as", "M1", "--rules", "cla.*", "--channel", "teams", "--yes")
    done = here("subscriptions", "add", *asked)
    assert done.code == 0 and "Subscription 1 is kept" in done.out, done
    assert "in force" in here("subscriptions", "list", "--config", town).out
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace("teams:room", ""))
    listed = " ".join(here("subscriptions", "list", "--config", town).out.split())
    assert "tells nobody" in listed and "M1 has no" in listed


@pytest.mark.parametrize(
    ("person", "channel", "why"),
    [
        ("M3", "teams", "M3 has no address on teams. Name it as their fallback in the staff files: teams:ADDRESS"),
        ("M1", "mesh", "M1 has no address on mesh. Name it"),
        ("M2", "teams", "M2 cannot be told by teams: teams: there is no target of that name. Correct the fallback"),
        ("M1", "team", "there is no channel 'team'. Did you mean teams?"),
    ],
)
def test_who_cannot_be_told_there_is_refused_in_one_line(
    town: Path, here: Here, person: str, channel: str, why: str
) -> None:
    asked = ("--config", town, "--as", person, "--rules", "cla.*", "--channel", channel, "--yes")
    assert here("subscriptions", "add", *asked).one_line.startswith(why)
