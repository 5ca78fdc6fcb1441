"""A council with two feeds, one of which is refused, silent or old: what is told, and that nothing closes by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alertd.engine import sweep as sweeping
from alertd.settings import Settings
from tests.support.council import ALL_RULES, Council, Inline, council_at
from tests.unit.engine.engine_samples import rule

FIRST_REVIEW = "cla.review.first"


def nov(day: int) -> date:
    return date(2026, 11, day)


def rules(*ids: str) -> Any:
    return ALL_RULES.model_copy(update={"rules": tuple(r for r in ALL_RULES.rules if r.id in ids)})


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", rules(FIRST_REVIEW))
    found.looked_after()
    yield found
    found.house.engine.dispose()


def with_lists(council: Council, lists: Mapping[str, str], *, first: bool = False, **ssd: Any) -> Path:
    """Let the daemon read lists of the council's own, after the database or before it."""
    folder = council.feed.parent / "lists"
    folder.mkdir(exist_ok=True)
    for name, text in lists.items():
        (folder / f"{name}.csv").write_text(text)
    feeds = [
        {"kind": "ssd", "url": str(council.feed), "name": "ssd", **ssd},
        {"kind": "csv", "url": str(folder), "name": "lists"},
    ]
    settings = Settings(
        feed=feeds[::-1] if first else feeds,  # type: ignore[arg-type]
        people={"people": "p.csv", "teams": "t.csv", "duty": "duty@council.example", "allowed_domains": []},  # type: ignore[arg-type]
        email={},
    )
    council.house = replace(council.house, settings=settings)
    return folder


CHILD = "child,born\nC1,2015-03-02\n"
OLD = {
    "child": CHILD,
    "cla_review": "child,key,happened\nC1,V0,2020-01-20\n",
    "care_period": "child,key,start,end\nC1,L0,2019-12-20,2020-03-01\n",
}


def broken(council: Council) -> bytes:
    """Spoil the database; what it was, to put it right again."""
    sound = council.feed.read_bytes()
    council.feed.write_bytes(b"this is no database" * 100)
    return sound


def test_a_feed_that_is_refused_is_read_again_soon_though_another_could_be_read(council: Council) -> None:
    with_lists(council, {"child": CHILD})
    council.day(nov(13))
    broken(council)
    assert "ssd" in council.evaluate(nov(14)).refused


def test_f69_a_silent_database_is_not_spoken_for_by_old_lists_of_the_same_kinds(council: Council) -> None:
    with_lists(council, OLD, stale_after="2 working days")
    council.day(nov(13))
    assert council.alerts() == [(FIRST_REVIEW, "C1", "open", None)]
    council.days(nov(14), nov(18))
    before = council.events()
    assert (FIRST_REVIEW, "*", "open", None) in council.alerts()
    council.days(nov(19), nov(30))
    assert council.events() == before, "nothing is said of the child by what is two weeks old"
    council.reviewed(nov(26))
    council.day(date(2026, 12, 1))
    assert {state for _, _, state, _ in council.alerts()} == {"closed"}


def test_f70_while_the_database_is_refused_its_alerts_stay_and_what_has_come_due_is_not_known(council: Council) -> None:
    with_lists(council, OLD)
    council.day(nov(13))
    before = council.events(), council.alerts()
    sound = broken(council)
    sent = council.days(nov(14), nov(30))
    assert {to for each in sent.values() for to in each} == {"gus"}
    assert (council.events(), council.alerts()) == before
    council.feed.write_bytes(sound)
    council.day(date(2026, 12, 1))
    assert council.events()[-1] == ("stage", 1, True)


def test_lists_that_are_refused_stop_nothing_that_the_database_is_the_first_to_hold(council: Council) -> None:
    folder = with_lists(council, OLD)
    council.day(nov(13))
    (folder / "cla_review.csv").write_bytes(b"\xff\xfe\x00")
    council.day(nov(30))
    assert council.events()[-1][:2] == ("stage", 1)


def test_a_rule_over_others_closes_no_alert_while_the_feed_of_some_of_them_is_refused_or_silent(
    council: Council,
) -> None:
    """What it counted cannot be counted now; that is no reason to say that it is over."""
    over = rule("gap.over", "child", others={"rules": ["cla.review.*", "cp.visit"]}, escalate="L1")
    both = rules(FIRST_REVIEW, "cp.visit")
    council.house = replace(council.house, rulebook=both.model_copy(update={"rules": (*both.rules, over)}))
    visits = {"cp_plan": "child,key,start,end\n", "cp_visit": "child,key,happened,child_seen\n"}
    with_lists(council, {"child": CHILD, **visits}, first=True, stale_after="2 working days")
    council.day(nov(30))
    assert ("gap.over", "C1", "open", None) in council.alerts()
    broken(council)
    council.days(date(2026, 12, 1), date(2026, 12, 4))
    assert ("cla.review.first", "*", "open", None) in council.alerts(), "by now the database is silent"
    assert ("gap.over", "C1", "open", None) in council.alerts()


def test_f70_a_table_whose_rows_all_lost_their_child_is_refused_and_closes_nothing(council: Council) -> None:
    """It has as many rows as before, and none is anybody's."""
    council.day(nov(13))
    before = council.alerts()
    assert before == [(FIRST_REVIEW, "C1", "open", None)]
    council.sql("UPDATE ssd_cla_episodes SET clae_person_id = '-1', clae_cla_id = NULL")
    assert council.day(nov(14)) == ["gus"]
    assert "rows that can be nobody's do not count" in " ".join(council.mail.sent[-1][2].split())
    assert council.alerts() == before
