"""The pages at 4,000 children and at 100,000: how long the server takes over each, for people of several roles.

The smaller authority is made and evaluated as the demo makes one. The larger is that one and 24 more like it in one
database, under other references and with staff of their own, so that each person has as much as before and what grows
is the authority. Requests go to the application in this process: what is measured is the server's time, not the wire's.
"""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import httpx
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from alertd.bootstrap import House, build, now_utc
from alertd.cli.together import put_together
from alertd.db.engine import reading
from alertd.db.statistics import count_alerts
from alertd.memory import keep_what_is_there
from alertd.settings import load
from alertd.web.app import PAGES, app
from alertd.web.signing_in import links
from tests.bench.figures import Figures, against
from tests.bench.flood import flooding

CHILDREN = 2400
"""In need in a year: some 4,000 are then known to the authority."""
COPIES = 24
EACH = 20
"""Requests of each page; the first is not counted."""
MEDIAN, P95 = 100.0, 300.0
"""Milliseconds: the limits for a page."""


@contextmanager
def authority() -> Iterator[Path]:
    """A folder with an authority that was evaluated and told."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["demo", "--once", "--children", str(CHILDREN), "--dir", f"{folder}/demo"]
        done = CliRunner().invoke(put_together(), words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        yield Path(folder) / "demo"


def grow(engine: Engine, folder: Path, copies: int = COPIES) -> None:
    """More authorities like the one that is there, in the same database, with their staff."""
    with engine.begin() as connection:
        columns = {
            table: [row[1] for row in connection.exec_driver_sql(f"pragma table_info({table})")]
            for table in ("alert", "case_version", "alert_event")
        }
        last = {table: connection.exec_driver_sql(f"select max(id) from {table}").scalar() or 0 for table in columns}
        for n in range(1, copies + 1):
            for table, changed in (
                ("case_version", {"child": f"child || '-{n}'"}),
                ("alert", {c: f"{c} || '-{n}'" for c in ("child", "worker", "team", "household")}),
                ("alert_event", {"alert_id": f"alert_id + {n * last['alert']}"}),
            ):
                chosen = {**{c: c for c in columns[table]}, **changed, "id": f"id + {n * last[table]}"}
                quoted = ", ".join(f'"{c}"' for c in chosen)
                values = ", ".join(chosen.values())
                connection.execute(
                    text(f"insert into {table} ({quoted}) select {values} from {table} where id <= {last[table]}")
                )
    count_alerts(engine)
    for file, ids in (("people.csv", ("id", "team", "deputy", "email")), ("teams.csv", ("id", "parent", "inbox"))):
        rows = list(csv.DictReader((folder / file).open(encoding="utf-8", newline="")))
        more = [
            {**row, **{c: _suffixed(row[c], n) for c in ids if row[c]}} for n in range(1, copies + 1) for row in rows
        ]
        with (folder / file).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows([*rows, *more])


def _suffixed(value: str, n: int) -> str:
    local, at, domain = value.partition("@")
    return f"{local}-{n}{at}{domain}"


class Browser:
    """Somebody who is signed in, asking the application in this process."""

    def __init__(self, house: House, subject: str) -> None:
        assert house.settings.web is not None
        self._url = house.settings.web.url
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app(house)), base_url=self._url)
        made = links.made_for(house.engine, house.settings.web, house.staff.refresh(), subject, house.clock())
        asyncio.run(self._client.post(made.removeprefix(self._url)))

    def get(self, path: str) -> str:
        answer = asyncio.run(self._client.get(path))
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def timed(self, path: str) -> float:
        """Milliseconds of one request."""
        began = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - began) * 1000


def built(folder: Path) -> House:
    """The authority's parts, on a clock that goes on a little at each look: nobody may ask four times a second."""
    looks = count()
    return build(load(folder / "alertd.toml"), clock=lambda: now_utc() + timedelta(seconds=next(looks) * 0.3))


def people(house: House) -> dict[str, str]:
    """The worker with the most open alerts, that worker's manager, the director, and whoever looks after alertd."""
    directory = house.staff.directory
    with Session(reading(house.engine)) as session:
        theirs = "from alert where state = 'open' and muted = '' and worker not like '%-%'"
        busiest = session.execute(text(f"select worker {theirs} group by worker order by count(*) desc")).scalars()
        worker = next(one for one in busiest if (found := directory.people.get(one)) and not found.leaves)
    team = directory.people[worker].team
    manager = next(p.id for t in directory.chain(team) for p in directory.holders("team_manager", t) if not p.leaves)
    director = next(p.id for p in directory.holders("director") if "-" not in p.id)
    owner = next(p.id for p in directory.holders("data_owner") if "-" not in p.id)
    return {"worker": worker, "manager": manager, "director": director, "owner": owner}


def asked(house: House) -> dict[str, tuple[Browser, str]]:
    """The pages that are timed, by a name of each: who asks, and for what."""
    who = people(house)
    found: dict[str, tuple[Browser, str]] = {}
    worker = Browser(house, who["worker"])
    work = worker.get("/work")
    child = re.findall(r'href="/children/([^"/]+)"', work)[0]
    alert = re.findall(r'href="/alerts/(\d+)"', work)[0]
    for path in (
        "/work", "/work/weeks", f"/alerts/{alert}", f"/alerts/{alert}/hand-over", f"/children/{child}",
        f"/children/{child}/told", f"/children/{child}/chronology", f"/children/{child}/record", "/exceptions",
        "/insight", "/rules", "/rules/cla.review.first", "/subscriptions", "/partners", "/api/v1/work",
        "/api/v1/alerts",
    ):  # fmt: skip
        found[f"worker {re.sub(alert + '|' + child, 'N', path)}"] = worker, path
    team = house.staff.directory.people[who["manager"]].team
    manager = Browser(house, who["manager"])
    for path in ("/teams", f"/teams/{team}", f"/teams/{team}/alerts?person={who['worker']}", "/exceptions", "/insight"):
        found[f"manager {path.split('?')[0].replace(str(team), 'T')}"] = manager, path
    top = next(t.id for t in house.staff.directory.teams.values() if t.parent is None and "-" not in t.id)
    director = Browser(house, who["director"])
    for path in ("/work", "/teams", f"/teams/{top}", "/exceptions", "/insight", f"/children/{child}"):
        found[f"director {path.replace(top, 'T').replace(child, 'N')}"] = director, path
    owner = Browser(house, who["owner"])
    for path in ("/deliveries", "/system"):
        found[f"owner {path}"] = owner, path
    return {name: one for name, one in found.items() if _there(one[1])}


def measured(houses: Sequence[House]) -> list[dict[str, list[float]]]:
    """The times of each page in each house: each request but the first. The houses take turns, so that whatever else
    the machine does falls on all alike."""
    pages = [asked(house) for house in houses]
    keep_what_is_there()  # as a server does
    found: list[dict[str, list[float]]] = [{} for _ in houses]
    for name in pages[0]:
        for _ in range(EACH + 1):
            for times, (browser, path) in zip(found, (some[name] for some in pages), strict=True):
                times.setdefault(name, []).append(browser.timed(path))
    return [{name: each[1:] for name, each in times.items()} for times in found]


def _there(path: str) -> bool:
    return path.startswith("/api/") or any(
        re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", page.path), path.split("?")[0]) for page in PAGES
    )


def paging() -> Figures:
    """The slowest page at 4,000 children beside its limits, and the page that grew the most at 100,000."""
    with authority() as folder:
        flood = flooding(folder, folder / "alertd.toml")
        grown = folder.with_name("grown")
        shutil.copytree(folder, grown)
        house = built(grown)
        grow(house.engine, grown)
        house.engine.dispose()
        houses = [built(folder), built(grown)]
        with houses[1].engine.connect() as connection:
            alerts, children = (
                connection.exec_driver_sql(f"select count({what}) from alert").scalar()
                for what in ("*", "distinct child")
            )
        print(f"the larger: {children} children with alerts, {alerts} alerts", file=sys.stderr)
        small, large = measured(houses)
        for house in houses:
            house.engine.dispose()
    print(f"{'page':<40} {'4,000':>8} {'p95':>8} {'100,000':>8} {'p95':>8} {'ratio':>6}", file=sys.stderr)
    grew = {name: median(large[name]) / median(small[name]) for name in small}
    for name, times in small.items():
        print(
            f"{name:<40} {median(times):8.1f} {_p95(times):8.1f} {median(large[name]):8.1f} {_p95(large[name]):8.1f} "
            f"{grew[name]:6.2f}",
            file=sys.stderr,
        )
    slowest = max(small, key=lambda name: median(small[name]))
    worst = max(grew, key=lambda name: grew[name])
    return {
        "page_median_ms_vs_100": against(MEDIAN, median(small[slowest])),
        "page_p95_ms_vs_300": against(P95, max(_p95(times) for times in small.values())),
        **flood,
        "page_100k_vs_4k": {"ratio": round(grew[worst], 3), "a": median(large[worst]), "b": median(small[worst])},
    }


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


if __name__ == "__main__":
    for name, figure in paging().items():
        print(name, figure)
