"""SSDA903 returns: which files are read, what is refused, which window a child has, the side tables."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from alertd.cases.accounts import Account
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Snapshot, Window
from alertd.cases.sources.ssda903 import FILLS, read
from alertd.cases.sources.ssda903_episodes import RESTATED, SHORT_BREAK
from alertd.errors import InputError

EPISODES = "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN"
OPEN = "C1,01/05/2017,S,C2,N1,U6,PR1,,X1,,,,1"
YEAR = Window(date(2017, 4, 1), date(2018, 3, 31))
YEARS = Window(date(2017, 4, 1), date(2019, 3, 31))


def write(folder: Path, name: str, heading: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")
    return path


def episode(child: str = "C1", start: str = "01/05/2017") -> str:
    return f"{child},{start},S,C2,N1,U6,PR1,,X1,,,,1"


def case(snapshot: Snapshot, child: str = "C1") -> CaseFile:
    return next(c for c in snapshot.cases if c.child == child)


def only(snapshot: Snapshot, kind: str, child: str = "C1") -> Record:
    (record,) = case(snapshot, child).of(kind)
    return record


def test_files_are_known_by_their_columns_whatever_their_name_order_or_extras(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "Extra,REC,DEC,PLACE,LS,RNE,DECOM,CHILD", "x,X1,,U6,C2,S,01/05/2017,C1")
    write(tmp_path, "2018-things.CSV", "CHILD,DOB,REVIEW,REVIEW_CODE", "C1,02/03/2010,20/05/2017,PN1")
    snapshot = read(tmp_path)
    assert only(snapshot, "care_period").day("start") == date(2017, 5, 1)
    assert only(snapshot, "cla_review").key == "2017-05-20"
    assert only(snapshot, "cla_review").where == "2018-things.CSV:2"
    assert snapshot.counts == {"a.csv": 1, "2018-things.CSV": 1}
    assert snapshot.holds == {"care_period", "placement", "legal_status", "cla_review"}


def test_byte_order_mark_crlf_and_non_breaking_spaces_are_no_part_of_the_data(tmp_path: Path) -> None:
    text = f"\ufeff{EPISODES}\r\n\u00a0007 ,01/05/2017 00:00:00,s,C2,N1,U6,PR1,,X1,,,,1\r\n\r\n"
    (tmp_path / "e.csv").write_bytes(text.encode())
    period = only(read(tmp_path), "care_period", "007")
    assert (period.key, period.where, period.doubts) == ("2017-05-01", "e.csv:2", ())


def test_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(f"{EPISODES},NAME\n{OPEN},Zoë\n".encode("cp1252"))
    assert "e.csv: not UTF-8, read as Windows-1252" in read(tmp_path).notes


def test_a_table_not_used_yet_and_a_file_of_another_kind_are_named_in_the_notes(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    write(tmp_path, "o.csv", "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM", "C1,01/01/2000,YES,F1,B1")
    write(tmp_path, "rota.csv", "DAY,WHO", "Mon,x")
    (tmp_path / "empty.csv").touch()
    notes = read(tmp_path).notes
    assert "o.csv: 1 row set aside: oc3: recognised, not used yet" in notes
    assert "rota.csv: not a table of the return, left alone" in notes
    assert "empty.csv: not a table of the return, left alone" in notes


def test_progress_hears_of_each_file(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    heard: list[tuple[str, int]] = []
    read(tmp_path, progress=lambda name, rows: heard.append((name, rows)))
    assert heard == [("e.csv", 1)]


def test_what_is_said_to_be_filled_is_filled_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, "C1,01/05/2017,S,C2,N1,U6,PR1,20/02/2018,E4,CARPL,,,1")
    write(tmp_path, "h.csv", "CHILD,DOB,UPN", "C1,02/03/2010,UN1")
    write(tmp_path, "r.csv", "CHILD,DOB,REVIEW,REVIEW_CODE", "C1,02/03/2010,20/05/2017,PN1")
    write(tmp_path, "m.csv", "CHILD,DOB,MISSING,MIS_START,MIS_END", "C1,02/03/2010,M,01/06/2017,02/06/2017")
    write(tmp_path, "s.csv", "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC", "C1,02/03/2010,SW1,01/05/2017,01/06/2017")
    snapshot = read(tmp_path)
    filled: dict[str, set[str]] = {}
    for record in case(snapshot).records:
        filled.setdefault(record.kind, set()).update(record.values)
    assert filled == FILLS
    assert snapshot.holds == set(FILLS)
    assert {"missing.interview_offered", "child.died"} <= snapshot.lacks
    assert all("903" in KINDS[kind].feeds_of(name) for kind, names in FILLS.items() for name in names)


# ------------------------------------------------------------------ what is refused


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "there is no such folder or file" in refused(tmp_path / "nowhere")


def test_a_file_by_itself_is_read(tmp_path: Path) -> None:
    write(tmp_path, "r.csv", "CHILD,REVIEW", "C1,20/05/2017")
    snapshot = read(write(tmp_path, "e.csv", EPISODES, OPEN))
    assert snapshot.counts == {"e.csv": 1}
    assert snapshot.source == f"ssda903:{(tmp_path / 'e.csv').as_posix()}"
    assert "Found: reviews (r.csv)" in refused(tmp_path / "r.csv")


def test_a_folder_without_episodes_is_refused_and_told_what_was_found(tmp_path: Path) -> None:
    assert "no table of the return" in refused(tmp_path)
    write(tmp_path, "r.csv", "CHILD,REVIEW", "C1,20/05/2017")
    assert "Found: reviews (r.csv)" in refused(tmp_path)


def test_an_episodes_file_with_a_heading_alone_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES)
    assert refused(tmp_path).startswith("e.csv:1: ")


def test_a_file_cut_in_a_quoted_field_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    (tmp_path / "r.csv").write_text('CHILD,REVIEW\nC1,20/05/2017\nC1,"20/0', encoding="utf-8")
    assert refused(tmp_path).startswith("r.csv:3: is not whole CSV")


def test_a_file_cut_within_a_row_is_refused_however_few_rows_are_lost(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, *[episode(f"C{n}") for n in range(200)])
    path = write(tmp_path, "r.csv", "CHILD,DOB,REVIEW,REVIEW_CODE", *["C1,02/03/2010,20/05/2017,PN1"] * 200)
    whole = path.read_text()
    path.write_text(whole[: whole.rindex(",")])
    assert refused(tmp_path).startswith("r.csv:201: stops in the middle of a row")


def test_a_file_that_stops_within_its_last_cell_is_read_with_a_note(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    path = write(tmp_path, "r.csv", "CHILD,REVIEW", "C1,20/05/2017", "C1,21/09/2017")
    for cut, noted in ((0, False), (1, False), (3, True)):
        whole = path.read_text()
        path.write_text(whole[: len(whole) - cut])
        snapshot = read(tmp_path)
        assert any("is the file whole?" in note for note in snapshot.notes) is noted, cut
        assert len(list(case(snapshot).of("cla_review"))) == 2
    assert [d.field for r in case(snapshot).records for d in r.doubts] == ["happened"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(b"CHILD\x81\xff")
    assert refused(tmp_path) == "e.csv: is not text. Export it as CSV in UTF-8."


def test_a_few_bad_rows_are_rejected_with_their_line_and_many_refuse_the_file(tmp_path: Path) -> None:
    good = [episode(f"C{n}") for n in range(1, 58)]
    bad = ["C99,01/05/2017,S", episode("", "01/05/2017"), episode("C98", "2017-05-01")]
    path = write(tmp_path, "e.csv", EPISODES, *good, *bad)
    snapshot = read(tmp_path)
    assert [(r.where, r.why) for r in snapshot.rejects] == [
        ("e.csv:59", "has 3 columns, not 13"),
        ("e.csv:60", "has no CHILD"),
        ("e.csv:61", "has a DECOM that is not a date written dd/mm/yyyy"),
    ]
    assert [r.column for r in snapshot.rejects] == ["", "CHILD", "DECOM"]
    assert snapshot.accounts["e.csv"] == Account(rows=60, used=57, rejected=3)
    assert "3 rows rejected" in snapshot.notes
    assert snapshot.counts == {"e.csv": 60}
    write(tmp_path, path.name, EPISODES, *good, *bad, episode("C97", ""))
    assert refused(tmp_path).startswith("e.csv:59: 4 of 61 rows of this file cannot be read")


def test_errors_and_rejects_hold_nothing_of_the_row(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, *[episode(f"C{n}") for n in range(30)], episode("SECRET", "secret"))
    assert "secret" not in str(read(tmp_path).rejects).lower()


# ------------------------------------------------------------------ what a return speaks for


@pytest.mark.parametrize("latest", ["01/04/2017", "31/03/2018"])
def test_a_return_speaks_for_the_year_to_31_march_of_its_latest_episode(tmp_path: Path, latest: str) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN.replace("01/05/2017", "03/02/2014"), episode("C2", latest))
    assert read(tmp_path).window == YEAR


def test_a_child_speaks_only_for_the_returns_that_name_it(tmp_path: Path) -> None:
    write(tmp_path, "2017.csv", EPISODES, episode("BOTH"), episode("EARLY"))
    write(tmp_path, "2018.csv", EPISODES, episode("BOTH"), episode("LATE", "01/06/2018"))
    write(tmp_path, "h.csv", "CHILD,DOB,UPN", "NEVER,01/01/2010,")
    snapshot = read(tmp_path)
    assert snapshot.window == YEARS
    assert case(snapshot, "BOTH").window == YEARS
    assert case(snapshot, "EARLY").window == YEAR
    assert case(snapshot, "LATE").window == Window(date(2018, 4, 1), date(2019, 3, 31))
    assert case(snapshot, "NEVER").window == YEAR, "no episode: the return that claims the least"


def test_returns_with_a_year_between_speak_for_the_latest_alone(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", EPISODES, episode("C1"), episode("C2"))
    write(tmp_path, "b.csv", EPISODES, episode("C1"), episode("C3", "01/05/2019"))
    latest = Window(date(2019, 4, 1), date(2020, 3, 31))
    snapshot = read(tmp_path)
    assert snapshot.window == latest
    assert case(snapshot).window == latest


def test_a_window_given_overrides_every_window(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    given = Window(date(2016, 1, 1), None)
    snapshot = read(tmp_path, window=given)
    assert snapshot.window == given
    assert case(snapshot).window == given


def test_the_later_return_wins_for_the_same_child_and_day(tmp_path: Path) -> None:
    write(tmp_path, "z-2017.csv", EPISODES, OPEN)
    write(
        tmp_path,
        "a-2018.csv",
        EPISODES,
        "C1,01/05/2017,S,C2,N1,U6,PR1,02/07/2018,E4A,,,,1",
        episode("C2", "01/06/2018"),
    )
    snapshot = read(tmp_path)
    period = only(snapshot, "care_period")
    assert period.day("end") == date(2018, 7, 2)
    assert period.where == "a-2018.csv:2"
    assert snapshot.accounts["z-2017.csv"] == Account(rows=1, aside=Counter({RESTATED: 1}))
    assert snapshot.accounts["a-2018.csv"] == Account(rows=2, used=2)
    assert "z-2017.csv: 1 row set aside: " + RESTATED in snapshot.notes


def test_short_breaks_are_set_aside_and_of_two_rows_for_one_day_one_is(tmp_path: Path) -> None:
    short = "C2,01/05/2017,S,V4,N1,U6,PR1,,X1,,,,1"
    write(tmp_path, "e.csv", EPISODES, OPEN, OPEN.replace(",,X1", ",01/06/2017,X1"), short)
    snapshot = read(tmp_path)
    assert snapshot.accounts["e.csv"] == Account(rows=3, used=1, aside=Counter({RESTATED: 1, SHORT_BREAK: 1}))
    assert "e.csv: 1 row set aside: short breaks (V3, V4)" in snapshot.notes


def test_silence_of_a_table_with_fewer_files_than_returns_or_no_rows_proves_nothing(tmp_path: Path) -> None:
    write(tmp_path, "2017.csv", EPISODES, OPEN)
    write(tmp_path, "r.csv", "CHILD,REVIEW", "C1,20/05/2017")
    write(tmp_path, "m.csv", "CHILD,MISSING,MIS_START,MIS_END")
    snapshot = read(tmp_path)
    assert "cla_review" in snapshot.holds
    assert "missing" not in snapshot.holds
    assert "missing: no rows, so rules that need missing are not measured" in snapshot.notes
    write(tmp_path, "2018.csv", EPISODES, episode("C1", "01/05/2018"))
    snapshot = read(tmp_path)
    assert "cla_review" not in snapshot.holds
    assert any(note.startswith("reviews: 1 files with rows for 2 returns") for note in snapshot.notes)
    assert only(snapshot, "cla_review").key == "2017-05-20", "what it does hold still counts"


# ------------------------------------------------------------------ the other tables


def test_reviews_of_one_child_and_day_are_one_and_an_unreadable_one_is_a_doubt(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    write(tmp_path, "r.csv", "CHILD,REVIEW", "C1,20/05/2017", "C1,20/05/2017", "C1,31/02/2018", "C1,", "C2,20/05/2017")
    snapshot = read(tmp_path)
    held, blank, unreadable = sorted(case(snapshot).of("cla_review"), key=lambda r: r.where)
    assert held.day("happened") == date(2017, 5, 20)
    assert [(d.field, d.why, d.cause) for r in (blank, unreadable) for d in r.doubts] == [
        ("happened", "REVIEW is a day that does not exist", "unreadable"),
        ("happened", "REVIEW is blank", "unreadable"),
    ]
    assert "r.csv: 1 row set aside: stand again (same child and day)" in snapshot.notes
    assert (blank.key, unreadable.key) == ("undated 1", "undated 2")
    assert snapshot.accounts["r.csv"].used == 4


def test_born_comes_from_the_header_and_two_dates_of_birth_are_a_conflict(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    write(tmp_path, "h.csv", "CHILD,DOB,UPN", "C1,02/03/2010,", "C2,02/03/2011,", "C3,zz/03/2011,", "C4,,")
    write(tmp_path, "a.csv", "CHILD,DOB,REVIEW", "C1,02/03/2010,20/05/2017", "C2,03/02/2011,20/05/2017")
    snapshot = read(tmp_path)
    assert only(snapshot, "child", "C1").day("born") == date(2010, 3, 2)
    doubts = {c: only(snapshot, "child", c).doubts for c in ("C2", "C3", "C4")}
    assert [(d.cause, d.why) for d in doubts["C2"]] == [("conflict", "dates of birth differ, see also a.csv:3")]
    assert [(d.cause, d.why) for d in doubts["C3"]] == [("unreadable", "DOB is not a date written dd/mm/yyyy")]
    assert doubts["C4"] == ()


def test_missing_episodes_and_workers_keep_their_dates_and_a_later_end_fills_a_blank(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    write(tmp_path, "m1.csv", "CHILD,MISSING,MIS_START,MIS_END", "C1,M,20/05/2017,", "C1,A,01/06/2017,02/06/2017")
    write(
        tmp_path,
        "m2.csv",
        "CHILD,MISSING,MIS_START,MIS_END",
        "C1,M,20/05/2017,22/05/2017",
        "C1,A,01/06/2017,03/06/2017",
    )
    write(tmp_path, "w.csv", "CHILD,SW_ID,SW_DECOM,SW_DEC", "C1,SW1,01/05/2017,", "C1,SW2,01/05/2017,bad")
    snapshot = read(tmp_path)
    first, second = case(snapshot).of("missing")
    assert (first.key, first.get("type"), first.day("end")) == ("2017-05-20", "missing", date(2017, 5, 22))
    assert (second.get("type"), second.doubts[0].cause) == ("away", "conflict")
    workers = {r.key: r for r in case(snapshot).of("allocation")}
    assert set(workers) == {"2017-05-01 SW1", "2017-05-01 SW2"}
    assert workers["2017-05-01 SW1"].get("worker") == "SW1"
    assert workers["2017-05-01 SW1"].get("team_only") is False
    assert workers["2017-05-01 SW2"].doubts[0].why == "SW_DEC is not a date written dd/mm/yyyy"


def test_one_episode_in_a_wrong_year_does_not_move_the_year_of_the_return(tmp_path: Path) -> None:
    """A year of which nobody knows anything would leave every child untold."""
    rows = [episode(f"C{n}") for n in range(120)]
    write(tmp_path, "e.csv", EPISODES, *rows, episode("X", "01/05/2071"))
    snapshot = read(tmp_path)
    assert snapshot.window == YEAR
    assert "e.csv: 1 of 121 episodes begin after 2018-03-31, its year's end by the rest" in snapshot.notes


def test_reviews_after_the_year_of_the_return_are_counted_for_the_operator(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    write(tmp_path, "r.csv", "CHILD,DOB,REVIEW", "C1,02/03/2010,20/05/2017", "C1,02/03/2010,20/05/2018")
    assert any(note.startswith("1 reviews after 2018-03-31") for note in read(tmp_path).notes)
    assert not any("reviews after" in note for note in read(tmp_path, window=YEARS).notes)


def test_a_table_of_workers_that_names_few_of_the_children_is_taken_for_not_filled(tmp_path: Path) -> None:
    children = [f"C{n}" for n in range(20)]
    write(tmp_path, "e.csv", EPISODES, *(episode(child) for child in children))
    heading = "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC"
    write(tmp_path, "s.csv", heading, *(f"{child},02/03/2010,SW1,01/05/2017," for child in children[:9]))
    few = read(tmp_path)
    assert "allocation" not in few.holds
    assert "sw_episodes: names 9 of 20 children, so it is taken for not filled" in few.notes
    write(tmp_path, "s.csv", heading, *(f"{child},02/03/2010,SW1,01/05/2017," for child in children[:10]))
    assert "allocation" in read(tmp_path).holds


def test_days_written_month_first_are_refused(tmp_path: Path) -> None:
    """Of reviews on 8 May and 30 June the one would be read as 5 August, and nobody would see."""
    write(tmp_path, "e.csv", EPISODES, OPEN)
    odd = ("05/08/2017", "06/30/2017", "07/31/2017", "12/25/2017")
    write(tmp_path, "r.csv", "CHILD,DOB,REVIEW", *(f"C1,02/03/2010,{day}" for day in odd))
    assert refused(tmp_path).startswith("r.csv:3: REVIEW: days of this column are written month first")
    write(tmp_path, "r.csv", "CHILD,DOB,REVIEW", *(f"C1,02/03/2010,{day}" for day in (*odd, "30/06/2017")))
    assert len(list(case(read(tmp_path)).of("cla_review"))) == 5  # a few slips of the pen, each in doubt


def test_away_and_missing_again_on_one_day_are_two_episodes(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", EPISODES, OPEN)
    rows = ("A,01/06/2017,01/06/2017", "M,01/06/2017,03/06/2017")
    write(tmp_path, "m.csv", "CHILD,DOB,MISSING,MIS_START,MIS_END", *(f"C1,02/03/2010,{row}" for row in rows))
    missing, away = case(read(tmp_path)).of("missing")
    assert (missing.key, missing.get("type"), missing.day("end")) == ("2017-06-01", "missing", date(2017, 6, 3))
    assert (away.key, away.get("type"), away.day("end")) == ("2017-06-01 away", "away", date(2017, 6, 1))
