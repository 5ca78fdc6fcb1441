"""*My work*, the page of one alert, and what can be said of it: one form each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.alerts import handlings
from alertd.alerts.handling import Asked, Kind, refusal, why_not_resolve, why_not_undo
from alertd.alerts.handlings import facts_of
from alertd.db.links import new_link, revoke_links
from alertd.db.tables import Alert
from alertd.subscriptions import feeds
from alertd.views.alerts import PRESSING
from alertd.views.child import alert_page
from alertd.views.work import work
from alertd.web.days import PARTS, Part, Wrong, day_of
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit, deciding


@dataclass(frozen=True, slots=True)
class Form:
    """One thing that can be said: its words, what it asks for beside the reason, and what it means."""

    kind: Kind
    words: str
    button: str
    hint: str
    asks_until: str = ""
    asks_to: bool = False


FORMS: Final[Mapping[str, Form]] = {
    "claim": Form(
        "claim", "It is done, and not yet recorded", "Say that it is done",
        "Holds for 2 working days; then it has to be in the case system.",
    ),
    "accept": Form(
        "accept", "It is explained until a day", "Explain it",
        "Its date still stands, and others can read that you explained it. 6 weeks ahead at most.",
        asks_until="The last day for which this explains it",
    ),
    "hand-over": Form(
        "hand_over", "Somebody else answers for it", "Hand it over",
        "They answer for it until the case system gives the child to another worker.", asks_to=True,
    ),
    "snooze": Form(
        "snooze", "I need not hear of it until a day", "Do not tell me until then",
        "Only you hear nothing; no step is held back. 2 weeks ahead at most.",
        asks_until="The day on which you hear again",
    ),
    "dispute": Form(
        "dispute", "This alarm is wrong", "Say that it is wrong",
        "Whoever owns the rule looks at it. Say what is wrong: a date, the rule, the record.",
    ),
}  # fmt: skip


def my_work(visit: Visit) -> Response:
    """What needs doing, by child."""
    stage = visit.asked("stage")
    stage = stage if stage in PRESSING else ""
    found = work(visit.session, visit.who, visit.house.rulebook, visit.office, stage)
    children = [one.child for one in found.children]
    visit.audit("saw list", why="their own work", children=children)
    return visit.page("work.html.j2", title="My work", work=found, stage=stage, stages=PRESSING)


def weeks(visit: Visit) -> Response:
    """The next four weeks as a calendar, and its address for calendar programs."""
    found = work(visit.session, visit.who, visit.house.rulebook, visit.office)
    visit.audit("saw list", why="their own work", children=[one.child for one in found.children])
    return visit.page("weeks.html.j2", title="The next 4 weeks", work=found, address="")


def new_calendar(visit: Visit) -> Response:
    """A new address of one's own calendar; the one before no longer works. It is shown once."""
    web, who = visit.house.settings.web, visit.who.id
    with Session(visit.house.engine) as session, session.begin():
        revoke_links(session, feeds.PURPOSE, feeds.of_person(who), visit.now)
        secret = new_link(session, feeds.PURPOSE, feeds.of_person(who), visit.now)
    path = feeds.PATH.format(secret=secret)
    address = web.link(path) if web else f"/{path}"
    found = work(visit.session, visit.who, visit.house.rulebook, visit.office)
    return visit.page("weeks.html.j2", title="The next 4 weeks", work=found, address=address)


def one_alert(visit: Visit) -> Response:
    """Why it stands where it does, who has been told, and what comes next."""
    alert = _alert(visit)
    found = alert_page(visit.session, alert, visit.house.rulebook, visit.office)
    facts = facts_of(visit.session, alert, visit.house.rulebook)
    may = {name: form for name, form in FORMS.items() if not _why_not(visit, form, alert)}
    standing = {one.id: one for one in found.standing}
    undo = [
        said for said in found.said
        if said.id in standing and not why_not_undo(standing[said.id], visit.who.id, "x", facts, visit.office)
    ]  # fmt: skip
    decide = [
        said for said in found.said
        if said.id in standing and not why_not_resolve(standing[said.id], visit.who.id, facts, visit.office)
    ]  # fmt: skip
    return visit.page(
        "alert.html.j2", title=found.row.title, alert=found, forms=may, undo=undo, decide=decide, right=visit.right.why
    )


def form(visit: Visit) -> Response:
    """The form to say one thing."""
    return _form(visit)


def _form(visit: Visit, errors: Sequence[tuple[str, str]] = (), marked: Sequence[Part] = PARTS) -> Response:
    """The form, with what is wrong with what was typed; ``marked`` are the parts of the day that are."""
    wanted = FORMS.get(visit.path["what"])
    alert = _alert(visit)
    if wanted is None:
        return visit.page(
            "refused.html.j2", 404, title="There is no such page", why="There is no such form", child=None
        )
    why_not = _why_not(visit, wanted, alert)
    found = alert_page(visit.session, alert, visit.house.rulebook, visit.office)
    return visit.page(
        "alert_form.html.j2",
        400 if errors else 200,
        title=wanted.words,
        alert=found,
        form=wanted,
        what=visit.path["what"],
        why_not=why_not,
        errors=errors,
        marked=marked,
        given={name: visit.asked(name) for name in ("reason", "until-day", "until-month", "until-year", "to")},
        colleagues=_choices(visit) if wanted.asks_to else [],
    )


def say(visit: Visit) -> Response:
    """Say it, or say why not and keep what was typed."""
    wanted = FORMS.get(visit.path["what"])
    if wanted is None:
        return form(visit)
    errors: list[tuple[str, str]] = []
    reason = visit.asked("reason")
    until = day_of({part: visit.asked(f"until-{part}") for part in PARTS}) if wanted.asks_until else None
    if wanted.asks_to and visit.asked("to") not in visit.office.directory.people:
        errors.append(("Choose who answers for it", "#to"))
    if isinstance(until, Wrong):
        errors.append((until.text, f"#until-{until.parts[0]}"))
    if not reason:
        errors.append(("Say in a sentence why", "#reason"))
    if errors or isinstance(until, Wrong):
        return _form(visit, errors, until.parts if isinstance(until, Wrong) else ())
    to = visit.asked("to") if wanted.asks_to else None
    asked = Asked(wanted.kind, visit.who.id, reason, until, to)
    with deciding(visit) as session:
        [said] = handlings.handle(session, [_alert(visit).id], asked, visit.office, visit.house.rulebook)
    if said.refused:
        at = "#until-day" if wanted.asks_until else "#to" if wanted.asks_to else "#reason"
        return _form(visit, [(said.refused, at)])
    visit.house.log.info("alert_handled", alert=said.alert_id, kind=wanted.kind, by=visit.who.id)
    return visit.go(f"/alerts/{said.alert_id}", wanted.kind)


def undo(visit: Visit) -> Response:
    """Take back what was said."""
    reason = visit.asked("reason") or "taken back on the page of the alert"
    with deciding(visit) as session:
        handlings.undo(session, _number(visit), visit.who.id, reason, visit.office, visit.house.rulebook)
    return visit.go(f"/alerts/{visit.path['alert']}", "undone")


def resolve(visit: Visit) -> Response:
    """Decide a dispute."""
    upheld = visit.asked("upheld") == "yes"
    with deciding(visit) as session:
        handlings.resolve(session, _number(visit), visit.who.id, upheld, visit.office, visit.house.rulebook)
    return visit.go(f"/alerts/{visit.path['alert']}", "resolved")


def _number(visit: Visit) -> int:
    """The number of what was said, if it was said of this alert; else one that nothing has."""
    given = visit.asked("handling")
    found = int(given) if given.isascii() and given.isdigit() else 0
    of_alert = {one.id for one in handlings.said_of(visit.session, _alert(visit).id)}
    return found if found in of_alert else 0


def _alert(visit: Visit) -> Alert:
    return visit.session.get_one(Alert, int(visit.path["alert"]))


def _why_not(visit: Visit, form: Form, alert: Alert) -> str:
    """Why this cannot be said by the viewer, whatever they fill in."""
    sample = Asked(form.kind, visit.who.id, "x", _soon(visit, form), _somebody(visit) if form.asks_to else None)
    return refusal(sample, facts_of(visit.session, alert, visit.house.rulebook), visit.office)


def _soon(visit: Visit, form: Form) -> date | None:
    return visit.office.calendar.add_working_days(visit.office.today, 1) if form.asks_until else None


def _somebody(visit: Visit) -> str | None:
    """Anybody to whom something could be handed over."""
    return next((id_ for id_, _ in _colleagues(visit)), None)


def _colleagues(visit: Visit) -> list[tuple[str, str]]:
    """Who is here and has a case load or manages, by name; those of one's own team first."""
    office, who = visit.office, visit.who
    here = [
        p for p in office.directory.people.values()
        if p.id not in who.ids and p.address and p.absence(office.today) is None
    ]  # fmt: skip
    here.sort(key=lambda p: (p.team != who.team, p.name))
    return [(p.id, f"{p.name}, {p.team or 'no team'}") for p in here]


def _choices(visit: Visit) -> list[dict[str, str]]:
    return [{"value": "", "text": "Choose somebody"}, *({"value": id_, "text": who} for id_, who in _colleagues(visit))]


PAGES: Final = (
    Page("/work", Policy.staff, my_work),
    Page("/work/weeks", Policy.staff, weeks),
    Page("/work/calendar", Policy.staff, new_calendar, ("POST",)),
    Page("/alerts/{alert}", Policy.alert, one_alert, name="saw alert"),
    Page("/alerts/{alert}/undo", Policy.alert, undo, ("POST",), name="took back"),
    Page("/alerts/{alert}/resolve", Policy.alert, resolve, ("POST",), name="decided a dispute"),
    Page("/alerts/{alert}/{what}", Policy.alert, form, name="saw alert"),
    Page("/alerts/{alert}/{what}", Policy.alert, say, ("POST",), name="said of alert"),
)
