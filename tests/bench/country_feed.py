"""The children of a country as one feed: authorities beside each other in one SSD database, each with its staff.

Each portion is an authority of its own, made with a seed of its own, and put into the one database under references of
its own. Portions are made side by side, one a processor, and no more of the country is ever in memory.
"""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine

from alertd import synth
from alertd.synth.schema import metadata, references

LA = "350"
AS_OF = date(2026, 11, 19)
"""A Thursday, so that the next day is one on which clocks of working days go on."""
IN_NEED = 4000
"""Children in need in a year of a whole portion."""
KNOWN = 6670
"""Children, mothers and siblings whom the feed of such a portion knows: each is a child for whom rules are judged."""
CHANGED = 0.015
"""The share of children of whom a normal day records something."""

Say = Callable[[str], None]
_TEAMS, _PEOPLE = "teams.csv", "people.csv"
_NUMBERED = {_PEOPLE: ("id", "team", "deputy"), _TEAMS: ("id", "parent")}
_ADDRESS = {_PEOPLE: "email", _TEAMS: "inbox"}


def make_country(folder: Path, children: int, say: Say) -> None:
    """``country.db``, ``people.csv`` and ``teams.csv`` in a folder, unless they are there with as many children."""
    database, done = folder / "country.db", folder / "country.done"
    if done.exists() and done.read_text() == str(children):
        say(f"the country of {children:,} children is there")
        return
    for file in (database, done, *folder.glob("portion-*")):
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    create = create_engine(f"sqlite:///{database}")
    metadata().create_all(create)
    create.dispose()
    sizes = _sizes(children)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as makers, closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        for n, portion in enumerate(makers.map(partial(_portion, folder), range(len(sizes)), sizes)):
            _put(connection, portion, n)
            _staff(folder, portion, n)
            shutil.rmtree(portion)
            say(f"{n + 1} of {len(sizes)} authorities made")
    done.write_text(str(children))


def _sizes(children: int) -> list[int]:
    """Children in need of each portion."""
    whole, rest = divmod(children, KNOWN)
    return [IN_NEED] * whole + ([max(round(rest * IN_NEED / KNOWN), 200)] if rest else [])


def _portion(folder: Path, n: int, size: int) -> Path:
    own = folder / f"portion-{n}"
    own.mkdir()
    synth.make(own / "authority.db", la=LA, children=size, seed=n + 1, as_of=AS_OF)
    synth.write_people(own, la=LA, children=size, seed=n + 1, as_of=AS_OF)
    return own


def _put(connection: sqlite3.Connection, portion: Path, n: int) -> None:
    """The rows of a portion, each reference with the number of the portion before it."""
    refer = {place for table, column, *other in references() for place in ((table, column), tuple(other))}
    connection.execute("attach ? as portion", (str(portion / "authority.db"),))
    for table in metadata().sorted_tables:
        if table.name == "ssd_version_log" and n:
            continue
        keys = [c.name for c in table.columns]
        own = ", ".join(f"'{n:03d}-' || {c}" if (table.name, c) in refer else f'"{c}"' for c in keys)
        connection.execute(f"insert into main.{table.name} select {own} from portion.{table.name}")
    connection.commit()
    connection.execute("detach portion")


def _staff(folder: Path, portion: Path, n: int) -> None:
    """The people and teams of a portion beside those of the others."""
    for name, ids in _NUMBERED.items():
        with (portion / name).open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        for row in rows:
            row.update({c: f"{n:03d}-{row[c]}" for c in ids if row[c]})
            if row[_ADDRESS[name]]:
                row[_ADDRESS[name]] = f"{n:03d}-{row[_ADDRESS[name]]}"
        with (folder / name).open("a" if n else "w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            if not n:
                writer.writeheader()
            writer.writerows(rows)


def a_day_passes(database: Path) -> int:
    """What a day records: visits of that day for two thirds of the children who change, and for the others another
    decision about their referral. The number of children."""
    with closing(sqlite3.connect(database)) as connection:
        (known,) = connection.execute("select count(*) from ssd_person").fetchone()
        changed = sum(_visited(connection, *table, known) for table in _VISITS)
        every = _every(connection, "ssd_cin_episodes", "cine_person_id", known * CHANGED / 3)
        other = "case when cine_referral_nfa = 'Y' then 'N' else 'Y' end"
        some = f"select cine_person_id from ssd_cin_episodes where rowid % {every} = 0"
        changed += connection.execute(f"select count(*) from (select distinct * from ({some}))").fetchone()[0]
        connection.execute(f"update ssd_cin_episodes set cine_referral_nfa = {other} where rowid % {every} = 0")
        connection.commit()
    return int(changed)


_VISITS = (
    ("ssd_cp_visits", "cppv_person_id", "cppv_cp_visit_id", "cppv_cp_visit_date"),
    ("ssd_cin_visits", "cinv_person_id", "cinv_cin_visit_id", "cinv_cin_visit_date"),
    ("ssd_cla_visits", "clav_person_id", "clav_cla_visit_id", "clav_cla_visit_date"),
)


def _visited(connection: sqlite3.Connection, table: str, child: str, key: str, day: str, known: int) -> int:
    """A visit of the day for some of the children who were visited before, as their last one was."""
    every = _every(connection, table, child, known * CHANGED * 2 / 9)
    columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    new = {key: f"{key} || '-n'", day: f"'{AS_OF + timedelta(1)} 00:00:00.000000'"}
    cells = ", ".join(new.get(c, c) for c in columns)
    last = f"select max(rowid) as n, {child} as who from {table} group by {child}"
    some = f"select n from (select n, row_number() over (order by who) as at from ({last})) where at % {every} = 0"
    return connection.execute(f"insert into {table} select {cells} from {table} where rowid in ({some})").rowcount


def _every(connection: sqlite3.Connection, table: str, child: str, wanted: float) -> int:
    (there,) = connection.execute(f"select count(distinct {child}) from {table}").fetchone()
    return max(round(there / max(wanted, 1)), 1)


def rows(database: Path) -> Iterator[tuple[str, int]]:
    """How many rows each table has."""
    with closing(sqlite3.connect(database)) as connection:
        for table in metadata().sorted_tables:
            yield table.name, connection.execute(f"select count(*) from {table.name}").fetchone()[0]
