"""Other agencies: their own inbox, and for staff what is told to agencies about their children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.audit import chain
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.partners import asking, store
from alertd.partners.reference import read_reference
from alertd.views import agency_inbox
from alertd.views import partners as view
from alertd.web.paging import page_number
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit, deciding

LINK: Final = "/acknowledge/"
"""What every link has that acknowledges: whoever has one answers for the agency, so none is shown to anybody here."""

Said = Callable[[Session, Notification, str, datetime, str], None]


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody may decide about a notification: its words, what it means, from which states, and what does it."""

    words: str
    button: str
    hint: str
    states: tuple[str, ...]
    do: Said
    asks_why: bool = True


FORMS: Final[Mapping[str, Form]] = {
    "approve": Form(
        "Let it go", "Let it go", "It is sent within minutes, as it is shown here, as far as that is still true then.",
        ("awaiting_approval",), lambda session, row, by, now, _why: store.approve(session, row, by, now),
        asks_why=False,
    ),
    "withhold": Form(
        "Do not tell this agency", "Do not tell them",
        "The duty to tell them stands until this decision is on the child's record.",
        ("awaiting_approval", "held"), store.refuse,
    ),
    "stop": Form(
        "Stop it for now", "Stop it", "It stays here until somebody lets it go again or decides against it.",
        ("awaiting_approval", "ready"), store.hold,
    ),
    "again": Form(
        "Send it again", "Send it again",
        "A second message may reach them. The links in the first one no longer work.",
        ("held", "sent"), store.send_again,
    ),
    "told": Form(
        "They were told another way", "Say that they were told",
        "By telephone, in person or by letter, and they have it. Nothing more is sent.",
        ("awaiting_approval", "held", "sent"), store.told,
    ),
}  # fmt: skip


ANSWERED: Final = "answered"
ANSWER: Final = Form(
    "Their question was answered", "Say that it was answered",
    "Answer by e-mail or telephone first, to an address that you know to be theirs. The agency sees how and when.",
    store.THEIRS, lambda *_: None, asks_why=False,
)  # fmt: skip
HOW: Final[Mapping[str, str]] = {
    "telephone": "by telephone", "email": "by e-mail", "person": "in person", "letter": "by letter",
}  # fmt: skip


# For agencies.


def inbox(visit: Visit) -> Response:
    """What the viewer's agency was sent."""
    found = agency_inbox.inbox(visit.session, visit.who.agency, visit.office, page_number(visit))
    return visit.page("partner.html.j2", title="Notifications", inbox=found)


def received(visit: Visit, errors: list[tuple[str, str]] | None = None) -> Response:
    """One of them."""
    found = agency_inbox.received(visit.session, visit.who.agency, _reference(visit), visit.office, LINK)
    if found is None:
        return _no_such(visit)
    visit.audit("saw notification", child=found.child, why=visit.right.why, reference=found.row.reference)
    return visit.page(
        "partner_one.html.j2",
        400 if errors else 200,
        title=f"Notification {found.row.reference}",
        one=found,
        errors=errors or [],
        question=visit.asked("question"),
        longest=asking.LONGEST,
    )


def acknowledge(visit: Visit) -> Response:
    """The agency says that it has one."""
    with deciding(visit) as session:
        row = _own(session, visit)
        if row is None:
            return _no_such(visit)
        by, reference = f"{visit.who.id} in alertd"[:120], row.reference
        store.acknowledge(session, row, by, visit.now, "the button in alertd was pressed")
    return visit.go(f"/partner/{reference}", "acknowledged")


def ask(visit: Visit) -> Response:
    """The agency asks something about one."""
    text = visit.asked("question")
    with deciding(visit) as session:
        row = _own(session, visit)
        if row is None:
            return _no_such(visit)
        reference = row.reference
        why = asking.why_no_question(session, row, text, visit.now)
        if not why:
            asking.ask(session, visit.house.composer_now(), row, visit.who.id, text, visit.now)
    if why:
        return received(visit, [(why, "#question")])
    return visit.go(f"/partner/{reference}", "asked")


def _own(session: Session, visit: Visit) -> Notification | None:
    """The notification in the path, if the viewer's agency has it in its hands."""
    row = session.scalar(select(Notification).where(Notification.reference == _reference(visit)))
    there = row is not None and agency_inbox.received(session, visit.who.agency, row.reference, visit.office, LINK)
    return row if there else None


# For staff.


def partners(visit: Visit) -> Response:
    """What is told to agencies about children whom the viewer may see."""
    state = visit.asked("state")
    state = state if state in view.STATES or state == view.ASKED else ""
    judge, house = visit.judge(), visit.house
    found = view.partners(
        visit.session,
        visit.who,
        house.rulebook,
        visit.office,
        house.policy,
        lambda child: judge.verdict(Policy.child, visit.who, {"child": child}).allowed,
        state,
        page_number(visit),
    )
    children = sorted({row.child for row in found.rows})
    visit.audit("saw list", why="notifications to agencies", children=children)
    return visit.page("partners.html.j2", title="Partners", partners=found, state=state, states=view.STATES)


def one(visit: Visit) -> Response:
    """One notification: what it says, whose yes it waits for, what was asked, and what happened."""
    return _one(visit)


def _one(visit: Visit, what: str = "", errors: list[tuple[str, str]] | None = None) -> Response:
    row, alert = _of_alert(visit.session, visit)
    if row is None or alert is None:
        return _no_such(visit)
    telling = replace(visit.house.partners(), case=visit.web.cases.of)
    found = view.notification(visit.session, row, alert, visit.who, telling, visit.office, LINK)
    may = {} if found.not_mine else {name: form for name, form in FORMS.items() if row.state in form.states}
    if found.row.asks and not found.not_mine_to_answer:
        may[ANSWERED] = ANSWER
    form = may.get(what)
    if what and form is None:
        return _no_such(visit)
    return visit.page(
        "partners_form.html.j2" if form else "partners_one.html.j2",
        400 if errors else 200,
        title=form.words if form else f"Notification {row.reference}",
        one=found,
        forms=may,
        form=form,
        what=what,
        errors=errors or [],
        reason=visit.asked("reason"),
        ways=HOW if what == ANSWERED else {},
    )


def form(visit: Visit) -> Response:
    """The form to decide one thing."""
    return _one(visit, visit.path["what"])


def decide(visit: Visit) -> Response:
    """Decide it, or say why not and keep what was typed."""
    what, why = visit.path["what"], visit.asked("reason")
    if what == ANSWERED:
        return answered(visit)
    wanted = FORMS.get(what)
    if wanted is None:
        return _no_such(visit)
    if wanted.asks_why and not why:
        return _one(visit, what, [("Say in a sentence why", "#reason")])
    with deciding(visit) as session:
        row, alert = _of_alert(session, visit)
        if row is None or alert is None:
            return _no_such(visit)
        role = visit.house.policy.of(alert.rule).approved_by
        not_mine, by = view.who_decides(visit.who, alert, role, visit.office)
        if not_mine:
            return visit.page("refused.html.j2", 403, title="You cannot do this", why=not_mine, child=None)
        wanted.do(session, row, by, visit.now, why)
        reference = row.reference
    visit.house.log.info("notification_decided", reference=reference, what=what, by=by)
    return visit.go(f"/partners/{visit.path['alert']}/{reference}", f"notification_{what}")


def answered(visit: Visit) -> Response:
    """Keep that a question was answered, and how. What was said is not kept for the agency: alertd sends no words of
    anybody's own to another agency."""
    how = HOW.get(visit.asked("how"))
    if how is None:
        return _one(visit, ANSWERED, [("Choose how it was answered", "#how")])
    with deciding(visit) as session:
        row, alert = _of_alert(session, visit)
        if row is None or alert is None:
            return _no_such(visit)
        not_mine, by = view.who_decides(visit.who, alert, view.ANSWERS, visit.office)
        if not_mine:
            return visit.page("refused.html.j2", 403, title="You cannot do this", why=not_mine, child=None)
        store.answer(session, row, by, how, visit.asked("reason"), visit.now)
        detail = {"reference": row.reference, "how": how}
        chain.record(session, visit.now, by=visit.who.id, what="answered a question", child=alert.child, detail=detail)
    return visit.go(f"/partners/{visit.path['alert']}/{detail['reference']}", "notification_answered")


def _of_alert(session: Session, visit: Visit) -> tuple[Notification | None, Alert | None]:
    """The notification of the path, if it is of the alert in it: who may see that alert's child may see it."""
    row = session.scalar(select(Notification).where(Notification.reference == _reference(visit)))
    if row is None or str(row.alert_id) != visit.path["alert"]:
        return None, None
    return row, session.get_one(Alert, row.alert_id)


def _reference(visit: Visit) -> str:
    return read_reference(visit.path["reference"]) or ""


def _no_such(visit: Visit) -> Response:
    why = "There is no such notification here, or it is not yours to see"
    return visit.page("refused.html.j2", 403, title="You cannot see this", why=why, child=None)


PAGES: Final = (
    Page("/partner", Policy.partner, inbox),
    Page("/partner/{reference}", Policy.partner, received),
    Page("/partner/{reference}/acknowledge", Policy.partner, acknowledge, ("POST",)),
    Page("/partner/{reference}/ask", Policy.partner, ask, ("POST",)),
    Page("/partners", Policy.staff, partners),
    Page("/partners/{alert}/{reference}", Policy.alert, one),
    Page("/partners/{alert}/{reference}/{what}", Policy.alert, form),
    Page("/partners/{alert}/{reference}/{what}", Policy.alert, decide, ("POST",)),
)
