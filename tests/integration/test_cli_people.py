"""``alertd people``: the holes of the directory, and who would be told, as an officer meets them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from alertd.cli.demo import example_config
from tests.support.cli import Here


@pytest.fixture
def config(ssd: Path, tmp_path: Path) -> Path:
    """The made-up authority's settings, with nothing kept yet."""
    for name in ("authority.db", "people.csv", "teams.csv", "restrictions.csv"):
        shutil.copy(ssd / name, tmp_path / name)
    (tmp_path / "agencies.yaml").write_text(example_config("agencies.yaml"), "utf-8")
    path = tmp_path / "alertd.toml"
    path.write_text(example_config(), "utf-8")
    return path


def said(here: Here, *words: str | Path) -> tuple[int, dict[str, Any]]:
    done = here("people", "check", *words, "--on", "2026-11-20", "--format", "json")
    return done.code, json.loads(done.out)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def test_the_made_up_authority_has_no_hole_and_what_is_not_known_is_said(config: Path, here: Here) -> None:
    code, found = said(here, "--config", config)
    assert (code, found["holes"]) == (0, []), found
    assert "open children are not known" in found["notes"][0]
    plain = here("people", "check", "--config", config, "--on", "2026-11-20")
    assert plain.code == 0
    assert "no holes" in plain.out and "Note: open children are not known" in plain.out


def test_children_whose_worker_has_no_address_are_found_in_what_the_daemon_keeps(config: Path, here: Here) -> None:
    assert here("sources", "sync", "--config", config).code == 0
    code, found = said(here, "--config", config)
    assert found["notes"] == []
    kinds = {hole["kind"] for hole in found["holes"]}
    assert kinds <= {"worker_left"}, "nobody's allocation is known better than by the feed"
    people = config.with_name("people.csv")
    lines = people.read_text("utf-8").splitlines(keepends=True)
    workers = [n for n, line in enumerate(lines) if ",worker," in line]
    for n in workers:
        cells = lines[n].split(",")
        lines[n] = ",".join([*cells[:2], "", *cells[3:]])
    people.write_text("".join(lines), "utf-8")
    code, found = said(here, "--config", config)
    assert code == 1
    holes = [hole for hole in found["holes"] if hole["kind"] == "worker_without_address"]
    assert holes
    assert all(hole["where"].startswith(f"{people}:") and hole["fix"] == "Enter their address" for hole in holes)


def test_staff_of_the_feed_without_a_row_are_holes_once_they_have_children(config: Path, here: Here) -> None:
    edit(config, '# from_feed = "feed"', 'from_feed = "feed"')
    people = config.with_name("people.csv")
    people.write_text("".join(people.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    teams = config.with_name("teams.csv")
    teams.write_text("".join(teams.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    code, found = said(here, "--config", config)
    assert code == 1
    kinds = {hole["kind"] for hole in found["holes"]}
    assert {"worker_without_address", "role_nobody_holds", "team_not_there"} <= kinds
    assert "taken from the feed" in found["notes"][0]


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("people.csv", "@la350.example", "@la350.exmaple", "people.csv:2: column email"),
        ("agencies.yaml", "@nhs.example", "@nhs.exmaple", "agencies.yaml:"),
        ("restrictions.csv", "Family of a member of staff", "", "restrictions.csv:3: column reason"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_hole_too(
    config: Path, here: Here, name: str, old: str, new: str, where: str
) -> None:
    edit(config.with_name(name), old, new)
    code, found = said(here, "--config", config)
    assert code == 1
    (hole,) = [hole for hole in found["holes"] if hole["kind"] == "refused"]
    assert where in hole["where"] and hole["fix"]


def test_a_feed_that_is_none_or_holds_no_staff_is_refused_with_its_line(config: Path, here: Here) -> None:
    edit(config, '# from_feed = "feed"', 'from_feed = "fed"')
    line = here("people", "check", "--config", config).one_line
    assert "people.from_feed: there is no feed 'fed'. Did you mean feed?" in line


def test_who_is_told_is_explained_step_by_step(config: Path, here: Here) -> None:
    director = here("people", "who", "team_manager", "--config", config, "--child", "1000007", "--on", "2026-11-20")
    assert director.code == 0
    assert "the first who is here of those who may hear of this child" in director.out
    assert "Note: who has the child is not known" in director.out
    done = here("people", "who", "worker", "--config", config, "--team", "T003", "--on", "2026-11-20")
    assert "  1. inbox of T003: no worker is allocated\n" in done.out
    assert "told: team:T003, " in done.out and "(inbox, en)" in done.out
    as_json = json.loads(here("people", "who", "worker", "--config", config, "--team", "T003", "--format", "json").out)
    assert (as_json["person_id"], as_json["rung"], as_json["steps"]) == (
        "team:T003",
        "inbox",
        ["inbox of T003: no worker is allocated"],
    )


def test_a_role_or_a_day_that_is_none_is_said_on_one_line(config: Path, here: Here) -> None:
    assert "Did you mean team_manager?" in here("people", "who", "team_manger", "--config", config).one_line
    assert "is not a date" in here("people", "who", "iro", "--config", config, "--on", "soon").one_line


def test_a_fallback_is_asked_of_its_channel_and_a_wrong_one_is_a_hole_on_its_line(config: Path, here: Here) -> None:
    (config.with_name("cases-secret")).write_text("whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n")
    config.with_name("cases-secret").chmod(0o600)
    with config.open("a") as file:
        file.write(
            '\n[channels.webhook.endpoints.cases]\nurl = "https://cases.example/"\nsecret_file = "cases-secret"\n'
        )
    people = config.with_name("people.csv")
    lines = people.read_text("utf-8").splitlines()
    header = lines[0].split(",")

    def written(*fallbacks: str) -> None:
        rows = [f"{line},{fallback}" for line, fallback in zip(lines[1:], fallbacks, strict=False)]
        rest = [f"{line}," for line in lines[1 + len(rows) :]]
        people.write_text("\n".join([",".join([*header, "fallback"]), *rows, *rest, ""]), "utf-8")

    written("webhook:cases")
    assert said(here, "--config", config)[1]["holes"] == []
    written("webhook:cases", "webhook:elsewhere", "webhok:cases")
    code, found = said(here, "--config", config)
    assert code == 1
    assert [(hole["kind"], hole["where"].rpartition(":")[2]) for hole in found["holes"]] == [
        ("fallback_unusable", "3"),
        ("fallback_unusable", "4"),
    ]
    assert "Did you mean webhook?" in found["holes"][1]["what"]
