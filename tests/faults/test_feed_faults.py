"""Feeds that freeze, come half, or are spoilt: F69, F70 and F71, from the feed to the mail.

The council's records come from a database as elsewhere, or from lists of its own; the clock is the test's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from alertd.cases.records import LONDON
from alertd.evaluation import evaluate_once
from alertd.intake import store
from tests.support.cli import alertd
from tests.support.council import Council
from tests.support.fed import (
    FIRST_REVIEW,
    LISTS,
    OPEN,
    a_council,
    fed_by,
    manifest,
    nov,
    outcomes,
    told,
    write_lists,
    written,
)

council = pytest.fixture(a_council)


# F69: a feed that has stopped


@pytest.mark.parametrize("kind", ["ssd", "csv"])
def test_f69_a_frozen_feed_is_told_of_within_one_tick_its_rules_are_unknown_and_nothing_closes(
    council: Council, tmp_path: Path, kind: str
) -> None:
    council.looked_after()
    lists = write_lists(tmp_path / "lists", nov(13))
    (lists / "windows.csv").write_text("kind,from,to\ncla_review,,now\ncare_period,,now\nchild,,now\nallocation,,now\n")
    written(lists, nov(13))
    fed_by(council, kind=kind, url=str(council.feed if kind == "ssd" else lists), stale_after="2 working days")
    council.day(nov(13))  # a Friday
    assert council.alerts() == [OPEN]
    assert council.days(nov(14), nov(17)) == {}
    assert not told(council, "gus")
    assert set(council.day(nov(18))) == {"gus"}
    subjects = [subject for subject, _ in told(council, "gus")]
    assert "alertd has no fresh case data" in subjects
    said = next(body for subject, body in told(council, "gus") if subject == "alertd has no fresh case data")
    assert "has said nothing new since Fri 13 Nov 2026, longer than 2 working days" in " ".join(said.split())
    assert council.alerts() == [OPEN, (FIRST_REVIEW, "*", "open", None)]
    before = council.events()
    heard = {to for sent in council.days(nov(19), nov(30)).values() for to in sent}
    assert heard == {"gus"}, "of a child nobody hears anything new"
    assert council.events() == before and council.alerts()[0] == OPEN
    if kind == "ssd":
        council.reviewed(nov(26))
    else:
        write_lists(lists, date(2026, 12, 1), cla_review=f"{LISTS['cla_review.csv']}C1,V2,2026-11-26\n")
    council.day(date(2026, 12, 1))
    assert [state for _, _, state, _ in council.alerts()] == ["closed", "closed"]
    assert council.alerts()[0][3] == "met"


def test_f69_a_feed_that_is_gone_is_stale_too_once_its_time_has_passed(council: Council) -> None:
    council.looked_after()
    fed_by(council, stale_after="2 working days")
    council.day(nov(13))
    council.feed.rename(council.feed.with_suffix(".away"))
    assert council.days(nov(14), nov(17)).keys() == {nov(14), nov(15), nov(16), nov(17)}
    council.day(nov(18))
    assert {"alertd could not use the case data", "alertd has no fresh case data"} <= {
        subject for subject, _ in told(council, "gus")
    }
    assert council.alerts() == [OPEN, (FIRST_REVIEW, "*", "open", None)]


# F70: a feed that is not whole


def _cut(folder: Path) -> None:
    file = folder / "care_period.csv"
    file.write_bytes(file.read_bytes()[:-12])


def _rows_gone(folder: Path) -> None:
    (folder / "care_period.csv").write_text("child,key,start,end\n")


def _file_gone(folder: Path) -> None:
    (folder / "care_period.csv").unlink()


def _other_content(folder: Path) -> None:
    file = folder / "care_period.csv"
    file.write_bytes(file.read_bytes().replace(b"2026-10-30", b"2026-10-29"))


def _count_off(folder: Path) -> None:
    said = (folder / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(said.replace("care_period.csv,2,", "care_period.csv,3,"))


@pytest.mark.parametrize(
    ("spoil", "manifested", "says"),
    [
        (_cut, True, "care_period.csv: is not the file of the manifest"),
        (_other_content, True, "care_period.csv: is not the file of the manifest"),
        (_count_off, True, "care_period.csv: has 2 rows and the manifest says 3"),
        (_file_gone, True, "care_period.csv is named here and is not in the folder"),
        (_rows_gone, False, "care_period.csv is empty; it held 2 rows"),
        (_file_gone, False, "care_period.csv is gone; it held 2 rows"),
        (lambda folder: shutil.rmtree(folder), False, "there is no such file or folder"),
    ],
)
def test_f70_lists_that_are_not_whole_are_refused_close_nothing_and_the_message_says_what_to_do(
    council: Council, tmp_path: Path, spoil: Callable[[Path], None], manifested: bool, says: str
) -> None:
    lists = write_lists(tmp_path / "lists", nov(13))
    if manifested:
        manifest(lists)
        written(lists, nov(13))
    fed_by(council, kind="csv", url=str(lists))
    council.day(nov(13))
    before = council.events(), council.alerts()
    assert before[1] == [OPEN]
    spoil(lists)
    assert council.day(nov(14)) == ["gus"]
    ((subject, body),) = told(council, "gus")
    assert subject == "alertd could not use the case data"
    assert says in " ".join(body.split())
    assert "Alerts stay as they were" in body
    assert (council.events(), council.alerts()) == before
    assert outcomes(council) == ["accepted", "refused"]
    shutil.rmtree(lists, ignore_errors=True)
    write_lists(lists, nov(27))
    council.day(nov(27))
    assert council.events() == [("new", 0, False), ("stage", 1, False)]


def test_f70_lists_that_change_while_they_are_read_are_refused(council: Council, tmp_path: Path) -> None:
    lists = write_lists(tmp_path / "lists", nov(13))
    fed_by(council, kind="csv", url=str(lists))
    council.day(nov(13))
    before = council.events(), council.alerts()

    def touching(what: str, _: int) -> None:
        (lists / "care_period.csv").write_text("child,key,start,end\nC2,L2,2026-01-05,2026-02-02\n")

    council.now = datetime.combine(nov(14), time(6, 30), LONDON)
    done = evaluate_once(council.house, on_read=touching)
    assert "changed while it was being read" in done.refused
    assert (council.events(), council.alerts()) == before


def test_f70_a_database_half_refilled_is_refused_and_no_alert_closes_by_absence(council: Council) -> None:
    council.looked_after()
    council.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
        "INSERT INTO ssd_cla_episodes (clae_cla_episode_id, clae_person_id, clae_cla_id, clae_cla_episode_start_date, "
        "clae_cla_episode_ceased_date, clae_cla_episode_ceased_reason) SELECT 'X' || i, 'C1', 'X' || i, "
        "'2025-01-01 00:00:00', '2025-02-01 00:00:00', 'E8' FROM n"
    )
    council.day(nov(13))
    assert OPEN in council.alerts()
    before = council.events(), council.alerts()
    council.remove("cla_episodes", "rowid <= 151")  # the child's own is the first
    assert council.day(nov(14)) == ["gus"]
    assert "ssd_cla_episodes is short: it lost 151 of 301 rows (50%; allowed 20%)" in told(council, "gus")[-1][1]
    assert (council.events(), council.alerts()) == before


# F71: a feed that is spoilt


def kept(council: Council) -> tuple[store.Standing, str]:
    with Session(council.house.engine) as session:
        standing = store.standing(session, "feed")
    assert standing is not None
    return standing, " ".join(f"{where} {column} {why}" for where, why, column in standing.said.rejects)


@pytest.mark.parametrize(
    ("care_period", "says"),
    [
        (LISTS["care_period.csv"].replace(",start,", ",begin,"), "care_period.csv:1:begin: is not a field"),
        (LISTS["care_period.csv"].replace(",start,", ",strat,"), "Did you mean start?"),
        (LISTS["care_period.csv"].encode("utf-16"), "care_period.csv: is in UTF-16. Save it as CSV UTF-8"),
        (LISTS["care_period.csv"].replace(",end\n", "\n").replace(",\n", "\n"), "has no column end"),
        (b"child,key,start,end\n" + bytes(range(128, 256)) * 4, "is not text"),
    ],
)
def test_f71_a_list_of_other_columns_or_no_text_is_refused_with_its_place(
    council: Council, tmp_path: Path, care_period: str | bytes, says: str
) -> None:
    lists = write_lists(tmp_path / "lists", nov(13))
    fed_by(council, kind="csv", url=str(lists))
    council.day(nov(13))
    before = council.events(), council.alerts()
    write_lists(lists, nov(14), care_period=care_period)
    assert council.day(nov(14)) == ["gus"]
    assert says in " ".join(told(council, "gus")[-1][1].split())
    assert (council.events(), council.alerts()) == before


def test_f71_latin_1_and_a_byte_order_mark_are_read_and_said(council: Council, tmp_path: Path) -> None:
    rows = LISTS["allocation.csv"].replace("T1", "Té").encode("latin-1")
    marked = b"\xef\xbb\xbf" + LISTS["care_period.csv"].encode()
    lists = write_lists(tmp_path / "lists", nov(13), allocation=rows, care_period=marked)
    fed_by(council, kind="csv", url=str(lists))
    assert council.day(nov(13)) == ["ade"]
    assert council.alerts() == [OPEN]
    assert "allocation.csv: not UTF-8, read as Windows-1252" in kept(council)[0].said.notes


@pytest.mark.parametrize(
    ("written_as", "why"),
    [
        ("1900-01-01", "1900-01-01 is a filler date"),
        ("9999-12-31", "9999-12-31 is a filler date"),
        ("31/02/2026", "is not a day that exists"),
        ("46325", "is not a date"),
        ("soon", "is not a date"),
        ("", ""),
    ],
)
def test_f71_a_start_that_is_no_day_is_unknown_and_never_met_nor_overdue(
    council: Council, tmp_path: Path, written_as: str, why: str
) -> None:
    spoilt = LISTS["care_period.csv"].replace("2026-10-30", written_as)
    lists = write_lists(tmp_path / "lists", nov(13), care_period=spoilt)
    fed_by(council, kind="csv", url=str(lists))
    council.day(nov(13))
    ((rule, child, state, _),) = council.alerts()
    assert (rule, child, state) == (FIRST_REVIEW, "C1", "open")
    body = " ".join(" ".join(text for _, _, text in council.mail.sent).split())
    assert "Cannot tell: " in body and why in body
    if written_as:
        assert written_as not in body.replace(why, "")
    write_lists(lists, nov(14))
    council.day(nov(16))
    assert council.events()[-1][0] != "source_removed"


def test_f71_a_day_in_2099_starts_no_clock_yet(council: Council, tmp_path: Path) -> None:
    spoilt = LISTS["care_period.csv"].replace("2026-10-30", "2099-12-31")
    lists = write_lists(tmp_path / "lists", nov(13), care_period=spoilt)
    fed_by(council, kind="csv", url=str(lists))
    assert council.day(nov(27)) == []
    assert council.alerts() == []
    done = alertd("data", "check", "--source", f"csv:{lists}", "--as-of", "2026-11-27", "--format", "csv")
    assert done.code == 1
    assert "care_period.csv:2" in done.out


def test_f71_rows_that_can_be_nobodys_are_rejected_with_their_place_counted_and_shown(
    council: Council, tmp_path: Path
) -> None:
    spoilt = f'{LISTS["care_period.csv"]},L8,2026-10-30,\n"C\x00 9",L9,2026-10-30,\n'
    lists = write_lists(tmp_path / "lists", nov(13), care_period=spoilt)
    fed_by(council, kind="csv", url=str(lists))
    council.day(nov(13))
    standing, rejects = kept(council)
    assert len(standing.said.rejects) == 2
    assert "care_period.csv:4 child is blank" in rejects
    assert "care_period.csv:5 child holds a line break or a control character" in rejects
    assert council.alerts() == [OPEN]
    done = alertd("evaluate", "--source", f"csv:{lists}", "--as-of", "2026-11-13", "--rule", FIRST_REVIEW)
    assert "left out: care_period.csv:4: is blank" in done.err


def test_f71_a_renamed_column_of_the_database_closes_nothing_and_is_told(council: Council) -> None:
    council.looked_after()
    council.day(nov(13))
    council.sql("ALTER TABLE ssd_cla_episodes RENAME COLUMN clae_cla_episode_ceased_date TO ceased")
    assert council.day(nov(16)) == ["gus"]
    assert "RULES THAT WAIT FOR RECORDS" in told(council, "gus")[-1][1]
    assert OPEN in council.alerts()


@pytest.mark.parametrize("value", ["'13 May'", "X'FFFE'", "20265.5", "'1900-01-01'"])
def test_f71_a_start_of_another_type_in_the_database_is_unknown(council: Council, value: str) -> None:
    council.looked_after()
    council.day(nov(13))
    council.sql(f"UPDATE ssd_cla_episodes SET clae_cla_episode_start_date = {value}, clae_entered_care_date = {value}")
    council.day(nov(16))
    ((_, child, state, _),) = council.alerts()
    assert (child, state) == ("C1", "open")
    assert "Cannot tell: " in " ".join(body for _, _, body in council.mail.sent)
