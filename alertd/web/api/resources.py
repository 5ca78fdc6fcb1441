"""What there is to ask for, and what can be said: each the view that a page shows too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final, Literal, Self

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alertd.access.may import teams_seen
from alertd.alerts import handlings
from alertd.alerts.handling import Asked, Kind
from alertd.chronology.chronology import chronology, limits, of_groups
from alertd.chronology.entry import Entry
from alertd.chronology.groups import Group
from alertd.db.tables import Alert
from alertd.views import alert_list, teams
from alertd.views.alerts import Row
from alertd.views.child import AlertPage, Told, alert_page, alerts_of, told_about
from alertd.views.story import Rolling, named, rolling
from alertd.views.system import System
from alertd.views.teams import Board, TeamCount
from alertd.views.work import Child, Work, by_child, work
from alertd.web import lists
from alertd.web.api import counted
from alertd.web.api.calls import PREFIX, Asking, Call, Word
from alertd.web.api.problems import Refusal
from alertd.web.policy import Policy
from alertd.web.visit import deciding

Stage = Literal["overdue", "due", "upcoming", "unknown"]
_EARLIEST: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_LATEST: Final = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Me:
    """Whom the token stands for."""

    id: str
    name: str
    roles: tuple[str, ...]
    team: str | None
    agency: str


@dataclass(frozen=True, slots=True)
class OneAlert:
    """An alert, and by what right it is seen."""

    seen_as: str
    alert: AlertPage


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts by number; ``next`` is the address of those after them, and null on the last page."""

    alerts: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class AlertsOfChild:
    """What is open about a child, the most pressing first, and what is closed, the latest first."""

    child: str
    seen_as: str
    open: tuple[Row, ...]
    closed: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ToldOfChild:
    """Every message about a child, the latest first."""

    child: str
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Chronology:
    """What happened to a child, in order; ``limits`` are what the feeds cannot tell."""

    child: str
    entries: tuple[Entry, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A child's needs, each with what was planned, done and came of it, and its open alerts."""

    child: str
    record: Rolling


@dataclass(frozen=True, slots=True)
class Teams:
    """The teams whose boards one may see, as a tree in order."""

    teams: tuple[TeamCount, ...]


@dataclass(frozen=True, slots=True)
class Children:
    """What stands behind a figure of a board, by child."""

    children: tuple[Child, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was said of an alert, and its number."""

    alert: int
    handling: int


class Saying(BaseModel):
    """Something to say of an alert, in the name of whom the token stands for."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")
    ] = Field(description="Why, in a sentence. Whoever may see the child may read it; it goes into no mail.")
    until: date | None = Field(None, description="The last day of an acceptance; the day on which a snooze is over.")
    to: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="Who answers for it from now on: an id of the staff directory. Of a hand-over alone."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind in ("accept", "snooze") and self.until is None:
            raise ValueError("until: give the day")
        if self.kind == "hand_over" and not self.to:
            raise ValueError("to: give the id of who answers for it from now on")
        return self


def me(visit: Asking) -> Me:
    """Whom the token stands for."""
    who = visit.who
    return Me(who.id, who.name, tuple(sorted(who.roles)), who.team, who.agency)


def my_work(visit: Asking, stage: Stage | None = None) -> Work:
    """What is open for whom the token stands for, and for those away whose deputy they are."""
    found = work(visit.session, visit.who, visit.house.rulebook, visit.office, stage or "")
    visit.audit("saw list", why="their own work", children=[one.child for one in found.children])
    return found


def alerts(
    visit: Asking,
    response: Response,
    child: Word = "",
    team: Word = "",
    stage: Stage | None = None,
    rule: Word = "",
    since: Annotated[AwareDatetime | None, Query(ge=_EARLIEST, le=_LATEST)] = None,
    state: Literal["open", "closed", "all"] = "open",
    after: Annotated[int, Query(ge=0, lt=2**31, description="From where the page before ended: see next.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Alerts:
    """Alerts of the children that one may see, by number. To follow them, ask with state=all and since the time of
    the last asking."""
    wanted = alert_list.Wanted(child, team, stage or "", rule, since, state, after, limit)
    may_see = lists.may_see(visit)
    if child and not may_see(child):
        visit.audit("refused", why="not theirs to list", child=child)
    found = alert_list.alert_list(visit.session, visit.who, visit.house.rulebook, visit.office, may_see, wanted)
    visit.audit("saw list", why="asked for alerts", children=sorted({row.child for row in found.rows}))
    next_ = None
    if found.after is not None:
        asked = visit.request.url.include_query_params(after=found.after)
        next_ = f"{PREFIX}/alerts?{asked.query}"
        response.headers["link"] = f'<{next_}>; rel="next"'
    return Alerts(found.rows, next_)


def one_alert(visit: Asking, alert: int) -> OneAlert:
    """Why it stands where it does, who has been told, what was said of it, and what comes next."""
    found = visit.session.get_one(Alert, alert)
    return OneAlert(visit.right.why, alert_page(visit.session, found, visit.house.rulebook, visit.office))


def say(visit: Asking, alert: int, saying: Saying) -> Kept:
    """Say that it is done (claim), explained (accept), somebody else's (hand_over), not to be heard of for now
    (snooze), or wrong (dispute)."""
    asked = Asked(saying.kind, visit.who.id, saying.reason, saying.until, saying.to)
    with deciding(visit) as session:
        [said] = handlings.handle(session, [alert], asked, visit.office, visit.house.rulebook)
    if said.handling is None:
        raise Refusal(409, said.refused)
    visit.house.log.info("alert_handled", alert=said.alert_id, kind=saying.kind, by=visit.who.id)
    return Kept(said.alert_id, said.handling)


def alerts_of_child(visit: Asking, child: str) -> AlertsOfChild:
    """What is open about a child, and what is closed."""
    now_open, closed = alerts_of(visit.session, child, visit.house.rulebook, visit.office)
    return AlertsOfChild(child, visit.right.why, now_open, closed)


def told_of_child(visit: Asking, child: str) -> ToldOfChild:
    """Who was told what about a child, when, and what became of it."""
    return ToldOfChild(child, told_about(visit.session, child, visit.office))


def chronology_of_child(
    visit: Asking, child: str, group: Annotated[list[Group] | None, Query(description="Of these groups alone.")] = None
) -> Chronology:
    """Everything that the feeds say happened to a child, in order and in words, with the records it is told from."""
    case = visit.web.cases.of(child)
    if case is None:
        return Chronology(child, (), ("No feed holds the child any more.",))
    entries = chronology(case, visit.office.today, partial(named, visit.office.directory))
    return Chronology(child, of_groups(entries, frozenset(group or ())), limits(case))


def record_of_child(visit: Asking, child: str) -> Record:
    """Each need of a child, what was planned, what was done and what came of it, and where that breaks off."""
    kept = visit.web.cases.now()
    found = rolling(visit.session, child, kept.of(child), kept, visit.house.rulebook, visit.office)
    return Record(child, found)


def all_teams(visit: Asking) -> Teams:
    """The teams whose boards one may see."""
    return Teams(
        teams.teams(visit.session, teams_seen(visit.who, visit.office), visit.who, visit.office, visit.web.counts)
    )


def board(visit: Asking, team: str) -> Board:
    """A team's board: people and stages, what is passed up next, who is away."""
    return teams.board(visit.session, team, visit.who, visit.house.rulebook, visit.office, visit.web.counts)


def behind_board(visit: Asking, team: str, person: Word = "", stage: Stage | None = None) -> Children:
    """What stands behind a figure of a board: the alerts of one person, or of nobody."""
    rows = teams.of_person(visit.session, team, person, stage or "", visit.who, visit.house.rulebook, visit.office)
    found = by_child(rows)
    visit.audit("saw list", why=visit.right.why, team=team, children=[one.child for one in found])
    return Children(tuple(found))


def health(visit: Asking) -> System:
    """How alertd itself fares: what waits for somebody, feeds, channels, and when each part was last at work."""
    return visit.web.system.of(visit.house)


CALLS: Final = (
    Call("/me", Policy.signed_in, me),
    Call("/work", Policy.staff, my_work),
    Call("/alerts", Policy.staff, alerts),
    Call("/alerts/{alert}", Policy.alert, one_alert, name="saw alert"),
    Call("/alerts/{alert}/handlings", Policy.alert, say, "POST", 201, name="said of alert"),
    Call("/children/{child}/alerts", Policy.child, alerts_of_child, name="saw child"),
    Call("/children/{child}/told", Policy.child, told_of_child, name="saw who was told"),
    Call("/children/{child}/chronology", Policy.child, chronology_of_child, name="saw chronology"),
    Call("/children/{child}/record", Policy.child, record_of_child, name="saw rolling record"),
    Call("/teams", Policy.teams, all_teams),
    Call("/teams/{team}", Policy.team, board),
    Call("/teams/{team}/alerts", Policy.team, behind_board),
    *counted.CALLS,
    Call("/health", Policy.system, health),
)
