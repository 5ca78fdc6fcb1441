"""Living with an alert: what somebody says of it, who may say it, how long it holds, and what it holds back. Pure.

Whoever says something takes on a duty: it has a name and an end, it goes to the deputy while its author is
away, and it ends when the author leaves. Nothing that is said stops the clock; it may hold back steps of the
ladder, as far as the ladder's own policy says, and all of them are told when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of, shift
from alertd.calendars.durations import Duration
from alertd.cases.holding import Holding
from alertd.cases.records import in_words, local_day
from alertd.people.directory import LINE, Directory, Person, role_words

Kind = Literal["claim", "accept", "snooze", "hand_over", "dispute"]

CLAIM_TERM: Final = Duration(2, "working day")
"""How long "done, not yet recorded" holds (domain.md P8)."""

ACCEPT_AT_MOST: Final = Duration(6, "week")
"""How far ahead an alert may be explained: looked-after children are visited every 6 weeks (CPPCR reg 28), so no
explanation outlives the next time that somebody must look."""

SNOOZE_AT_MOST: Final = Duration(2, "week")
"""How long somebody may ask not to hear of an alert."""


UNDONE: Final = "undone: "
"""What was taken back ended so, with the reason after it."""

TAKER_LEFT: Final = "the person it was handed to has left"
"""So ends a hand-over to somebody who leaves: the alert is its worker's again."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What somebody said of an alert. ``until`` is the moment it lapses (None: it does not by itself), ``to`` who
    was handed the alert. ``ended_why`` is ``lapsed``, ``closed``, ``upheld``, ``rejected`` or a sentence; blank
    while it stands."""

    kind: Kind
    by: str
    at: datetime
    reason: str
    until: datetime | None = None
    to: str | None = None
    id: int = 0
    alert_id: int = 0
    ended_at: datetime | None = None
    ended_why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to say of an alert. ``until`` is the last day of an acceptance, and the day on which a
    snooze is over."""

    kind: Kind
    by: str
    reason: str
    until: date | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What of an alert decides who may say what. ``handled`` is all that was ever said of it, ``told`` the ids of
    those who were told, ``owner`` who answers for its rule, as the pack names them."""

    child: str
    stage: str
    is_open: bool
    due: date | datetime | None
    holding: Holding
    owner: str = ""
    told: frozenset[str] = frozenset()
    handled: tuple[Handled, ...] = ()


@dataclass(frozen=True, slots=True)
class Office:
    """Who works here, which days are working days, and what the time is."""

    directory: Directory
    calendar: Calendar
    now: datetime

    @property
    def today(self) -> date:
        """The day in London."""
        return local_day(self.now)


# Who somebody is to a child.


def rank_over(person_id: str, holding: Holding, directory: Directory) -> int:
    """Where somebody stands in the management line above a child: 1 for its team manager, up to 4 for the
    director; 0 for everybody else. Nobody manages a child they hold themselves."""
    person = directory.people.get(person_id)
    if person is None or person_id == holding.worker:
        return 0
    chain = directory.chain(directory.team_of(holding))
    ranks = [LINE.index(role) + 1 for role in person.roles if role in LINE]
    return max((rank for rank in ranks if person.team in chain or rank == len(LINE)), default=0)


def acts_as(person_id: str, office: Office) -> tuple[str, ...]:
    """Themselves, and everybody away whose deputy they are."""
    absent = (p.id for p in office.directory.deputised_by(person_id) if p.absence(office.today) is not None)
    return (person_id, *absent)


def answers_for(handled: Iterable[Handled]) -> str | None:
    """Who was handed the alert last and still has it; None where it is the worker's as the feed says."""
    handed = [h for h in handled if h.kind == "hand_over" and not h.ended_why]
    return max(handed, key=lambda h: (h.at, h.id)).to if handed else None


def carried_by(handled: Handled, office: Office) -> str:
    """Whose duty it is today: its author's, or while they are away their deputy's."""
    people = office.directory.people
    author = people.get(handled.by)
    deputy = people.get(author.deputy or "") if author and author.absence(office.today) else None
    return deputy.id if deputy and deputy.absence(office.today) is None else handled.by


def _manager_rank(person_id: str, alert: AlertFacts, office: Office) -> int:
    """The highest rank above the child that somebody has or stands in for."""
    if person_id == alert.holding.worker:
        return 0
    return max(rank_over(id_, alert.holding, office.directory) for id_ in acts_as(person_id, office))


def _answers(person_id: str, alert: AlertFacts, office: Office) -> bool:
    """Whether the alert is theirs: as worker, because it was handed to them, or as deputy of either."""
    owners = {alert.holding.worker, answers_for(alert.handled)} - {None}
    return not owners.isdisjoint(acts_as(person_id, office))


# What may be said. Each answers blank, or why not and what to do instead.


def refusal(asked: Asked, alert: AlertFacts, office: Office) -> str:
    """Blank where somebody may say this of the alert now; otherwise a sentence on why not, and what to do."""
    if not asked.reason.strip():
        return "A reason is required: say in a sentence why"
    person = office.directory.people.get(asked.by)
    if person is None:
        return f"{asked.by} is not in the staff directory: give a person's id as people.csv has it"
    if away := person.absence(office.today):
        return f"{asked.by} {away}: somebody who is here has to say it"
    if why := office.directory.may_hear(asked.by, alert.child, office.today):
        return f"{asked.by}: {why}: ask information governance"
    if not alert.is_open:
        return "The alert is closed, so there is nothing left to do"
    return _RULES[asked.kind](asked, alert, office)


def _why_no_claim(asked: Asked, alert: AlertFacts, office: Office) -> str:
    claims = [h for h in alert.handled if h.kind == "claim"]
    standing = next((h for h in claims if not h.ended_why), None)
    if standing:
        return f"{standing.by} has claimed it already{until_words(standing)}: record what was done"
    manages = _manager_rank(asked.by, alert, office)
    if not manages and not _answers(asked.by, alert, office):
        return f"{asked.by} neither answers for the child nor manages who does: {_who_may(alert)} may claim it"
    if not manages and any(_used_up(h, office) for h in claims):
        return "It was claimed before, and nothing was recorded in time: a manager above may claim or accept it"
    return ""


def _used_up(claim: Handled, office: Office) -> bool:
    """Whether a claim lapsed, or was taken back on a later day: else taking it back would renew its term."""
    taken_back = claim.ended_why.startswith(UNDONE) and local_day(claim.at) < office.today
    return claim.ended_why == "lapsed" or taken_back


def _why_no_acceptance(asked: Asked, alert: AlertFacts, office: Office) -> str:
    if alert.stage == "unknown":
        return "Nobody can tell yet when it is due: record what is missing, or dispute the alert"
    manages = _manager_rank(asked.by, alert, office)
    if asked.until is None:
        return "An acceptance needs its last day: give --until"
    if not manages and not _answers(asked.by, alert, office):
        return f"{asked.by} neither answers for the child nor manages who does: {_who_may(alert)} may accept it"
    if alert.stage == "overdue" and not manages:
        return "It is overdue: only the team manager or somebody above may accept it now"
    if why := _wrong_day(asked.until, ACCEPT_AT_MOST, office):
        return why
    if not manages and alert.due is not None and asked.until > local_day(alert.due):
        return f"It is due on {in_words(local_day(alert.due))}: accept it until then, or ask a manager above"
    return ""


def _why_no_snooze(asked: Asked, alert: AlertFacts, office: Office) -> str:
    if asked.until is None:
        return "A snooze needs the day on which it is over: give --until"
    if not (asked.by in alert.told or _answers(asked.by, alert, office) or _manager_rank(asked.by, alert, office)):
        return f"{asked.by} was not told of it, so there is nothing to snooze"
    return _wrong_day(asked.until, SNOOZE_AT_MOST, office)


def _why_no_hand_over(asked: Asked, alert: AlertFacts, office: Office) -> str:
    if not (_answers(asked.by, alert, office) or _manager_rank(asked.by, alert, office)):
        return f"{asked.by} neither answers for the child nor manages who does: {_who_may(alert)} may hand it over"
    to = office.directory.people.get(asked.to or "")
    if to is None:
        return "Nobody in the staff directory is named to take it: give --to with a person's id"
    if away := to.absence(office.today):
        return f"{to.id} {away}: hand it to somebody who is here"
    if not to.address:
        return f"{to.id} has no address, so could not be told: hand it to somebody else, or mend people.csv"
    if why := office.directory.may_hear(to.id, alert.child, office.today):
        return f"{to.id}: {why}: hand it to somebody else"
    if to.id == (answers_for(alert.handled) or alert.holding.worker):
        return f"{to.id} answers for it already"
    return ""


def _why_no_dispute(asked: Asked, alert: AlertFacts, office: Office) -> str:
    if any(h.kind == "dispute" and h.by == asked.by and not h.ended_why for h in alert.handled):
        return f"{asked.by} disputes it already: the owner of the rule or a manager has to decide"
    if asked.by in alert.told or _answers(asked.by, alert, office) or _manager_rank(asked.by, alert, office):
        return ""
    return f"{asked.by} was not told of it: those who were may dispute it"


_RULES: Final[dict[Kind, Callable[[Asked, AlertFacts, Office], str]]] = {
    "claim": _why_no_claim,
    "accept": _why_no_acceptance,
    "snooze": _why_no_snooze,
    "hand_over": _why_no_hand_over,
    "dispute": _why_no_dispute,
}


def why_not_undo(handled: Handled, by: str, reason: str, alert: AlertFacts, office: Office) -> str:
    """Blank where somebody may take back what was said; otherwise why not."""
    if not reason.strip():
        return "A reason is required: say in a sentence why"
    if handled.ended_why:
        return f"It has ended already: {handled.ended_why}"
    if by not in office.directory.people:
        return f"{by} is not in the staff directory: give a person's id as people.csv has it"
    if handled.by in acts_as(by, office) or _answers(by, alert, office) or _manager_rank(by, alert, office):
        return ""
    return f"{by} may not undo it: its author {handled.by}, {_who_may(alert)} may"


def why_not_resolve(handled: Handled, by: str, alert: AlertFacts, office: Office) -> str:
    """Blank where somebody may decide a dispute; otherwise why not. Nobody decides their own."""
    if handled.kind != "dispute":
        return f"That is no dispute but {handled.kind.replace('_', ' ')}: undo it instead"
    if handled.ended_why:
        return f"It has ended already: {handled.ended_why}"
    person = office.directory.people.get(by)
    if person is None:
        return f"{by} is not in the staff directory: give a person's id as people.csv has it"
    if handled.by in acts_as(by, office):
        return f"{by} raised it: somebody else has to decide"
    if _owns(person, alert.owner) or _manager_rank(by, alert, office):
        return ""
    owner = f"the owner of the rule ({alert.owner})" if alert.owner else "the owner of the rule"
    return f"{by} may not decide it: {owner} or a manager above the child's worker may"


def _owns(person: Person, owner: str) -> bool:
    """A pack names its owner in words: an id, a name, or a role, perhaps with whose it is after it."""
    words = owner.lower()
    roles = [role_words(role).lower() for role in person.roles]
    return bool(words) and (words in (person.id.lower(), person.name.lower()) or words.startswith(tuple(roles)))


def _who_may(alert: AlertFacts) -> str:
    owner = answers_for(alert.handled) or alert.holding.worker
    return f"{owner}, their deputy or a manager above" if owner else "a manager above"


def until_words(handled: Handled) -> str:
    """Until when it holds, to end a sentence with; blank for what does not lapse by itself."""
    return f", until {in_words(handled.until)}" if handled.until else ""


def _wrong_day(day: date, at_most: Duration, office: Office) -> str:
    if day <= office.today:
        return f"{in_words(day)} is not ahead: give a later day"
    last = local_day(shift(office.today, at_most, office.calendar))
    return f"At most {at_most} ahead, so {in_words(last)} is the last day: give an earlier one" if day > last else ""


# How long it holds.


def lapses(asked: Asked, office: Office) -> datetime | None:
    """The moment at which what is said now lapses by itself; None for what does not.

    A claim or an acceptance lapses as its author's next working day after the term begins, so that it never
    ends while nobody is there to see it; a snooze as its day begins.
    """
    if asked.kind == "claim":
        return begin_of(
            _next_day_at_work(asked.by, local_day(shift(office.today, CLAIM_TERM, office.calendar)), office)
        )
    if asked.until is None or asked.kind not in ("accept", "snooze"):
        return None
    return begin_of(asked.until if asked.kind == "snooze" else _next_day_at_work(asked.by, asked.until, office))


def _next_day_at_work(person_id: str, day: date, office: Office) -> date:
    """The next working day on which their team is not closed. Whether they are away then does not matter: the
    duty is their deputy's, and what nobody carries must not go on."""
    person = office.directory.people.get(person_id)
    team = office.directory.teams.get((person.team if person else None) or "")
    closed = team.closed if team else frozenset[date]()
    for _ in range(30):
        day = office.calendar.add_working_days(day, 1)
        if day not in closed:
            break
    return day


def why_ended(handled: Handled, office: Office) -> str:
    """Blank while it stands; else ``lapsed``, or that who carries it has left. A dispute outlives its author."""
    if handled.until is not None and handled.until <= office.now:
        return "lapsed"
    carrier = {"hand_over": handled.to or "", "dispute": ""}.get(handled.kind, handled.by)
    if not carrier:
        return ""
    person = office.directory.people.get(carrier)
    if person is not None and (person.leaves is None or office.today < person.leaves):
        return ""
    return TAKER_LEFT if handled.kind == "hand_over" else "its author has left"


def in_force(handled: Iterable[Handled], now: datetime) -> tuple[Handled, ...]:
    """What stands at a moment: not ended, and not past its term."""
    return tuple(h for h in handled if not h.ended_why and (h.until is None or now < h.until))
