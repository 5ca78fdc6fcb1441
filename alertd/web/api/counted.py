"""*Exceptions* and *Insight* for programs: the lists and figures of the pages, with small numbers hidden as there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from fastapi import Query, Response

from alertd.access.may import may_see_team
from alertd.insight.comparison import WHO, Figure, Rate, Who
from alertd.insight.national import National
from alertd.insight.small_numbers import Shown
from alertd.insight.timeliness import BASIS, Outcome, months_to
from alertd.views import exceptions as exceptional
from alertd.views import insight as view
from alertd.web import lists
from alertd.web.api.calls import Asking, Call, Word
from alertd.web.api.problems import Refusal
from alertd.web.policy import Policy
from alertd.web.visit import Visit

PATIENCE: Final = 10.0
"""Seconds for which a program waits for the first count; a person is told sooner."""
Number = Annotated[int, Query(ge=1, lt=2**31)]


@dataclass(frozen=True, slots=True)
class Count:
    """A count. ``value`` is null where it is 5 or fewer and not theirs to know, and rounded unless it is ``exact``."""

    value: int | None
    exact: bool

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """As it may be shown."""
        return cls(shown.value, shown.exact)


@dataclass(frozen=True, slots=True)
class Share:
    """A share from 0 to 1, and between which it lies for all that can be told. ``value`` is null where that says
    nothing; ``small``: it stands on a small base and may not mean much."""

    value: float | None
    low: float
    high: float
    small: bool

    @classmethod
    def of(cls, rate: Rate | None) -> Self | None:
        """To three places."""
        if rate is None:
            return None
        value = None if rate.value is None else round(rate.value, 3)
        return cls(value, round(rate.low, 3), round(rate.high, 3), rate.small)


@dataclass(frozen=True, slots=True)
class Month:
    """What was done in one month, as 2026-11."""

    month: str
    in_time: Count
    late: Count
    share: Share | None


@dataclass(frozen=True, slots=True)
class Day:
    """How many were done so many days after the limit; before it where ``days`` is negative."""

    days: int
    late: bool
    done: Count


@dataclass(frozen=True, slots=True)
class Figures:
    """One rule's figures of the twelve months: ``me``, the ``team`` (without me, where it is not mine to look at),
    ``similar`` teams, or the ``service``. ``right`` is the share of what was told that was not shown to be wrong."""

    who: Who
    done: Count
    in_time: Count
    late: Count
    recorded_late: Count
    overdue: Count
    told: Count
    disputed: Count
    upheld: Count
    share_in_time: Share | None
    share_recorded_late: Share | None
    right: Share | None
    median_days_late: float | None


@dataclass(frozen=True, slots=True)
class InTime:
    """Somebody's figures by month and by day around the limit; null where that would tell too much."""

    who: Who
    months: tuple[Month, ...] | None
    days: tuple[Day, ...] | None


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule. ``withheld`` says of whom there are figures that are not shown, and why; ``national`` is what was
    published of the country."""

    rule: str
    title: str
    figures: tuple[Figures, ...]
    withheld: Mapping[Who, str]
    national: National | None


@dataclass(frozen=True, slots=True)
class Insight:
    """The figures of every rule with anything to count. ``team`` is looked at, ``teams`` may be instead, ``similar``
    are compared with it; ``as_of`` is when it was counted, ``fresh`` whether nothing has changed since; ``basis`` says
    what is counted."""

    rules: tuple[RuleFigures, ...]
    team: str
    teams: tuple[str, ...]
    similar: tuple[str, ...]
    as_of: datetime
    fresh: bool
    basis: str


@dataclass(frozen=True, slots=True)
class OneRule:
    """The figures of one rule, in detail."""

    rule: RuleFigures
    by_time: tuple[InTime, ...]
    team: str
    as_of: datetime
    fresh: bool
    basis: str


@dataclass(frozen=True, slots=True)
class BehindFigure:
    """Alerts behind a figure, the latest first, of the children whom one may see; ``next`` is the address of the
    earlier ones, and null on the last page."""

    alerts: tuple[view.Behind, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ExceptionsPage:
    """One page of exceptions by their groups; ``next`` is the address of the page after it, and null on the last."""

    exceptions: exceptional.Exceptions
    next: str | None


def exceptions(
    visit: Asking, response: Response, by: Literal["owner", "need"] = "owner", team: Word = "", page: Number = 1
) -> ExceptionsPage:
    """Children whose needs are not being met: gaps in services, and what is overdue and nobody has said they see to."""
    _theirs(visit, team)
    found, _ = lists.exceptions(visit, by, team, page)
    return ExceptionsPage(found, _next(visit, response, page=found.page + 1) if found.page < found.pages else None)


def insight(visit: Asking, team: Word = "") -> Insight:
    """How timely work was in twelve months, by rule: one's own beside the team's, similar teams', the service's and
    the country's."""
    found = _insight(visit, team)
    rules = tuple(_rule(one) for one in found.rules)
    return Insight(rules, found.team, found.choice, found.similar, found.as_of, found.fresh, BASIS)


def insight_of_rule(visit: Asking, rule: str, team: Word = "") -> OneRule:
    """One rule, by month and by day around its limit."""
    found = _insight(visit, team, rule)
    [one] = found.rules
    figures = [figure for who in WHO if (figure := one.line.figures[who])]
    return OneRule(
        _rule(one), tuple(map(_by_time, figures)), found.team, found.as_of, found.fresh, BASIS
    )  # fmt: skip


def behind_figure(
    visit: Asking,
    response: Response,
    rule: str,
    scope: Who = "me",
    team: Word = "",
    month: Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2})?$")] = "",
    outcome: Outcome | None = None,
    before: Annotated[Number | None, Query(description="From where the page before ended: see next.")] = None,
) -> BehindFigure:
    """The alerts behind a figure that is shown as it is. Behind one that is rounded nothing is listed."""
    _insight(visit, team, rule)
    which = view.behind(visit.web.figures, visit.who, visit.office, rule, scope, team)
    if which is None:
        raise Refusal(403, "You see this figure rounded, so that nobody can be made out behind it")
    if month and month not in months_to(visit.office.today):
        raise Refusal(404, "Nothing is counted for that month")
    shown, before = lists.behind(visit, scope, team, replace(which, month=month, outcome=outcome, before=before))
    return BehindFigure(tuple(shown), _next(visit, response, before=before) if before else None)


def _theirs(visit: Visit, team: str) -> None:
    if team and not (found := may_see_team(visit.who, team, visit.office)).allowed:
        raise Refusal(403, found.why)


def _insight(visit: Visit, team: str, rule: str = "") -> view.Insight:
    _theirs(visit, team)
    found = lists.insight(visit, team, rule, PATIENCE)
    if found is None:
        raise Refusal(503, "The figures are being counted for the first time", {"retry-after": "10"})
    if rule and not found.rules:
        raise Refusal(404, "Nothing was counted for that rule in the last twelve months")
    return found


def _next(visit: Visit, response: Response, **more: int) -> str:
    url = visit.request.url.include_query_params(**more)
    response.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'
    return f"{url.path}?{url.query}"


def _rule(one: view.RuleFigures) -> RuleFigures:
    line = one.line
    figures = tuple(_figures(figure) for who in WHO if (figure := line.figures[who]))
    return RuleFigures(line.rule, one.title, figures, line.withheld, line.national)


def _figures(one: Figure) -> Figures:
    return Figures(
        who=one.who,
        done=Count.of(one.n),
        in_time=Count.of(one.in_time),
        late=Count.of(one.late),
        recorded_late=Count.of(one.recorded_late),
        overdue=Count.of(one.overdue),
        told=Count.of(one.told),
        disputed=Count.of(one.disputed),
        upheld=Count.of(one.upheld),
        share_in_time=Share.of(one.share),
        share_recorded_late=Share.of(one.recorded_late_share),
        right=Share.of(one.right_share),
        median_days_late=one.median_days_late,
    )


def _by_time(one: Figure) -> InTime:
    months = [Month(at.month, Count.of(at.in_time), Count.of(at.late), Share.of(at.share)) for at in one.months or ()]
    days = [Day(at.days, at.late, Count.of(at.n)) for at in one.days or ()]
    return InTime(one.who, tuple(months) if one.months else None, tuple(days) if one.days else None)


CALLS: Final = (
    Call("/exceptions", Policy.staff, exceptions),
    Call("/insight", Policy.staff, insight, besides=(503,)),
    Call("/insight/{rule}", Policy.staff, insight_of_rule, besides=(404, 503)),
    Call("/insight/{rule}/children", Policy.staff, behind_figure, besides=(404, 503)),
)
