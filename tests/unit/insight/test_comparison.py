"""One's own figures beside others': what is shown of whom, by hand, and that nothing shown undoes what is hidden."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.insight.comparison import TOO_FEW_PEOPLE, WOULD_TELL, Figure, Line, Reader, Who, compare
from alertd.insight.national import national
from alertd.insight.precision import Precision
from alertd.insight.small_numbers import FEW, OPEN, Shown
from alertd.insight.timeliness import Books, Cell, Counts, Outcome, months_to

MONTHS = months_to(date(2026, 11, 29))
RULE = "cp.icpc"
ALL: frozenset[Who] = frozenset({"me", "team", "similar", "service"})


def done(team: str, in_time: int, late: int, recorded_late: int = 0) -> dict[Cell, int]:
    """So much done by a team in November: in time three days before the limit, late two days after it."""
    outcomes: list[tuple[Outcome, int, int]] = [
        ("in_time", -3, in_time - recorded_late),
        ("recorded_late", -3, recorded_late),
        ("late", 2, late),
    ]
    return {Cell(RULE, team, "2026-11", outcome, days): n for outcome, days, n in outcomes if n}


def own(in_time: int, late: int) -> dict[str, Counts]:
    return {RULE: Counts({(c.month, c.outcome, c.days): n for c, n in done("A", in_time, late).items()})}


def books(*teams: dict[Cell, int], workers: int = 6, **more: Any) -> Books:
    found = {cell: n for team in teams for cell, n in team.items()}
    return Books(found, workers={(RULE, cell.team): workers for cell in found}, **more)


def line(of: Books, reader: Reader) -> Line:
    (found,) = compare(of, reader, [RULE], MONTHS, national())
    return found


def reader(mine: dict[str, Counts] | None = None, exact: frozenset[Who] = frozenset({"me"})) -> Reader:
    return Reader(mine, frozenset({"A"}), frozenset({"B"}), exact)


THREE = (done("A", 50, 10), done("B", 90, 30), done("C", 200, 40))


def test_a_worker_sees_their_own_as_it_is_and_the_others_rounded_and_without_them() -> None:
    found = line(books(*THREE), reader(own(6, 1)))
    shown = {who: figure and (figure.in_time.text, figure.late.text) for who, figure in found.figures.items()}
    assert shown == {
        "me": ("6", "1"),
        "team": ("about 45", "about 10"),
        "similar": ("about 90", "about 30"),
        "service": ("about 340", "about 80"),
    }
    me, similar = found.figures["me"], found.figures["similar"]
    assert me is not None and me.share is not None and (me.share.text, me.share.small) == ("86%", True)
    assert similar is not None and similar.share is not None
    assert (similar.share.text, similar.share.small) == ("73% to 77%", False)
    assert found.national is not None and found.national.share == 0.814
    assert not found.withheld


def test_a_manager_sees_the_team_with_everybody_in_it_as_it_is() -> None:
    found = line(books(*THREE), reader(own(6, 1), exact=frozenset({"me", "team"})))
    team, similar = found.figures["team"], found.figures["similar"]
    assert team is not None and (team.in_time.text, team.late.text, team.median_days_late) == ("50", "10", 2)
    assert similar is not None and not similar.n.exact


def test_who_oversees_the_service_sees_all_as_it_is() -> None:
    found = line(books(*THREE, overdue={(RULE, "C"): 3}), reader(exact=ALL))
    assert {who: figure and figure.n.text for who, figure in found.figures.items()} == {
        "me": None,
        "team": "60",
        "similar": "120",
        "service": "420",
    }
    service = found.figures["service"]
    assert service is not None and service.overdue.text == "3"


def test_the_work_of_one_or_two_colleagues_is_not_shown() -> None:
    found = line(books(*THREE, workers=3), reader(own(6, 1)))
    assert found.figures["team"] is None and found.withheld["team"] == TOO_FEW_PEOPLE
    assert found.figures["similar"] is not None and found.figures["service"] is not None


def test_nor_can_it_be_taken_out_of_the_service() -> None:
    found = line(books(done("A", 50, 10), done("B", 90, 30), workers=3), reader(own(6, 1)))
    assert found.figures["similar"] is not None
    assert found.figures["service"] is None and found.withheld["service"] == WOULD_TELL


def test_a_service_that_would_tell_how_few_of_the_others_were_late_is_not_shown() -> None:
    """12 late in the only team, 11 of them mine: a service of 6 to 12 would leave the others none or one."""
    found = line(books(done("A", 100, 12)), reader(own(50, 11)))
    team = found.figures["team"]
    assert team is not None and team.late.text == "5 or fewer"
    assert found.figures["service"] is None and found.withheld["service"] == WOULD_TELL
    assert line(books(done("A", 100, 12)), reader(own(50, 4))).figures["service"] is not None


def test_what_nobody_did_and_nothing_waits_for_is_no_line() -> None:
    assert compare(Books(), reader(), [RULE], MONTHS, {}) == []


def test_alerts_shown_to_be_wrong_are_counted_beside() -> None:
    told = {
        (RULE, "B"): Precision(RULE, told=100, upheld=12, rejected=6, open=2, closed=90, recorded_late=0, withdrawn=0)
    }
    service = line(books(*THREE, told=told), reader(exact=ALL)).figures["service"]
    assert service is not None
    assert service.upheld_share is not None and service.upheld_share.value == pytest.approx(0.12)
    assert service.disputed_share is not None and service.disputed_share.value == pytest.approx(0.2)
    hidden = line(books(*THREE, told=told), reader()).figures["similar"]
    assert hidden is not None and hidden.upheld_share is not None and hidden.upheld_share.low <= 0.12


def test_a_share_of_which_only_the_most_is_known() -> None:
    similar = line(books(done("B", 300, 30, recorded_late=4)), reader()).figures["similar"]
    assert similar is not None and similar.recorded_late_share is not None
    assert similar.recorded_late_share.text == "at most 2%"


def test_months_and_days_of_ones_own() -> None:
    me = line(books(*THREE), reader(own(6, 1))).figures["me"]
    assert me is not None and me.months is not None and me.days is not None
    assert [(m.month, m.in_time.value, m.late.value) for m in me.months if m.in_time.value] == [("2026-11", 6, 1)]
    assert [(d.days, d.late, d.n.value) for d in me.days if d.n.value] == [(-3, False, 6), (2, True, 1)]


def test_a_month_of_others_in_which_few_were_late_has_a_share_all_the_same() -> None:
    similar = line(books(THREE[0], done("B", 200, 1)), reader()).figures["similar"]
    assert similar is not None and similar.months is not None and similar.months[-1].share is not None
    assert similar.months[-1].share.text == "98% to 100%"
    assert similar.months[0].share is None


def test_every_published_figure_is_what_its_numbers_make() -> None:
    found = national()
    assert {one.nation for one in found.values()} == {"England"}
    for one in found.values():
        counted = one.counted.split(" of ")
        if len(counted) == 2 and counted[0].isdigit():
            assert round(int(counted[0]) / int(counted[1]), 3) == one.share
        assert one.url.scheme == "https" and one.publication and one.period
    assert round(468550 / 561560, 3) == found["assess.cfa"].like_for_like


n = st.one_of(st.integers(0, 8), st.integers(9, 60))


@given(st.lists(st.tuples(n, n), min_size=3, max_size=3), n, n, st.integers(0, 7))
@settings(max_examples=150)
def test_no_small_number_of_others_can_be_taken_out_of_what_a_worker_sees(
    teams: list[tuple[int, int]], my_in_time: int, my_late: int, workers: int
) -> None:
    """Every table of teams that shows the same is gone through: for each hidden number several stay possible."""
    (a_in, a_late), b, c = teams
    mine = own(my_in_time, my_late)
    team_a = done("A", a_in + my_in_time, a_late + my_late)
    of = books(team_a, done("B", *b), done("C", *c), workers=workers)
    for found in compare(of, reader(mine), [RULE], MONTHS, {}):
        figures = found.figures
        for name, me in (("in_time", my_in_time), ("late", my_late)):
            shown = {who: getattr(f, name) for who in ("team", "similar", "service") if (f := figures[who])}
            assert all(not one.exact for one in shown.values())
            for figure in filter(None, figures.values()):
                _assert_shares(figure)
            _assert_open(shown, me)


def _assert_shares(figure: Figure) -> None:
    of_months = [month.share for month in figure.months or ()]
    for rate in (figure.share, figure.recorded_late_share, figure.disputed_share, figure.upheld_share, *of_months):
        if rate is not None:
            assert 0 <= rate.low <= (rate.low if rate.value is None else rate.value) <= rate.high <= 1


def _assert_open(shown: dict[Who, Shown], me: int) -> None:
    whole = shown.pop("service", None)
    if whole is None:
        return
    spans = [range(one.span.low, (one.span.high or 0) + 1) for one in shown.values()]
    tables = [
        table
        for table in product(*spans)
        if (whole.span.high or 0) >= me + sum(table)  # what is in no part can be anything
    ]
    for at, one in enumerate(shown.values()):
        assert one.value is not None or len({table[at] for table in tables}) >= OPEN
    assert all((one.span.high or 0) <= FEW for one in shown.values() if one.value is None)
