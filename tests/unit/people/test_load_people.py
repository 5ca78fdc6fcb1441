"""Reading people.csv and teams.csv: what is refused, and where the error says to look."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.cases.holding import Holding
from alertd.errors import InputError
from alertd.people.directory import Directory, Route
from alertd.people.load import load_directory

TEAMS = "id,name,parent,inbox\nS1,Service,,\nT1,North,S1,north@council.example\n"
HEADER = "id,name,email,role,team,deputy,away_from,away_to,leaves\n"
PEOPLE = (
    HEADER
    + "P1,Ade,ade@council.example,worker,T1,P2,2026-11-20,2026-11-27,\n"
    + "P2,Bo,bo@Council.Example,worker,T1,,,,2027-01-01\n"
)


def load(tmp_path: Path, people: str = PEOPLE, teams: str = TEAMS, duty: str = "duty@council.example") -> Directory:
    (tmp_path / "people.csv").write_text(people, encoding="utf-8")
    (tmp_path / "teams.csv").write_text(teams, encoding="utf-8")
    return load_directory(
        tmp_path / "people.csv",
        tmp_path / "teams.csv",
        allowed_domains={"council.example"},
        duty=duty,
        other_roles={"psw"},
    )


def test_reads_both_files(tmp_path: Path) -> None:
    found = load(tmp_path, "\ufeff" + PEOPLE + "\n")
    assert found.people["P1"].away_to == date(2026, 11, 27)
    assert found.people["P2"].leaves == date(2027, 1, 1)
    assert found.teams["T1"].parent == "S1"


def row(**cells: str) -> str:
    full = {"id": "P3", "name": "Cy", "email": "cy@council.example", "role": "worker", "team": "T1", "deputy": ""} | {
        "away_from": "", "away_to": "", "leaves": ""
    } | cells  # fmt: skip
    return PEOPLE + ",".join(full.values()) + "\n"


@pytest.mark.parametrize(
    ("people", "where", "what"),
    [
        (row(id="P1"), "people.csv:4: column id", "already on line 2"),
        (row(id=""), "people.csv:4: column id", "blank"),
        (row(name=""), "people.csv:4: column name", "blank"),
        (row(role="team_manger"), "people.csv:4: column role", "Did you mean team_manager?"),
        (row(team="T11"), "people.csv:4: column team", "Did you mean T1?"),
        (row(deputy="P7"), "people.csv:4: column deputy", "no person 'P7'"),
        (row(deputy="P3"), "people.csv:4: column deputy", "own deputy"),
        (row(role="team_manager", team=""), "people.csv:4: column team", "needs a team"),
        (row(email="cy"), "people.csv:4: column email", "not an e-mail address"),
        (row(email="c\u2028y@council.example"), "people.csv:4: column email", "control character"),
        (row(email='"cy@council.example\nbcc: x"'), "people.csv:5: column email", "control character"),
        (row(email="cy@councl.example"), "people.csv:4: column email", "Did you mean council.example?"),
        (row(email="cy@council.example.evil.example"), "people.csv:4: column email", "not an allowed mail domain"),
        (row(email="cy@sub.council.example"), "people.csv:4: column email", "not an allowed mail domain"),
        (row(email="ADE@council.example"), "people.csv:4: column email", "line 2 has the same address"),
        (row(leaves="1/2/2026"), "people.csv:4: column leaves", "Write it as 2026-11-26"),
        (row(away_to="2026-01-01"), "people.csv:4: column away_to", "needs an away_from"),
        (row(away_from="2026-01-02", away_to="2026-01-01"), "people.csv:4: column away_to", "not later"),
        (PEOPLE + "P3,Cy\n", "people.csv:4", "2 cells"),
        (PEOPLE + 'P3,"Cy\n', "people.csv:4", "CSV"),
        (PEOPLE.replace("email", "e-mail"), "people.csv:1", "Did you mean email?"),
        (PEOPLE.replace("leaves", "team"), "people.csv:1", "twice"),
        (PEOPLE.replace(",leaves", ""), "people.csv:1", "'leaves' is missing"),
        ("", "people.csv:1", "missing"),
    ],
)
@pytest.mark.fault("F65")
def test_refuses_people(tmp_path: Path, people: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, people)
    text = str(caught.value)
    assert f"{where}: " in text and what in text and "\n" not in text
    assert "cy@council" not in text, "an error names the place, never the person"


@pytest.mark.parametrize(
    ("teams", "where", "what"),
    [
        (TEAMS + "T1,South,,\n", "teams.csv:4: column id", "already on line 3"),
        (TEAMS + "T2,South,S2,\n", "teams.csv:4: column parent", "no team 'S2'"),
        (TEAMS + "T2,South,T2,\n", "teams.csv:4: column parent", "T2 > T2"),
        (TEAMS + "A,A,B,\nB,B,A,\n", "teams.csv:4: column parent", "A > B > A"),
        (TEAMS + "Z,Z,A,\nA,A,B,\nB,B,A,\n", "teams.csv:5: column parent", "A > B > A"),
        (TEAMS + "T2,South,,south@other.example\n", "teams.csv:4: column inbox", "not an allowed mail domain"),
    ],
)
@pytest.mark.fault("F65")
def test_refuses_teams(tmp_path: Path, teams: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, teams=teams)
    assert f"{where}: " in str(caught.value) and what in str(caught.value)


def test_a_role_of_the_authoritys_own_ladders_is_known(tmp_path: Path) -> None:
    assert load(tmp_path, row(role="psw")).people["P3"].role == "psw"


def test_one_person_in_two_roles_has_two_lines(tmp_path: Path) -> None:
    again = row(id="P9", name="Ade", email="ade@council.example", role="iro")
    assert load(tmp_path, again).people["P9"].role == "iro"


def test_a_missing_file_says_which_and_with_what_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"teams\.csv: there is no such file\. Create it with the columns id,name"):
        load_directory(
            tmp_path / "people.csv",
            tmp_path / "teams.csv",
            allowed_domains={"council.example"},
            duty="d@council.example",
        )


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "people.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_directory(
            tmp_path / "people.csv",
            tmp_path / "teams.csv",
            allowed_domains={"council.example"},
            duty="d@council.example",
        )


@pytest.mark.fault("F65")
def test_the_duty_address_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="duty address"):
        load(tmp_path, duty="duty@elsewhere.example")


def with_fallback(fallback: str, email: str = "cy@council.example") -> str:
    return f"{HEADER.rstrip()},fallback\nP3,Cy,{email},worker,T1,,,,,{fallback}\n"


def test_a_fallback_is_a_channel_and_an_address_of_it(tmp_path: Path) -> None:
    teams = "id,name,parent,inbox,fallback\nT1,North,,north@council.example,apprise:duty-team\n"
    people = tmp_path / "people.csv"
    found = load(tmp_path, with_fallback("govuk_notify: 07700 900123"), teams)
    assert found.people["P3"].fallback == Route("govuk_notify", "07700 900123")
    assert found.teams["T1"].fallback == Route("apprise", "duty-team")
    told = found.resolve("worker", Holding("P3", "T1"), date(2026, 11, 26))
    assert told.fallback == Route("govuk_notify", "07700 900123")
    assert load(tmp_path, with_fallback("")).people["P3"].fallback is None
    duty = load_directory(
        people,
        tmp_path / "teams.csv",
        allowed_domains={"council.example"},
        duty="duty@council.example",
        duty_fallback="apprise:duty-team",
    )
    assert duty.duty_fallback == Route("apprise", "duty-team")


@pytest.mark.parametrize(
    ("fallback", "what"),
    [
        ("07700 900456", "no channel with an address"),
        ("govuk_notify:", "no channel with an address"),
        (":07700 900456", "no channel with an address"),
        ("a channel:x", "no channel with an address"),
        ("email:cy@elsewhere.example", "not an allowed mail domain"),
        ("email:cy", "not an e-mail address"),
        ("email:CY@council.example", "stands in for itself"),
        (f"webhook:{'x' * 321}", "longer than 320"),
    ],
)
def test_a_fallback_that_could_not_be_used_is_refused_with_its_place(tmp_path: Path, fallback: str, what: str) -> None:
    with pytest.raises(InputError) as fault:
        load(tmp_path, with_fallback(fallback))
    assert "people.csv:2: column fallback" in str(fault.value) and what in str(fault.value)
    assert "900456" not in str(fault.value) and "cy@" not in str(fault.value)
