"""One child under two numbers, one number for two children, one event twice: F66 and F74, from the feed to the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.council import Council
from tests.support.fed import FIRST_REVIEW, LISTS, OPEN, a_council, fed_by, nov, told, write_lists

council = pytest.fixture(a_council)


# F66: the same thing twice, and one child under two numbers


def test_f66_the_same_event_twice_is_one_alert_and_one_message(council: Council) -> None:
    council.looked_after()
    council.put(
        "cla_episodes",
        clae_cla_episode_id="EC1-again",
        clae_person_id="C1",
        clae_cla_id="LC1",
        clae_cla_episode_start_date=datetime(2026, 10, 30),
        clae_entered_care_date=datetime(2026, 10, 30),
    )
    assert council.day(nov(13)) == ["ade"]
    assert council.alerts() == [OPEN]
    assert council.mail.sent[0][2].partition("YOUR CHILDREN")[2].count("ref C1") == 1


def test_f66_a_row_twice_in_a_list_is_one_alert(council: Council, tmp_path: Path) -> None:
    rows = LISTS["care_period.csv"]
    lists = write_lists(tmp_path / "lists", nov(13), care_period=rows + rows.splitlines(keepends=True)[1])
    fed_by(council, kind="csv", url=str(lists))
    assert council.day(nov(13)) == ["ade"]
    assert council.alerts() == [OPEN]


def test_f66_one_child_under_two_numbers_is_one_once_they_are_merged(council: Council) -> None:
    council.looked_after("C1")
    council.looked_after("C9")
    council.day(nov(13))
    assert council.alerts() == [OPEN, (FIRST_REVIEW, "C9", "open", None)]
    council.house = replace(council.house, merged={"C1": "C9"})
    council.reviewed(nov(14), "C9")
    council.evaluate(nov(16))
    states = {child: (state, why) for _, child, state, why in council.alerts()}
    assert states == {"C1": ("closed", "source_removed"), "C9": ("closed", "met")}
    council.day(nov(27))
    assert len(council.alerts()) == 2, "the same entry into care under both numbers is no second alert"


def test_f66_what_was_recorded_under_the_old_number_counts_for_the_new_one(council: Council) -> None:
    council.looked_after("C9")
    council.child("C1")
    council.day(nov(13))
    council.reviewed(nov(14), "C1")
    council.house = replace(council.house, merged={"C1": "C9"})
    council.day(nov(16))
    assert council.alerts() == [(FIRST_REVIEW, "C9", "closed", "met")]


# F74: a number given to another child


def test_f74_a_number_given_to_another_child_joins_nothing_and_is_told(council: Council) -> None:
    council.looked_after("C1")
    council.looked_after("C2")
    council.day(nov(13))
    heard = len(told(council, "ade"))
    for table, person in (("cla_episodes", "clae_person_id"), ("cin_episodes", "cine_person_id")):
        council.remove(table, f"{person} = 'C1'")
    council.remove("involvements", "invo_person_id = 'C1'")
    council.change("person", "pers_person_id = 'C1'", pers_dob=datetime(2022, 7, 9))
    council.put(
        "cin_episodes", cine_referral_id="R-new", cine_person_id="C1", cine_referral_date=datetime(2026, 11, 10)
    )
    assert council.day(nov(14)) == ["gus"]
    ((subject, body),) = told(council, "gus")
    assert subject == "alertd found references that changed hands"
    assert "ref C1" in body and "ref C2" not in body
    assert council.alerts() == [
        (FIRST_REVIEW, "C1", "closed", "source_removed"),
        (FIRST_REVIEW, "C2", "open", None),
    ]
    council.days(nov(15), nov(30))
    open_now = [text.partition("YOUR CHILDREN")[2] for _, text in told(council, "ade")[heard:]]
    assert all("ref C1" not in text for text in open_now), "only that the earlier child's alert is over is told"


def test_f74_a_date_of_birth_put_right_is_no_other_child(council: Council) -> None:
    council.looked_after("C1")
    council.day(nov(13))
    council.change("person", "pers_person_id = 'C1'", pers_dob=datetime(2012, 7, 9))
    assert council.day(nov(14)) == []
    assert council.alerts() == [OPEN]
