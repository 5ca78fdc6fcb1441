"""The staff files are read again whenever they change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from alertd.errors import InputError
from alertd.people.directory import Directory
from alertd.people.load import Staff, load_directory

HEADER = "id,name,email,role,team,deputy,away_from,away_to,leaves\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    people, teams = tmp_path / "people.csv", tmp_path / "teams.csv"
    people.write_text(HEADER + "W1,Ade,ade@council.example,worker,T1,,,,\n", "utf-8")
    teams.write_text("id,name,parent,inbox\nT1,Team,,team@council.example\n", "utf-8")
    return people, teams


def staff_of(files: tuple[Path, Path]) -> Staff:
    def read() -> Directory:
        return load_directory(*files, allowed_domains=["council.example"], duty="duty@council.example")

    return Staff(files, read)


def test_somebody_who_left_since_is_gone_at_the_next_look(files: tuple[Path, Path]) -> None:
    staff = staff_of(files)
    assert staff.refresh().people["W1"].leaves is None
    files[0].write_text(HEADER + "W1,Ade,ade@council.example,worker,T1,,,,2026-11-01\n", "utf-8")
    assert staff.refresh().people["W1"].leaves is not None


def test_a_broken_file_leaves_the_last_good_reading_in_force_and_says_why(files: tuple[Path, Path]) -> None:
    staff = staff_of(files)
    files[0].write_text("what is this", "utf-8")
    assert staff.refresh().people["W1"].name == "Ade"
    assert "people.csv" in staff.fault
    files[0].unlink()
    assert staff.refresh().people["W1"].name == "Ade"
    files[0].write_text(HEADER + "W2,Bea,bea@council.example,worker,T1,,,,\n", "utf-8")
    assert set(staff.refresh().people) == {"W2"}
    assert staff.fault == ""


def test_without_a_good_reading_to_stand_on_there_is_no_start(files: tuple[Path, Path]) -> None:
    files[1].write_text("", "utf-8")
    with pytest.raises(InputError):
        staff_of(files)


def test_whoever_asks_while_another_reads_waits_for_what_is_read(files: tuple[Path, Path]) -> None:
    """Four messages are looked at at once: none may leave by the staff of before."""
    reading, go_on = Event(), Event()

    def read() -> Directory:
        if reading.is_set():
            go_on.wait(5)
        return load_directory(*files, allowed_domains=["council.example"], duty="duty@council.example")

    staff = Staff(files, read)
    files[0].write_text(HEADER + "W2,Bea,bea@council.example,worker,T1,,,,\n", "utf-8")
    reading.set()
    with ThreadPoolExecutor(2) as two:
        first = two.submit(staff.refresh)
        while staff._people._seen != staff._people._stamps():
            sleep(0.001)  # until the first has begun to read
        second = two.submit(staff.refresh)
        done, _ = wait([second], timeout=0.1)
        go_on.set()
        assert set(first.result(5).people) == set(second.result(5).people) == {"W2"}
        assert not done
