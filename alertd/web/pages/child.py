"""A child's page: what is open, the chronology, the rolling record, who was told what; and breaking the glass."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.access.about import break_glass
from alertd.access.may import EMERGENCY_HOURS
from alertd.audit import chain
from alertd.cases.holding import Holding, holding
from alertd.chronology.groups import GROUPS
from alertd.outbox.deliver import tell_once_a_day
from alertd.views.alerts import person_name, team_name
from alertd.views.child import alerts_of, told_about
from alertd.views.story import Order, rolling, story
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit, deciding


def child(visit: Visit) -> Response:
    """What is open about the child."""
    ref = visit.path["child"]
    now_open, closed = alerts_of(visit.session, ref, visit.house.rulebook, visit.office)
    return _page(visit, "child.html.j2", "alerts", rows=now_open, closed=closed)


def told(visit: Visit) -> Response:
    """Who was told what, when, and what became of it."""
    return _page(visit, "child_told.html.j2", "told", told=told_about(visit.session, visit.path["child"], visit.office))


def chronology(visit: Visit) -> Response:
    """Everything that happened, in order: of some groups, or of all."""
    ref, asked = visit.path["child"], visit.request.query_params
    groups = frozenset(name for name in GROUPS if name in asked.getlist("group"))
    told = visit.asked("told") == "yes"
    order: Order = "newest" if visit.asked("order") == "newest" else "oldest"
    found = story(
        visit.session, ref, visit.web.cases.of(ref), visit.house.rulebook, visit.office,
        groups, told=told, order=order,
    )  # fmt: skip
    shown = [title for name, title in GROUPS.items() if name in groups]
    values = {"groups": groups, "with_told": told, "order": order, "shown": shown}
    return _page(visit, "child_chronology.html.j2", "chronology", story=found, **values)


def record(visit: Visit) -> Response:
    """Each need, what was planned, what was done and what came of it."""
    ref, kept = visit.path["child"], visit.web.cases.now()
    found = rolling(visit.session, ref, kept.of(ref), kept, visit.house.rulebook, visit.office)
    return _page(visit, "child_record.html.j2", "record", record=found)


def _page(visit: Visit, template: str, tab: str, **values: Any) -> Response:
    ref = visit.path["child"]
    case = visit.web.cases.of(ref)
    held = holding(case, visit.office.today) if case else Holding()
    directory = visit.office.directory
    facts = [
        ("Worker", person_name(directory, held.worker) if held.worker else "nobody allocated"),
        ("Team", team_name(directory, directory.team_of(held))),
        ("You see this as", visit.right.why),
    ]
    titles = {
        "alerts": f"Child {ref}",
        "chronology": f"Chronology of child {ref}",
        "record": f"Rolling record of child {ref}",
        "told": f"Who was told about {ref}",
    }
    return visit.page(template, title=titles[tab], ref=ref, tab=tab, facts=facts, known=case is not None, **values)


def emergency(visit: Visit) -> Response:
    """Break the glass: see a child that is not theirs, with a reason that others read. They are told at once."""
    ref, reason = visit.path["child"], visit.asked("reason")
    if len(reason) < 10:
        why = "Say in a sentence why you must see this child now: others read it"
        return visit.page(
            "refused.html.j2", 400, title="You cannot see this child", why=why, child=ref, errors=[(why, "#reason")]
        )
    with deciding(visit) as session:
        break_glass(session, ref, visit.who.id, reason, visit.now)
        chain.record(session, visit.now, by=visit.who.id, what="broke the glass", child=ref, why=reason, detail={})
        _tell(visit, session, ref)
    visit.house.log.warning("glass_broken", by=visit.who.id)
    return visit.go(f"/children/{ref}", "emergency")


def _tell(visit: Visit, session: Session, ref: str) -> None:
    """Information governance, and the manager of the child's team, hear that somebody looked. The reason stays here:
    it may hold what a mail must not."""
    composer = visit.house.composer_now()
    case = visit.web.cases.of(ref)
    held = holding(case, visit.office.today) if case else Holding()
    lines = [
        f"{visit.who.name} ({visit.who.id}) opened the page of a child that is not theirs, and gave a reason.",
        f"They see it for {EMERGENCY_HOURS} hours. Read the reason, and ask them if it does not convince you:",
        "alertd audit list --what 'broke the glass', or the child's page in alertd.",
    ]
    for role in ("information_governance", "team_manager"):
        person = composer.directory.resolve(role, held, visit.office.today, child=ref)
        tell_once_a_day(
            session, composer, person, visit.now, about=f"glass {visit.who.id} {hash_of(ref)}",
            subject="Somebody opened a child's page in an emergency", lines=lines,
        )  # fmt: skip


def hash_of(ref: str) -> str:
    """A child's reference, so that two children's notices of a day are told apart without naming either."""
    return sha256(ref.encode()).hexdigest()[:10]


PAGES: Final = (
    Page("/children/{child}", Policy.child, child, name="saw child"),
    Page("/children/{child}/chronology", Policy.child, chronology, name="saw chronology"),
    Page("/children/{child}/record", Policy.child, record, name="saw rolling record"),
    Page("/children/{child}/told", Policy.child, told, name="saw who was told"),
    Page("/children/{child}/emergency", Policy.emergency, emergency, ("POST",), name="asked for emergency access"),
)
