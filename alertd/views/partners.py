"""Notifications to other agencies, as staff see those about their children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from alertd.access.may import teams_seen
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office, acts_as
from alertd.cases.holding import Holding
from alertd.cases.records import in_words
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling
from alertd.partners import store
from alertd.partners.compose import Partners as Telling
from alertd.partners.permit import why_not
from alertd.partners.policy import Policy
from alertd.partners.preview import preview
from alertd.people.directory import role_words
from alertd.rulebook.agencies import AGENCIES
from alertd.rulebook.model import Rulebook
from alertd.views.agency_inbox import A_PAGE, agency_name, reply_to
from alertd.views.alerts import person_name
from alertd.views.words import Block, blocks_of, words_of

STATES: Final[Mapping[str, str]] = {
    "awaiting_approval": "Waits for approval",
    "held": "Held",
    "ready": "On its way",
    "sent": "Sent, not acknowledged",
    "acknowledged": "Acknowledged",
    "withdrawn": "Withdrawn",
}
"""Where a notification stands, in words; in the order in which somebody has to see to them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an agency asked. ``text`` is a stranger's own words; ``answered`` says by whom, when and how it was
    answered, blank while it waits; ``note`` is for staff alone."""

    at: datetime
    by: str
    text: str
    answered: str
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """One notification, for staff who may see its child. ``approver`` is whose yes it waits for, where it does."""

    id: int
    alert: int
    child: str
    reference: str
    title: str
    agency: str
    state: str
    state_words: str
    why: str
    approver: str
    sent_at: datetime | None
    acknowledged_at: datetime | None
    questions: tuple[Question, ...]

    @property
    def asks(self) -> bool:
        """Whether a question of the agency waits for an answer."""
        return any(not one.answered for one in self.questions)


@dataclass(frozen=True, slots=True)
class Partners:
    """The list: a page of it, how many are in each state, and how many have a question that waits."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    asked: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One move of a notification: when, who and why."""

    at: datetime
    state: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """One notification whole. ``words`` is what it said, or would say now where it has not left (``is_preview``).
    ``not_mine`` is why the viewer may not decide about it, and ``not_mine_to_answer`` why they do not answer for it;
    ``as_person`` is as whom they decide."""

    row: Row
    words: tuple[Block, ...]
    is_preview: bool
    moves: tuple[Moved, ...]
    role: str
    not_mine: str
    as_person: str
    not_mine_to_answer: str


ASKED: Final = "asked"
"""The filter for those of which a question waits for an answer."""


def partners(
    session: Session,
    viewer: Viewer,
    rulebook: Rulebook,
    office: Office,
    policy: Policy,
    sees: Callable[[str], bool],
    state: str = "",
    page: int = 1,
) -> Partners:
    """Notifications about children that the viewer may see. ``sees`` is the last word about each child shown."""
    found = session.execute(
        select(Notification.id, Notification.state, Alert.child)
        .join(Alert, Alert.id == Notification.alert_id)
        .where(*_within(viewer, office))
    ).all()
    mine = [one for one in found if not _barred(viewer, one.child, office)]
    theirs = [one.id for one in mine if one.state in store.THEIRS]
    asked, answers = store.questions(session, theirs), store.answers(session, theirs)
    waits = {id_ for id_, some in asked.items() if reply_to(some[-1], answers.get(id_, ())) is None}
    counts = Counter(one.state for one in mine)
    wanted = [one for one in mine if not state or one.state == state or (state == ASKED and one.id in waits)]
    order = list(STATES)
    wanted.sort(key=lambda one: (order.index(one.state), -one.id))
    pages = max(1, -(-len(wanted) // A_PAGE))
    page = max(1, min(page, pages))
    ids = [one.id for one in wanted[(page - 1) * A_PAGE : page * A_PAGE]]
    rows = {
        row.id: (row, alert)
        for row, alert in session.execute(
            select(Notification, Alert).join(Alert, Alert.id == Notification.alert_id).where(Notification.id.in_(ids))
        )
    }
    seen = {child: sees(child) for child in sorted({alert.child for _, alert in rows.values()})}
    shown = [rows[id_] for id_ in ids if seen[rows[id_][1].child]]
    return Partners(
        tuple(
            _row(row, alert, asked.get(row.id, ()), answers.get(row.id, ()), rulebook, office, policy)
            for row, alert in shown
        ),
        {name: counts[name] for name in STATES},
        len(waits),
        page,
        pages,
    )


def notification(
    session: Session, row: Notification, alert: Alert, viewer: Viewer, telling: Telling, office: Office, link: str
) -> NotificationPage:
    """One notification whole, for somebody who may see its child. ``telling`` is what telling agencies needs,
    ``link`` what links to acknowledge have in them: whoever had one could answer for the agency."""
    events = session.scalars(
        select(NotificationEvent).where(NotificationEvent.notification_id == row.id).order_by(NotificationEvent.id)
    ).all()
    asked, answers = (
        store.questions(session, [row.id]).get(row.id, ()),
        store.answers(session, [row.id]).get(row.id, ()),
    )
    aside = {one.id for one in (*asked, *answers)}
    sent = session.get(Delivery, row.delivery_id) if row.delivery_id else None
    words = words_of(sent.message, link) if sent else None
    role = telling.policy.of(alert.rule).approved_by
    not_mine, as_person = who_decides(viewer, alert, role, office)
    moves = (
        Moved(one.at, STATES[one.to_state], _who(one.by, office), one.why) for one in events if one.id not in aside
    )
    shown = words.blocks if words else blocks_of(preview(session, telling, row, office.now))
    return NotificationPage(
        row=_row(row, alert, asked, answers, telling.composer.rulebook, office, telling.policy),
        words=shown,
        is_preview=words is None,
        moves=tuple(moves),
        role=role_words(role),
        not_mine=not_mine,
        as_person=as_person,
        not_mine_to_answer=who_decides(viewer, alert, ANSWERS, office)[0],
    )


ANSWERS: Final = "worker"
"""Who answers what an agency asks: the child's worker, who is told of it, or somebody above them."""


def _question(one: NotificationEvent, answers: Sequence[NotificationEvent], office: Office) -> Question:
    answered = note = ""
    if reply := reply_to(one, answers):
        by, how, note = store.answered(reply)
        answered = f"{person_name(office.directory, by)} answered {how}, {in_words(reply.at)}"
    return Question(one.at, _who(store.asked_by(one), office), one.why, answered, note)


def who_decides(viewer: Viewer, alert: Alert, role: str, office: Office) -> tuple[str, str]:
    """Why the viewer may not decide about an alert's notification, or blank and the id under which they may."""
    held, why = Holding(alert.worker, alert.team), ""
    for id_ in sorted(viewer.ids):
        why = why_not(office.directory, id_, role, held, alert.child, office.today)
        if not why:
            return "", id_
    return why, ""


def _row(
    row: Notification,
    alert: Alert,
    asked: Sequence[NotificationEvent],
    answers: Sequence[NotificationEvent],
    rulebook: Rulebook,
    office: Office,
    policy: Policy,
) -> Row:
    rule = rulebook.of_team(alert.team).rule(alert.rule)
    approver = ""
    if row.state == "awaiting_approval":
        role, held = policy.of(alert.rule).approved_by, Holding(alert.worker, alert.team)
        who = office.directory.resolve(role, held, office.today, child=alert.child)
        approver = f"{who.name}, as {role_words(role)}"
    return Row(
        id=row.id,
        alert=row.alert_id,
        child=alert.child,
        reference=row.reference,
        title=rule.title if rule else alert.rule,
        agency=agency_name(row.agency, office) if row.agency else AGENCIES.get(row.kind, row.kind),
        state=row.state,
        state_words=STATES[row.state],
        why=row.why,
        approver=approver,
        sent_at=row.sent_at,
        acknowledged_at=row.acknowledged_at,
        questions=tuple(_question(one, answers, office) for one in asked),
    )


def _who(by: str, office: Office) -> str:
    """Who did something: alertd, a person, or an agency and how it said so."""
    if not by.startswith("agency:"):
        return person_name(office.directory, by)
    written, _, how = by.removeprefix("agency:").partition(" ")
    agency, _, contact = written.partition(":")
    name = f"{agency_name(agency, office)} ({contact})" if contact else agency_name(agency, office)
    return f"{name} {how}" if how else name


def _barred(viewer: Viewer, child: str, office: Office) -> bool:
    return any(office.directory.may_hear(id_, child, office.today) for id_ in viewer.ids)


def _within(viewer: Viewer, office: Office) -> list[ColumnElement[bool]]:
    """What the database is asked for: alerts of the children that somebody may see, by whom they manage, hold, were
    handed or were told of. Those who look at the whole service see all."""
    if viewer.oversees:
        return []
    directory = office.directory
    acting = sorted({id_ for own in viewer.ids for id_ in acts_as(own, office)})
    seen = sorted(teams_seen(viewer, office))
    workers = directory.members(seen)
    no_team = or_(Alert.team.is_(None), Alert.team.not_in(sorted(directory.teams)))
    handed = select(Handling.alert_id).where(
        Handling.to.in_(acting), Handling.kind == "hand_over", Handling.ended_at.is_(None)
    )
    told = select(DeliveryAlert.alert_id).where(
        DeliveryAlert.delivery_id.in_(
            select(Delivery.id).where(Delivery.person.in_(acting), Delivery.state.not_in(("cancelled", "refused")))
        )
    )
    known: Any = select(Alert.child).where(Alert.state == "open", or_(Alert.id.in_(handed), Alert.id.in_(told)))
    return [
        or_(
            Alert.worker.in_(acting),
            Alert.team.in_(seen),
            and_(no_team, Alert.worker.in_(workers)),
            Alert.child.in_(known),
        )
    ]
