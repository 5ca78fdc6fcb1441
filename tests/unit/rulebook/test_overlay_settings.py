"""The overlays a settings file names are laid over its packs, and its staff has the teams they hold for."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.bootstrap import rulebook_of
from alertd.errors import InputError
from alertd.settings import Settings, load
from alertd.staffing import directory_of

SETTINGS = """\
[feed]
kind = "ssd"
url = "sqlite:///authority.db"

[rules]
overlays = ["rules/council.overlay.yaml", "rules/north.overlay.yaml"]

[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]

[email]
host = "127.0.0.1"
tls = "none"
sender = "alertd@council.example"
"""
COUNCIL = """\
overlay: its.council
edition: "one"
level: authority
settings: {cp.visit.interval: 10 working days}
changes: [{rule: cla.review.first, limit: 15 working days}]
"""
NORTH = """\
overlay: its.north
edition: "one"
level: team
teams: [T1]
ladders: {NORTH: {title: North, steps: [{tell: [worker, family_lead]}]}}
changes: [{rule: cla.review.first, limit: 10 working days, escalate: NORTH}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "council.overlay.yaml").write_text(COUNCIL)
    (tmp_path / "rules" / "north.overlay.yaml").write_text(NORTH)
    (tmp_path / "people.csv").write_text(
        "id,name,email,role,team,deputy,away_from,away_to,leaves\n"
        "W1,Ade,ade@council.example,worker,T1,,,,\nW2,Bea,bea@council.example,family_lead,T1,,,,\n"
    )
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nT1,North,,north@council.example\n")
    (tmp_path / "alertd.toml").write_text(SETTINGS)
    return load(tmp_path / "alertd.toml")


def test_overlays_are_found_beside_the_settings_and_give_the_lengths_the_law_does_not(settings: Settings) -> None:
    book = rulebook_of(settings)
    lengths = {key: str(found.settings["cp.visit.interval"]) for key, found in ((None, book), *book.teams.items())}
    assert lengths == {None: "10 working days", "T1": "10 working days"}


def test_a_role_only_a_teams_ladder_names_may_be_held(settings: Settings) -> None:
    assert directory_of(settings, rulebook_of(settings)).people["W2"].role == "family_lead"


def test_an_overlay_for_a_team_nobody_is_in_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "rules" / "north.overlay.yaml").write_text(NORTH.replace("[T1]", "[T2]"))
    with pytest.raises(InputError, match=r"names the team 'T2', and there is none\. Teams are in .*teams.csv"):
        directory_of(settings, rulebook_of(settings))
