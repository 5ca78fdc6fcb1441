"""The command line as its users meet it: real processes, and ``main`` itself where many runs are needed.

Its fixtures, ``here`` and ``ssd``, are there for every test in tests/integration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from alertd import synth
from alertd.__main__ import main

AS_OF = date(2026, 11, 20)
RETURN = {
    "starts.csv": """\
CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE
101,01/10/2018,S,C2,N1,U1,PR1,,,
102,01/05/2018,S,C2,N1,U1,PR1,01/06/2018,E4A,
103,15/03/2019,S,C2,N1,U1,PR1,,,
""",
    "people.csv": """\
CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB
101,1,03/02/2010,WBRI,A1,0,
102,2,03/02/2012,WBRI,A2,0,
103,2,03/02/2013,WBRI,A3,0,
""",
    "2018-reviews.csv": """\
CHILD,DOB,REVIEW,REVIEW_CODE
101,03/02/2010,22/10/2018,PN1
102,03/02/2012,20/05/2018,PN1
""",
}
"""A return of 2018-19: 101 is owed a second review, 103 soon a first, 102 has gone home."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def one_line(self) -> str:
        """The one line of standard error of a command that could not use its input."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.count("\n") == 1 and self.err.startswith("alertd: "), self
        return self.err.removeprefix("alertd: ").rstrip("\n")


def alertd(
    *args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, bound: bool = False
) -> Done:
    """Run it. ``bound``: with file permissions that bind, also when the tests are run by root."""
    before = []
    if bound and os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may write everywhere, and there is no setpriv to forbid it")
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*before, sys.executable, "-m", "alertd", *map(str, args)]
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


Here = Callable[..., Done]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """``main`` in this process: the same as a process of its own, and 2 seconds faster."""

    def run(*args: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["alertd", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, out, err)

    return run


def listing(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_return(folder: Path, **changed: str) -> Path:
    """A small SSDA903 return; ``starts``, ``people`` or ``reviews`` given otherwise."""
    folder.mkdir(exist_ok=True)
    for name, text in RETURN.items():
        (folder / name).write_text(next((t for key, t in changed.items() if key in name), text))
    return folder


@pytest.fixture(scope="session")
def ssd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic authority of 60 children in need as of AS_OF: ``authority.db``, people.csv, teams.csv."""
    folder = tmp_path_factory.mktemp("authority")
    synth.make(folder / "authority.db", la="350", children=60, seed=1, as_of=AS_OF)
    synth.write_people(folder, la="350", children=60, seed=1, as_of=AS_OF)
    return folder
