"""One broken feed: made, read, and looked at: what became of it, and what of that must not be."""

from __future__ import annotations

import re
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

from alertd.cases.holding import holding
from alertd.cases.kinds import KINDS
from alertd.cases.reading import Made
from alertd.cases.records import CaseFile, Snapshot
from alertd.cases.sources.readers import Place, read
from alertd.engine.evaluate import Evaluator, measurable
from alertd.errors import InputError
from alertd.intake.bodies import pack, unpack
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from tests.fuzz import books, counts, databases, lists, markup, payloads
from tests.fuzz.damage import ANY_FILE, Change
from tests.fuzz.feeds import AS_OF, CANARY, Draft, Given

LIMIT_SECONDS: Final = 5.0
LIMIT_MB: Final = 500
_CHILDREN: Final = 3
_LONGEST_LINE: Final = 2_000
_LONGEST: Final = {"child": 200, "record": 250, "worker": 100}
"""What the columns for a child's reference, a record's and a worker's or team's hold in alertd's own database."""
_BY_ENDING: Final[dict[str, tuple[Change, ...]]] = {
    "csv": lists.CSV,
    "xml": markup.XML,
    "json": payloads.JSON,
    "db": databases.DATABASE,
    "xlsx": books.BOOK,
}
_PLANT: Final[dict[str, Change]] = {
    "csv": lists.plant,
    "xml": markup.plant,
    "json": payloads.plant,
    "db": databases.plant,
    "xlsx": books.plant,
}
_PYTHON: Final = re.compile(
    r"Traceback|<class |<\w+ object|object at 0x|\b\w+Exception\(|\b[A-Z]\w+Error\b|\bb'|\\x[0-9a-f]{2}"
)


@dataclass
class Result:
    """What became of one broken feed. ``faults`` is blank where all was as it must be."""

    seed: int
    feed: str
    format: str
    changes: list[str]
    outcome: str = ""
    said: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    mb: float = 0.0
    rejected: int = 0
    counted: int = 0
    faults: list[str] = field(default_factory=list)


def look(seed: int, given: list[Given], folder: Path) -> Result:
    """Make the broken feed of a seed in a folder, read it and say what became of it. Never raises."""
    rng = Random(seed)
    draft = broken(given[rng.randrange(len(given))], rng)
    result = Result(seed, draft.given.name, draft.given.format, draft.done)
    shutil.rmtree(folder, ignore_errors=True)
    _forget_peak()
    try:
        place = draft.write(folder)
        _read(place, draft, result)
    except Exception:  # noqa: BLE001 - any is a fault of what was called
        result.outcome = "traceback"
        result.faults.append(traceback.format_exc(limit=-6))
    result.mb = max(result.mb, peak_mb())
    if result.mb > LIMIT_MB:
        result.faults.append(f"took {result.mb:.0f} MB")
    return result


def broken(given: Given, rng: Random) -> Draft:
    """A feed with one to three changes, the canary planted before them more often than not."""
    draft = Draft(given, rng, dict(given.files))
    ending = next(iter(sorted(given.files))).rpartition(".")[2]
    own = _BY_ENDING.get(ending, ())
    if ending in _PLANT and rng.random() < 0.6:
        draft.planted = _PLANT[ending](draft)
    draft.sound = counts.rows_in(given.kind, draft.files)
    wanted = rng.choice((1, 1, 1, 1, 2, 3))
    for _ in range(20):
        change = rng.choice(own if own and rng.random() < 0.75 else ANY_FILE)
        if change(draft):
            draft.done.append(change.__name__)
        if len(draft.done) == wanted:
            break
    if len(draft.done) != 1:
        draft.rows.clear()
        draft.lost = ""
    return draft


def _read(place: Place, draft: Draft, result: Result) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        snapshot = read(place, AS_OF)
    except InputError as error:
        result.outcome, result.said = "refused", str(error)
        snapshot = None
    finally:
        result.seconds, result.cpu = time.perf_counter() - begun, time.process_time() - cpu
        result.mb = peak_mb()
    if result.seconds > LIMIT_SECONDS:
        result.faults.append(f"took {result.seconds:.1f} s ({result.cpu:.1f} s of the processor)")
    if snapshot is None:
        result.faults += _faults_of_lines([result.said], place.url)
        return
    result.outcome = "read, some rejected" if snapshot.rejects else "read"
    result.rejected = len(snapshot.rejects)
    result.faults += _faults_of_lines(_lines(snapshot), place.url)
    result.faults += _faults_of_accounts(snapshot, draft, result)
    result.faults += _faults_of_cases(snapshot)
    _evaluate(snapshot)


def _lines(snapshot: Snapshot) -> list[str]:
    """Everything of a reading that somebody may be shown, but for its records."""
    lines = [*snapshot.notes, *(text for r in snapshot.rejects for text in (r.where, r.why, r.column))]
    lines += [f"{doubt.field} {doubt.why}" for case in snapshot.cases for r in case.records for doubt in r.doubts]
    return lines


def _faults_of_lines(lines: list[str], place: str) -> Iterator[str]:
    shown = Path(place).as_posix()
    for line in lines:
        own = line.replace(shown, "").replace(Path(place).name, "")
        if CANARY.split()[0].lower() in own.lower() or CANARY.split()[1].lower() in own.lower():
            yield f"repeats a cell: {line[:300]}"
        if re.search(r"[\n\r\x00-\x08\x0b-\x1f\x7f\u2028]", own):
            yield f"is not one plain line: {line[:300]!r}"
        if found := _PYTHON.search(own):
            yield f"speaks Python ({found[0]}): {line[:300]}"
        if len(line) > _LONGEST_LINE:
            yield f"is {len(line):,} characters long: {line[:200]}"


def _faults_of_accounts(snapshot: Snapshot, draft: Draft, result: Result) -> Iterator[str]:
    accounts = snapshot.accounts
    for name, account in accounts.items():
        if not account.adds_up:
            yield f"the account of {name} does not add up: {account}"
    if sum(a.rejected for a in accounts.values()) != len(snapshot.rejects):
        yield f"{sum(a.rejected for a in accounts.values())} rows rejected, {len(snapshot.rejects)} named"
    for reject in snapshot.rejects:
        if not reject.where or not reject.why:
            yield f"a reject without where or why: {reject}"
    if not snapshot.cases and any(a.used for a in accounts.values()):
        yield "rows used, and no child"
    for name, n in counts.rows_in(draft.given.kind, draft.files).items():
        if name in accounts:
            result.counted += 1
            if accounts[name].rows not in n:
                yield f"{name}: the account has {accounts[name].rows} rows, the file {sorted(n)}"
        elif max(n) and not _is_said(name, draft, snapshot):
            yield f"{name} has {sorted(n)} rows and is not spoken of"
    if draft.given.kind in ("ssda903", "annex_a", "cin_census", "csv") and not draft.given.single:
        for name in draft.files.keys() - {"manifest.csv", "windows.csv"}:
            if not name.startswith((".", "~$")) and not any(name in said for said in (*accounts, *snapshot.notes)):
                yield f"{name} is in the folder and not spoken of"
    if manifest := draft.given.files.get("manifest.csv"):
        changed = any(draft.files.get(name) != data for name, data in draft.given.files.items())
        if changed and draft.files.get("manifest.csv") == manifest:
            yield "does not agree with its manifest, and was read"
    for name, more in draft.rows.items():
        was = draft.sound.get(name, frozenset())
        if len(was) == 1 and name in accounts and accounts[name].rows != next(iter(was)) + more:
            yield f"{name}: {next(iter(was))} rows and {more:+d} are {accounts[name].rows}"
    if draft.lost and not _was_noticed(draft, snapshot):
        yield f"a day of {draft.lost} became a name, and nothing is said of it"


def _is_said(name: str, draft: Draft, snapshot: Snapshot) -> bool:
    """Whether a file, sheet or table without an account is named in a note, or is none that anybody reads."""
    if draft.given.kind in ("ssd", "sql"):
        return name not in sound(draft.given).accounts or any(name in note for note in snapshot.notes)
    said = name if draft.given.kind == "annex_a" else name.partition(": ")[0]
    hidden = said.startswith((".", "~$"))
    return hidden or any(said in note for note in snapshot.notes) or draft.given.kind == "csc_api"


_SOUND: Final[dict[str, Snapshot]] = {}
_FOLDER: list[Path] = []


def sound(given: Given) -> Snapshot:
    """What is read of a feed before anything befalls it."""
    if given.name not in _SOUND:
        folder = _FOLDER[0] / re.sub(r"\W", "-", given.name)
        _SOUND[given.name] = read(Draft(given, Random(0), dict(given.files)).write(folder), AS_OF)
        shutil.rmtree(folder)
    return _SOUND[given.name]


def _was_noticed(draft: Draft, snapshot: Snapshot) -> bool:
    """Whether more is in doubt, rejected or set aside than before; or a row was there that was set aside then."""
    before = sound(draft.given)
    account = before.accounts.get(draft.lost)
    if account and account.aside.total():
        return True
    return bool(_said_of(snapshot) - _said_of(before))


def _said_of(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """What is in doubt, rejected or set aside."""
    said = Counter((r.where, r.column, r.why) for r in snapshot.rejects)
    said.update((r.kind, d.field, d.why) for case in snapshot.cases for r in case.records for d in r.doubts)
    for table, account in snapshot.accounts.items():
        said.update({(table, why): n for why, n in account.aside.items()})
    return said


def _faults_of_cases(snapshot: Snapshot) -> Iterator[str]:
    children = [case.child for case in snapshot.cases]
    if children != sorted(set(children)):
        yield "the children are not in order, or one is there twice"
    for case in snapshot.cases:
        refs = [record.ref for record in case.records]
        if len(set(refs)) < len(refs):
            yield "two records of one child have the same key"
        if any(record.child != case.child or not record.where for record in case.records):
            yield "a record of another child, or without where"
        held = holding(case, AS_OF.date())
        for what, text in (("child", case.child), ("worker", held.worker or "-"), ("worker", held.team or "-")):
            if not _can_be_kept(text, what):
                yield f"a reference of a {what} that cannot be kept: {text[:60]!r}"
        if odd := next((ref for ref in refs if not _can_be_kept(ref, "record")), None):
            yield f"a key that cannot be kept: {odd[:60]!r}"
        for record in case.records:
            declared = {f.name for f in KINDS[record.kind].fields}
            if not {*record.values, *(d.field for d in record.doubts)} <= declared:
                yield f"a {record.kind} with fields of no such kind"


def _can_be_kept(text: str, what: str) -> bool:
    """Whether a database has room for it: PostgreSQL takes no zero characters, nor halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return bool(text) and "\0" not in text and len(text) <= _LONGEST[what]


@lru_cache(maxsize=1)
def _rules() -> Rulebook:
    return load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})


@lru_cache(maxsize=8)
def _evaluator(holds: frozenset[str], lacks: frozenset[str], latest: frozenset[str]) -> Evaluator:
    return Evaluator.of(measurable(_rules(), holds, lacks, latest, {})[0])


def _evaluate(snapshot: Snapshot) -> None:
    """Keep a few children and judge them; whatever goes wrong is raised."""
    evaluator = _evaluator(snapshot.holds, snapshot.lacks, snapshot.latest)
    cases: list[CaseFile] = sorted(snapshot.cases, key=lambda c: (-len(c.records), c.child))
    for case in (*cases[: _CHILDREN - 1], *cases[-1:]):
        kept = unpack(case.child, pack(Made(case), snapshot.window, {}), snapshot.window, case.windows, case.latest)
        assert kept.records == case.records, "a case file that is not the same once it was kept"
        evaluator.evaluate(case, AS_OF)


def _forget_peak() -> None:
    """Begin to measure anew; Linux alone can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_mb() -> float:
    """The most memory this process has taken, since it was last forgotten."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    except (OSError, TypeError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
