"""``make mutations``: alertd is broken on purpose in a copy, and the fault test that guards the promise must go red.

A fault test that never fails proves nothing. Each break is a change of exact text, so that it is noticed when the text
is another by now; each test is run in the copy without the break first, where it must be green.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).parents[3]
FOLDERS: Final = ("alertd", "notifiers", "rules", "config", "tests")


@dataclass(frozen=True)
class Break:
    """One promise broken: in which files which text becomes which, and the test that must notice."""

    what: str
    changes: tuple[tuple[str, str, str], ...]
    test: str


_THIS: Final = '.where(Delivery.id == bindparam("b_id")'

BREAKS: Final = (
    Break(
        "The claim's token is not asked for when an outcome is stored",
        (
            ("alertd/outbox/store.py", "if (claimed.id, claimed.token) not in there:", "if False:"),
            (
                "alertd/outbox/store.py",
                f'{_THIS}, Delivery.token == bindparam("b_token"))\n    .values(\n        state',
                f"{_THIS})\n    .values(\n        state",
            ),
        ),
        "tests/integration/test_outbox_store.py::test_f52_a_sender_that_lost_its_lease_cannot_store_its_outcome",
    ),
    Break(
        "The outcome is stored before the message is sent",
        (
            (
                "alertd/outbox/dispatch.py",
                "outcome = heard = await _send(notifier, claimed)",
                'await self.ledger.store(claimed, Outcome("delivered", ""))\n'
                "                outcome = heard = await _send(notifier, claimed)",
            ),
        ),
        "tests/faults/test_kills.py::test_f06_killed_in_the_middle_of_the_message",
    ),
    Break(
        "Alerts are committed apart from their notices",
        (
            (
                "alertd/alerts/store.py",
                "    notices = list(_notices(steps, route))\n",
                '    session.connection().exec_driver_sql("COMMIT")\n'
                '    session.connection().exec_driver_sql("BEGIN")\n'
                "    notices = list(_notices(steps, route))\n",
            ),
        ),
        "tests/faults/test_kills.py::test_f02_killed_before_the_commit_of_alerts_and_notices",
    ),
    Break(
        "A leader that slept writes what it had found, though another leads by now",
        (("alertd/db/leading.py", "if ours is not None and latest(session) != ours:", "if False:"),),
        "tests/integration/test_leading.py"
        "::test_f52_what_was_begun_in_an_earlier_term_is_not_written_though_it_leads_again[sqlite]",
    ),
    Break(
        "TLS is used where it is offered, and done without where it is not",
        (
            (
                "notifiers/alertd_notifiers/email/connection.py",
                'if self._config.tls == "starttls":',
                'if self._config.tls == "starttls" and self._smtp.supports_extension("starttls"):',
            ),
        ),
        "tests/integration/test_email_tls.py::test_f21_without_starttls_on_offer_nothing_is_sent",
    ),
)


def copied(folder: Path) -> Path:
    """The tree as it is now, without what was made in it."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def passes(folder: Path, test: str) -> bool:
    """Whether a test passes in a copy. Raises RuntimeError where it was not run at all."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(folder / "notifiers")))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} was not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def broken(folder: Path, one: Break) -> None:
    """Break the copy. Raises RuntimeError where the text is not there once."""
    for name, text, instead in one.changes:
        path = folder / name
        source = path.read_text(encoding="utf-8")
        if source.count(text) != 1:
            raise RuntimeError(f"{name}: the text to break is there {source.count(text)} times: {text!r}")
        path.write_text(source.replace(text, instead), encoding="utf-8")


def main() -> int:
    """Break everything in turn; 0 where each test was green before and red after."""
    console, table = Console(width=150), Table("break", "test", "whole", "broken", box=None)
    proved = True
    for one in BREAKS:
        with tempfile.TemporaryDirectory(prefix="alertd-mutation-") as name, console.status(one.what):
            folder = copied(Path(name))
            before = passes(folder, one.test)
            broken(folder, one)
            after = passes(folder, one.test)
        proved &= before and not after
        table.add_row(one.what, one.test.rpartition("::")[2], "green" if before else "RED", "GREEN" if after else "red")
    console.print(table)
    print("Each break was noticed." if proved else "A break was not noticed, or a test is red without one.")
    return 0 if proved else 1


if __name__ == "__main__":
    sys.exit(main())
