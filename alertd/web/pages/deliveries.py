"""Messages: for whoever looks after alertd all of them, for everybody else their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.audit import chain
from alertd.db.tables import Delivery
from alertd.outbox import operate
from alertd.outbox.operate import Act
from alertd.views import deliveries as view
from alertd.web.paging import page_number
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit, deciding


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody may do about a message: its words, what it means, from which states, and what does it. ``box`` is
    a further thing to say yes to; where it is ``only_unknown``, it is asked of messages that may have arrived, and
    nothing is done without it."""

    words: str
    button: str
    hint: str
    states: tuple[str, ...]
    do: Callable[[Session, str, Act, bool], object]
    box: str = ""
    only_unknown: bool = False

    def asks_box(self, row: Delivery) -> bool:
        """Whether the further thing is asked of a message."""
        return bool(self.box) and (row.unknown_attempts > 0 or not self.only_unknown)


FORMS: Final[Mapping[str, Form]] = {
    "retry": Form(
        "Try it again", "Try it again", "It is tried at once, to the same address.", ("parked", "refused"),
        lambda session, id_, act, yes: operate.retry(session, id_, act, may_be_a_copy=yes),
        box="It may have arrived, and they may get it twice", only_unknown=True,
    ),
    "cancel": Form(
        "Take it back", "Take it back",
        "What it tells is owed again, and made anew for whoever it is for by then.",
        ("due", "parked", "refused", "standing_by"),
        lambda session, id_, act, yes: operate.cancel(session, id_, act, for_good=yes),
        box="What it tells is not told again: somebody was told another way",
    ),
    "park": Form(
        "Lay it aside", "Lay it aside", "It waits until somebody has it tried again, or takes it back.",
        ("due", "standing_by"), lambda session, id_, act, _yes: operate.park(session, id_, act),
    ),
}  # fmt: skip

_DONE: Final = {"retry": "retried", "cancel": "cancelled", "park": "parked"}


def deliveries(visit: Visit) -> Response:
    """Those in one state; those that wait, if nothing else is asked."""
    state = visit.asked("state", "due")
    state = state if state in view.STATES else "due"
    found = view.deliveries(visit.session, state, visit.office, page_number(visit))
    return visit.page("deliveries.html.j2", title="Deliveries", found=found, state=state, states=view.STATES)


def mine(visit: Visit) -> Response:
    """What was sent to the viewer."""
    found = view.mine(visit.session, visit.who, page_number(visit))
    return visit.page("deliveries_mine.html.j2", title="What was sent to you", found=found)


def one(visit: Visit) -> Response:
    """One message's whole life."""
    return _one(visit)


def _one(visit: Visit, what: str = "", errors: list[tuple[str, str]] | None = None) -> Response:
    row = visit.session.get(Delivery, visit.path["delivery"])
    forms = {name: form for name, form in FORMS.items() if row is not None and row.state in form.states}
    form = forms.get(what)
    if row is None or (what and form is None):
        return _no_such(visit)
    return visit.page(
        "delivery_form.html.j2" if form else "delivery.html.j2",
        400 if errors else 200,
        title=form.words if form else f"Message {row.id[:8]}",
        one=view.delivery(operate.whole(visit.session, row.id), visit.office),
        forms=forms,
        form=form,
        asks_box=bool(form and form.asks_box(row)),
        errors=errors or [],
        given={"reason": visit.asked("reason"), "box": bool(visit.asked("box"))},
    )


def form(visit: Visit) -> Response:
    """The form to do one thing."""
    return _one(visit, visit.path["what"])


def act(visit: Visit) -> Response:
    """Do it, or say what is missing and keep what was typed."""
    what, why, yes = visit.path["what"], visit.asked("reason"), bool(visit.asked("box"))
    wanted, row = FORMS.get(what), visit.session.get(Delivery, visit.path["delivery"])
    if wanted is None or row is None:
        return _no_such(visit)
    errors = [] if why else [("Say in a sentence why", "#reason")]
    if wanted.only_unknown and wanted.asks_box(row) and not yes:
        errors.append(("Say that they may get it twice, or ask them first whether they have it", "#box"))
    if errors:
        return _one(visit, what, errors)
    with deciding(visit) as session:
        wanted.do(session, row.id, Act(visit.who.id, why, visit.now), yes)
        done = f"message {_DONE[what]}"
        chain.record(session, visit.now, by=visit.who.id, what=done, why=why, detail={"delivery": row.id})
    visit.house.log.info("delivery_operated", delivery=row.id, what=what, by=visit.who.id)
    return visit.go(f"/deliveries/{row.id}", _DONE[what])


def _no_such(visit: Visit) -> Response:
    why = "There is no such message, or nothing of the kind can be done about it now"
    return visit.page("refused.html.j2", 404, title="There is no such page", why=why, child=None)


PAGES: Final = (
    Page("/deliveries", Policy.system, deliveries),
    Page("/deliveries/mine", Policy.staff, mine),
    Page("/deliveries/{delivery}", Policy.system, one),
    Page("/deliveries/{delivery}/{what}", Policy.system, form),
    Page("/deliveries/{delivery}/{what}", Policy.system, act, ("POST",)),
)
