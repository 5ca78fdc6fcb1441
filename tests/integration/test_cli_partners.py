"""``alertd partners``: the policy shown, a notification looked at, let go, refused, told another way, answered."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import sending
from alertd.bootstrap import build
from alertd.cases.records import LONDON
from alertd.cli.demo import adopt_all
from alertd.db.engine import open_engine
from alertd.db.partner_tables import Notification
from alertd.db.tables import Delivery
from alertd.engine import sweep as sweeping
from alertd.evaluation import evaluate_once
from alertd.rulebook.builtin import builtin_pack
from alertd.settings import load
from tests.support.cli import Here
from tests.support.council import Inline
from tests.support.fed import written

SETTINGS = """
[database]
url = "sqlite:///{folder}/alertd.db"
[feed]
kind = "csv"
url = "lists"
[rules]
packs = ["{folder}/pack"]
adopted = "adopted.yaml"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
agencies = "agencies.yaml"
agency_domains = ["reviewers.example"]
[partners]
policy = "partners.yaml"
contact = "Duty desk"
[email]
host = "127.0.0.1"
port = 2525
tls = "none"
sender = "alertd@council.example"
"""
FILES = {
    "people.csv": (
        "id,name,email,role,team,deputy,away_from,away_to,leaves\n"
        "W1,Ade,ade@council.example,worker,T1,,,,\nW2,Bo,bo@council.example,worker,T1,,,,\n"
        "M1,Cy,cy@council.example,team_manager,T1,,,,\nD1,Gus,gus@council.example,data_owner,T1,,,,\n"
    ),
    "teams.csv": "id,name,parent,inbox\nT1,North,,north@council.example\n",
    "agencies.yaml": """
agencies:
  - id: reviewers
    kind: iro_service
    name: Reviewing service
    covers: everywhere
    secure: TLS was seen
    agreement: {reference: DSA-1, until: 2099-12-31, fields: [reference, trigger_date, worker_contact]}
    contacts:
      - {id: desk, name: Desk, address: desk@reviewers.example}
""",
    "partners.yaml": "notifications:\n  notify.n5: {send: approve, approved_by: worker, since: 2026-11-01}\n",
    "lists/child.csv": "child,born\nC1,2015-03-02\n",
    "lists/care_period.csv": "child,key,start,end\nC1,L1,2026-11-02,\n",
    "lists/allocation.csv": "child,key,start,end,worker,team,role\nC1,A1,2026-01-05,,W1,T1,CW\n",
}
PACK = builtin_pack("england")
NOW = datetime(2026, 11, 3, 9, tzinfo=LONDON)


class Desk:
    """The settings of a council with one notification to send, and the daemon's passes over it."""

    def __init__(self, folder: Path, here: Here) -> None:
        self.config, self._here = folder / "alertd.toml", here
        (folder / "lists").mkdir()
        (folder / "pack").mkdir()
        for name in ("notifications_care.yaml", "notifications.yaml"):  # all of them take long to read
            shutil.copy(PACK / name, folder / "pack" / name)
        for name, text in FILES.items():
            (folder / name).write_text(text)
        written(folder / "lists", date(2026, 11, 3))
        self.config.write_text(SETTINGS.format(folder=folder))
        adopt_all(self.config, date(2026, 11, 1))
        self.url = f"sqlite:///{folder}/alertd.db"

    def look(self) -> None:
        house = build(load(self.config), clock=lambda: NOW)
        evaluate_once(house)
        sending.compose_once(house)
        house.engine.dispose()

    def run(self, *words: str | Path) -> Any:
        return self._here("partners", *words, "--config", self.config)

    def row(self) -> Notification:
        engine = open_engine(self.url)
        with Session(engine) as session:
            found = session.scalars(select(Notification)).one()
        engine.dispose()
        return found

    def delivered(self) -> None:
        """Its message was taken by their server."""
        engine = open_engine(self.url)
        with Session(engine) as session, session.begin():
            for delivery in session.scalars(select(Delivery).where(Delivery.person == "agency:reviewers")):
                delivery.state = "delivered"
        engine.dispose()


@pytest.fixture
def desk(tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    made = Desk(tmp_path, here)
    made.look()
    return made


@pytest.fixture
def settled(tmp_path: Path, here: Here) -> Desk:
    """The files alone, with nothing evaluated yet."""
    return Desk(tmp_path, here)


def test_a_notification_is_looked_at_let_go_and_answered_by_mail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (listed,) = json.loads(desk.run("list", "--format", "json").out)
    ref = listed["reference"]
    assert (listed["state"], listed["child"], listed["agency"]) == ("awaiting_approval", "C1", "reviewers")
    shown = desk.run("show", ref.lower().replace("-", " ")).out
    assert "To Reviewing service, desk@reviewers.example" in shown
    assert "Monday 2 November 2026" in shown and "Ade, ade@council.example" in shown
    assert "Legal status" not in shown  # the agreement strikes it out
    refused = desk.run("approve", ref, "--as", "W2")
    assert refused.code == 2 and "worker for this child is W1" in refused.err
    assert desk.run("approve", ref, "--as", "M1").code == 0  # the manager may, for the worker
    assert "only what is awaiting approval can be approved" in desk.run("approve", ref, "--as", "W1").err
    desk.look()
    desk.delivered()
    desk.look()
    assert desk.row().state == "sent"

    answer = EmailMessage()
    answer["From"], answer["Subject"] = "desk@reviewers.example", f"Re: {ref}"
    answer.set_content("We have it.")
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / folder).mkdir(parents=True)
    (tmp_path / "Maildir" / "new" / "1.a.b").write_bytes(answer.as_bytes())
    taken = desk.run("reply", "--maildir", tmp_path / "Maildir")
    assert (taken.code, taken.out) == (0, f"1.a.b: acknowledged: {ref}\n")
    assert [file.name for file in (tmp_path / "Maildir" / "cur").iterdir()] == ["1.a.b:2,S"]
    assert desk.row().state == "acknowledged"
    assert "answered from an address of theirs" in desk.run("show", ref).out
    assert desk.run("list", "--state", "held", "--format", "json").out == "[]\n"


def test_one_is_held_told_another_way_or_refused_only_with_a_reason_and_by_those_who_may(desk: Desk) -> None:
    ref = desk.row().reference
    assert "a reason is needed" in desk.run("refuse", ref, "--as", "W1", "--reason", " ").one_line
    assert "W9 is not in the staff directory" in desk.run("told", ref, "--as", "W9", "--reason", "rang").one_line
    assert "misspelt" in desk.run("told", "XXXX-XXXY", "--as", "W1", "--reason", "rang").one_line
    assert desk.run("hold", ref, "--as", "W1", "--reason", "wrong placement").code == 0
    desk.look()
    assert (desk.row().state, desk.row().delivery_id) == ("held", None)  # no pass lets it go by itself
    assert desk.run("told", ref, "--as", "W1", "--reason", "rang them").code == 0
    assert desk.row().state == "acknowledged" and desk.row().why == "told another way by W1"
    assert "told another way by W1: rang them" in desk.run("show", ref).out
    assert "can be refused" in desk.run("refuse", ref, "--as", "W1", "--reason", "x").one_line


def test_the_policy_is_shown_against_the_rulebook_and_the_agreements(settled: Desk) -> None:
    rows = json.loads(settled.run("policy", "--format", "json").out)
    row = next(row for row in rows if row["rule"] == "notify.n5")
    assert (row["send"], row["approved_by"], row["agency"]) == ("approve", "worker", "reviewers")
    assert row["said"] == ["reference", "trigger_date", "worker_contact"] and row["struck"] == ["legal_status"]
    assert "notify.n5" in settled.run("policy").out
    policy = settled.config.with_name("partners.yaml")
    policy.write_text("notifications:\n  notify.n14: {send: automatic, since: 2026-11-01}\n")
    said = settled.run("policy").one_line
    assert "partners.yaml:2: notifications.notify.n14.send: notify.n14 is never sent automatically" in said


def test_pages_without_an_address_say_what_to_give(settled: Desk, here: Here) -> None:
    assert "there is no section [web]" in here("web", "--config", settled.config).one_line
