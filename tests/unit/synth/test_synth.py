"""The synthetic authority: repeatable, true to its published volumes, whole where it is not spoilt."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import birthday
from alertd.cases.records import LONDON
from alertd.cases.sources.ssd import read
from alertd.errors import InputError
from alertd.people.load import load_directory
from alertd.synth import Manifest, make, write_people
from alertd.synth.dirty import NOBODY
from alertd.synth.names import CANARY
from alertd.synth.schema import metadata, references
from alertd.synth.stories import Story
from alertd.synth.volumes import volumes

pytest_plugins = ["tests.support.databases"]

AS_OF = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 18, tzinfo=LONDON)
Row = dict[str, Any]


class Synthetic:
    """A database made for these tests, and what was said of it."""

    def __init__(self, path: Path, dirty: float, children: int = 200, la: str = "350") -> None:
        self.path = path
        self.manifest: Manifest = make(path, la=la, children=children, seed=7, as_of=AS_OF, dirty=dirty)

    def rows(self, table: str) -> list[Row]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return Synthetic(tmp_path_factory.mktemp("synth") / "clean.db", dirty=0)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return Synthetic(tmp_path_factory.mktemp("synth") / "spoilt.db", dirty=0.05)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    """Clean, and enough children for what is rare."""
    return Synthetic(tmp_path_factory.mktemp("synth") / "thousand.db", dirty=0, children=1000)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes(spoilt: Synthetic, tmp_path: Path) -> None:
    assert digest(Synthetic(tmp_path / "again.db", dirty=0.05).path) == digest(spoilt.path)


def test_another_seed_gives_another_authority(spoilt: Synthetic, tmp_path: Path) -> None:
    make(tmp_path / "other.db", la="350", children=200, seed=8, as_of=AS_OF, dirty=0.05)
    assert digest(tmp_path / "other.db") != digest(spoilt.path)


@pytest.mark.parametrize("la", ["350", "838", "886"])
def test_figures_are_near_the_published_ones(la: str, tmp_path: Path) -> None:
    made = Synthetic(tmp_path / "a.db", dirty=0, children=1200, la=la).manifest
    for figure in made.figures:
        slack = 0.05 if figure.name in ("cin_children_any", "cin_31mar", "referrals", "assessments_completed") else 0.3
        assert abs(figure.made - figure.published) <= max(12, slack * figure.published), figure


def test_manifest_counts_what_the_database_holds(clean: Synthetic) -> None:
    made = {figure.name: figure.made for figure in clean.manifest.figures}
    year = AS_OF - timedelta(365)
    plans = clean.rows("ssd_cp_plans")
    assert made["cp_plans_31mar"] == sum(p["cppl_cp_plan_end_date"] is None for p in plans)
    referrals = [day(r["cine_referral_date"]) for r in clean.rows("ssd_cin_episodes")]
    assert made["referrals"] == sum(r is not None and year < r <= AS_OF for r in referrals)
    for table, n in clean.manifest.rows.items():
        assert len(clean.rows(table)) == n, table


def test_every_table_and_column_of_the_dataset_is_there(clean: Synthetic) -> None:
    assert len(metadata().tables) == 50
    with closing(sqlite3.connect(clean.path)) as connection:
        for table in metadata().tables.values():
            found = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
            assert found == [c.name for c in table.columns]


def broken_links(made: Synthetic) -> Iterator[str]:
    """``table.column`` for each value that points to no row."""
    for table, column, target, key in references():
        if (target, key) == ("ssd_ehcp_assessment", "ehca_ehcp_asmt_id"):
            continue  # a column the dataset's own specification names but does not have
        known = {row[key] for row in made.rows(target)}
        for row in made.rows(table):
            if row[column] is not None and row[column] not in known:
                yield f"{table}.{column}"


def test_every_link_of_a_clean_authority_resolves(clean: Synthetic) -> None:
    assert not Counter(broken_links(clean))


def test_only_the_counted_links_of_a_spoilt_authority_are_broken(spoilt: Synthetic) -> None:
    kinds = spoilt.manifest.dirty
    assert len(list(broken_links(spoilt))) == kinds["link to no row"] + kinds["child not in ssd_person"] > 0


def test_no_plan_without_a_referral_and_none_open_after_it_closed(clean: Synthetic) -> None:
    closed = {r["cine_referral_id"]: r["cine_close_date"] for r in clean.rows("ssd_cin_episodes")}
    for table, prefix in (("ssd_cp_plans", "cppl_cp"), ("ssd_cin_plans", "cinp_cin")):
        plans = clean.rows(table)
        assert plans
        for plan in plans:
            close = closed[plan[f"{prefix[:4]}_referral_id"]]
            end = plan[f"{prefix}_plan_end_date"]
            assert close is None or (end is not None and end <= close)


def test_a_protection_plan_comes_from_a_conference_and_that_from_an_enquiry(clean: Synthetic) -> None:
    enquiries = {s["s47e_s47_enquiry_id"]: s["s47e_s47_start_date"] for s in clean.rows("ssd_s47_enquiry")}
    held = {c["icpc_icpc_id"]: c for c in clean.rows("ssd_initial_cp_conference")}
    for plan in clean.rows("ssd_cp_plans"):
        conference = held[plan["cppl_icpc_id"]]
        assert conference["icpc_cp_plan_id"] == plan["cppl_cp_plan_id"]
        assert conference["icpc_icpc_date"] == plan["cppl_cp_plan_start_date"]
        assert enquiries[conference["icpc_s47_enquiry_id"]] < conference["icpc_icpc_date"]


def test_visits_and_reviews_fall_within_their_plan_or_care(clean: Synthetic) -> None:
    plans = {p["cppl_cp_plan_id"]: p for p in clean.rows("ssd_cp_plans")}
    for visit in clean.rows("ssd_cp_visits"):
        plan = plans[visit["cppv_cp_plan_id"]]
        assert plan["cppl_cp_plan_start_date"] < visit["cppv_cp_visit_date"]
        assert visit["cppv_cp_visit_date"] <= (plan["cppl_cp_plan_end_date"] or f"{AS_OF} 24")
    entered = {e["clae_cla_id"]: e["clae_entered_care_date"] for e in clean.rows("ssd_cla_episodes")}
    left = {e["clae_cla_id"]: e for e in clean.rows("ssd_cla_episodes") if e["clae_cla_episode_ceased_reason"] != "X1"}
    for visit in clean.rows("ssd_cla_visits"):
        end = left[visit["clav_cla_id"]]["clae_cla_episode_ceased_date"]
        assert entered[visit["clav_cla_id"]] <= visit["clav_cla_visit_date"] <= (end or f"{AS_OF} 24")


def test_care_episodes_join_up(clean: Synthetic) -> None:
    """One S, then X1 endings on the day the next begins; only the last is open or ended by an E code."""
    periods: dict[str, list[Row]] = {}
    for episode in clean.rows("ssd_cla_episodes"):
        periods.setdefault(episode["clae_cla_id"], []).append(episode)
    assert any(len(episodes) > 1 for episodes in periods.values())
    for episodes in periods.values():
        episodes.sort(key=lambda e: e["clae_cla_episode_start_date"])
        assert [e["clae_cla_episode_start_reason"] == "S" for e in episodes] == [True] + [False] * (len(episodes) - 1)
        for one, after in pairwise(episodes):
            assert one["clae_cla_episode_ceased_reason"] == "X1"
            assert one["clae_cla_episode_ceased_date"] == after["clae_cla_episode_start_date"]
        assert episodes[-1]["clae_cla_episode_ceased_reason"] != "X1"


def test_unborn_children_have_an_expected_date_and_no_birth_date(thousand: Synthetic) -> None:
    people = thousand.rows("ssd_person")
    unborn = [p for p in people if p["pers_dob"] is None]
    assert unborn
    for person in people:
        assert (person["pers_dob"] is None) == (person["pers_expected_dob"] is not None)
    assert all(p["pers_expected_dob"] > f"{AS_OF}" and p["pers_sex"] == "U" for p in unborn)


def test_nobody_is_an_adult_in_care_or_on_a_plan(thousand: Synthetic) -> None:
    born = {p["pers_person_id"]: day(p["pers_dob"]) for p in thousand.rows("ssd_person")}
    ends = [("clae_person_id", "clae_cla_episode_ceased_date", r) for r in thousand.rows("ssd_cla_episodes")]
    ends += [("cppl_person_id", "cppl_cp_plan_end_date", r) for r in thousand.rows("ssd_cp_plans")]
    ends += [("cinp_person_id", "cinp_cin_plan_end_date", r) for r in thousand.rows("ssd_cin_plans")]
    for person, end, row in ends:
        dob = born[row[person]]
        assert dob is None or (day(row[end]) or AS_OF) <= birthday(dob, 18)


def test_nothing_in_a_clean_authority_has_happened_after_its_last_day(clean: Synthetic) -> None:
    to_come = {"icpc_icpc_target_date", "cppr_cp_review_due", "clar_cla_review_due_date", "pers_expected_dob"}
    for table in metadata().tables.values():
        dates = [c.name for c in table.columns if str(c.type) == "DATETIME" and c.name not in to_come]
        for row in clean.rows(table.name):
            if row.get("clah_health_check_status") == "Planned":
                continue
            for column in dates:
                assert row[column] is None or row[column][:10] <= f"{AS_OF}", (table.name, column)


def test_conferences_are_on_working_days_and_their_target_is_15_of_them(clean: Synthetic) -> None:
    calendar = calendar_for("england-and-wales")
    starts = {s["s47e_s47_enquiry_id"]: day(s["s47e_s47_start_date"]) for s in clean.rows("ssd_s47_enquiry")}
    for row in clean.rows("ssd_initial_cp_conference"):
        held, start = day(row["icpc_icpc_date"]), starts[row["icpc_s47_enquiry_id"]]
        assert start
        assert held is None or calendar.is_working(held)
        assert day(row["icpc_icpc_target_date"]) == calendar.add_working_days(start, 15)


def test_siblings_share_their_referral_dates(clean: Synthetic) -> None:
    family = {f["fami_person_id"]: f["fami_family_id"] for f in clean.rows("ssd_family")}
    dates: dict[str, dict[str, set[str]]] = {}
    for referral in clean.rows("ssd_cin_episodes"):
        child = referral["cine_person_id"]
        dates.setdefault(family[child], {}).setdefault(child, set()).add(referral["cine_referral_date"])
    siblings = [list(children.values()) for children in dates.values() if len(children) > 1]
    assert siblings
    assert all(children[0] == other for children in siblings for other in children)


def test_every_name_of_a_child_or_mother_carries_the_canary_and_no_worker_s_does(clean: Synthetic) -> None:
    for person in clean.rows("ssd_person"):
        assert CANARY in person["pers_surname"]
        assert CANARY in person["pers_forename"]
    for worker in clean.rows("ssd_professionals"):
        assert CANARY.lower() not in worker["prof_professional_name"].lower()


def test_most_work_is_on_time(thousand: Synthetic) -> None:
    """Of protection visits, gaps over ten working days are few; so alerts stay few."""
    calendar = calendar_for("england-and-wales")
    visits: dict[str, list[date]] = {}
    for visit in thousand.rows("ssd_cp_visits"):
        if visit["cppv_cp_visit_seen"] == "Y" and (on := day(visit["cppv_cp_visit_date"])):
            visits.setdefault(visit["cppv_cp_plan_id"], []).append(on)
    gaps = [calendar.working_days_between(a, b) for days in visits.values() for a, b in pairwise(days)]
    assert 0.02 < sum(gap > 10 for gap in gaps) / len(gaps) < 0.08


def test_dirt_is_the_share_asked_for_and_counted_by_kind(clean: Synthetic, spoilt: Synthetic) -> None:
    assert clean.manifest.dirty == {}
    total = sum(clean.manifest.rows.values())
    assert 0.035 * total <= sum(spoilt.manifest.dirty.values()) <= 0.055 * total
    held = [day(c["icpc_icpc_date"]) for c in spoilt.rows("ssd_initial_cp_conference")]
    assert sum(d is not None and d.weekday() == 6 for d in held) == spoilt.manifest.dirty["conference on a weekend"]
    spaces = sum(
        row["lega_legal_status"] != row["lega_legal_status"].strip() for row in spoilt.rows("ssd_legal_status")
    )
    spaces += sum(r["clah_health_check_status"][-1] == " " for r in spoilt.rows("ssd_cla_health"))
    spaces += sum(r["clap_cla_placement_type"][-1] == " " for r in spoilt.rows("ssd_cla_placement"))
    spaces += sum(r["invo_professional_role_id"][-1] == " " for r in spoilt.rows("ssd_involvements"))
    assert spaces >= spoilt.manifest.dirty["trailing spaces"]
    keys = Counter(row["cppv_cp_visit_id"] for row in spoilt.rows("ssd_cp_visits"))
    assert max(keys.values()) == 2
    strangers = sum(r["cinv_person_id"] == NOBODY for r in spoilt.rows("ssd_cin_visits"))
    assert strangers


def test_alertd_reads_what_was_made(spoilt: Synthetic) -> None:
    snapshot = read(str(spoilt.path), as_of=NOW)
    kinds = {record.kind for case in snapshot.cases for record in case.records}
    assert {
        "referral",
        "assessment",
        "cp_visit",
        "care_period",
        "cla_review",
        "health_assessment",
        "allocation",
    } <= kinds


def test_an_older_synthetic_database_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a ?#%.db"
    for seed in (1, 2):
        make(path, la="350", children=40, seed=seed, as_of=AS_OF)
    make(tmp_path / "b.db", la="350", children=40, seed=2, as_of=AS_OF)
    assert digest(path) == digest(tmp_path / "b.db")
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a ?#%.db", "b.db"]


def test_any_database_will_do_and_is_replaced_as_a_file_is(bare_database_url: str) -> None:
    for seed in (1, 2):
        made = make(bare_database_url, la="350", children=40, seed=seed, as_of=AS_OF)
        assert read(bare_database_url, as_of=NOW).counts["ssd_person"] == made.rows["ssd_person"]


@pytest.mark.parametrize("content", [b"notes of a meeting", b""])
def test_any_other_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a synthetic database"):
        make(path, la="350", children=40, seed=1, as_of=AS_OF)
    assert path.read_bytes() == content


def test_a_real_looking_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ssd_person (pers_person_id TEXT)")
    before = digest(path)
    for target in (str(path), f"sqlite:///{path}", f"sqlite+pysqlite:///{path}"):
        with pytest.raises(InputError, match=r"not synthetic|not a synthetic"):
            make(target, la="350", children=40, seed=1, as_of=AS_OF)
    assert digest(path) == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"la": "Bollton"}, r"Did you mean 350 \(Bolton\)"),
        ({"la": "351x"}, "Did you mean"),
        ({"la": ""}, "three-digit"),
        ({"children": 3}, "too few"),
        ({"dirty": 2.0}, "not a share"),
        ({"as_of": date(9999, 1, 1)}, "out of reach"),
        ({"as_of": date(1, 1, 1)}, "out of reach"),
        ({"url_or_path": "nonsense+driver://x"}, "database address"),
        ({"url_or_path": "missing/folder/a.db"}, "no such folder"),
    ],
)
def test_unusable_arguments_are_one_clear_line(wrong: Row, message: str, tmp_path: Path) -> None:
    asked: Row = {"url_or_path": tmp_path / "a.db", "la": "350", "children": 40, "seed": 1, "as_of": AS_OF, **wrong}
    with pytest.raises(InputError, match=message) as caught:
        make(asked.pop("url_or_path"), **asked)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_england_s_ratio_stands_in_for_a_suppressed_figure_and_the_manifest_says_so(tmp_path: Path) -> None:
    wanted = volumes("838", 1000)
    assert wanted.national == ("assessments_over_45wd",)
    assert 0.14 < wanted.share("assessments_over_45wd") < 0.17  # England 2024: 15.5%
    made = make(tmp_path / "a.db", la="838", children=40, seed=1, as_of=AS_OF)
    assert "assessments_over_45wd" in made.notes[0]
    assert {f.name for f in made.figures if f.national} == {"assessments_over_45wd", "looked_after"}


def test_people_files_match_the_database_and_load(clean: Synthetic, tmp_path: Path) -> None:
    write_people(tmp_path, la="350", children=200, seed=7, as_of=AS_OF)
    directory = load_directory(
        tmp_path / "people.csv", tmp_path / "teams.csv", allowed_domains=["la350.example"], duty="duty@la350.example"
    )
    with (tmp_path / "people.csv").open(newline="") as lines:
        people = list(csv.DictReader(lines))
    assert {p["id"]: p["name"] for p in people} == {
        w["prof_professional_id"]: w["prof_professional_name"] for w in clean.rows("ssd_professionals")
    }
    assert set(directory.teams) == {t["dept_team_id"] for t in clean.rows("ssd_department")}
    roles = Counter(p["role"] for p in people)
    assert roles["head_of_service"] == roles["director"] == roles["data_owner"] == 1
    assert {"worker", "team_manager", "service_manager", "iro", "cp_chair", "duty"} <= set(roles)
    assert any(p["deputy"] for p in people)
    allocated = {i["invo_professional_id"] for i in clean.rows("ssd_involvements")}
    assert None in allocated
    assert allocated - {None} <= {p["id"] for p in people}


def test_some_people_are_away_some_have_left_and_some_leave_soon(tmp_path: Path) -> None:
    write_people(tmp_path, la="350", children=3000, seed=7, as_of=AS_OF)
    with (tmp_path / "people.csv").open(newline="") as lines:
        people = list(csv.DictReader(lines))
    today = AS_OF.isoformat()
    assert any(p["away_from"] <= today < p["away_to"] and p["deputy"] for p in people if p["away_from"])
    assert {p["leaves"] <= today for p in people if p["leaves"]} == {True, False}


def test_a_story_is_open_from_referral_to_the_day_before_closure() -> None:
    story = Story("assessed", 1, AS_OF, AS_OF, AS_OF + timedelta(3))
    days = [AS_OF + timedelta(n) for n in (-1, 0, 2, 3)]
    assert [story.open_at(d) for d in days] == [False, True, True, False]


def test_the_command_prints_made_beside_published_and_writes_its_files(tmp_path: Path) -> None:
    from alertd.cli.together import put_together

    arguments = ["synth", "--children", "40", "--as-of", f"{AS_OF}", "--out", str(tmp_path / "a.db")]
    arguments += ["--people", str(tmp_path / "people"), "--manifest", str(tmp_path / "m.json")]
    result = CliRunner().invoke(put_together(["synth"]), arguments)
    assert result.exit_code == 0, result.output
    assert "referrals" in result.output
    assert "Spoilt on purpose" in result.output
    said = json.loads((tmp_path / "m.json").read_text())
    assert said["as_of"] == "2026-11-20"
    assert said["rows"]["ssd_person"] > 40
    assert sorted(p.name for p in (tmp_path / "people").iterdir()) == ["people.csv", "restrictions.csv", "teams.csv"]
