"""Staff taken from the feed: who works where, and what only the authority's own files say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.pool import NullPool

from alertd.cases.sources.ssd_staff import Department, Professional, StaffRows, read_staff
from alertd.errors import InputError
from alertd.people.directory import Directory
from alertd.people.load import load_directory
from alertd.people.staff import FeedStaff, Staff, Watched
from alertd.synth.schema import metadata

pytest_plugins = ["tests.support.databases"]

PEOPLE = "id,name,email,role,team,deputy,away_from,away_to,leaves,also,language,not_told_of\n"
TEAMS = "id,name,parent,inbox,hours,closed\n"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def feed(bare_database_url: str) -> Iterator[str]:
    """A dataset with three professionals, two departments and open children."""
    engine = create_engine(bare_database_url, poolclass=NullPool)
    tables = {name: metadata().tables[f"ssd_{name}"] for name in ("professionals", "department", "involvements")}
    metadata().create_all(engine, tables=list(tables.values()))
    rows: dict[str, list[dict[str, Any]]] = {
        "professionals": [
            {"prof_professional_id": "W1", "prof_professional_name": "Ade", "prof_professional_department": "North"},
            {"prof_professional_id": "W2", "prof_professional_name": "Bo", "prof_professional_department": "T1"},
            {"prof_professional_id": "W3", "prof_professional_name": "Cy", "prof_professional_department": "Else"},
        ],
        "department": [
            {"dept_team_id": "SV", "dept_team_name": "Service"},
            {"dept_team_id": "T1", "dept_team_name": "North", "dept_team_parent_id": "SV"},
            {"dept_team_id": "T2", "dept_team_name": "South", "dept_team_parent_id": "SV"},
        ],
        "involvements": [
            {
                "invo_involvements_id": f"I{n}",
                "invo_professional_id": worker,
                "invo_professional_team": "T2",
                "invo_person_id": child,
                "invo_involvement_start_date": datetime(2026, 1, 5),
                "invo_involvement_end_date": end,
            }
            for n, (worker, child, end) in enumerate(
                [("W3", "C1", None), ("W3", "C1", None), ("W3", "C2", None), ("W1", "C3", datetime(2026, 2, 1))]
            )
        ],
    }
    with engine.begin() as connection:
        for name, some in rows.items():
            for row in some:
                connection.execute(insert(tables[name]), row)
    yield bare_database_url
    engine.dispose()


def test_the_feeds_staff_is_read(feed: str) -> None:
    found = read_staff(feed)
    assert found.professionals["W1"] == Professional("Ade", "", "North")
    assert found.departments["T1"] == Department("North", "SV")
    assert found.children_of("W3") == 2, "children, not rows, and none that has ended"
    assert found.children_of("W1") == 0
    assert [found.team_of(worker) for worker in ("W1", "W2", "W3", "W9")] == ["T1", "T1", "T2", None]


@pytest.mark.parametrize("statement", ["DELETE FROM ssd_professionals", "DROP TABLE ssd_department"])
def test_a_feed_in_the_middle_of_its_refresh_is_refused(feed: str, statement: str) -> None:
    with create_engine(feed, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(InputError, match=r"is empty|has no table"):
        read_staff(feed)


ROWS = StaffRows(
    {"W1": Professional("Ade", "", "T1"), "W2": Professional("Bo", "", "T1")},
    {"SV": Department("Service"), "T1": Department("North", "SV")},
)


def load(tmp_path: Path, people: str = "", teams: str = "", feed: StaffRows | None = ROWS) -> Directory:
    (tmp_path / "people.csv").write_text(PEOPLE + people, "utf-8")
    (tmp_path / "teams.csv").write_text(TEAMS + teams, "utf-8")
    return load_directory(
        tmp_path / "people.csv",
        tmp_path / "teams.csv",
        allowed_domains=["council.example"],
        duty="duty@council.example",
        feed=feed,
    )


def test_the_files_add_what_the_feed_does_not_hold(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "W1,,ade@council.example,team_manager,,W2,,,,iro supervisor,cy,C1 C2\n",
        "T1,,,north@council.example,08:30-17:00,2026-12-24 2026-12-31\n",
    )
    manager, other, team = found.people["W1"], found.people["W2"], found.teams["T1"]
    assert (manager.name, manager.team, manager.roles) == ("Ade", "T1", ("team_manager", "iro", "supervisor"))
    assert (manager.language, manager.not_told_of) == ("cy", {"C1", "C2"})
    assert (other.name, other.role, other.address) == ("Bo", "worker", ""), "no address is ever guessed"
    assert (team.name, team.parent, team.inbox) == ("North", "SV", "north@council.example")
    assert team.hours and team.hours[0].isoformat() == "08:30:00"
    assert len(team.closed) == 2


def test_what_a_file_says_stands_above_the_feed(tmp_path: Path) -> None:
    found = load(tmp_path, "W1,Adelaide,,,SV,,,,,,,\n", "T1,Northern,,,,\n")
    assert (found.people["W1"].name, found.people["W1"].team) == ("Adelaide", "SV")
    assert (found.teams["T1"].name, found.teams["T1"].parent) == ("Northern", "SV")


def test_departments_in_a_circle_are_above_nobody(tmp_path: Path) -> None:
    circle = StaffRows({}, {"A": Department("A", "B"), "B": Department("B", "A"), "C": Department("C", "A")})
    found = load(tmp_path, feed=circle)
    assert [found.teams[key].parent for key in "ABC"] == [None, None, "A"]


def test_while_the_feed_was_never_read_the_files_stand_alone(tmp_path: Path) -> None:
    """A feed that is being filled at the start must not keep the daemon from starting."""
    found = load(tmp_path, "W1,,ade@council.example,,T1,W7,,,,,,\n", feed=StaffRows(was_read=False))
    assert (found.people["W1"].name, found.people["W1"].role) == ("W1", "worker")
    with pytest.raises(InputError, match="no team 'T1'"):
        load(tmp_path, "W1,Ade,ade@council.example,worker,T1,,,,,,,\n", feed=None)


@pytest.mark.parametrize(
    ("people", "teams", "where", "what"),
    [
        ("W1,Ade,,worker,T1,,,,,irro,,\n", "", "people.csv:2: column also", "Did you mean iro?"),
        ("W1,Ade,,worker,,,,,,team_manager,,\n", "T1,North,,,,\n", "people.csv:2: column team", "needs a team"),
        ("W1,Ade,,worker,T1,,,,,,fr,\n", "", "people.csv:2: column language", "Write en or cy"),
        ("", "T1,North,,,9-5,\n", "teams.csv:2: column hours", "08:30-17:00"),
        ("", "T1,North,,,25:00-26:00,\n", "teams.csv:2: column hours", "08:30-17:00"),
        ("", "T1,North,,,17:00-08:30,\n", "teams.csv:2: column hours", "08:30-17:00"),
        ("", "T1,North,,,,soon\n", "teams.csv:2: column closed", "2026-11-26"),
    ],
)
def test_what_the_further_columns_cannot_mean_is_refused(
    tmp_path: Path, people: str, teams: str, where: str, what: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, people, teams or "T1,North,,,,\n", feed=None)
    assert where in str(caught.value) and what in str(caught.value)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_the_feed_is_asked_every_quarter_of_an_hour_and_its_last_word_stands(tmp_path: Path) -> None:
    load(tmp_path)
    clock, says, asked = Clock(), [ROWS], []

    def ask() -> StaffRows:
        asked.append(clock.now)
        if not says:
            raise InputError("the feed is being filled")
        return says[-1]

    feed = FeedStaff(ask, clock)
    files = (tmp_path / "people.csv", tmp_path / "teams.csv")

    def read() -> Directory:
        return load_directory(*files, allowed_domains=["council.example"], duty="duty@council.example", feed=feed.value)

    staff = Staff(files, read, feed=feed)
    assert set(staff.directory.people) == {"W1", "W2"}
    says.append(StaffRows({"W3": Professional("Cy")}, {}))
    assert set(staff.refresh().people) == {"W1", "W2"}
    clock.now += timedelta(minutes=15)
    assert set(staff.refresh().people) == {"W3"}
    assert staff.fault == ""
    says.clear()
    clock.now += timedelta(minutes=15)
    assert set(staff.refresh().people) == {"W3"}
    assert staff.fault == "", "each night it is filled again"
    assert len(asked) == 3
    clock.now += timedelta(hours=2)
    assert set(staff.refresh().people) == {"W3"}
    assert "being filled" in staff.fault
    says.append(ROWS)
    clock.now += timedelta(minutes=15)
    assert set(staff.refresh().people) == {"W1", "W2"}
    assert staff.fault == ""


def test_a_fault_in_one_file_keeps_no_other_from_being_heeded(tmp_path: Path) -> None:
    from alertd.people.load_agencies import load_agencies
    from alertd.people.load_restrictions import load_restrictions

    load(tmp_path, "W1,Ade,ade@council.example,worker,T1,,,,,,,\n", "T1,North,,,,\n", feed=None)
    people, teams = tmp_path / "people.csv", tmp_path / "teams.csv"
    restrictions, agencies = tmp_path / "restrictions.csv", tmp_path / "agencies.yaml"
    restrictions.write_text("child,only,never,reason,until\nC1,W1,,Why,\n", "utf-8")
    agencies.write_text("agencies: []\n", "utf-8")

    def read() -> Directory:
        return load_directory(people, teams, allowed_domains=["council.example"], duty="duty@council.example")

    staff = Staff(
        (people, teams),
        read,
        restrictions=Watched((restrictions,), lambda: load_restrictions(restrictions)),
        agencies=Watched((agencies,), lambda: load_agencies(agencies, allowed_domains=[])),
    )
    assert set(staff.directory.restrictions) == {"C1"}
    restrictions.write_text("what is this\n", "utf-8")
    people.write_text(PEOPLE + "W1,Ade,ade@council.example,worker,T1,,,,2026-11-01,,,\n", "utf-8")
    found = staff.refresh()
    assert found.people["W1"].leaves is not None, "who has left is gone, whatever is wrong elsewhere"
    assert set(found.restrictions) == {"C1"}, "the last good reading binds"
    assert "restrictions.csv" in staff.fault
    restrictions.write_text("child,only,never,reason,until\nC1,W1,,Why,\nC2,,W9,Why,\n", "utf-8")
    agencies.write_text("agencies: what\n", "utf-8")
    found = staff.refresh()
    assert set(found.restrictions) == {"C1", "C2"}
    assert "agencies.yaml" in staff.fault
    assert "restrictions.csv:3: column never: there is no person 'W9'" in staff.fault
