"""*Subscriptions*: what managers ask to hear of besides what they must, shown before it is kept, and ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.db.links import new_link, revoke_links
from alertd.errors import InputError
from alertd.outbox.trial import why_not_written
from alertd.subscriptions import feeds, store
from alertd.subscriptions.model import CALENDAR, EMAIL, ESCALATED, SEVERITIES, Wanted, checked, reach
from alertd.subscriptions.topics import ALL, topics
from alertd.views import subscriptions as view
from alertd.views.alerts import team_name
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit, deciding

Errors = list[tuple[str, str]]
_LISTS: Final = ("rules", "teams", "stages", "severities")
_ONES: Final = ("single", "every", "channel")
_FIRST: Final[Mapping[str, Sequence[str]]] = {
    "rules": (), "teams": (), "stages": ("overdue", ESCALATED), "severities": SEVERITIES,
    "single": (), "every": ("daily",), "channel": (EMAIL,),
}  # fmt: skip
"""What the form says before anybody has filled it in."""


@dataclass(frozen=True, slots=True)
class Given:
    """The form as it was filled in: what was ticked or typed, by field."""

    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The value of a field that has one."""
        return next(iter(self.fields[name]), "")

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """All of it again, for the form that keeps it."""
        return [(name, value) for name, values in self.fields.items() for value in values]


def subscriptions(visit: Visit) -> Response:
    """What somebody subscribes to, and the form for more."""
    return _page(visit, Given({name: tuple(first) for name, first in _FIRST.items()}))


def ask(visit: Visit) -> Response:
    """Show what it would have sent. Nothing is kept yet."""
    given = _given(visit)
    wanted, errors = _wanted(visit, given)
    if wanted is None:
        return _page(visit, given, errors=errors)
    at = visit.house.settings.schedule.digest
    return _page(visit, given, shown=view.shown(visit.session, wanted, visit.house.rulebook, visit.office, at))


def keep(visit: Visit) -> Response:
    """Keep it. A calendar's address is shown once."""
    given = _given(visit)
    wanted, errors = _wanted(visit, given)
    if wanted is None:
        return _page(visit, given, errors=errors)
    try:
        with deciding(visit) as session:
            kept = store.add(session, wanted)
            address = _address(visit, session, kept.id) if kept.channel == CALENDAR else ""
    except InputError:
        return _page(visit, given, errors=[("You have that subscription already: end it first to change it", "#rules")])
    visit.house.log.info("subscribed", subscription=kept.id, by=wanted.person)
    if address:
        return _page(visit, Given(dict.fromkeys(_FIRST, ())), address=(kept.id, address))
    return visit.go("/subscriptions", "subscribed")


def end(visit: Visit) -> Response:
    """End one of one's own."""
    number = _own(visit)
    if number is None:
        return _no_such(visit)
    with deciding(visit) as session:
        store.end(session, number, visit.now)
        revoke_links(session, feeds.PURPOSE, feeds.of_subscription(number), visit.now)
    visit.house.log.info("unsubscribed", subscription=number, by=visit.who.id)
    return visit.go("/subscriptions", "unsubscribed")


def calendar(visit: Visit) -> Response:
    """A new address of the calendar of one; the one before no longer works. It is shown once."""
    number = _own(visit, CALENDAR)
    if number is None:
        return _no_such(visit)
    with Session(visit.house.engine) as session, session.begin():
        address = _address(visit, session, number)
    return _page(visit, Given({name: tuple(first) for name, first in _FIRST.items()}), address=(number, address))


def _page(
    visit: Visit,
    given: Given,
    *,
    errors: Errors | None = None,
    shown: view.Shown | None = None,
    address: tuple[int, str] | None = None,
) -> Response:
    office, rulebook = visit.office, visit.house.rulebook
    owner, why_not = view.owner_of(visit.who, office)
    with Session(visit.house.engine) as session:  # what was kept a moment ago is shown too
        mine = view.mine(session, visit.who, rulebook, office)
    return visit.page(
        "subscriptions.html.j2",
        400 if errors else 200,
        title="Subscriptions",
        mine=mine,
        owner=owner,
        why_not=why_not,
        given=given,
        shown=shown,
        address=address,
        errors=errors or [],
        topics=topics(rulebook),
        teams=_teams(visit, owner),
        channels=_channels(visit, owner),
        every=view.EVERY,
        stages=view.STAGES,
        severities=view.SEVERITIES,
    )


def _given(visit: Visit) -> Given:
    lists = {name: tuple(dict.fromkeys(visit.form.get(name, ()))) for name in _LISTS}
    return Given(lists | {name: (visit.asked(name),) for name in _ONES})


def _wanted(visit: Visit, given: Given) -> tuple[Wanted | None, Errors]:
    """What is asked for, or what is wrong with it: each with its field."""
    owner, why_not = view.owner_of(visit.who, visit.office)
    if not owner:
        return None, [(why_not, "#main-content")]
    of_topic = {topic.key: topic.asks for topic in topics(visit.house.rulebook)} | {ALL: (ALL,)}
    rules = [rule for key in given.fields["rules"] for rule in of_topic.get(key, (key,))]
    rules += [one for one in re.split(r"[\s,]+", given.one("single")) if one]
    needed = {"rules": rules, "stages": given.fields["stages"], "severities": given.fields["severities"]}
    errors = [(f"Choose {_CHOOSE[name]}", f"#{name}") for name, chosen in needed.items() if not chosen]
    channels = [value for value, _ in _channels(visit, owner)]
    if given.one("channel") not in channels:
        errors.append(("Choose how you are told", "#channel"))
    if errors:
        return None, errors
    asked = Wanted(
        0, owner, (ALL,) if ALL in rules else tuple(rules), given.fields["teams"], given.fields["stages"],
        given.fields["severities"], given.one("every"), given.one("channel"), visit.now,
    )  # fmt: skip
    try:
        return checked(asked, visit.house.rulebook, visit.office.directory, channels, visit.office.today), []
    except InputError as error:
        field = next((field for word, field in _FIELD_OF.items() if word in error.what), "#rules")
        return None, [(f"{error.what[:1].upper()}{error.what[1:]}", field)]


_CHOOSE: Final = {
    "rules": "what you want to hear of",
    "stages": "when you want to hear of it",
    "severities": "urgent, routine, or both",
}
_FIELD_OF: Final = {"team": "#teams", "rule": "#single", "star": "#single", "stage": "#stages", "interval": "#every"}
"""The field to which a refusal belongs, by a word of it."""


def _teams(visit: Visit, owner: str) -> list[tuple[str, str]]:
    """The teams that somebody answers for, as (id, name), by name."""
    own, directory = reach(owner, visit.office.directory, visit.office.today), visit.office.directory
    found = [(id_, team_name(directory, id_)) for id_ in directory.teams if own.holds(id_)]
    return sorted(found, key=lambda pair: (pair[1].casefold(), pair[0]))


def _channels(visit: Visit, owner: str) -> list[tuple[str, str]]:
    """How somebody can be told: by e-mail, by the channel that the staff files name for them, or by a calendar that
    they follow."""
    found = [(EMAIL, "E-mail")]
    person = visit.office.directory.people.get(owner)
    other = person.fallback if person else None
    channel = visit.house.notifiers.get(other.channel) if other and other.channel != EMAIL else None
    if other and channel and not why_not_written(channel, other.address, "alertd@localhost", visit.now):
        found.append((other.channel, other.channel.replace("_", " ")))
    return [*found, (CALENDAR, "A calendar that I follow")] if visit.house.settings.web else found


def _address(visit: Visit, session: Session, number: int) -> str:
    revoke_links(session, feeds.PURPOSE, feeds.of_subscription(number), visit.now)
    path = feeds.PATH.format(secret=new_link(session, feeds.PURPOSE, feeds.of_subscription(number), visit.now))
    web = visit.house.settings.web
    return web.link(path) if web else f"/{path}"


def _own(visit: Visit, channel: str = "") -> int | None:
    """The number in the path, if it is of a subscription of the viewer's."""
    theirs = [one for id_ in visit.who.ids for one in store.in_force(visit.session, id_)]
    return next(
        (one.id for one in theirs if str(one.id) == visit.path["number"] and channel in ("", one.channel)), None
    )


def _no_such(visit: Visit) -> Response:
    why = "There is no such subscription, or it is not yours"
    return visit.page("refused.html.j2", 404, title="There is no such page", why=why, child=None)


PAGES: Final = (
    Page("/subscriptions", Policy.staff, subscriptions),
    Page("/subscriptions", Policy.staff, ask, ("POST",)),
    Page("/subscriptions/keep", Policy.staff, keep, ("POST",)),
    Page("/subscriptions/{number}/end", Policy.staff, end, ("POST",)),
    Page("/subscriptions/{number}/calendar", Policy.staff, calendar, ("POST",)),
)
