"""Wiring: everything is made here, once, from the settings. The rest is handed what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.alerts.muting import Guard
from alertd.calendars.calendar import Calendar, Term, calendar_for
from alertd.calendars.terms import read_terms
from alertd.cases.reading import Progress, Reading
from alertd.cases.records import CaseFile, Snapshot
from alertd.cases.sources.own_sql import queries_of
from alertd.cases.sources.readers import Place, opened
from alertd.db.clock import SharedClock
from alertd.db.engine import open_engine, reading, upgrade
from alertd.db.leading import Leading
from alertd.engine.sweep import Pools, Processes
from alertd.errors import InputError, did_you_mean
from alertd.intake.kept import KeptCases, Named
from alertd.intake.numbers import read_merged
from alertd.intake.store import standing
from alertd.intake.whole import Whole
from alertd.outbox.channel import Notifier
from alertd.outbox.channel_config import read_secret
from alertd.outbox.deliver import EMAIL, Composer
from alertd.outbox.dispatch import Paces
from alertd.outbox.ledger import LEASE
from alertd.partners.compose import Partners
from alertd.partners.facts import Contact
from alertd.partners.policy import Policy, read_policy
from alertd.people.staff import Staff
from alertd.receipts.away import answered_away
from alertd.routing.wording import Wording
from alertd.rulebook.adoption import read_adopted, with_adoption
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook, Setting
from alertd.settings import Feed, Settings
from alertd.settings.watching import unsafe
from alertd.staffing import staff_of
from alertd.watching.heartbeat import Check, Heartbeats
from alertd.watching.metrics import Metrics
from alertd.watching.pulse import Pulse
from alertd.watching.traces import Traces, traces_to

Log = structlog.stdlib.BoundLogger


def now_utc() -> datetime:
    """The machine's clock, the one place it is read."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """A daemon's parts, wired. Tests make one with their own clock, randomness and notifiers."""

    settings: Settings
    rulebook: Rulebook
    calendar: Calendar
    staff: Staff
    engine: Engine
    notifiers: Mapping[str, Notifier]
    composer: Composer
    clock: Callable[[], datetime]
    rng: random.Random
    log: Log
    guard: Guard = field(default_factory=Guard)

    def composer_now(self) -> Composer:
        """The composer with the staff as they are now, and whose mailbox says that they are away."""
        away = answered_away(self.engine, self.clock())
        return replace(self.composer, directory=self.staff.refresh().with_answers(away))

    merged: Mapping[str, str] = field(default_factory=dict)
    """Person numbers, and those they were merged into."""
    pools: Pools = field(default_factory=Processes)
    """Where children are evaluated."""
    policy: Policy = field(default_factory=Policy)
    """Which notifications to other agencies are sent, and who approves them."""
    paces: Paces = field(default_factory=dict)
    """What is known of the pace of each channel since the start."""
    failing: dict[str, datetime] = field(default_factory=dict)
    """Since when what is looked at again and again cannot be read, as the mailbox."""
    shared: SharedClock | None = None
    """The time by which hosts take turns at sending; none where somebody brings a clock of their own for everything."""
    metrics: Metrics = field(default_factory=Metrics)
    """What is counted since the start."""
    pulse: Pulse = field(default_factory=Pulse)
    """Whether the daemon's loops get further."""
    traces: Traces = field(default_factory=Traces)
    """How long each piece of work took, for whoever collects that."""
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    """What somebody outside expects to hear."""
    leading: Leading = field(default_factory=Leading)
    """Whether this daemon leads those of its database."""

    def partners(self) -> Partners:
        """What telling other agencies needs, as things are now."""
        own, web = self.settings.partners, self.settings.web
        return Partners(
            policy=self.policy,
            composer=self.composer_now(),
            case=self._kept(),
            authority=self.settings.authority.name,
            contact=Contact(own.contact, own.address, own.telephone) if own.contact else None,
            merged=self.merged,
            page=(lambda secret: web.link(f"acknowledge/{secret}")) if web else None,
        )

    def _kept(self) -> Callable[[str], CaseFile | None]:
        """Each child as the readings in force have it, looked up once somebody asks."""
        kept: list[KeptCases] = []

        def of(child: str) -> CaseFile | None:
            if not kept:
                kept.append(kept_now(self))
            return kept[0].of(child)

        return of


def kept_now(house: House) -> KeptCases:
    """The case files of the readings in force."""
    with Session(reading(house.engine)) as session:
        found = [(Named(f.name, f.authority), standing(session, f.name)) for f in house.settings.feed]
    feeds = [(named, one) for named, one in found if one is not None]
    return KeptCases(house.engine, feeds, precedence=house.settings.precedence, merged=house.merged)


def place_of(feed: Feed) -> Place:
    """Where the feed of the settings is and how it is laid out."""
    queries = queries_of(feed.queries) if isinstance(feed.queries, Path) else feed.queries
    return Place(
        kind=feed.kind,
        url=feed.url,
        schema=feed.schema_,
        prefix=feed.prefix,
        timeframe_years=feed.timeframe_years,
        queries=queries or {},
    )


def merged_numbers(settings: Settings) -> dict[str, str]:
    """The authority's merged person numbers, old to new; none where it names no file of them."""
    file = settings.authority.merged_numbers
    return read_merged(file) if file else {}


@contextmanager
def open_feed(feed: Feed, as_of: datetime, progress: Progress | None = None) -> Iterator[Reading]:
    """One feed, open to be read child by child. Raises InputError for one that cannot be used."""
    with opened(place_of(feed), as_of, progress) as found:
        yield Whole(found) if isinstance(found, Snapshot) else found


def packs_of(settings: Settings) -> list[Path]:
    """The folders and files of the packs that the settings name."""
    with settings.placed("rules.packs"):
        return [Path(p) if "/" in p else builtin_pack(p) for p in settings.rules.packs]


def wording_of(settings: Settings) -> Wording:
    """The templates and languages: alertd's, those beside the packs and overlays, and the authority's own."""
    return Wording(settings.templates.folder, [*packs_of(settings), *settings.rules.overlays])


def rulebook_of(settings: Settings) -> Rulebook:
    """The packs the settings name, with the overlays over them.

    Raises InputError while a length the authority must set is not set.
    """
    with settings.placed("rules.packs"):
        rulebook = load_rulebook(
            packs_of(settings),
            overlays=settings.rules.overlays,
            settings=settings.rules.settings,
            nation=settings.authority.nation,
            terms=terms_of(settings),
        )
    for book in (rulebook, *rulebook.teams.values()):
        _check_lengths_set(book)
    return with_adoption(rulebook, read_adopted(settings.rules.adopted))


def terms_of(settings: Settings) -> tuple[Term, ...]:
    """The authority's school terms; none where it names no file of them."""
    file = settings.authority.school_terms
    return read_terms(file) if file else ()


def _check_lengths_set(rulebook: Rulebook) -> None:
    for rule in rulebook.enabled:
        length = rule.clock.length
        if isinstance(length, Setting) and length.no_default and length.setting not in rulebook.settings:
            raise InputError(
                f"the setting {length.setting} has no value, and the law gives none ({rule.title})",
                where=rule.place,
                fix=f'Put "{length.setting}" = "10 working days", or your own length, under [rules.settings]',
            )


def guard_of(settings: Settings) -> Guard:
    """When a rule's first messages are a flood, and which floods an officer has confirmed."""
    rules = settings.rules
    return Guard(rules.flood_share, rules.flood_children, read_adopted(rules.adopted).let_go)


def pools_of(settings: Settings) -> Pools:
    """Where children are evaluated. Raises InputError for a cluster that nothing installed here can speak to."""
    said = settings.engine
    if said.cluster is None:
        return Processes(said.workers)
    try:
        from alertd.engine.cluster import Cluster  # an extra, and a moment to import
    except ModuleNotFoundError as error:
        where, fix = settings.place("engine.executor"), "Install it: pip install 'alertd[distributed]'"
        raise InputError(f"what speaks to a cluster is not installed ({error.name})", where=where, fix=fix) from None
    return Cluster(said.cluster, ca=said.ca, cert=said.cert, key=said.key)


def channels_of(settings: Settings) -> dict[str, Notifier]:
    """The channels by name: e-mail, and those under ``[channels]``, each found by the entry point of its kind.

    ``kind`` is the name of the entry point, where it is not the channel's own: so there can be two of a kind.
    Raises InputError for one that is not installed, and for what it cannot use.
    """
    return {name: channel_of(settings, name) for name in (EMAIL, *settings.channels)}


def channel_of(settings: Settings, name: str) -> Notifier:
    """One of the channels of the settings."""
    if name == EMAIL and EMAIL in settings.channels:
        where = settings.place(f"channels.{EMAIL}")
        raise InputError("e-mail has its own section", where=where, fix="Write it as [email]")
    written = settings.email if name == EMAIL else settings.channels[name]
    where = EMAIL if name == EMAIL else f"channels.{name}"
    kind = EMAIL if name == EMAIL else str(written.get("kind", name))
    points = {point.name: point for point in entry_points(group="alertd.notifiers")}
    if kind not in points:
        fix = did_you_mean(kind, points) or f"There are {', '.join(sorted(points))}; others are packages to install"
        raise InputError(f"there is no channel of kind {kind!r}", where=settings.place(where), fix=fix)
    try:
        made: Notifier = points[kind].load()({key: value for key, value in written.items() if key != "kind"})
    except InputError as error:
        _, _, key = (error.where or "").partition(".")
        at = ".".join(filter(None, (where, key))) if (error.where or "").startswith(kind) else error.where or where
        raise InputError(error.what, where=settings.place(at), fix=error.fix) from None
    made.name = name
    return made


def checks_of(settings: Settings) -> dict[str, Check]:
    """The heartbeats of the settings, by the name of the check. Raises InputError for an address that cannot be
    used."""
    said = settings.heartbeat
    if said is None:
        return {}
    found = {}
    for check, name in (("evaluation", "url"), ("work", "work_url")):
        url, file = getattr(said, name), getattr(said, f"{name}_file")
        written = read_secret(file, "heartbeat") if file else url.get_secret_value() if url else ""
        if written and (why := unsafe(written)):
            raise InputError(f"the address in it {why}", where=str(file))
        if written:
            found[check] = Check(written, signals=said.signals and check == "evaluation")
    return found


def traces_of(settings: Settings) -> Traces:
    """The traces of the settings; none where they name no collector. Raises InputError for headers that are none, and
    where the extra is not installed."""
    said = settings.traces
    if said is None:
        return Traces()
    lines = read_secret(said.headers_file, "headers").splitlines() if said.headers_file else []
    pairs = [line.partition(":") for line in lines if line.strip()]
    if not all(name.strip() and colon for name, colon, _ in pairs):
        raise InputError("is not a header on each line", where=str(said.headers_file), fix="Write name: value")
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    with settings.placed("traces"):
        return traces_to(said.endpoint, headers=headers, timeout=said.timeout_seconds, share=said.share)


def build(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now_utc,
    rng: random.Random | None = None,
    new_id: Callable[[], str] = lambda: str(uuid4()),
) -> House:
    """Make everything. Raises InputError for the first thing that is not right; nothing runs yet."""
    metrics, log = Metrics(), structlog.stdlib.get_logger("alertd")
    parts = wired(settings, clock, new_id, log, metrics)
    with settings.placed("database.url"):
        engine = open_engine(settings.database.url)
    upgrade(engine)
    return House(
        **parts,
        engine=engine,
        clock=clock,
        rng=rng or random.Random(),  # noqa: S311 - spreads retries, keeps no secret
        log=log,
        shared=SharedClock(engine, clock, settles=LEASE) if clock is now_utc else None,
        metrics=metrics,
    )


def wired(
    settings: Settings, clock: Callable[[], datetime], new_id: Callable[[], str], log: Log, metrics: Metrics
) -> dict[str, Any]:
    """The parts of a house that its files say: all but the database and what a running daemon knows.

    Raises InputError for the first thing that is not right.
    """
    rulebook = rulebook_of(settings)
    staff = staff_of(settings, rulebook, clock)
    notifiers = channels_of(settings)
    calendar = calendar_for(settings.authority.nation, rulebook.terms)
    composer = Composer(
        directory=staff.directory,
        rulebook=rulebook,
        calendar=calendar,
        sender=str(settings.email["sender"]),
        digest_at=settings.schedule.digest,
        new_id=new_id,
        channels=notifiers,
        most_urgent=settings.schedule.most_urgent,
        wording=wording_of(settings),
        pages=settings.web.url if settings.web else "",
    )
    timeout = settings.heartbeat.timeout_seconds if settings.heartbeat else 0
    return {
        "pools": pools_of(settings),
        "settings": settings,
        "rulebook": rulebook,
        "calendar": calendar,
        "staff": staff,
        "notifiers": notifiers,
        "composer": composer,
        "guard": guard_of(settings),
        "merged": merged_numbers(settings),
        "policy": read_policy(settings.partners.policy, rulebook),
        "heartbeats": Heartbeats(checks_of(settings), timeout=timeout, log=log, metrics=metrics),
        "traces": traces_of(settings),  # last: it begins a thread, which nobody would end where something else is wrong
    }
