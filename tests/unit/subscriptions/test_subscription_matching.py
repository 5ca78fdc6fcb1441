"""What a subscription covers, who may have it, and that it never reaches beyond what its owner answers for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from subscription_samples import BOOK, DIRECTORY, PEOPLE, TEAMS, about, at, change, wanted

from alertd.access.may import teams_seen
from alertd.access.viewer import viewer_of
from alertd.alerts.handling import Office
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.engine.findings import WHOLE_FEED
from alertd.errors import InputError
from alertd.people.directory import LINE, ROLES, Directory, Person, Team
from alertd.people.restrictions import Restriction
from alertd.subscriptions.model import STAGES_ASKED, About, Wanted, checked, covers, mandatory, matches, reach

TODAY = date(2026, 11, 26)
OVERDUE = change(1, at(26), "overdue", before="due")


def hears(asked: Wanted, of: About, directory: Directory = DIRECTORY) -> bool:
    return bool(matches(asked, of, OVERDUE, directory, TODAY))


def test_the_reason_names_the_rule_asked_for_and_the_stage() -> None:
    asked = wanted(rules=("urgent.visit", "plain.*"))
    assert matches(asked, about(), OVERDUE, DIRECTORY, TODAY) == "you subscribe to plain.*: overdue"


@pytest.mark.parametrize(
    ("asked", "of", "heard"),
    [
        ({"rules": ("plain.review",)}, about(), True),
        ({"rules": ("plain.rev*",)}, about(), True),
        ({"rules": ("plain",)}, about(), False),
        ({"rules": ("urgent.*",)}, about(), False),
        ({"teams": ("T1",)}, about("T1"), True),
        ({"teams": ("T1",)}, about("T2"), False),
        ({"teams": ("SV1",)}, about("T2"), True),
        ({"stages": ("due",)}, about(), False),
        ({"severities": ("urgent",)}, about(), False),
        ({"severities": ("urgent",)}, about(urgent=True), True),
        ({}, about(None), False),
        ({}, about(WHOLE_FEED[0], child=WHOLE_FEED[0]), False),
    ],
)
def test_a_subscription_covers_what_it_names_and_no_more(
    asked: dict[str, tuple[str, ...]], of: About, heard: bool
) -> None:
    assert hears(wanted(**asked), of) is heard


def test_a_manager_hears_of_their_own_teams_and_those_below() -> None:
    reached = {person: sorted(t for t in TEAMS if hears(wanted(person), about(t))) for person in PEOPLE}
    assert reached == {
        "W1": [],
        "M1": ["T1"],
        "S1": ["SV1", "T1", "T2"],
        "X1": sorted(TEAMS),
        "Q1": sorted(TEAMS),
        "B1": ["T3"],
        "N1": [],
    }
    assert hears(wanted("X1"), about(None)) and not hears(wanted("S1"), about(None))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_nobody_subscribes_to_children_that_the_pages_do_not_show_them(role: str) -> None:
    someone = Person("P1", "Ida", "ida@council.example", role, "T1")
    directory = replace(DIRECTORY, people=PEOPLE | {"P1": someone})
    viewer = viewer_of("P1", directory, TODAY)
    assert viewer is not None
    seen = teams_seen(viewer, Office(directory, calendar_for("england-and-wales"), at(26)))
    assert {team for team in TEAMS if hears(wanted("P1"), about(team), directory)} == seen


def test_who_moves_hears_of_the_team_they_moved_to_and_no_more_of_the_other() -> None:
    moved = replace(DIRECTORY, people=PEOPLE | {"M1": replace(PEOPLE["M1"], team="T2")})
    assert hears(wanted("M1"), about("T2"), moved) and not hears(wanted("M1"), about("T1"), moved)
    assert not hears(wanted("M1", teams=("T1",)), about("T1"), moved)


def test_who_has_left_hears_nothing() -> None:
    left = replace(DIRECTORY, people=PEOPLE | {"S1": replace(PEOPLE["S1"], leaves=TODAY)})
    assert not hears(wanted("S1"), about(), left)
    assert reach("S1", left, TODAY).why_not == "S1 has left"


def test_a_restriction_bars_a_subscriber_too() -> None:
    barred = replace(DIRECTORY, restrictions={"C1": Restriction("C1", never=frozenset({"S1"}))})
    assert not hears(wanted("S1"), about(), barred)
    assert hears(wanted("S1"), about(child="C2"), barred)
    assert hears(wanted("M1"), about(), barred)
    only = replace(DIRECTORY, restrictions={"C1": Restriction("C1", only=("M1",))})
    assert hears(wanted("M1"), about(), only) and not hears(wanted("X1"), about(), only)


def test_a_stage_is_news_once_and_a_further_step_is_an_escalation() -> None:
    again = change(2, at(26), "overdue", "handed_over", before="overdue")
    climbed = change(3, at(26), "overdue", "escalated", before="overdue", climbed=True)
    speaks = change(4, at(26), "overdue", "unmuted", before="overdue")
    heard = {
        stage: [
            bool(matches(wanted(stages=(stage,)), about(), c, DIRECTORY, TODAY))
            for c in (OVERDUE, again, climbed, speaks)
        ]
        for stage in ("overdue", "escalated")
    }
    assert heard == {"overdue": [True, False, False, True], "escalated": [False, False, True, False]}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"person": "W1"}, "W1 is no manager and does not look at the whole service. Managers,"),
        ({"person": "N1"}, "N1 is a manager without a team in the staff directory."),
        ({"person": "S2"}, "there is no person 'S2'. There are W1, M1, S1"),
        ({"rules": ("plain.revue",)}, "there is no rule 'plain.revue'. Did you mean plain.review?"),
        ({"rules": ("plian.*",)}, "there is no rule 'plian.*'. Did you mean plain.*?"),
        ({"rules": ("*.review",)}, "'*.review': a star ends a beginning, and stands nowhere else. Write it as cp.*"),
        ({"rules": ()}, "no rules are asked for. Give --rules"),
        ({"teams": ("T9",)}, "there is no team 'T9'. There are DIR, SV1, T1"),
        ({"teams": ("T3",)}, "T3 is not a team S1 answers for. Theirs are SV1, T1, T2"),
        ({"stages": ("overdu",)}, "there is no stage 'overdu'. Did you mean overdue?"),
        ({"severities": ("urgnet",)}, "there is no severity 'urgnet'. Did you mean urgent?"),
        ({"every": "hourly"}, "there is no interval 'hourly'. There are at_once, daily, weekly"),
        ({"channel": "emial"}, "there is no channel 'emial'. Did you mean email?"),
    ],
)
def test_what_is_not_there_or_not_theirs_is_refused_with_what_to_do(asked: dict[str, object], why: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(wanted(**{"person": "S1"} | asked), BOOK, DIRECTORY, ["email"], TODAY)
    assert str(refused.value).startswith(why)


def test_a_rule_that_is_disabled_cannot_be_asked_for() -> None:
    off = BOOK.model_copy(update={"rules": (BOOK.rules[0].model_copy(update={"enabled": False}), BOOK.rules[1])})
    with pytest.raises(InputError, match="names only rules that are disabled"):
        checked(wanted(rules=("plain.*",)), off, DIRECTORY, ["email"], TODAY)


def test_what_is_asked_for_twice_is_kept_once() -> None:
    asked = checked(wanted(rules=("plain.*", "plain.*"), teams=("T1", "T1")), BOOK, DIRECTORY, ["email"], TODAY)
    assert (asked.rules, asked.teams) == (("plain.*",), ("T1",))
    assert checked(wanted(channel="calendar"), BOOK, DIRECTORY, [], TODAY).channel == "calendar"


def test_a_ladder_cannot_be_unsubscribed_from_and_the_refusal_names_the_step() -> None:
    assert mandatory(PEOPLE["S1"], "plain.review", BOOK) == (
        "step 2 of ladder L tells the service manager of plain.review. S1 holds that role, and nobody can "
        "unsubscribe from a ladder. An overlay of the authority's can change it; who answers for it: whoever "
        "answers for the rule"
    )
    both = mandatory(PEOPLE["M1"], "*", BOOK)
    assert both.startswith("step 1 of ladder L tells the team manager of plain.review; step 1 of ladder U tells")
    assert mandatory(PEOPLE["B1"], "plain.review", BOOK).startswith("step 1 of ladder L tells the worker")
    assert mandatory(PEOPLE["Q1"], "*", BOOK) == ""
    assert mandatory(PEOPLE["S1"], "nothing.*", BOOK) == ""


_names = st.sampled_from(["A", "B", "C", "D", "E"])
_roles = st.sampled_from(["worker", *LINE, "iro", "data_owner", "agency", "duty"])
_stages = st.lists(st.sampled_from(STAGES_ASKED), min_size=1, unique=True).map(tuple)


@st.composite
def _authorities(draw: st.DrawFn) -> Directory:
    ids = draw(st.lists(_names, unique=True, min_size=1))
    teams = {
        id_: Team(id_, id_, draw(st.sampled_from([None, *ids[:n]]) if n else st.none())) for n, id_ in enumerate(ids)
    }
    people = {
        f"P{n}": Person(
            f"P{n}",
            "N",
            f"p{n}@council.example",
            draw(_roles),
            draw(st.none() | st.sampled_from(ids)),
            leaves=draw(st.none() | st.just(TODAY)),
            also=draw(st.lists(_roles, max_size=1).map(tuple)),
            not_told_of=draw(st.frozensets(st.sampled_from(["C1", "C2"]), max_size=1)),
        )
        for n in range(draw(st.integers(1, 4)))
    }
    return Directory(people, teams, "duty@council.example")


def _above(team: str | None, directory: Directory) -> set[str]:
    """The team and all above it, worked out another way than the code does."""
    found: set[str] = set()
    while team is not None and team not in found:
        found.add(team)
        team = directory.teams[team].parent
    return found


@given(_authorities(), st.data())
def test_no_subscription_ever_reaches_beyond_its_owners_own(directory: Directory, data: st.DataObject) -> None:
    person = data.draw(st.sampled_from(sorted(directory.people.values(), key=lambda p: p.id)))
    team = data.draw(st.none() | st.sampled_from(sorted(directory.teams)))
    child = data.draw(st.sampled_from(["C1", "C2"]))
    asked = wanted(person.id, stages=data.draw(_stages), teams=data.draw(st.lists(_names, max_size=2).map(tuple)))
    of = About("plain.review", child, Holding(None, team), urgent=data.draw(st.booleans()))
    stage = data.draw(st.sampled_from(STAGES_ASKED[:4]))
    why = matches(asked, of, change(1, at(26), stage, climbed=data.draw(st.booleans())), directory, TODAY)
    if not why:
        return
    assert person.leaves is None and child not in person.not_told_of
    whole_service = {"director", "iro"} & set(person.roles)
    assert whole_service or (set(LINE) & set(person.roles) and person.team in _above(team, directory))
    assert not asked.teams or set(asked.teams) & _above(team, directory)
    assert stage in asked.stages or "escalated" in asked.stages


@given(st.text("ab.*", max_size=6), st.text("ab.", max_size=6))
def test_a_star_stands_for_any_end_and_nothing_else_for_anything(asked: str, rule: str) -> None:
    if "*" not in asked:
        assert covers(asked, rule) is (asked == rule)
    elif asked.index("*") == len(asked) - 1:
        assert covers(asked, rule) is (rule[: len(asked) - 1] == asked[:-1])
