"""``alertd web token``, ``tokens``, ``revoke``, ``sign-out``: shown once, kept as a hash, ended at once, and all of it
audited."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.db.access_tables import AuditEntry, SignIn
from alertd.db.engine import open_engine
from alertd.db.links import find_link, new_link
from alertd.subscriptions import feeds
from alertd.web.signing_in import links
from tests.support.cli import Here
from tests.support.databases import opened
from tests.support.settings_text import SETTINGS

PEOPLE = """\
id,name,email,role,team,deputy,away_from,away_to,leaves
CASES,Case system,cases@council.example,quality_assurance,SV,,,,
M1,Cy,cy@council.example,team_manager,SV,,,,
W9,Old,old@council.example,worker,SV,,,,2026-11-01
"""
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "alertd.toml").write_text(SETTINGS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nSV,Service,,\n")
    opened(f"sqlite:///{tmp_path / 'alertd.db'}").dispose()
    return tmp_path / "alertd.toml"


def stands_for(config: Path, secret: str, now: datetime = NOW) -> str | None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session:
        found = sessions.look(session, secret, now)
        assert secret not in {row.digest for row in session.scalars(select(SignIn))}
    engine.dispose()
    return found.subject if found else None


@time_machine.travel(NOW, tick=False)
def test_a_token_is_printed_once_listed_without_itself_and_ended(config: Path, here: Here) -> None:
    assert here("web", "tokens", "--config", config).out == "There are no tokens.\n"
    made = here("web", "token", "CASES", "--config", config, "--by", "M1")
    secret = made.out.strip()
    assert made.code == 0 and len(secret) >= 40 and "kept nowhere" in made.err
    assert stands_for(config, secret, NOW.replace(year=2036)) == "CASES", "it has no end of its own"
    listed = here("web", "tokens", "--config", config).out
    assert secret not in listed
    assert listed.splitlines()[1].split() == [
        "1", "CASES", "Case", "system", "Fri", "27", "Nov", "2026", "12:00", "never"
    ]  # fmt: skip
    ended = here("web", "revoke", "1", "--config", config, "--by", "M1")
    assert ended.out == "token 1: revoked; CASES has it no more\n"
    assert stands_for(config, secret) is None
    assert here("web", "revoke", "1", "--config", config).one_line.startswith("there is no token 1 in force.")
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session:
        kept = [(row.by, row.what, row.detail) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    engine.dispose()
    assert kept == [("M1", "made a token", {"for": "CASES"}), ("M1", "revoked a token", {"for": "CASES"})]


@time_machine.travel(NOW, tick=False)
def test_nobody_unknown_or_gone_is_given_a_token(config: Path, here: Here) -> None:
    unknown = here("web", "token", "CASE", "--config", config).one_line
    assert unknown == "CASE is nobody of the staff directory who is here. Did you mean CASES?"
    assert here("web", "token", "W9", "--config", config).one_line.startswith("W9 is nobody of the staff directory")
    assert here("web", "token", "agency:x:y", "--config", config).code == 2
    assert here("web", "tokens", "--config", config).out == "There are no tokens.\n"


def test_a_browsers_session_is_no_token_to_revoke(config: Path, here: Here) -> None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session, session.begin():
        sessions.begin(session, "M1", "link", NOW)
    engine.dispose()
    assert here("web", "tokens", "--config", config).out == "There are no tokens.\n"
    assert here("web", "revoke", "1", "--config", config).code == 2


@time_machine.travel(NOW, tick=False)
def test_whoever_runs_alertd_ends_all_by_which_somebody_is_let_in(config: Path, here: Here) -> None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    calendars = (feeds.of_person("M1"), feeds.of_team("SV", "M1"), feeds.of_team("SV", "M11"), feeds.of_person("M11"))
    with Session(engine) as session, session.begin():
        ended = [sessions.begin(session, "M1", how, NOW) for how in ("link", "oidc", "token")]  # type: ignore[arg-type]
        kept = sessions.begin(session, "CASES", "token", NOW)
        link = new_link(session, links.BY_HAND, "M1", NOW)
        followed = [new_link(session, feeds.PURPOSE, subject, NOW) for subject in calendars]
    out = here("web", "sign-out", "M1", "--reason", "a telephone was lost", "--by", "D1", "--config", config).out
    assert out == "M1: ended 2 sessions, 1 link, 1 token, 2 calendars\n"
    assert [stands_for(config, secret) for secret in (*ended, kept)] == [None, None, None, "CASES"]
    again = here("web", "sign-out", "M1", "--reason", "x", "--config", config).out
    assert again == "M1: ended nothing\n"
    with Session(engine) as session:
        assert links.subject_of(session, link, NOW) == ""
        assert [bool(find_link(session, feeds.PURPOSE, one)) for one in followed] == [False, False, True, True]
        audited = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).first()
    engine.dispose()
    assert audited and (audited.by, audited.what, audited.why) == ("D1", "signed somebody out", "a telephone was lost")
    assert audited.detail == {"for": ["M1"], "ended": "2 sessions, 1 link, 1 token, 2 calendars"}


@time_machine.travel(NOW, tick=False)
def test_who_is_in_the_directory_no_more_is_signed_out_and_a_slip_of_the_pen_is_named(config: Path, here: Here) -> None:
    engine = open_engine(f"sqlite:///{config.parent / 'alertd.db'}")
    with Session(engine) as session, session.begin():
        sessions.begin(session, "GONE", "link", NOW)
    out = here("web", "sign-out", "GONE", "--reason", "left", "--config", config).out
    assert out == "GONE: ended 1 session\n"
    slip = here("web", "sign-out", "CASE", "--reason", "left", "--config", config).one_line
    assert slip == "CASE is nobody of the staff directory, and had nothing to end. Did you mean CASES?"
    assert here("web", "sign-out", "M1", "--reason", " ", "--config", config).one_line.startswith("a reason is needed")
    with Session(engine) as session:
        assert [row.detail["for"] for row in session.scalars(select(AuditEntry))] == [["GONE"]]
    engine.dispose()


def test_serving_still_needs_its_settings(config: Path, here: Here) -> None:
    assert here("web").one_line == "Missing option '--config'. See: alertd web --help"
    assert "there is no section [web]" in here("web", "--config", config).one_line
