"""``alertd demo``: a made-up authority, a local mail catcher, and one evaluation, from nothing."""

from __future__ import annotations

import asyncio
import mailbox
import re
import shutil
import socket
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import alertd
from alertd import daemon, log, sending, synth
from alertd.bootstrap import House, build, rulebook_of
from alertd.calendars.calendar import calendar_for
from alertd.cases.records import LONDON, in_words
from alertd.cli.demo_past import write_past
from alertd.cli.output import console, progress_bar
from alertd.cli.report import reading
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, Delivery
from alertd.errors import InputError
from alertd.evaluation import Evaluated, evaluate_once
from alertd.rulebook.adoption import Adopted, Confirmation, adopt, write_adopted
from alertd.settings import load

MARK = "alertd-demo.txt"
LA, SEED = "350", 1


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after one evaluation and its messages.")] = False,
    dir_: Annotated[Path, typer.Option("--dir", help="Where to make it; a demo made there before is replaced.")] = Path(
        "demo-data"
    ),
    children: Annotated[
        int, typer.Option(min=20, help="How many children in need the authority has in a year.")
    ] = 1000,
) -> None:
    """Make an authority, catch its mail on this machine, evaluate once and show what was found and sent."""
    started = _morning()
    folder = _fresh(dir_)
    log.configure(pretty=True)
    out = console()
    out.print(f"A made-up authority with {children} children in need in a year, as of {in_words(started)}, in {folder}")
    with progress_bar() as bar:
        task = bar.add_task("Making the authority", total=None)
        synth.make(
            str(folder / "authority.db"),
            la=LA,
            children=children,
            seed=SEED,
            as_of=started.date(),
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    synth.write_people(folder, la=LA, children=children, seed=SEED, as_of=started.date())
    maildir = folder / "Maildir"
    catcher = Controller(Mailbox(maildir), hostname="127.0.0.1", port=free_port())
    catcher.start()
    try:
        config = _write_config(folder, catcher.port, started.date())
        adopt_all(config, started.date())
        house = build(load(config), clock=_clock_from(started))
        out.print(f"Mail is caught at 127.0.0.1:{catcher.port} and kept in {maildir}")
        evaluated = _evaluate(house)
        _live_through(house, started)
        _show(out, house, evaluated, maildir)
        _say_links(out, house, config)
        if not once:
            out.print("\nThe daemon stays up, on a clock that began that morning. Ctrl-C ends it.")
            asyncio.run(daemon.run(house))
    finally:
        catcher.stop()


def _say_links(out: Console, house: House, config: Path) -> None:
    """A link to sign in for each sort of person, and how the pages behind them are served."""
    from alertd.web.signing_in import links  # a web server is nothing for the other commands to wait for

    now, directory = datetime.now(LONDON), house.staff.directory
    with Session(house.engine) as session:
        overdue = select(Alert.worker).where(Alert.state == "open", Alert.stage == "overdue", Alert.worker.is_not(None))
        busiest = overdue.group_by(Alert.worker).order_by(func.count().desc(), Alert.worker)
        workers = [
            one for id_ in session.scalars(busiest) if (one := directory.people.get(id_ or "")) and not one.leaves
        ]
    worker = workers[0] if workers else next(iter(directory.people.values()))
    chain = [p.id for team in directory.chain(worker.team) for p in directory.people.values() if p.team == team]
    wanted: dict[str, list[str]] = {"worker": [worker.id], "agency": _contacts(house)}
    for role in ("team_manager", "head_of_service", "iro", "data_owner"):
        holders = [p.id for p in directory.holders(role)]
        wanted[role] = [id_ for id_ in chain if id_ in holders] or holders
    out.print(f"\nThe pages: alertd web --config {config}", soft_wrap=True)
    out.print("Then sign in by one of these links; each works once, today:")
    for role, ids in wanted.items():
        if ids:
            url = links.made_for(house.engine, house.settings.web, directory, ids[0], now)
            out.print(f"  {role.replace('_', ' '):<16} {url}", soft_wrap=True)


def _contacts(house: House) -> list[str]:
    """Contacts of agencies, those first who were told of something."""
    with Session(house.engine) as session:
        told = set(session.scalars(select(Notification.agency).distinct()))
    agencies = house.staff.directory.agencies.agencies.values()
    found = [(a.id not in told, f"agency:{a.id}:{one.id}") for a in agencies for one in a.contacts if not one.leaves]
    return [subject for _, subject in sorted(found)]


def _morning() -> datetime:
    """Just after the digest hour of today or, on a day off, of the last working day."""
    today = datetime.now(LONDON).date()
    calendar = calendar_for("england-and-wales")
    day = today if calendar.is_working(today) else calendar.add_working_days(today, -1)
    return datetime.combine(day, time(8, 5), LONDON)


def _clock_from(start: datetime) -> Callable[[], datetime]:
    """A clock that reads ``start`` now and goes on from there."""
    ahead = datetime.now(LONDON) - start

    def now() -> datetime:
        return datetime.now(LONDON) - ahead

    return now


def _fresh(folder: Path) -> Path:
    """An empty folder of ours; whatever else is there is never touched."""
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", where=str(folder), fix="Give another --dir")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise InputError("is not empty and was not made by a demo", where=str(folder), fix="Give another --dir")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Made by `alertd demo`: no real child, worker or address. Safe to delete.\n", "utf-8")
    return folder.resolve()


def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def example_config(name: str = "alertd.toml") -> str:
    """A file of the example settings: inside the installed package, or beside it in a checkout."""
    inside = files(alertd) / "config" / name
    if inside.is_file():
        return inside.read_text("utf-8")
    return (Path(alertd.__file__).parent.parent / "config" / name).read_text("utf-8")


def _write_config(folder: Path, port: int, today: date) -> Path:
    text = re.sub(r"(?m)^port = \d+", f"port = {port}", example_config())
    text = text.replace("# policy = ", "policy = ")  # nobody here exists, so agencies may be written to
    pages = free_port()
    text += f'\n[web]\nurl = "http://127.0.0.1:{pages}"\nport = {pages}\n'
    path = folder / "alertd.toml"
    path.write_text(text, "utf-8")
    (folder / "agencies.yaml").write_text(example_config("agencies.yaml"), "utf-8")
    since = re.sub(r"since: [\d-]+", f"since: {today - timedelta(weeks=1)}", example_config("partners.yaml"))
    (folder / "partners.yaml").write_text(since, "utf-8")
    return path


def adopt_all(config: Path, on: date) -> None:
    """The made-up authority stands behind every rule, and behind what a first run tells at once."""
    settings = load(config)
    assert settings.rules.adopted is not None
    rules = rulebook_of(settings).rules
    packs = {rule.pack: [r for r in rules if r.pack == rule.pack] for rule in rules}
    officer = {"officer": "The demo's principal social worker", "role": "principal social worker"}
    write_adopted(
        settings.rules.adopted,
        Adopted(
            adopted=tuple(adopt(own, edition=own[0].edition, on=on, **officer) for own in packs.values()),
            confirmed=tuple(Confirmation(rule=r.id, officer=officer["officer"], date_=on) for r in rules if r.enabled),
        ),
    )


def _evaluate(house: House) -> Evaluated:
    with progress_bar() as bar:
        task = bar.add_task("Reading the feed", total=None)
        found = evaluate_once(
            house,
            on_read=lambda what, n: bar.update(task, description=what, completed=n),
            on_evaluated=lambda n, of: bar.update(task, description="Evaluating children", completed=n, total=of),
        )
        bar.update(task, description="Sending", total=None)
        sending.compose_once(house)
        asyncio.run(_send_all(house))
    return found


def _live_through(house: House, today: datetime) -> None:
    """The year before, so that there is something to look back on."""
    with progress_bar() as bar:
        snapshot = reading(bar, f"ssd:{house.settings.feed[0].url}", today, None)
        task = bar.add_task("Looking back over a year", total=len(snapshot.cases))
        write_past(house, snapshot, today.date(), lambda n: bar.advance(task, n))


async def _send_all(house: House) -> None:
    await sending.dispatch(house)
    for notifier in house.notifiers.values():
        await notifier.close()


def _show(out: Console, house: House, found: Evaluated, maildir: Path) -> None:
    """What was found and sent, each figure read back from the database and the Maildir."""
    if found.refused:
        raise InputError(f"the demo's own feed was refused: {found.refused}")
    with Session(house.engine) as session:
        stages = session.execute(
            select(Alert.rule, Alert.stage, func.count()).where(Alert.state == "open").group_by(Alert.rule, Alert.stage)
        )
        counted: dict[str, Counter[str]] = {}
        for rule, stage, n in stages:
            counted.setdefault(rule, Counter())[stage] += n
        sent = session.execute(
            select(Delivery.urgent, Delivery.state, func.count()).group_by(Delivery.urgent, Delivery.state)
        ).all()
    out.print(_found_table(house, counted))
    table = Table("messages", "state", "number", title="Sent", title_justify="left", box=None)
    for urgent, state, n in sent:
        table.add_row("at once" if urgent else "digest", state, str(n))
    out.print(table)
    kept = len(mailbox.Maildir(maildir, create=False)) if maildir.is_dir() else 0
    delivered = sum(n for _, state, n in sent if state == "delivered")
    out.print(f"{found.children} children evaluated; {delivered} messages delivered; {kept} in the Maildir.")
    if kept != delivered:
        raise InputError(f"the Maildir holds {kept} messages but {delivered} were delivered", where=str(maildir))


def _found_table(house: House, counted: dict[str, Counter[str]]) -> Table:
    table = Table("rule", "what", title="Open alerts", title_justify="left", box=None)
    stages = ("overdue", "due", "upcoming", "unknown")
    for stage in stages:
        table.add_column(stage, justify="right")
    for rule_id, by_stage in sorted(counted.items()):
        rule = house.rulebook.rule(rule_id)
        table.add_row(rule_id, rule.title if rule else "", *(str(by_stage[s] or "") for s in stages))
    table.add_section()
    table.add_row("all", "", *(str(sum(c[s] for c in counted.values())) for s in stages))
    return table
