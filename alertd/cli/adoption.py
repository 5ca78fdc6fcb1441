"""``alertd rules adopt``, ``confirm`` and ``status``: what an authority stands behind, and what waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import func, inspect, make_url, select
from sqlalchemy.orm import Session

from alertd.alerts.muting import HELD
from alertd.bootstrap import now_utc, rulebook_of
from alertd.cases.records import local_day
from alertd.cli.output import console
from alertd.db.engine import check_schema, open_engine, reading
from alertd.db.tables import Alert
from alertd.errors import InputError, did_you_mean
from alertd.rulebook.adoption import Adopted, Confirmation, adopt, read_adopted, write_adopted
from alertd.rulebook.model import Rule, Rulebook
from alertd.settings import Settings, load

Config = Annotated[Path, typer.Option(help="The settings file.")]
Officer = Annotated[str, typer.Option(help="Who decides this: name or staff number.")]
On = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The day of it; today if left out.")]


def adopt_pack(
    pack: Annotated[str, typer.Argument(help="A pack as `alertd rules status` names it, or all that begin so.")],
    config: Config,
    officer: Officer,
    role: Annotated[str, typer.Option(help="As what: principal social worker, legal adviser.")],
    on: On = None,
) -> None:
    """Adopt the rules of a pack as they stand. Until then they are evaluated and told to nobody."""
    settings = load(config)
    path = _file(settings)
    adopted = read_adopted(path)
    rules = _every_rule(rulebook_of(settings))
    names = sorted({r.pack for r in rules})
    chosen = [name for name in names if name == pack or name.startswith(f"{pack}.")]
    if not chosen:
        raise InputError(
            f"no pack {pack!r} is loaded", fix=did_you_mean(pack, names) or f"There are {', '.join(names)}"
        )
    for name in chosen:
        own = [r for r in rules if r.pack == name]
        done = adopt(own, edition=own[0].edition, officer=officer, role=role, on=_day(on))
        adopted = adopted.model_copy(update={"adopted": (*adopted.adopted, done)})
        fresh = [r.id for r in own if r.shadow]
        said = f"{len(own)} rules, {len(fresh)} of them new or changed" + (f": {', '.join(fresh)}" if fresh else "")
        off = sum(not r.enabled for r in own)
        also = f"; {off} are disabled, and adopted for when somebody enables them" if off else ""
        print(f"{name} ({done.edition}): {said}{also}")
    write_adopted(path, adopted)
    print(f"Written to {path}. The daemon takes it up when it is started again.")


def confirm(
    rule: Annotated[str, typer.Argument(help="The rule that is held back.")],
    config: Config,
    officer: Officer,
    on: On = None,
) -> None:
    """Let a rule go whose first messages would reach many at once."""
    if not officer.strip():
        raise InputError("a confirmation needs the officer", fix="Give --officer")
    settings = load(config)
    path = _file(settings)
    held = {name: n for (name, muted), n in _muted(settings).items() if muted == HELD}
    if rule not in held:
        known = [r.id for r in rulebook_of(settings).rules]
        if rule not in known:
            raise InputError(f"there is no rule {rule!r}", fix=did_you_mean(rule, known) or "`alertd rules list`")
        raise InputError(f"{rule} is not held back", fix=f"Held are {', '.join(sorted(held)) or 'none'}.")
    adopted = read_adopted(path)
    done = Confirmation(rule=rule, officer=officer, date_=_day(on))
    write_adopted(path, adopted.model_copy(update={"confirmed": (*adopted.confirmed, done)}))
    print(f"{rule}: {held[rule]} alerts are told from the next evaluation on, once the daemon is started again.")


def status(config: Config) -> None:
    """Each pack: adopted by whom, what is in shadow and why, what is held back, and how many alerts wait."""
    settings = load(config)
    adopted = read_adopted(settings.rules.adopted)
    rules = [r for r in _every_rule(rulebook_of(settings)) if r.enabled]
    waiting = _muted(settings)
    table = Table("pack", "edition", "adopted", "live", "in shadow", "alerts in shadow", box=None)
    for pack in sorted({r.pack for r in rules}):
        own = [r for r in rules if r.pack == pack]
        live = [r for r in own if not r.shadow]
        quiet = sum(n for (rule, muted), n in waiting.items() if muted.startswith("shadow") and _in(rule, own))
        table.add_row(pack, own[0].edition, _by(adopted, pack), str(len(live)), str(len(own) - len(live)), str(quiet))
    out = console()
    out.print(table)
    if any("is not adopted" in r.shadow for r in rules):
        out.print("What is in shadow is told to nobody. To let a pack speak: alertd rules adopt PACK")
    for rule in rules:
        if rule.shadow and "is not adopted" not in rule.shadow:
            out.print(f"{rule.id}: {rule.shadow}. Read it, then: alertd rules adopt {rule.pack}")
    for (name, muted), n in sorted(waiting.items()):
        if muted == HELD:
            out.print(f"{name}: held back with {n} alerts. Look at them, then: alertd rules confirm {name}")


def _every_rule(rulebook: Rulebook) -> list[Rule]:
    """The authority's rules and those that only teams have, each once."""
    found = {(r.pack, r.id): r for book in (*rulebook.teams.values(), rulebook) for r in book.rules}
    return sorted(found.values(), key=lambda r: (r.pack, r.id))


def _in(rule_id: str, rules: Iterable[Rule]) -> bool:
    return any(r.id == rule_id for r in rules)


def _by(adopted: Adopted, pack: str) -> str:
    latest = next((a for a in reversed(adopted.adopted) if a.pack == pack), None)
    return f"{latest.date_} by {latest.officer}, {latest.role}" if latest else "no"


def _file(settings: Settings) -> Path:
    if settings.rules.adopted is None:
        raise InputError(
            "no file is named for what the authority adopts",
            where=settings.place("rules"),
            fix='Add adopted = "adopted.yaml" to [rules]',
        )
    return settings.rules.adopted


def _muted(settings: Settings) -> Counter[tuple[str, str]]:
    """Open alerts told to nobody, by rule and why; none where there is no database yet."""
    found: Counter[tuple[str, str]] = Counter()
    address = make_url(settings.database.url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return found
    engine = open_engine(settings.database.url)
    try:
        check_schema(engine)
        if inspect(engine).has_table(Alert.__tablename__):
            with Session(reading(engine)) as session:
                rows = session.execute(
                    select(Alert.rule, Alert.muted, func.count())
                    .where(Alert.state == "open", Alert.muted != "")
                    .group_by(Alert.rule, Alert.muted)
                )
                for rule, muted, n in rows:
                    found[rule, muted] = n
    finally:
        engine.dispose()
    return found


def _day(given: datetime | None) -> date:
    return given.date() if given else local_day(now_utc())
