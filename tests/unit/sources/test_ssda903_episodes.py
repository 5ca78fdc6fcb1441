"""Episodes of SSDA903 become care periods, placements and legal statuses."""

from collections import Counter
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.cases.records import Record, Unreadable, Window
from alertd.cases.sources.ssda903_episodes import Episode, _chains, looked_after, read_episodes
from alertd.cases.sources.ssda903_tables import File

WINDOW = Window(date(2017, 4, 1), date(2018, 3, 31))
COLUMNS = ("CHILD", "DECOM", "RNE", "LS", "PLACE", "DEC", "REC", "URN", "PL_POST", "REASON_PLACE_CHANGE")


def records(*rows: str, tally: Counter[str] | None = None) -> list[Record]:
    """Rows are ``DECOM RNE LS PLACE DEC REC [URN [postcode [why changed]]]``; ``-`` is blank."""
    cells = [["C", *("" if c == "-" else c for c in row.split())] for row in rows]
    lines = [(n, [*c, *[""] * (len(COLUMNS) - len(c))]) for n, c in enumerate(cells, 2)]
    file = File("e.csv", "episodes", COLUMNS, lines)
    found = read_episodes(file)["C"].values()
    assert file.ledger.rejects == []
    return list(looked_after("C", found, WINDOW, Counter() if tally is None else tally))


def shown(found: list[Record], kind: str, *extra: str) -> list[tuple[object, ...]]:
    """(start or its doubt's cause, end or its doubt's cause, more fields) of each record."""
    return [tuple(_cell(r, f) for f in ("start", "end", *extra)) for r in found if r.kind == kind]


def _cell(record: Record, field: str) -> object:
    doubt = record.doubt(field)
    value = doubt.cause if doubt else record.get(field)
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else value


def periods(*rows: str) -> list[tuple[object, ...]]:
    return shown(records(*rows), "care_period")


def test_a_period_runs_from_s_through_x1_to_the_first_other_end() -> None:
    found = periods(
        "01/06/2017 S V2 U6 10/06/2017 X1", "10/06/2017 L C2 U6 20/06/2017 X1", "20/06/2017 P C2 K2 01/07/2017 E4A"
    )
    assert found == [("01/06/2017", "01/07/2017")]


def test_key_and_place_are_those_of_the_first_episode() -> None:
    period = records("10/06/2017 L C2 U6 - X1", "01/06/2017 S V2 U6 10/06/2017 X1")[0]
    assert (period.key, period.where) == ("2017-06-01", "e.csv:3")


def test_a_blank_dec_is_open_whatever_rec_says() -> None:
    assert periods("01/06/2017 S C2 U6 - E4A") == [("01/06/2017", None)]


def test_coming_back_is_a_second_period() -> None:
    found = periods("01/06/2017 S C2 U6 01/07/2017 E4A", "05/09/2017 S C2 U6 - X1")
    assert found == [("01/06/2017", "01/07/2017"), ("05/09/2017", None)]


def test_a_gap_after_x1_is_the_same_period() -> None:
    found = periods("01/06/2017 S C2 U6 01/07/2017 X1", "09/07/2017 P C2 K2 - X1")
    assert found == [("01/06/2017", None)]


def test_an_x1_that_nothing_follows_leaves_the_end_in_doubt_for_all_it_would_end() -> None:
    found = records("01/06/2017 S C2 U6 01/07/2017 X1")
    assert shown(found, "care_period") == [("01/06/2017", "conflict")]
    assert shown(found, "placement") == [("01/06/2017", "conflict")]
    assert shown(found, "legal_status") == [("01/06/2017", "conflict")]


def test_an_x1_after_the_return_ended_is_for_the_next_return_to_follow() -> None:
    assert periods("01/06/2017 S C2 U6 01/04/2018 X1") == [("01/06/2017", "window")]


def test_an_end_without_a_reason_is_in_doubt_unless_something_follows() -> None:
    assert periods("01/06/2017 S C2 U6 01/07/2017 -") == [("01/06/2017", "conflict")]
    assert periods("01/06/2017 S C2 U6 01/07/2017 -", "01/07/2017 P C2 K2 - -") == [("01/06/2017", None)]


@pytest.mark.parametrize(
    ("start", "cause"), [("31/03/2017", "window"), ("01/04/2017", "conflict"), ("01/06/2017", "conflict")]
)
def test_a_chain_without_s_began_before_the_return_or_is_a_conflict(start: str, cause: str) -> None:
    assert periods(f"{start} P C2 U6 - X1") == [(cause, None)]


def test_an_episode_after_a_true_end_without_s_is_a_period_with_its_start_in_doubt() -> None:
    found = periods("01/06/2017 S C2 U6 01/07/2017 E4A", "09/07/2017 P C2 K2 - X1")
    assert found == [("01/06/2017", "01/07/2017"), ("conflict", None)]


@pytest.mark.parametrize("status", ["V3", "V4", "v3"])
def test_short_breaks_make_no_record(status: str) -> None:
    assert records(f"01/06/2017 S {status} U6 01/07/2017 E4A") == []


def test_turning_into_short_breaks_ends_the_period_that_day() -> None:
    found = records("01/06/2017 S V2 U6 01/07/2017 X1", "01/07/2017 L V3 U6 - X1")
    assert shown(found, "care_period") == [("01/06/2017", "01/07/2017")]
    assert shown(found, "placement") == [("01/06/2017", "01/07/2017")]


def test_short_breaks_between_do_not_end_the_period() -> None:
    found = periods("01/06/2017 S V2 U6 01/07/2017 X1", "01/07/2017 L V3 U6 01/08/2017 X1", "01/08/2017 L C2 U6 - X1")
    assert found == [("01/06/2017", None)]


def test_a_period_that_grows_out_of_short_breaks_has_a_start_nobody_can_mend() -> None:
    found = periods("01/06/2017 S V3 U6 01/07/2017 X1", "01/07/2017 L C2 U6 - X1")
    assert found == [("window", None)]


def test_two_starts_while_open_the_later_one_wins_and_closes_the_earlier() -> None:
    tally: Counter[str] = Counter()
    found = records("01/06/2017 S C2 U6 - X1", "01/09/2017 S C2 K2 - X1", tally=tally)
    assert shown(found, "care_period") == [("01/06/2017", "01/09/2017"), ("01/09/2017", None)]
    assert [n for what, n in tally.items() if what.startswith("episodes still running")] == [1]


def test_a_superseded_open_episode_is_closed_by_the_next_within_its_period() -> None:
    found = records("01/06/2017 S C2 U6 - E4A", "01/09/2017 P C2 K2 - X1")
    assert shown(found, "care_period") == [("01/06/2017", None)]
    assert shown(found, "placement") == [("01/06/2017", "01/09/2017"), ("01/09/2017", None)]


def test_a_start_after_a_gap_following_x1_leaves_the_end_before_it_in_doubt() -> None:
    found = periods("01/06/2017 S C2 U6 01/07/2017 X1", "09/07/2017 S C2 K2 - X1")
    assert found == [("01/06/2017", "conflict"), ("09/07/2017", None)]


@pytest.mark.parametrize(("dec", "why"), [("31/05/2017", "conflict"), ("2017-07-01", "unreadable")])
def test_an_unusable_end_is_in_doubt(dec: str, why: str) -> None:
    assert periods(f"01/06/2017 S C2 U6 {dec} E4A") == [("01/06/2017", why)]


def test_of_two_rows_for_one_day_the_one_that_lasts_longer_is_taken() -> None:
    rows = ("01/06/2017 S C2 U6 01/06/2017 X1", "01/06/2017 S C2 K2 - X1")
    assert shown(records(*rows), "placement", "type") == [("01/06/2017", None, "K2")]
    assert shown(records(*rows[::-1]), "placement", "type") == [("01/06/2017", None, "K2")]


def test_a_placement_lasts_while_type_urn_and_postcode_stay() -> None:
    found = records(
        "01/06/2017 S V2 U6 10/06/2017 X1 77 AB1",
        "10/06/2017 L C2 U6 20/06/2017 X1 77 ab1 CARPL",
        "20/06/2017 P C2 U6 25/06/2017 X1 78 AB1 CREQB",
        "25/06/2017 P C2 K2 - X1 78 AB1",
    )
    assert shown(found, "placement", "type", "change_reason") == [
        ("01/06/2017", "20/06/2017", "U6", "CARPL"),
        ("20/06/2017", "25/06/2017", "U6", "CREQB"),
        ("25/06/2017", None, "K2", None),
    ]
    assert shown(found, "legal_status", "status") == [("01/06/2017", "10/06/2017", "V2"), ("10/06/2017", None, "C2")]


@pytest.mark.parametrize(
    ("rne", "placement", "status"),
    [("L", "window", "01/02/2017"), ("P", "01/02/2017", "window"), ("B", "01/02/2017", "01/02/2017")],
)
def test_without_s_only_what_the_episode_began_has_a_known_start(rne: str, placement: str, status: str) -> None:
    found = records(f"01/02/2017 {rne} C2 U6 - X1")
    assert shown(found, "placement") == [(placement, None)]
    assert shown(found, "legal_status") == [(status, None)]


DAYS = st.dates(date(2016, 1, 1), date(2018, 12, 31))
EPISODES = st.lists(
    st.builds(
        Episode,
        start=DAYS,
        end=st.one_of(st.none(), DAYS, st.just(Unreadable("?"))),
        rne=st.sampled_from("SLPTBU"),
        rec=st.sampled_from(["X1", "E4A", ""]),
        status=st.sampled_from(["C2", "V2", "V3"]),
        place=st.sampled_from(["U6", "K2"]),
        home=st.sampled_from([("1", "AB1"), ("2", "AB1")]),
        change=st.just(""),
        where=st.just("e.csv:2"),
    ),
    unique_by=lambda e: e.start,
    max_size=8,
)


@settings(max_examples=200)
@given(EPISODES)
def test_every_looked_after_episode_is_in_one_period_and_periods_of_a_child_never_overlap(
    episodes: list[Episode],
) -> None:
    for episode in episodes:
        if isinstance(episode.end, date) and episode.end < episode.start:
            episode.end = None
    kept = sorted((e for e in episodes if e.status != "V3"), key=lambda e: e.start)
    found = [r for r in looked_after("C", episodes, WINDOW, Counter()) if r.kind == "care_period"]
    assert [e for chain in _chains(kept) for e in chain] == kept
    assert [r.key for r in found] == [chain[0].start.isoformat() for chain in _chains(kept)]
    for before, after in pairwise(found):
        end = before.day("end")
        assert before.doubt("end") or (end and end.isoformat() <= after.key)
