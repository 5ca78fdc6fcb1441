"""Made-up mails, to look at templates with. Nothing in them is of any real child, worker or day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.cases.holding import Holding
from alertd.engine.findings import CannotTell, Finding
from alertd.language import Language
from alertd.people.directory import LINE, Directory, Person, Team
from alertd.routing.digest import compose_digest, compose_urgent
from alertd.routing.mails import ClearedItem, Digest, DigestItem, Link, Page, Urgent
from alertd.routing.next_step import next_step
from alertd.rulebook.model import Rule, Rulebook

TODAY: Final = date(2026, 11, 26)
"""The day of every example: a Thursday."""

_PEOPLE: Final = (
    Person("P1", "Ade Example", "ade@council.example", "worker", "T1"),
    Person("P2", "Bo Example", "bo@council.example", "worker", "T1"),
    Person("M1", "Cai Example", "cai@council.example", "team_manager", "T1"),
)
DIRECTORY: Final = Directory(
    {person.id: person for person in _PEOPLE},
    {"T1": Team("T1", "North team", inbox="north@council.example")},
    "duty@council.example",
)
_NAMES: Final[Mapping[str, str]] = {"team_manager": "Cai Example"}


def example_digest(rules: Sequence[Rule], book: Rulebook, calendar: Calendar, language: Language, role: str) -> Digest:
    """A digest about some rules, as one who is told in that role would have it."""
    items = [_item(n, rules[n % len(rules)], book, calendar, language, role or "worker") for n in range(6)]
    cleared = [ClearedItem(replace(items[2].finding, child="40117", stage="met", met=TODAY), items[2].rule, "met")]
    stages = ("overdue", "due", "upcoming", "overdue", "unknown")
    load = [(Holding("P1"), s) for s in stages[:3]] + [(Holding("P2"), s) for s in stages[3:]] if role in LINE else []
    return compose_digest(
        items, today=TODAY, calendar=calendar, directory=DIRECTORY, cleared=cleared, load=load,
        work="https://alertd.council.example/work", language=language,
    )  # fmt: skip


def example_urgent(rule: Rule, book: Rulebook, calendar: Calendar, language: Language) -> Urgent:
    """An urgent mail about a rule."""
    return compose_urgent(
        _item(0, rule, book, calendar, language, "worker"), today=TODAY, calendar=calendar, language=language
    )


def example_page() -> Page:
    """A mail of paragraphs with one of everything."""
    return Page(
        subject="An example",
        preview="An example",
        opening=("This is what the first paragraph looks like.",),
        today=TODAY,
        facts=(("Our reference", "EX-0001"), ("Acknowledge by", "Mon 30 Nov 17:00")),
        lines=("one thing", "another thing"),
        links=(Link("Acknowledge", "https://alertd.council.example/a/example"),),
        closing=("The small print.",),
        rows=frozenset({"EX-0001"}),
    )


def _item(n: int, rule: Rule, book: Rulebook, calendar: Calendar, language: Language, role: str) -> DigestItem:
    due = (TODAY - timedelta(days=2), TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=6), None, TODAY)[n]
    reason = CannotTell("missing", "start", f"example.csv:{n + 2}", "no start is recorded")
    finding = Finding(
        rule.id, str(48213 + 17 * (n // 2)), f"{rule.for_}:{n}", "start",
        ("overdue", "due", "upcoming", "upcoming", "unknown", "due")[n],
        start=due - timedelta(days=28) if due else None, due=due, statutory=due, binding="statutory" if due else None,
        limit="20 working days" if due else "", where=f"example.csv:{n + 2}", counted_from=f"example.csv:{n + 2}",
        cannot_tell=None if due else reason,
    )  # fmt: skip
    step = next_step(finding, rule, book, calendar, TODAY, lambda r: _NAMES.get(r, ""), language)
    how = "the allocated worker" if role == "worker" else "team manager of T1"
    household = "H1" if n < 4 else None
    change = ("stage", "", "new", "", "", "")[n]
    holding = Holding("P1" if n < 4 else "P2", "T1")
    page = f"https://alertd.council.example/alerts/{n}"
    return DigestItem(
        n, finding, rule, holding, role, how, n == 2, step, household=household, change=change, page=page
    )  # fmt: skip
