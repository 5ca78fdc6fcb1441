"""What the daemon tells whoever runs it after an evaluation: of feeds, of rules, of children it could not judge.

At most one message of each sort a day; each says what happened, what stays as it was, and what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.alerts.muting import SHADOW, Flood
from alertd.alerts.silences import Event, Silenced, silence_notices
from alertd.bootstrap import House
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.leading import alone
from alertd.db.tables import Alert, Delivery
from alertd.errors import InputError
from alertd.outbox.deliver import tell_once_a_day, tell_operator


def tell_of_floods(session: Session, house: House, now: datetime, held: Iterable[Flood]) -> None:
    """Of rules whose first messages are held back until somebody confirms them."""
    lines = [
        "These rules have told nobody yet, and what they would tell now is a flood, so it is held back:",
        *(str(flood) for flood in held),
        "Their alerts are kept. If the figures are right, an officer lets them go:",
        "alertd rules confirm RULE --config alertd.toml --officer NAME",
    ]
    subject = "alertd holds back some rules until they are confirmed"
    if tell_operator(session, house.composer_now(), now, about="flood", subject=subject, lines=lines):
        house.log.warning("rules_held", rules=lines[1:-2])


def tell_of_silence(session: Session, house: House, now: datetime, rules: Collection[str]) -> None:
    """Of rules that told people before and are not adopted as they stand now."""
    if session.scalar(select(Delivery.id).where(Delivery.digest_for == f"{local_day(now)}:shadow").limit(1)):
        return  # told today: how many there are need not be counted again
    in_shadow = (Alert.rule.in_(rules), Alert.state == "open", Alert.muted.startswith(SHADOW))
    are_open = select(Alert.rule, func.count()).where(*in_shadow)
    silent = {row[0]: row[1] for row in session.execute(are_open.group_by(Alert.rule).order_by(Alert.rule))}
    if not silent:
        return
    lines = [
        "These rules have told people before and tell nobody now, because they are not adopted as they stand:",
        *(f"{rule}: open alerts {n}" for rule, n in silent.items()),
        "A pack was updated, or the file of what is adopted was changed. Their alerts are kept.",
        "This says which and why: alertd rules status --config alertd.toml",
    ]
    subject = "alertd has fallen silent about some rules"
    if tell_operator(session, house.composer_now(), now, about="shadow", subject=subject, lines=lines):
        house.log.warning("rules_fallen_silent", rules=silent)


def tell_of_silences(session: Session, house: House, now: datetime, silences: Iterable[Silenced]) -> None:
    """Of planned silences: the managers of its teams when one starts and ends, its author a working day before
    it ends and at the end. Each once. Why it was asked for is not repeated: it may hold personal data."""
    composer, today = house.composer_now(), local_day(now)
    directory = composer.directory
    for silence, event in silence_notices(silences, now, house.calendar):
        about = f"silence {silence.id} {event}"
        told = select(Delivery.id).where(Delivery.digest_for.endswith(f":{about}"))
        # Nobody heard before it began; and the messages of all the years are too many to look through.
        if session.scalar(told.where(Delivery.created_at >= silence.starts).limit(1)):
            continue
        holders = [] if event == "starts" else [("worker", Holding(silence.by))]
        if event != "ends soon":
            teams = sorted(frozenset[str]().union(*(directory.teams_under(team) for team in silence.teams)))
            holders += [("team_manager", Holding(team=team)) for team in teams]
        people = {(found := directory.resolve(role, held, today)).person_id: found for role, held in holders}
        subject, lines = _of_silence(silence, event)
        for person in people.values():
            tell_once_a_day(session, composer, person, now, about=about, subject=subject, lines=lines)
        house.log.warning("silence", silence=silence.id, what=event)


def _of_silence(silence: Silenced, event: Event) -> tuple[str, list[str]]:
    of = [f"Rules: {', '.join(silence.rules) or 'all'}.", f"Teams: {', '.join(silence.teams)}, and those under them."]
    by = f"Asked for by {silence.by}; who and why: alertd silences list"
    end = f"To end it before: alertd silences end {silence.id} --as PERSON"
    if event == "starts":
        what = f"Alerts of these rules and teams are kept, and told to nobody until {silence.ends_in_words} is over:"
        return "Alerts are silent for a planned event", [what, *of, by, end]
    if event == "ends soon":
        what = f"The silence you asked for ends with {silence.ends_in_words}. What waits is told then:"
        return "Your silence ends soon", [what, *of, "If the event is not over by then, ask for another.", end]
    return "A silence of alerts has ended", ["What waited is told from now on:", *of, by]


def tell_of_failed(session: Session, house: House, now: datetime, failed: Mapping[str, str]) -> None:
    """Of children who could not be read or evaluated."""
    lines = [
        f"{len(failed)} children could not be read or evaluated.",
        "Their alerts stay as they were. All other children were evaluated.",
        "Please report this, with the children's references, to whoever looks after alertd:",
        *(f"ref {child}" for child in sorted(failed)[:20]),
    ]
    subject = "alertd could not evaluate some children"
    if tell_operator(session, house.composer_now(), now, about="engine", subject=subject, lines=lines):
        house.log.error("engine_stopped", children=len(failed), why=dict(Counter(failed.values())))


def tell_of_no_workers(house: House, now: datetime, why: InputError) -> None:
    """Of a cluster that cannot be used. Nothing is evaluated elsewhere instead: what it was put up for would take
    this machine days, and nobody would see that it is down."""
    lines = [
        "No child could be evaluated, because the cluster that does it cannot be used:",
        str(why),
        "Alerts stay as they were; what has come due since the last evaluation is not known. Nothing of it is lost:",
        "alertd tries again at each tick, and evaluates then whatever waits.",
        "This says whether all is well: alertd check --config alertd.toml",
    ]
    with Session(house.engine) as session, session.begin():
        alone(session)
        subject = "alertd cannot evaluate"
        tell_operator(session, house.composer_now(), now, about="workers", subject=subject, lines=lines)
    house.log.error("no_workers", why=str(why), next="alertd tries again at each tick")


def tell_of_feeds(
    session: Session,
    house: House,
    now: datetime,
    refused: Mapping[str, str],
    stale: Mapping[str, str],
    strangers: Collection[str],
) -> None:
    """Tell whoever runs the data what is wrong with the feeds: at most one message of each sort a day."""
    composer = house.composer_now()
    if refused:
        lines = [
            "The case data could not be used, so nothing was evaluated that needs it:",
            *refused.values(),
            "Alerts stay as they were; what has come due since the last good reading is not known.",
            "alertd tries again at its next reading.",
        ]
        subject = "alertd could not use the case data"
        tell_operator(session, composer, now, about="feed", subject=subject, lines=lines)
    if stale:
        lines = [
            "The case data has stopped changing:",
            *(f"{why}." for why in stale.values()),
            "Rules that need it are unknown from now on, and alerts about children stay as they were.",
            "See whether the nightly refresh runs, and whether alertd is pointed at the place it fills.",
        ]
        subject = "alertd has no fresh case data"
        if tell_operator(session, composer, now, about="stale", subject=subject, lines=lines):
            house.log.error("feed_stale", feeds=dict(stale))
    if strangers:
        lines = [
            "These references seem to have been given to another child: the date of birth is another, and no",
            "record stayed. The alerts of the earlier child are closed, and none is passed on:",
            *(f"ref {child}" for child in sorted(strangers)[:20]),
        ]
        subject = "alertd found references that changed hands"
        tell_operator(session, composer, now, about="number", subject=subject, lines=lines)
