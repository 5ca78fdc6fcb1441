"""Overlays: asking for more is made so, asking for less needs an officer, and a team is judged by its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.calendars.calendar import Term
from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook.builtin import england, rules_folder
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.shelf import shelves
from alertd.rulebook.timing import DatedSpan

PACK = """\
pack: law.example
edition: "one"
rules:
  - id: law.review
    title: First review
    why: It shows what an overlay does.
    law: {cite: The law, confidence: V}
    for: care_period
    clock: {from: start, within: [{from: 2011-04-01, value: 20 working days}]}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
  - id: law.beginning
    title: Review beginning with
    why: The day itself counts.
    law: {cite: The law, confidence: V*}
    for: care_period
    clock: {from: start, within: 2 weeks, count_from: same_day}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
  - id: practice.visit
    title: Visit
    why: It is a practice standard.
    law: {cite: Practice, confidence: P}
    for: care_period
    clock: {every: {setting: practice.visit.interval, default: 6 weeks}, from: start}
    until: {record: cla_visit}
    clears: A visit is recorded.
    warn: W6
    escalate: L1
"""
OFFICER = "loosened_by: {officer: Director, reason: Agreed by the board, date: 2026-09-01}"


def book(tmp_path: Path, *overlays: str) -> Rulebook:
    pack = tmp_path / "law.yaml"
    pack.write_text(PACK)
    paths = []
    for i, text in enumerate(overlays):
        paths.append(tmp_path / f"{i}.overlay.yaml")
        paths[-1].write_text(f'overlay: example.{i}\nedition: "one"\n{text}')
    return load_rulebook([pack], overlays=paths)


def authority(change: str) -> str:
    return f"level: authority\nchanges:\n  - {{{change}}}\n"


def team(change: str, level: str = "team", key: str = "north") -> str:
    return f"level: {level}\nteams: [{key}]\nchanges:\n  - {{{change}}}\n"


def rule(found: Rulebook, name: str = "law.review") -> Rule:
    one = found.rule(name)
    assert one
    return one


def limits(found: Rulebook, name: str = "law.review") -> tuple[str, str]:
    """The limit and the authority's own, for a clock that starts in 2026."""
    day, one = date(2026, 11, 30), rule(found, name)
    return str(found.limit(one, day)), str(found.local_limit(one, day))


def test_a_shorter_limit_stands_beside_the_laws(tmp_path: Path) -> None:
    found = book(tmp_path, authority("rule: law.review, limit: 15 working days"))
    assert limits(found) == ("20 working days", "15 working days")
    assert rule(found).loosened_by is None


@pytest.mark.parametrize("limit", ["20 working days", "26 calendar days", "3 weeks", "600 hours"])
def test_a_limit_in_another_unit_that_never_ends_later_is_a_tightening(tmp_path: Path, limit: str) -> None:
    assert limits(book(tmp_path, authority(f"rule: law.review, limit: {limit}")))[0] == "20 working days"


@pytest.mark.parametrize(
    ("limit", "worst"),
    [
        ("21 working days", "from 2025-03-20 it ends 5 days later"),
        ("27 calendar days", "from 2025-01-05 it ends 1 day later"),
        ("1 month", "from 2025-01-05 it ends 5 days later"),
        ("648 hours", "from 2025-03-09 it ends 25 hours later"),
    ],
)
def test_a_limit_that_ends_later_on_any_day_is_refused_with_the_worst_of_them(
    tmp_path: Path, limit: str, worst: str
) -> None:
    with pytest.raises(InputError) as caught:
        book(tmp_path, authority(f"rule: law.review, limit: {limit}"))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / '0.overlay.yaml'}:5: changes[1].limit: {limit} is longer than the law's 20 w")
    assert worst in said
    assert said.endswith("Shorten it, or add `loosened_by: {officer, reason, date}`.")


def test_a_loosening_an_officer_answers_for_takes_the_laws_place_and_keeps_the_name(tmp_path: Path) -> None:
    found = book(tmp_path, authority(f"rule: law.review, limit: 30 working days, {OFFICER}"))
    assert limits(found) == ("30 working days", "None")
    loosened = rule(found).loosened_by
    assert loosened and (loosened.officer, loosened.date_) == ("Director", date(2026, 9, 1))


def test_a_loosening_judges_no_clock_the_law_does_not(tmp_path: Path) -> None:
    found = book(tmp_path, authority(f"rule: law.review, limit: 30 working days, {OFFICER}"))
    assert found.limit(rule(found), date(2011, 3, 31)) is None


def test_a_limit_from_a_day_leaves_the_one_before_it(tmp_path: Path) -> None:
    dated = "[{from: 2027-01-01, value: 30 working days}]"
    found = book(tmp_path, authority(f"rule: law.review, limit: {dated}, {OFFICER}"))
    assert [str(found.limit(rule(found), date(y, 6, 1))) for y in (2026, 2027)] == [
        "20 working days",
        "30 working days",
    ]


def test_a_loosening_that_begins_years_ahead_is_seen_today(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer than the law's"):
        book(tmp_path, authority("rule: law.review, limit: [{from: 2035-01-01, value: 30 working days}]"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rule: law.review, enabled: false, disabled_because: Too much", "law.review would be switched off, and the"),
        ("rule: law.beginning, count_from: next_day", "same_day would become next_day"),
    ],
)
def test_switching_off_and_counting_later_are_loosenings(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        book(tmp_path, authority(change))
    assert rule(book(tmp_path, authority(f"{change}, {OFFICER}")), change.split(",")[0][6:]).loosened_by


def test_an_officers_name_on_what_asks_for_no_less_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"changes\[1\].loosened_by: nothing here asks for less than before"):
        book(tmp_path, authority(f"rule: law.review, limit: 10 working days, {OFFICER}"))


def test_a_practice_standard_is_the_authoritys_to_set_longer_or_switch_off(tmp_path: Path) -> None:
    found = book(tmp_path, authority("rule: practice.visit, limit: 3 months"))
    assert limits(found, "practice.visit") == ("3 months", "None")
    off = book(tmp_path, authority("rule: practice.visit, enabled: false, disabled_because: Elsewhere"))
    assert not rule(off, "practice.visit").enabled


def test_more_may_be_asked_of_what_stops_the_clock(tmp_path: Path) -> None:
    found = rule(book(tmp_path, authority("rule: practice.visit, also_where: {child_seen: true}")), "practice.visit")
    assert found.until and [(c.field, c.value) for c in found.until.where] == [("child_seen", True)]


def test_words_warnings_and_owners_are_the_authoritys(tmp_path: Path) -> None:
    text = (
        "level: authority\n"
        "warnings: {OWN: {title: Own, at: [{before: 1 working day}]}}\n"
        "changes: [{rule: law.review, warn: OWN, title: Review, owner: Somebody, review_by: 2027-01-01}]\n"
    )
    found = rule(book(tmp_path, text))
    assert (found.warn, found.title, found.owner, found.review_by) == ("OWN", "Review", "Somebody", date(2027, 1, 1))


def test_a_setting_of_an_overlay_is_the_length(tmp_path: Path) -> None:
    text = "level: authority\nsettings: {practice.visit.interval: 4 weeks}\n"
    assert limits(book(tmp_path, text), "practice.visit")[0] == "4 weeks"


def test_a_teams_overlay_holds_for_its_team_alone(tmp_path: Path) -> None:
    found = book(tmp_path, team("rule: law.review, limit: 10 working days"))
    assert limits(found)[1] == "None"
    assert limits(found.of_team("north"))[1] == "10 working days"
    assert limits(found.of_team("south"))[1] == "None"


def test_levels_are_laid_from_the_widest_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    found = book(
        tmp_path,
        team("rule: law.review, limit: 10 working days"),
        team("rule: law.review, limit: 12 working days", level="service"),
        authority("rule: law.review, limit: 15 working days"),
    )
    assert limits(found)[1] == "15 working days"
    assert limits(found.teams["north"])[1] == "10 working days"


@pytest.mark.parametrize("above", [authority, lambda text: team(text, level="service")])
def test_a_team_may_not_ask_for_less_than_a_level_above_though_the_law_would_let_it(
    tmp_path: Path, above: object
) -> None:
    assert callable(above)
    overlays = above("rule: law.review, limit: 10 working days"), team("rule: law.review, limit: 15 working days")
    with pytest.raises(InputError, match=r"15 working days is longer than the authority's 10 working days"):
        book(tmp_path, *overlays)


def test_a_team_may_not_lengthen_the_practice_standard_its_authority_set(tmp_path: Path) -> None:
    overlays = authority("rule: practice.visit, limit: 4 weeks"), team("rule: practice.visit, limit: 6 weeks")
    with pytest.raises(InputError, match=r"6 weeks is longer than the level above's 4 weeks"):
        book(tmp_path, *overlays)


def test_a_teams_setting_may_not_be_longer_than_its_authoritys(tmp_path: Path) -> None:
    above = "level: authority\nsettings: {practice.visit.interval: 4 weeks}\n"
    with pytest.raises(InputError, match=r"5 weeks is longer than the 4 weeks of the level above"):
        book(tmp_path, above, "level: team\nteams: [north]\nsettings: {practice.visit.interval: 5 weeks}\n")
    found = book(tmp_path, above, "level: team\nteams: [north]\nsettings: {practice.visit.interval: 3 weeks}\n")
    assert found.teams["north"].settings == {"practice.visit.interval": Duration(3, "week")}


def test_a_team_may_tighten_what_its_authority_loosened(tmp_path: Path) -> None:
    loose = authority(f"rule: law.review, limit: 30 working days, {OFFICER}")
    found = book(tmp_path, loose, team("rule: law.review, limit: 25 working days"))
    assert limits(found.teams["north"]) == ("30 working days", "25 working days")


def test_an_overlay_may_add_rules_and_only_its_team_has_them(tmp_path: Path) -> None:
    new = PACK.split("rules:\n")[1].replace("law.", "north.").replace("practice.", "north.practice.")
    found = book(tmp_path, f"level: team\nteams: [north]\nrules:\n{new}")
    assert len(found.rules) == 3
    added = found.teams["north"].rule("north.review")
    assert added and (added.pack, added.place) == ("example.0", f"{tmp_path / '0.overlay.yaml'}:6")


def test_the_same_setting_in_two_places_is_refused(tmp_path: Path) -> None:
    book(tmp_path, "level: authority\nsettings: {practice.visit.interval: 4 weeks}\n")
    with pytest.raises(InputError, match=r"0.overlay.yaml:4: settings.practice.visit.interval: is given under \[rules"):
        load_rulebook(
            [tmp_path / "law.yaml"],
            overlays=[tmp_path / "0.overlay.yaml"],
            settings={"practice.visit.interval": "5 weeks"},
        )


def test_the_example_overlays_load_over_the_england_packs() -> None:
    folder = rules_folder() / "local-example"
    found = load_rulebook([england()], overlays=sorted(folder.glob("*.overlay.yaml")))
    assert limits(found, "cla.review.first") == ("20 working days", "15 working days")
    assert limits(found, "lc.review") == ("7 months", "None")
    assert rule(found, "lc.review").loosened_by
    assert limits(found.teams["leaving-care"], "lc.review") == ("7 months", "6 months")
    assert rule(found, "example.handover.visit").owner == "Principal Social Worker"
    assert rule(found, "cla.review.first").clock.local == (DatedSpan(value=Duration(15, "working day")),)


SCHOOL = PACK.replace("within: [{from: 2011-04-01, value: 20 working days}]", "within: 20 school days")


def test_school_days_are_compared_with_no_terms_known_only_in_their_own_unit(tmp_path: Path) -> None:
    pack, overlay = tmp_path / "law.yaml", tmp_path / "0.overlay.yaml"
    pack.write_text(SCHOOL)

    def laid(limit: str, terms: tuple[Term, ...] = ()) -> Rulebook:
        overlay.write_text(f'overlay: a.b\nedition: "1"\n{authority(f"rule: law.review, limit: {limit}")}')
        return load_rulebook([pack], overlays=[overlay], terms=terms)

    assert limits(laid("15 school days"))[1] == "15 school days"
    with pytest.raises(InputError, match="25 school days is longer than the law's 20 school days"):
        laid("25 school days")
    with pytest.raises(InputError, match=r"changes\[1\].limit: cannot be compared: .* in the unit of the rule"):
        laid("15 working days")
    autumn = Term(date(2026, 9, 1), date(2026, 12, 18))
    assert limits(laid("15 working days", (autumn,)))[1] == "15 working days"
    with pytest.raises(InputError, match="30 working days is longer than the law's 20 school days"):
        laid("30 working days", (autumn,))


def test_nothing_in_the_example_overlays_is_unfinished() -> None:
    for shelf in shelves([rules_folder() / "local-example"]):
        own = {rule.id for rule in shelf.rules} | shelf.changed
        found = lint(shelf.rulebook, shelf.every_case, date(2026, 11, 23))
        assert [p.text for p in found if p.rule in own and not p.for_authority] == []
