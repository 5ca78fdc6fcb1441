"""What an authority adopts, by whom, and what an update of a pack asks to be adopted again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.rulebook.adoption import Adopted, Confirmation, adopt, read_adopted, with_adoption, write_adopted
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook

PACK = """\
pack: north.example
edition: "Read in 2026"
rules:
  - id: north.review
    title: First review
    why: Somebody must ask.
    law: {cite: A regulation, confidence: V}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
"""
ON = date(2026, 11, 23)


def book(tmp_path: Path, text: str = PACK) -> Rulebook:
    path = tmp_path / "north.yaml"
    path.write_text(text, "utf-8")
    return load_rulebook([path])


def shadow(rulebook: Rulebook, adopted: Adopted) -> str:
    (rule,) = with_adoption(rulebook, adopted).rules
    return rule.shadow


def adopted(rulebook: Rulebook) -> Adopted:
    return Adopted(
        adopted=(adopt(rulebook.rules, edition="Read in 2026", officer="An Officer", role="legal adviser", on=ON),)
    )


def test_nothing_is_adopted_until_somebody_does(tmp_path: Path) -> None:
    assert shadow(book(tmp_path), Adopted()) == "the pack north.example is not adopted"
    assert shadow(book(tmp_path), adopted(book(tmp_path))) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20 working days", "28 calendar days"),
        ("from: start, within", "from: end, within"),
        ("{record: cla_review}", "{record: cla_visit}"),
    ],
    ids=["number", "start", "stop"],
)
def test_a_changed_number_start_or_stop_asks_for_adoption_again(tmp_path: Path, old: str, new: str) -> None:
    before = adopted(book(tmp_path))
    changed = book(tmp_path, PACK.replace(old, new))
    assert shadow(changed, before) == "changed since it was adopted on 2026-11-23"
    again = Adopted(adopted=(*before.adopted, *adopted(changed).adopted))
    assert shadow(changed, again) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [("First review", "Review"), ("warn: D20", "warn: D45"), ("escalate: L1", "escalate: L2"), ("2026", "2027")],
)
def test_other_words_warnings_and_steps_do_not(tmp_path: Path, old: str, new: str) -> None:
    assert shadow(book(tmp_path, PACK.replace(old, new)), adopted(book(tmp_path))) == ""


def test_a_rule_that_an_update_brings_waits_while_its_neighbours_go_on(tmp_path: Path) -> None:
    before = adopted(book(tmp_path))
    more = PACK + PACK.partition("rules:\n")[2].replace("north.review", "north.more")
    found = with_adoption(book(tmp_path, more), before)
    assert [r.shadow for r in found.rules] == ["", "not among the rules of north.example that were adopted"]


def test_a_team_is_told_by_no_rule_that_is_not_adopted(tmp_path: Path) -> None:
    own = book(tmp_path)
    found = with_adoption(own.model_copy(update={"teams": {"T1": own}}), Adopted())
    assert found.teams["T1"].rules[0].shadow == "the pack north.example is not adopted"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "adopted.yaml"
    whole = adopted(book(tmp_path)).model_copy(
        update={"confirmed": (Confirmation(rule="north.review", officer="Zoë", date_=ON),)}
    )
    write_adopted(path, whole)
    assert read_adopted(path) == whole
    assert read_adopted(path).let_go == {"north.review"}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("officer", ["0089", "N", "yes", "12:30", "null", "a: b # c", "2026-11-23", "1.10", "x\u0085y"])
def test_whatever_an_officer_is_called_the_file_can_be_read_again(tmp_path: Path, officer: str) -> None:
    path = tmp_path / "adopted.yaml"
    one = Adopted(confirmed=(Confirmation(rule="north.review", officer=officer, date_=ON),))
    write_adopted(path, one)
    assert read_adopted(path) == one


def test_where_there_is_no_file_nothing_is_adopted(tmp_path: Path) -> None:
    assert read_adopted(tmp_path / "none.yaml") == read_adopted(None) == Adopted()


def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "adopted.yaml"
    path.write_text("adopted:\n  - pack: a\n    oficer: b\n", "utf-8")
    with pytest.raises(InputError, match=r"adopted\.yaml:3.*unknown key 'oficer'.*officer\?"):
        read_adopted(path)


def test_an_adoption_names_who_adopts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs the role"):
        adopt(book(tmp_path).rules, edition="e", officer="An Officer", role=" ", on=ON)
