"""*Rules*: the rulebook as a shelf, one rule, and a rule tried on a child and on the last month."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from alertd.insight.comparison import Line
from alertd.insight.pictures import rate_words
from alertd.views import rules as view
from alertd.views.insight import insight
from alertd.views.rule_counts import DAYS, last_month
from alertd.views.rule_words import KIND_WORDS
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit


def shelf(visit: Visit) -> Response:
    """All rules by area of work, or those looked for."""
    area, kind, words = visit.asked("area"), visit.asked("kind"), visit.asked("words")[:200]
    found = view.shelf(visit.house, visit.who, visit.office, area=area, kind=kind, words=words)
    given = {"area": area, "kind": kind, "words": words}
    return visit.page("rules.html.j2", title="Rules", shelf=found, kinds=KIND_WORDS, given=given)


def one(visit: Visit) -> Response:
    """Everything about one rule."""
    found = _rule(visit)
    if found is None:
        return _no_such(visit)
    counted = visit.web.figures.are_there()
    return visit.page(
        "rule.html.j2",
        title=found.rule.title,
        found=found,
        rule=found.rule,
        kinds=KIND_WORDS,
        counted=counted,
        line=_figures(visit, found.rule.id) if counted else None,
        rate_words=rate_words,
    )


def _figures(visit: Visit, rule: str) -> Line | None:
    """How often the rule was right, as *Insight* has it and no more of it than is shown there."""
    found = insight(visit.session, visit.web.figures, visit.who, visit.house.rulebook, visit.office, {}, rule=rule)
    return found.rules[0].line if found.rules else None


def tried(visit: Visit) -> Response:
    """The rule tried on the last month and, where one is given, on a child whom the viewer may see. That they looked
    is kept before anything of the child is read."""
    found = _rule(visit)
    if found is None:
        return _no_such(visit)
    child = visit.asked("child")
    explained: view.Tried | str | None = None
    errors: list[tuple[str, str]] = []
    status = 200
    if child:
        right = visit.judge().verdict(Policy.child, visit.who, {"child": child})
        known = visit.judge().child_of(Policy.child, {"child": child})
        if known is not None:
            what = "saw a rule tried" if right.allowed else "refused"
            visit.audit(what, child=known, why=right.why, rule=found.rule.id)
        if right.allowed:
            office, kept = visit.office, visit.web.cases.now()
            explained = view.tried(visit.session, visit.house, kept, found.rule.id, child, office)
        else:
            errors, status = [(right.why.partition(". If")[0], "#child")], 403
    counts = visit.web.lately_opened.of(found.rule.id, visit.session, visit.office)
    return visit.page(
        "rule_try.html.j2",
        status,
        title=f"Try the rule: {found.rule.title}",
        rule=found.rule,
        child=child,
        tried=explained if isinstance(explained, view.Tried) else None,
        why_not=explained if isinstance(explained, str) else "",
        month=last_month(found.rule.id, counts, visit.session, visit.who, visit.office),
        days=DAYS,
        errors=errors,
    )


def _rule(visit: Visit) -> view.RulePage | None:
    return view.rule_page(visit.house, visit.who, visit.path["rule"], visit.office)


def _no_such(visit: Visit) -> Response:
    why = "There is no such rule in the rulebook"
    return visit.page("refused.html.j2", 404, title="There is no such page", why=why, child=None)


PAGES: Final = (
    Page("/rules", Policy.staff, shelf),
    Page("/rules/{rule}", Policy.staff, one),
    Page("/rules/{rule}/try", Policy.staff, tried),
)
