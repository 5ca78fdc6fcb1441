"""*Rules*: the shelf, one rule as one's own team has it, and a rule tried on a child and on the last month."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access.viewer import viewer_of
from alertd.alerts.handling import Office
from alertd.bootstrap import packs_of
from alertd.db.access_tables import AuditEntry
from alertd.db.tables import Alert
from alertd.engine import sweep as sweeping
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.people.restrictions import Restriction
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.views.rule_counts import DAYS, LatelyOpened, last_month
from alertd.web.app import app
from tests.support.council import Inline
from tests.support.pages import Browser, Pages, pages_at

pytest_plugins = ["tests.support.databases"]

OVERLAY = """\
overlay: own.north
edition: "Example Council, north, 2026"
level: team
teams: [T1]

changes:
  - rule: lc.review
    limit: 6 months
  - rule: cla.review.second
    limit: 4 months
    loosened_by: {officer: Ann Hughes, reason: A trial of one team, date: 2026-10-01}
"""


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(
        tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", restrictions={"C9": Restriction("C9", only=("W2",))}
    )
    yield found
    found.council.house.engine.dispose()


def by_rules(pages: Pages, book: Rulebook) -> Pages:
    """The same council, judged by these."""
    council = pages.council
    composer = replace(council.house.composer, rulebook=book)
    council.house = replace(council.house, rulebook=book, composer=composer)
    pages.client = Browser(app(council.house))
    return pages


def whole(pages: Pages, *overlays: Path) -> Pages:
    """All rules of England, with a length that the council has set, and overlays over them."""
    packs = packs_of(pages.council.house.settings)
    return by_rules(pages, load_rulebook(packs, overlays=overlays, settings={"cp.visit.interval": "15 working days"}))


def words(text: str) -> str:
    """What is read of a page's main part."""
    main = text[text.index("<main") : text.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#39;", "'")


def links(text: str) -> set[str]:
    return set(re.findall(r'href="/rules/([^"/]+)"', text))


def looks(pages: Pages) -> list[tuple[str, str | None]]:
    with Session(pages.council.house.engine) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(one.what, one.child) for one in entries if one.what in ("saw a rule tried", "refused")]


def test_the_shelf_has_every_rule_and_finds_them_by_area_kind_and_words(pages: Pages) -> None:
    book = whole(pages).sign_in("W1").council.house.rulebook
    assert links(pages.get("/rules").text) == {rule.id for rule in book.rules}
    gaps = links(pages.get("/rules?kind=gap").text)
    assert gaps == {rule.id for rule in book.rules if rule.kind == "gap"}
    leaving = links(pages.get("/rules?area=Leaving+care").text)
    assert leaving == {rule.id for rule in book.rules if rule.pack == "england.leaving_care"}
    found = links(pages.get("/rules?words=PATHWAY+review").text)
    assert "lc.review" in found and found < leaving | gaps | {rule.id for rule in book.rules}
    assert all("pathway" in pages.get(f"/rules/{one}").text.lower() for one in found)
    none = pages.get("/rules?words=<script>")
    assert none.status_code == 200 and not links(none.text) and "<script>" not in none.text.split("<main")[1]
    assert "Try fewer words" in words(none.text)


def test_every_page_of_a_rule_says_what_the_rule_says(pages: Pages) -> None:
    whole(pages).sign_in("W1")
    council = pages.council
    for rule in council.house.rulebook.rules:
        council.now += timedelta(seconds=1)  # as few a minute as a person asks
        answer = pages.get(f"/rules/{rule.id}")
        assert answer.status_code == 200, rule.id
        text = words(answer.text)
        assert rule.title in text and " ".join(rule.clears.split()) in text, rule.id
        assert f"{rule.tests} case" in text, rule.id


def test_one_rule_with_its_ladder_its_law_its_length_and_its_cases(pages: Pages) -> None:
    whole(pages).sign_in("W1")
    text = words(pages.get("/rules/cp.visit").text)
    rule = pages.council.house.rulebook.rule("cp.visit")
    assert rule is not None and rule.law.cite in text and rule.owner in text
    assert "8 weeks before the date The team manager" in text
    assert "5 working days after the date The director" in text
    assert "What is different here" in text and "the length cp.visit.interval not given 15 working days" in text
    assert "On Tue 17 Mar 2026" in words(pages.get("/rules/assess.cfa").text)
    cases = words(pages.get("/rules/assess.cfa").text)
    assert (
        "Referral to children's social care: start Mon 12 Jan 2026, nfa no" in cases
        and "It is overdue: due Mon 16 Mar 2026" in cases
    )


def test_a_team_sees_its_own_rules_with_what_its_overlay_changed(pages: Pages, tmp_path: Path) -> None:
    overlay = tmp_path / "north.overlay.yaml"
    overlay.write_text(OVERLAY)
    whole(pages, overlay).sign_in("W1")
    mine = words(pages.get("/rules/lc.review").text)
    assert "This is the rule as North has it" in mine and "the council's own length not given 6 months" in mine
    loosened = words(pages.get("/rules/cla.review.second").text)
    assert "Ann Hughes, Thu 1 Oct 2026: A trial of one team" in loosened and "days later than as shipped" in loosened
    changed = re.findall(r'<li class="app-alert">(?:(?!</li>).)*Changed here', pages.get("/rules").text, re.S)
    assert {one for text in changed for one in links(text)} == {"lc.review", "cla.review.second"}
    pages.sign_in("W3")
    assert "Nothing: it is as it ships" in words(pages.get("/rules/lc.review").text)


def test_how_often_a_rule_is_right_is_what_insight_shows_of_the_service(pages: Pages) -> None:
    pages.council.looked_after("C1")
    pages.council.looked_after("C2", worker="W2")
    pages.council.looked_after("C3", worker="W3")
    pages.council.day(date(2026, 11, 27))
    pages.client = Browser(app(pages.council.house))
    pages.sign_in("W1")
    while "being counted" in (text := words(pages.get("/rules/cla.review.first").text)):
        pages.get("/insight")  # which waits for it
    assert "Not shown: fewer than 3 people's work" in text and "Told to somebody" not in text
    pages.sign_in("I1")
    text = words(pages.get("/rules/cla.review.first").text)
    assert "Told to somebody 3," in text and "Shown to be wrong 0" in text and "Was right 100%" in text
    assert "Nobody was told of it" in words(pages.get("/rules/lc.review").text)


def test_what_is_in_shadow_or_off_says_so(pages: Pages) -> None:
    book = whole(pages).council.house.rulebook
    rules = tuple(r.model_copy(update={"shadow": "the pack is not adopted"}) for r in book.rules)
    by_rules(pages, book.model_copy(update={"rules": rules})).sign_in("W1")
    assert "told to nobody yet: the pack is not adopted" in words(pages.get("/rules/cp.visit").text)
    off = next(rule for rule in rules if not rule.enabled)
    assert off.disabled_because and off.disabled_because in words(pages.get(f"/rules/{off.id}").text)


def test_the_law_can_be_read_from_the_rule_and_from_an_alert_of_it(pages: Pages) -> None:
    pages.council.looked_after("C1")
    pages.council.evaluate(date(2026, 11, 24))
    rule = pages.council.house.rulebook.rule("cla.review.first")
    assert rule and rule.law.url
    link = f'<a class="govuk-link" href="{rule.law.url}" rel="noreferrer">{rule.law.cite}</a>'
    pages.sign_in("W1")
    assert link in pages.get("/rules/cla.review.first").text and link in pages.get("/alerts/1").text


def test_there_is_no_page_of_a_rule_that_is_not_there(pages: Pages) -> None:
    pages.sign_in("W1")
    for path in ("/rules/none.such", "/rules/none.such/try", "/rules/none.such/try?child=C1"):
        assert pages.get(path).status_code == 404
    assert looks(pages) == []


def test_tried_on_a_child_it_counts_every_day_and_the_look_is_kept(pages: Pages) -> None:
    pages.council.looked_after("C1")
    pages.council.evaluate(date(2026, 11, 24))
    pages.sign_in("W1")
    answer = pages.get("/rules/cla.review.first/try?child=C1")
    text = words(answer.text)
    assert answer.status_code == 200 and "The law's date: Fri 27 Nov 2026, which binds" in text
    assert "Mon 2 Nov 2026 1 2 3 4 5 - -" in text and "Mon 23 Nov 2026 16 17 18 19 20" in text
    assert "Fri 27 Nov 2026: becomes due: worker, team manager" in text
    assert looks(pages) == [("saw a rule tried", "C1")]
    assert "It asks nothing for this child" in words(pages.get("/rules/lc.review/try?child=C1").text)


@pytest.mark.parametrize("child", ["C3", "C9", "nobody"])
def test_a_child_of_others_is_refused_and_the_look_is_kept(pages: Pages, child: str) -> None:
    pages.council.looked_after("C3", worker="W3")
    pages.council.looked_after("C9")
    pages.council.evaluate(date(2026, 11, 24))
    pages.sign_in("W1")
    answer = pages.get(f"/rules/cla.review.first/try?child={child}")
    assert answer.status_code == 403 and "which binds" not in answer.text and "Fri 27 Nov" not in words(answer.text)
    assert looks(pages) == [("refused", child)]


def opened(session: Session, chance: random.Random, teams: dict[str, int], now: datetime) -> None:
    """So many alerts of a rule in each team within the month, and others that do not count."""
    for team, n in teams.items():
        for at in range(n + 3):
            is_counted = at < n
            rule = "lc.review" if at == n else "cla.review.first"
            child = WHOLE_FEED[0] if at == n + 1 else f"C{team}{at}"
            days = chance.randrange(DAYS) if is_counted or at < n + 2 else DAYS + 1
            finding = Finding(rule, child, f"c:{team}{at}", "start", "due", start=date(2026, 11, 1))
            session.add(
                Alert(
                    rule=rule, child=child, record=finding.record, occurrence="start", state="open", stage="due",
                    finding=finding.as_json(), worker=None, team=team or None, opened_at=now - timedelta(days=days),
                    changed_at=now,
                )
            )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_the_last_month_counts_what_was_opened_and_hides_small_numbers_of_others(pages: Pages, seed: int) -> None:
    chance = random.Random(seed)
    house, now = pages.council.house, datetime(2026, 11, 24, 9, tzinfo=UTC)
    counts = {"T1": chance.randrange(20), "T2": chance.randrange(20), "": chance.randrange(12)}
    with Session(house.engine) as session, session.begin():
        opened(session, chance, counts, now)
    office = Office(house.staff.directory, house.calendar, now)
    with Session(house.engine) as session:
        found = LatelyOpened().of("cla.review.first", session, office)
        assert Counter(found) == Counter(counts)
        worker, manager, reviewer = (viewer_of(id_, office.directory, office.today) for id_ in ("W1", "M1", "I1"))
        assert worker and manager and reviewer
        for viewer, exact in ((worker, set[str]()), (manager, {"North"}), (reviewer, {"North", "South"})):
            month = last_month("cla.review.first", found, session, viewer, office)
            names = {"T1": "North", "T2": "South", "": "no team"}
            for team, n in counts.items():
                if n:
                    [shown] = [one.n for one in month.teams if one.team == names[team]]
                    assert shown.exact == (names[team] in exact), (viewer.id, team)
                    assert shown.exact or shown.value is None or (n > 5 and shown.value != n) or n % 5 == 0
                    assert shown.value == n if shown.exact else (shown.value is None) == (n <= 5)


def test_a_total_that_would_tell_a_small_number_is_left_out(pages: Pages) -> None:
    house, now = pages.council.house, datetime(2026, 11, 24, 9, tzinfo=UTC)
    office = Office(house.staff.directory, house.calendar, now)
    manager = viewer_of("M1", office.directory, office.today)
    assert manager
    with Session(house.engine) as session:
        left_out = 0
        for others in range(6):
            for mine in range(40):
                month = last_month("r", {"T1": mine, "T2": others}, session, manager, office)
                if month.total is None:
                    left_out += 1
                    continue
                span = month.total.span
                possible = [n for n in range(6) if span.low <= mine + n <= (span.high or 0)]
                assert len(possible) >= 3, (mine, others, month)
    assert 0 < left_out < 120


def test_children_of_whom_somebody_must_not_hear_are_in_no_exact_figure(pages: Pages) -> None:
    for child in ("C1", "C9"):
        pages.council.looked_after(child)
    pages.council.evaluate(date(2026, 11, 24))
    pages.sign_in("M1")
    row = re.search(r"North (\d+)", words(pages.get("/rules/cla.review.first/try").text))
    assert row and row[1] == "1"
