"""Counting what was done in time and late: by hand, and that sums agree on anything."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertd.insight.timeliness import (
    AROUND,
    OUTCOMES,
    Books,
    Cell,
    Closed,
    Counts,
    cells,
    days_around,
    depths_of,
    first_day,
    months_to,
    overlap,
    similar_to,
    together,
    without,
)

DUE = date(2026, 11, 20)


def closed(days: int, closed_as: str, *, team: str | None = "T1", rule: str = "cp.icpc", due: date = DUE) -> Closed:
    return Closed(1, rule, "C1", team, "W1", due, due + timedelta(days=days), closed_as)


def counts_of(*rows: Closed) -> Counts:
    return Books(cells(rows)).service.get("cp.icpc", Counts())


def test_by_hand() -> None:
    counts = counts_of(
        closed(-30, "met"),
        closed(-1, "met"),
        closed(0, "met"),
        closed(0, "met_recorded_late"),
        closed(0, "met_late"),  # 72 hours, missed on the day itself
        closed(3, "met_late"),
        closed(40, "met_late"),
        closed(1, "withdrawn"),
        closed(1, "source_removed"),
    )
    assert (counts.n, counts.in_time, counts.late, counts.recorded_late) == (7, 4, 3, 1)
    assert counts.median_days_late == 3
    days = counts.by_day()
    assert {key: n for key, n in days.items() if n} == {
        (-11, False): 1,
        (-1, False): 1,
        (0, False): 2,
        (0, True): 1,
        (3, True): 1,
        (11, True): 1,
    }
    assert list(days) == sorted(days, key=lambda key: (key[1], key[0]))
    months = counts.by_month(("2026-10", "2026-11", "2026-12"))
    assert months == {
        ("2026-10", False): 1,
        ("2026-10", True): 0,
        ("2026-11", False): 3,
        ("2026-11", True): 2,
        ("2026-12", False): 0,
        ("2026-12", True): 1,
    }


def test_nothing_done_has_no_median() -> None:
    assert Counts().median_days_late is None
    assert counts_of(closed(-2, "met")).median_days_late is None


def test_the_months_looked_at_end_with_the_running_one() -> None:
    months = months_to(date(2026, 11, 29))
    assert (months[0], months[-1], len(months)) == ("2025-12", "2026-11", 12)
    assert months_to(date(2026, 12, 1))[0] == "2026-01"
    assert first_day(date(2026, 1, 31)) == date(2025, 2, 1)


def test_a_team_is_taken_from_what_it_is_part_of() -> None:
    both, one = [closed(0, "met"), closed(2, "met_late")], [closed(2, "met_late")]
    rest = without(counts_of(*both), counts_of(*one))
    assert (rest.n, rest.late) == (1, 0)
    assert without(counts_of(*one), counts_of(*both)).n == 0


def test_similar_teams_do_the_same_work_at_the_same_height() -> None:
    parents = {"S": None, "A": "S", "B": "S", "C": "S", "D": "A", "few": "S"}
    mixes = {
        "A": Counter(x=60, y=40),
        "B": Counter(x=30, y=70),  # 0.3 + 0.4 is the same
        "C": Counter(x=49, z=51),
        "D": Counter(x=60, y=40),  # below A
        "few": Counter(x=12, y=7),
        "gone": Counter(x=60, y=40),  # in no tree any more
        "": Counter(x=60, y=40),
    }
    depths = depths_of(parents)
    assert depths == {"S": 1, "A": 2, "B": 2, "C": 2, "D": 3, "few": 2}
    assert round(overlap(mixes["A"], mixes["B"]), 9) == 0.7
    assert similar_to("A", mixes, depths) == {"B"}
    assert similar_to("few", mixes, depths) == frozenset()
    assert similar_to("gone", mixes, depths) == frozenset()


def test_a_tree_that_goes_in_circles_ends() -> None:
    assert depths_of({"A": "B", "B": "A", "C": "nowhere"}) == {"A": 2, "B": 2, "C": 1}


def test_days_in_words() -> None:
    words = [days_around(day) for day in (-AROUND - 1, -2, -1, 0, 1, AROUND + 1)]
    assert words == [
        "more than 10 days before",
        "2 days before",
        "1 day before",
        "on the day",
        "1 day after",
        "more than 10 days after",
    ]


rows = st.lists(
    st.builds(
        lambda days, how, team, rule, due: closed(days, how, team=team, rule=rule, due=due),
        st.integers(-400, 400),
        st.sampled_from([*OUTCOMES, "withdrawn", "source_removed"]),
        st.sampled_from(["T1", "T2", None]),
        st.sampled_from(["a", "b"]),
        st.dates(date(2025, 12, 1), date(2026, 11, 30)),
    )
)


@given(rows)
def test_whatever_was_done_the_sums_agree(found: list[Closed]) -> None:
    books = Books(cells(found))
    counts = together(books.service.values())
    met = [one for one in found if one.closed_as in OUTCOMES]
    assert counts.n == len(met)
    assert counts.late == sum(one.closed_as == "met_late" for one in met)
    assert counts.in_time >= counts.recorded_late
    assert sum(counts.by_day().values()) == counts.n
    assert sum(n for (_, late), n in counts.by_day().items() if late) == counts.late
    months = sorted({f"{one.met:%Y-%m}" for one in met})
    assert sum(counts.by_month(months).values()) == counts.n
    assert sum(one.n for teams in books.by_rule.values() for one in teams.values()) == counts.n
    assert without(counts, counts).n == 0
    assert all(isinstance(c, Cell) and c.days >= -AROUND - 1 for c in books.done)
