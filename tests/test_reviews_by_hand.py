"""The script itself, on one child worked out on paper."""

from datetime import date
from pathlib import Path

from reviews_by_hand import Clock, months_after, review_clocks, working_days_after

HEADING = "CHILD,DECOM,RNE,LS,PLACE,DEC,REC"


def write(folder: Path, *reviews: str, episodes: tuple[str, ...] = ("C,02/05/2017,S,C2,U6,,X1",)) -> Path:
    (folder / "e.csv").write_text("\n".join([HEADING, *episodes]), encoding="utf-8")
    (folder / "r.csv").write_text("\n".join(["CHILD,REVIEW", *(f"C,{r}" for r in reviews)]), encoding="utf-8")
    return folder


def told(folder: Path, today: date) -> dict[tuple[str, str], Clock]:
    return {(rule.rpartition(".")[2], at): clock for (rule, _, _, at), clock in review_clocks(folder, today).items()}


def test_twenty_working_days_step_over_the_spring_bank_holiday() -> None:
    """2 May 2017 is a Tuesday; 29 May a bank holiday: 30 May would be the 20th day, 31 May is."""
    assert working_days_after(date(2017, 5, 2), 20) == date(2017, 5, 31)


def test_months_end_on_the_last_day_there_is() -> None:
    assert months_after(date(2017, 11, 30), 3) == date(2018, 2, 28)
    assert months_after(date(2017, 8, 31), 6) == date(2018, 2, 28)
    assert months_after(date(2017, 12, 1), 6) == date(2018, 6, 1)


def test_the_first_is_late_after_the_31st_of_may_and_the_second_counts_from_the_day_it_was_held(
    tmp_path: Path,
) -> None:
    found = told(write(tmp_path, "01/06/2017", "01/09/2017"), date(2018, 3, 2))
    assert found == {
        ("first", "start"): Clock("met_late", date(2017, 5, 2), date(2017, 5, 31), date(2017, 6, 1)),
        ("second", "2017-06-01"): Clock("met", date(2017, 6, 1), date(2017, 9, 1), date(2017, 9, 1)),
        ("next", "2017-09-01"): Clock("overdue", date(2017, 9, 1), date(2018, 3, 1), None),
    }


def test_outside_the_return_and_without_s_it_cannot_tell(tmp_path: Path) -> None:
    assert told(write(tmp_path), date(2018, 4, 1))["first", "start"].stage == "unknown"
    began_before = ("C,02/03/2017,P,C2,U6,,X1", "C2,01/06/2017,S,C2,U6,,")
    assert told(write(tmp_path, episodes=began_before), date(2017, 6, 1))["next", "start"].why == "window"


def test_a_move_into_short_breaks_ends_it(tmp_path: Path) -> None:
    rows = ("C,02/05/2017,S,V2,U6,01/06/2017,X1", "C,01/06/2017,L,V3,U6,,X1")
    assert told(write(tmp_path, episodes=rows), date(2018, 1, 1))["first", "start"].stage == "ended"
