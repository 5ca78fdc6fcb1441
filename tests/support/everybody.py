"""A council with somebody of every role, and three children: who may see what is tried on them.

``KID-OWN`` is W1's, of team T1. ``KID-OTHER`` is W3's, of team T2. ``KID-HIDDEN`` is W2's, of team T1, and nobody else
may hear of the child. Somebody wrote a name into everything that takes free text about each: what a viewer is not to
see must never come out to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.alerts import handlings
from alertd.alerts.handling import Asked, Office
from alertd.bootstrap import House
from alertd.cases.records import LONDON
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, DeliveryAlert
from alertd.partners import store
from alertd.partners.policy import Policy as Sendings
from alertd.partners.policy import Sending
from alertd.people.agencies import Agencies, Agency, Agreement, Contact
from alertd.people.directory import ROLES, Directory, Person
from alertd.people.restrictions import Restriction
from alertd.people.staff import Staff
from alertd.settings.web import Web
from tests.support.council import ALL_RULES, PEOPLE, TEAMS, Council, council_at
from tests.support.fed import fed_by, written

URL = "http://127.0.0.1:8400"
OWN, OTHER, HIDDEN = "KID-OWN", "KID-OTHER", "KID-HIDDEN"
CHILDREN = {OWN: ("W1", "T1"), OTHER: ("W3", "T2"), HIDDEN: ("W2", "T1")}
CANARY = {OWN: "Zebedee Quill", OTHER: "Yorick Marrow", HIDDEN: "Xanthe Pellow"}
DESK = "agency:reviewers:desk"
TODAY = date(2026, 11, 27)
RULES = ALL_RULES.model_copy(
    update={"rules": tuple(r for r in ALL_RULES.rules if r.id in ("cla.review.first", "notify.n5"))}
)
_AGREED = Agreement("DSA-1", frozenset({"reference", "trigger_date", "legal_status", "worker_contact"}))
_DESK = Contact("desk", "Desk", "desk@reviewers.example")
_REVIEWERS = Agency(
    "reviewers", "iro_service", "Reviewing service", frozenset({"everywhere"}), _AGREED, "TLS was seen", (_DESK,)
)


def _people() -> dict[str, Person]:
    """Those of the small council, a second team, and one person of each role that nobody has yet."""
    found = {one.id: one for one in PEOPLE}
    for id_, name, role in (("W3", "Hal", "worker"), ("M2", "Ida", "team_manager")):
        found[id_] = Person(id_, name, f"{name.lower()}@council.example", role, "T2")
    for role in sorted(ROLES - {role for one in found.values() for role in one.roles}):
        found[role] = Person(role, f"The {role}", f"{role}@council.example", role, "SV")
    return found


@dataclass(frozen=True, slots=True)
class Everybody:
    """The council, what it holds of each child, and a way in for anybody."""

    council: Council
    alerts: dict[str, int]
    notified: dict[str, str]
    notices: dict[str, int]
    """The reference of the notification about each child, and the alert it was sent for."""
    told: dict[str, str]
    """A message that told somebody of an alert about each child."""

    @property
    def house(self) -> House:
        return self.council.house

    def secret(self, subject: str, how: sessions.How = "link") -> str:
        """What somebody's browser, or a program in their name, has after coming in."""
        with Session(self.house.engine) as session, session.begin():
            return sessions.begin(session, subject, how, self.council.now)


def everybody_at(folder: Path, url: str) -> Everybody:
    """The council on a Friday, after all of it was evaluated, sent, and written about."""
    lists = folder / "lists"
    lists.mkdir()
    council = council_at(folder, url, RULES)
    fed_by(council, kind="csv", url=str(lists))
    settings = council.house.settings.model_copy(update={"web": Web(url=URL)})
    directory = Directory(
        _people(),
        {**TEAMS, "T2": replace(TEAMS["T1"], id="T2", name="South", inbox="south@council.example")},
        "duty@council.example",
        agencies=Agencies({"reviewers": _REVIEWERS}),
        restrictions={HIDDEN: Restriction(HIDDEN, only=("W2",), reason=CANARY[HIDDEN])},
    )
    policy = Sendings({"notify.n5": Sending(send="approve", approved_by="worker")})
    staff = Staff((), lambda: directory)
    council.house = replace(council.house, settings=settings, staff=staff, policy=policy, clock=lambda: council.now)
    _write(lists)
    council.day(TODAY)
    _say(council, directory)
    _close(council)
    is_open = select(Alert).where(Alert.rule == "cla.review.first", Alert.state == "open")
    with Session(council.house.engine) as session:
        alerts = {a.child: a.id for a in session.scalars(is_open)}
        about = select(Alert.child, Alert.id, Notification.reference).join(Alert, Notification.alert_id == Alert.id)
        sent = session.execute(about).all()
        told = {
            child: session.scalars(select(DeliveryAlert.delivery_id).where(DeliveryAlert.alert_id == id_)).first() or ""
            for child, id_ in alerts.items()
        }
    notified = {row.child: row.reference for row in sent}
    assert alerts.keys() == CHILDREN.keys() and notified.keys() == CHILDREN.keys()
    return Everybody(council, alerts, notified, {row.child: row.id for row in sent}, told)


_LISTS = {
    "child": ("child,born", "{child},2015-03-02"),
    "care_period": ("child,key,start,end", "{child},L1,2026-10-30,"),
    "legal_status": ("child,key,start,end,status", "{child},S1,2026-11-26,,C2"),
    "allocation": ("child,key,start,end,worker,team,role", "{child},A1,2026-01-05,,{worker},{team},CW"),
    "cla_review": ("child,key,happened", "{child},V1,2026-01-20"),
    "need": ("child,key,happened,closed,type", "{child},N1,2026-11-03,,told by {canary}"),
}


def _write(lists: Path) -> None:
    for name, (head, row) in _LISTS.items():
        rows = [row.format(child=c, worker=w, team=t, canary=CANARY[c]) for c, (w, t) in CHILDREN.items()]
        (lists / f"{name}.csv").write_text("\n".join([head, *rows, ""]))
    written(lists, TODAY)


def _close(council: Council) -> None:
    """Each child had a review before, held in time, so that there is something to count."""
    with Session(council.house.engine) as session, session.begin():
        for one in session.scalars(select(Alert).where(Alert.rule == "cla.review.first")).all():
            dates = {"start": "2026-10-02", "due": "2026-10-30", "met": "2026-10-28"}
            kept = {name: getattr(one, name) for name in ("rule", "child", "worker", "team", "occurrence", "stage")}
            finding = {**one.finding, **dates, "record": "care_period:L0"}
            at = datetime.combine(date(2026, 10, 28), time(6, 30), LONDON)
            session.add(
                Alert(**kept, record="care_period:L0", state="closed", closed_as="met", finding=finding, opened_at=at,
                      changed_at=at)
            )  # fmt: skip


def _say(council: Council, directory: Directory) -> None:
    """Each worker explains an alert and lets a notification go, in words that name somebody."""
    council.now = datetime.combine(TODAY, time(9), LONDON)
    office = Office(directory, council.house.calendar, council.now)
    with Session(council.house.engine) as session, session.begin():
        for alert in session.scalars(select(Alert).where(Alert.rule == "cla.review.first")).all():
            worker = CHILDREN[alert.child][0]
            asked = Asked("claim", worker, f"{CANARY[alert.child]} was there")
            [said] = handlings.handle(session, [alert.id], asked, office, RULES)
            assert not said.refused, said.refused
        for row in session.scalars(select(Notification)).all():
            child = session.get_one(Alert, row.alert_id).child
            worker = CHILDREN[child][0]
            store.hold(session, row, worker, council.now, f"{CANARY[child]} works there")
            store.send_again(session, row, worker, council.now, f"{CANARY[child]} has left")
    council.send(time(9, 5))
    council.send(time(9, 6))
