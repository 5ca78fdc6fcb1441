"""*Insight*: one's own work beside that of the team, similar teams, the service and the country; and what is behind it.

Nobody is ranked or named here. What is shown rounded, or not at all, stays so in every table, chart and file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args
from urllib.parse import quote, urlencode

from starlette.responses import Response

from alertd.access.may import teams_seen
from alertd.insight import pictures
from alertd.insight.comparison import WHO, Figure, Line, Who
from alertd.insight.downloads import days_csv, months_csv, rules_csv
from alertd.insight.timeliness import BASIS, Outcome, months_to
from alertd.views import insight as view
from alertd.views.alerts import team_name
from alertd.web import lists
from alertd.web.charts import Chart, days_chart, months_chart, shares_chart
from alertd.web.policy import Policy
from alertd.web.visit import HEADERS, Page, Visit

PATIENCE: Final = 2.0
"""Seconds for which somebody waits for the first count; of a large authority it takes longer, and they are told so."""
WORDS: Final[Mapping[Outcome, str]] = {
    "in_time": "in time",
    "recorded_late": "in time, recorded late",
    "late": "late",
}


def overview(visit: Visit) -> Response:
    """Every rule with anything to count."""
    if (found := _insight(visit)) is None:
        return _being_counted(visit)
    return visit.page("insight.html.j2", title="Insight", **_shared(visit, found))


def one_rule(visit: Visit) -> Response:
    """One rule: by whom, by month, around the limit, recorded late, and how often it was wrong."""
    if (found := _insight(visit, visit.path["rule"])) is None:
        return _being_counted(visit)
    if not found.rules:
        return _none(visit)
    [one] = found.rules
    shared = _shared(visit, found)
    names: Mapping[Who, str] = shared["names"]
    figures = [figure for who in WHO if (figure := one.line.figures[who])]
    address = f"/insight/{quote(one.line.rule)}"
    return visit.page(
        "insight_rule.html.j2",
        title=one.title,
        section="Insight",
        one=one,
        figures=figures,
        address=address,
        shares=shares_chart(one.title, one.line, names),
        months=[_linked(months_chart(one.title, f, names[f.who], _mark(one.line)), f, address, found.team)
                for f in figures if f.months],
        days=[days_chart(one.title, figure, names[figure.who]) for figure in figures if figure.days],
        **shared,
    )  # fmt: skip


def all_csv(visit: Visit) -> Response:
    """The figures of every rule as a table."""
    return _csv(visit, "", rules_csv, "insight")


def rule_csv(visit: Visit) -> Response:
    """The figures of one rule."""
    return _csv(visit, visit.path["rule"], rules_csv, "insight")


def series_csv(visit: Visit) -> Response:
    """One rule by month, or by day around the limit."""
    made = {"months": months_csv, "days": days_csv}.get(visit.path["series"])
    return _csv(visit, visit.path["rule"], made, f"insight-{visit.path['series']}") if made else _none(visit)


def chart_svg(visit: Visit) -> Response:
    """One chart as a picture: ``shares``, or ``months-`` and ``days-`` with whose."""
    if (found := _insight(visit, visit.path["rule"])) is None:
        return _being_counted(visit, 503)
    chart = _chart(found, _names(visit, found.team), visit.path["chart"]) if found.rules else None
    if chart is None:
        return _none(visit)
    return _file(f"insight-{found.rules[0].line.rule}-{chart.id}.svg", "image/svg+xml", chart.svg)


def children(visit: Visit) -> Response:
    """The alerts behind a figure that the viewer sees as it is, of the children whom they may see."""
    asked, rule = visit.asked, visit.path["rule"]
    who: Who = next((one for one in WHO if one == asked("scope")), "me")
    if (found := _insight(visit, rule)) is None:
        return _being_counted(visit)
    if not found.rules:
        return _none(visit)
    team = found.team if found.team in found.choice else ""
    which = view.behind(visit.web.figures, visit.who, visit.office, rule, who, team)
    if which is None:
        why = "You see this figure rounded, so that nobody can be made out behind it. What is behind it is not listed"
        return visit.page("refused.html.j2", 403, title="This is not listed", why=why, child=None)
    wanted = replace(
        which,
        month=asked("month") if asked("month") in months_to(visit.office.today) else "",
        outcome=next((one for one in get_args(Outcome) if one == asked("outcome")), None),
        before=int(asked("before")) if re.fullmatch(r"[0-9]{1,9}", asked("before")) else None,
    )
    shown, before = lists.behind(visit, who, team, wanted)
    query = {"scope": who, "team": team, "month": wanted.month, "outcome": wanted.outcome or ""}
    return visit.page(
        "insight_children.html.j2",
        title=f"Behind the figures: {found.rules[0].title}",
        rule=found.rules[0].title,
        back_to=f"/insight/{quote(rule)}{_query(team)}",
        whose=_names(visit, found.team)[who],
        rows=shown,
        words=WORDS,
        query=query,
        months=[(month, pictures.month_words(month)) for month in reversed(found.months)],
        earlier=f"?{urlencode({**query, 'before': before})}" if before else "",
    )


def _insight(visit: Visit, rule: str = "") -> view.Insight | None:
    """The figures; None while they are counted for the first time."""
    return lists.insight(visit, visit.asked("team"), rule, PATIENCE)


def _shared(visit: Visit, found: view.Insight) -> dict[str, Any]:
    """What every page of figures shows."""
    directory = visit.office.directory
    teams = sorted((team_name(directory, one), one) for one in found.choice)
    query = _query(found.team if found.team in found.choice else "")
    return {
        "found": found,
        "names": _names(visit, found.team),
        "who": WHO,
        "basis": BASIS,
        "teams": teams,
        "similar": sorted(team_name(directory, one) for one in found.similar),
        "query": query,
        "rate_words": pictures.rate_words,
    }


def _query(team: str) -> str:
    return f"?{urlencode({'team': team})}" if team else ""


def _names(visit: Visit, team: str) -> dict[Who, str]:
    """What each is called: a manager's choice by its name, a worker's own team as it is counted, without them."""
    named = "Your team, without you"
    if team in teams_seen(visit.who, visit.office):
        below = len(visit.office.directory.teams_under(team)) > 1
        named = f"{team_name(visit.office.directory, team)}{' and the teams under it' if below else ''}"
    return {**pictures.NAMES, "team": named}


def _mark(line: Line) -> float | None:
    """The country's share to read others against."""
    return (line.national.like_for_like or line.national.share) if line.national else None


def _linked(chart: Chart, figure: Figure, address: str, team: str) -> Chart:
    """A chart by month whose table leads on to what was done, where the figure is shown as it is."""
    if not figure.n.exact:
        return chart
    months = [one.month if one.in_time.value or one.late.value else "" for one in figure.months or ()]
    scope = {"scope": figure.who, "team": team}
    return chart.linked([
        f"{address}/children?{urlencode({**scope, 'month': month})}" if month else "" for month in months
    ])  # fmt: skip


def _chart(found: view.Insight, names: Mapping[Who, str], name: str) -> Chart | None:
    """A chart by its name; None for one that there is not, or that is withheld."""
    [one] = found.rules
    if name == "shares":
        return shares_chart(one.title, one.line, names)
    kind, _, whose = name.partition("-")
    figure = next((figure for who, figure in one.line.figures.items() if who == whose), None)
    if figure and kind == "months" and figure.months:
        return months_chart(one.title, figure, names[figure.who], _mark(one.line))
    if figure and kind == "days" and figure.days:
        return days_chart(one.title, figure, names[figure.who])
    return None


def _csv(visit: Visit, rule: str, made: Callable[..., str], name: str) -> Response:
    if (found := _insight(visit, rule)) is None:
        return _being_counted(visit, 503)
    if rule and not found.rules:
        return _none(visit)
    text = made([(one.title, one.line) for one in found.rules], _names(visit, found.team))
    return _file(f"{name}-{rule}.csv" if rule else f"{name}.csv", "text/csv", text)


def _file(name: str, kind: str, text: str) -> Response:
    """Something to keep. A rule's id may be anything that once stood in a rulebook."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{safe}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8" if kind == "text/csv" else kind, headers=headers)


def _being_counted(visit: Visit, status: int = 200) -> Response:
    made = visit.page("insight_counting.html.j2", status, title="Insight", path=visit.request.url.path)
    made.headers["retry-after"] = "10"
    return made


def _none(visit: Visit) -> Response:
    why = "Nothing was counted for that rule in the last twelve months, or there is no such picture or table"
    return visit.page("refused.html.j2", 404, title="There is nothing here", why=why, child=None)


PAGES: Final = (
    Page("/insight", Policy.staff, overview),
    Page("/insight.csv", Policy.staff, all_csv),
    Page("/insight/{rule}.csv", Policy.staff, rule_csv),
    Page("/insight/{rule}/children", Policy.staff, children),
    Page("/insight/{rule}/{series}.csv", Policy.staff, series_csv),
    Page("/insight/{rule}/{chart}.svg", Policy.staff, chart_svg),
    Page("/insight/{rule}", Policy.staff, one_rule),
)
