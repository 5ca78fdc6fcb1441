"""Children worked on by a Dask cluster: the same as a pool of processes, on other machines.

What travels is the batch, as bytes that are opened there, and what was found. The rulebook goes to each worker once,
for as long as it is judged by, and is compiled there once, however often it comes back; a worker that starts
meanwhile is given it too. Nothing of a database travels.

A worker that dies takes nothing with it: the scheduler hands its batches to others, and where several died over
one batch, it comes back as that of a broken pool would. What the scheduler cannot mend ends the sweep with a
:class:`NoWorkersError`: nothing was said of any child by then, so nothing is lost, and the next sweep begins anew.

Only imported where a cluster is used: it is an extra, and takes a moment.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from distributed import Client, KilledWorker, Security, WorkerPlugin, get_worker

from alertd.engine import worker
from alertd.engine.edition import differing, edition
from alertd.engine.evaluate import Evaluator
from alertd.engine.sweep import NoWorkersError
from alertd.engine.worker import Arguments, Batch
from alertd.memory import keep_for_the_next
from alertd.rulebook.model import Rulebook

ANSWERS_WITHIN: Final = 30.0
"""Seconds in which a scheduler that lives answers."""
LOOKED_AT_EVERY: Final = 5.0
"""Seconds between two looks at the scheduler while batches are under way."""
WORKERS_WITHIN: Final = 60.0
"""Seconds for which a cluster may have no workers: their nannies start them again in a few."""
BATCH: Final = 250
"""Children handed over at a time: a quarter of a second's work. Each parcel passes the scheduler, there and back."""
COMPILED: Final = 8
"""Rulebooks that a worker keeps compiled. The engine forgets none before its process ends, at some 5 MB each; and
from one evaluation to the next it is nearly always the same one."""


class WorkerDiedError(BrokenExecutor):
    """One worker after another died over a batch."""


class Refused(NamedTuple):
    """In place of answers: why a worker did not begin."""

    why: str


class Seen(NamedTuple):
    """What a worker says of itself."""

    edition: Mapping[str, str]
    threads: int


class Cluster:
    """The workers of the scheduler at ``tls://host:port``, with the cluster's certificates; or at ``tcp://``, without.

    The certificates are those of the cluster's own authority: whoever has one of it may run anything on any of its
    machines, and is believed whatever its host is called.
    """

    def __init__(
        self, address: str, *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None
    ) -> None:
        self.address = address
        self._files = {"tls_ca_file": ca, "tls_client_cert": cert, "tls_client_key": key}
        self._workers = 0

    def batch(self) -> int:
        """How many children are handed over at a time."""
        return BATCH

    def workers(self) -> int:
        """How many it had when last looked at."""
        return self._workers

    def staying(self) -> AbstractContextManager[None]:
        """Its workers stay anyway, and keep what they compiled."""
        return nullcontext()

    def tried(self) -> str:
        """What it is, in words. Raises NoWorkersError where it could not be used."""
        with self._connected() as client:
            self._look_at(client)
        one = self._workers == 1
        return f"{self._workers} worker{'' if one else 's'} of the cluster at {self.address}, with the same alertd"

    @contextmanager
    def pool(self, rulebook: Rulebook, patience: float, workers: int) -> Iterator[_Pool]:  # noqa: ARG002 - all it has
        """Its workers, made ready to judge by a rulebook."""
        with self._connected() as client:
            self._look_at(client)
            book = _Book.of(rulebook, client.id)
            client.register_plugin(book)
            pool = _Pool(client, book, patience, self._count, self.address)
            try:
                yield pool
            finally:
                pool.close()

    def _count(self, workers: int) -> None:
        self._workers = workers

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            client = Client(
                self.address,
                security=self._security(),
                timeout=ANSWERS_WITHIN,
                set_as_default=False,
                direct_to_workers=False,  # only the scheduler has to be within the daemon's reach
                name="alertd",
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise self._silent(error) from error
        try:
            yield client
        finally:
            with suppress(OSError, TimeoutError):  # there is nobody to part from where the scheduler is gone
                client.close(timeout=ANSWERS_WITHIN)

    def _security(self) -> Security | None:
        if self._files["tls_ca_file"] is None:
            return None
        for name, file in self._files.items():
            if file is not None and not file.is_file():
                what = name.removeprefix("tls_").removeprefix("client_").removesuffix("_file")
                raise NoWorkersError("there is no such file", where=f"engine.{what}: {file}")
        files = {name: str(file) for name, file in self._files.items()}
        return Security(require_encryption=True, **files)

    def _silent(self, error: BaseException) -> NoWorkersError:
        while error.__cause__ is not None:  # the outermost only says that it took too long
            error = error.__cause__
        return NoWorkersError(
            f"the scheduler of the cluster does not answer ({type(error).__name__}: {error})",
            where=self.address,
            fix="See that it runs, that this machine reaches it, and that both have certificates of one authority",
        )

    def _look_at(self, client: Client) -> None:
        """Raises NoWorkersError unless every worker would find what this machine would."""
        try:
            client.wait_for_workers(1, timeout=WORKERS_WITHIN)
            seen = client.run(_seen, on_error="return")
        except TimeoutError:
            raise _none_there(self.address) from None
        except OSError as error:
            raise self._silent(error) from error
        for name, one in sorted(seen.items()):
            why = _unfit(one) if isinstance(one, Seen) else _cannot_run(one)
            if why:
                raise _not_alike(f"the worker {name} {why}", self.address)
        self._workers = len(seen)


class _Pool:
    """Batches on their way to the cluster and back."""

    def __init__(self, client: Client, book: _Book, patience: float, count: Any, address: str) -> None:
        self._client, self._book, self._patience, self._count, self._address = client, book, patience, count, address
        self._executor = client.get_executor(pure=False)
        self._under_way: set[Future[Any]] = set()
        self._fault: NoWorkersError | None = None
        self._watching = asyncio.run_coroutine_threadsafe(self._watch(), client.loop.asyncio_loop)

    def submit(self, do: Any, cases: Batch, args: Arguments) -> Future[Any]:
        """Hand over a batch. The answer's exception is WorkerDiedError, or NoWorkersError."""
        parcel = pickle.dumps((do, cases, args), protocol=pickle.HIGHEST_PROTOCOL)
        answer: Future[Any] = Future()
        self._under_way.add(answer)
        sent = self._executor.submit(_work_on, dict(edition()), self._book.name, self._patience, parcel)
        sent.add_done_callback(partial(self._take, answer))
        if self._fault is not None:
            self._fail(self._fault)
        return answer

    def close(self) -> None:
        """Take back what is under way, and the rulebook."""
        self._watching.cancel()
        if self._fault is None:
            with suppress(OSError, TimeoutError):  # gone since: what it has of us goes with it
                self._executor.shutdown(wait=False)
                self._client.unregister_worker_plugin(self._book.name)

    def _take(self, answer: Future[Any], sent: Future[Any]) -> None:
        """Like whatever ends a future, in the thread of the connection."""
        try:
            self._under_way.remove(answer)
        except KeyError:
            return
        try:
            answer.set_result(self._answers(sent))
        except Exception as fault:  # noqa: BLE001 - whatever it is, whoever waits for the answer must hear of it
            answer.set_exception(fault)

    def _answers(self, sent: Future[Any]) -> Any:
        if sent.cancelled():
            fault = self._gone("its scheduler has forgotten what it was doing")
            self._fail(fault)
            raise fault
        error = sent.exception()
        if isinstance(error, KilledWorker):
            raise WorkerDiedError("the workers died")
        if error is not None:
            raise _not_alike(f"a worker {_cannot_run(error)}", self._address)
        if isinstance(found := sent.result(), Refused):
            raise _not_alike(f"a worker {found.why}", self._address)
        return pickle.loads(found)  # noqa: S301 - of our own cluster, which runs what we send

    async def _watch(self) -> None:
        """A scheduler that hangs answers no batch and breaks no connection; and one without workers waits for ever."""
        clock = asyncio.get_running_loop().time
        last_seen = clock()
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY)
            try:
                threads = await asyncio.wait_for(self._client.scheduler.ncores(), ANSWERS_WITHIN)
            except (OSError, TimeoutError) as error:
                self._fail(self._gone(f"its scheduler does not answer ({type(error).__name__})"))
                return
            self._count(len(threads))
            last_seen = clock() if threads else last_seen
            if clock() - last_seen > WORKERS_WITHIN:
                self._fail(_none_there(self._address))
                return

    def _fail(self, fault: NoWorkersError) -> None:
        self._fault = fault
        while self._under_way:
            with suppress(KeyError):
                self._under_way.pop().set_exception(fault)

    def _gone(self, why: str) -> NoWorkersError:
        fix = "See that the scheduler runs and that this machine reaches it; all is evaluated again"
        return NoWorkersError(f"the cluster was lost in the middle of it: {why}", where=self._address, fix=fix)


def _none_there(address: str) -> NoWorkersError:
    fix = "Start some: dask worker SCHEDULER --nthreads 1"
    return NoWorkersError(f"the cluster has had no workers for {WORKERS_WITHIN:.0f} seconds", where=address, fix=fix)


def _not_alike(what: str, address: str) -> NoWorkersError:
    fix = "Install the same alertd and the same packages there (constraints.txt), and start the worker again"
    if "--nthreads" in what:
        fix = "Start more workers instead"
    return NoWorkersError(what, where=address, fix=fix)


def _cannot_run(error: BaseException) -> str:
    return f"cannot run what it is handed ({type(error).__name__}: {error})"


# What follows runs on the workers.

_books: dict[str, tuple[str, bytes]] = {}
"""The rulebooks that are judged by at present: by the name of the plugin, the digest and the rulebook pickled."""
_compiled: dict[str, Evaluator] = {}
"""By digest. In the order in which they were compiled."""


class _Book(WorkerPlugin):  # type: ignore[misc]  # Dask says little of its types
    """A rulebook, which the scheduler gives to each worker that there is or will be."""

    def __init__(self, name: str, digest: str, pickled: bytes) -> None:
        self.name, self.digest, self.pickled = name, digest, pickled

    @classmethod
    def of(cls, rulebook: Rulebook, owner: str) -> _Book:
        """Named after whoever judges by it, who takes it back: another may judge by the same."""
        digest = blake2b(rulebook.model_dump_json().encode(), digest_size=16).hexdigest()
        return cls(f"alertd-{digest}-{owner}", digest, pickle.dumps(rulebook, protocol=pickle.HIGHEST_PROTOCOL))

    def setup(self, worker: Any) -> None:  # noqa: ARG002 - Dask's
        """Keep it; it is compiled where it is used, in the thread that does the work."""
        keep_for_the_next()
        _books[self.name] = self.digest, self.pickled

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """Forget it."""
        _books.pop(self.name, None)


def _seen(dask_worker: Any) -> Seen:
    return Seen(dict(edition()), dask_worker.state.nthreads)


def _unfit(seen: Seen) -> str:
    if why := differing(seen.edition):
        return f"is not like this machine: {why}"
    if seen.threads != 1:  # the engine is for one thread, and patience ends the whole process
        return f"has {seen.threads} threads and may have one: --nthreads 1"
    return ""


def _work_on(theirs: Mapping[str, str], book: str, patience: float, parcel: bytes) -> bytes | Refused:
    """The answers for a batch, pickled. Looked at again for each: a worker may have joined since all were seen."""
    if why := differing(theirs):
        return Refused(f"is not like this machine, which it sees so: {why}")
    if (threads := get_worker().state.nthreads) != 1:
        return Refused(_unfit(Seen(edition(), threads)))
    if book not in _books:
        return Refused("was not given the rulebook")
    worker.judge_by(_evaluator(*_books[book]), patience)
    do, cases, args = pickle.loads(parcel)  # noqa: S301 - the scheduler lets only those in who have a certificate
    return pickle.dumps(do(cases, args), protocol=pickle.HIGHEST_PROTOCOL)


def _evaluator(digest: str, pickled: bytes) -> Evaluator:
    if digest not in _compiled:
        while len(_compiled) >= COMPILED:
            _compiled.pop(next(iter(_compiled)))
        _compiled[digest] = Evaluator.of(pickle.loads(pickled))  # noqa: S301
    return _compiled[digest]
