"""The faults alertd must survive, and what holds in each: a test names its row by ``@pytest.mark.fault("F07")``.

Two invariants hold in every row and are not repeated: an error says what happened and what to do (I7), and the
database is whole afterwards (I9).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INVARIANTS: Final = {
    "I1": "nothing is lost",
    "I2": "a copy more only for an attempt whose answer was lost",
    "I3": "nothing leaves that was not committed first",
    "I4": "the right person, the right child",
    "I5": "no fault delays what it does not touch by more than a minute",
    "I6": "when the fault ends, all that is due goes within five minutes, by itself",
    "I7": "errors name what failed and what to do, without personal data",
    "I8": "silence is proven",
    "I9": "the database is whole",
    "I10": "a correction never comes before what it corrects",
}

SQLITE: Final = frozenset({"sqlite"})
POSTGRESQL: Final = frozenset({"postgresql"})
BOTH: Final = SQLITE | POSTGRESQL


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. ``on`` are the databases it must have been tried on; none where no database has a part in it.

    A row that ``comes_later`` is in the table where there is a test of it, and needs none.
    """

    id: str
    fault: str
    holds: str = ""
    on: frozenset[str] = frozenset()
    comes_later: bool = False


def _rows() -> Iterator[Row]:
    # A. The process dies.
    yield Row("F01", "killed with the feed half read", "I1", BOTH)
    yield Row("F02", "killed while alerts and what tells of them are written", "I1 I3", BOTH)
    yield Row("F03", "killed when all is written and nothing sent", "I1 I2", BOTH)
    yield Row("F04", "the database commits and its answer is lost", "I1", BOTH)
    yield Row("F05", "killed between claiming and connecting", "I1 I2 I6", BOTH)
    yield Row("F06", "killed in the middle of handing a message over", "I2", BOTH)
    yield Row("F07", "killed when the whole message is over and not yet answered", "I2", BOTH)
    yield Row("F08", "killed when the answer was heard and not yet stored", "I2", BOTH)
    yield Row("F09", "killed when the outcome is stored", "I2", BOTH)
    yield Row("F10", "killed again and again while it recovers", "I1 I2", BOTH)
    # B. SMTP and the other channels.
    yield Row("F11", "nobody listens at the relay's port", "I5 I6")
    yield Row("F12", "the relay has the message and hangs up instead of answering", "I2")
    yield Row("F13", "the relay has the message and never answers", "I2 I5")
    yield Row("F14", "trouble after the relay took the message", "I2")
    yield Row("F15", "the relay says later: 4xx, greylisting", "I1 I2")
    yield Row("F16", "one recipient of many is refused", "I5")
    yield Row("F17", "the relay refuses for good: 5xx", "I1 I7")
    yield Row("F18", "the relay says 421 and hangs up in the middle", "I1 I2")
    yield Row("F19", "the relay talks nonsense, or without end", "I5")
    yield Row("F20", "the relay answers a byte at a time", "I5")
    yield Row("F21", "the offer of TLS is taken out on the way", "I4")
    yield Row("F22", "TLS fails, or the relay cannot prove who it is", "I4")
    yield Row("F23", "the relay does not accept the password", "I1")
    yield Row("F24", "a channel raises what it should not", "I5")
    yield Row("F25", "names do not resolve, or to an address of this network", "I1 I5")
    yield Row("F26", "the message is more than the relay can carry", "I7")
    yield Row("F27", "line ends and the like in what becomes a header", "I4")
    yield Row("F28", "a dot on its own line tries to end the message early", "I4")
    yield Row("F29", "a bounce comes later, true or forged", "I1 I7")
    yield Row("F30", "a webhook redirects, is gone, asks for patience, or answers late", "I2 I7")
    yield Row("F31", "the relay takes only so many a minute", "I1 I5")
    yield Row("F32", "a machine answers our mail", "I5")
    # C. The database and the disk.
    yield Row("F33", "the database stops in the middle of a transaction", "I1 I3 I6", POSTGRESQL)
    yield Row("F34", "the database drops one connection, or all", "I1 I6", POSTGRESQL)
    yield Row("F35", "the database hangs", "I6 I8", POSTGRESQL)
    yield Row("F36", "the disk is full", "I2 I6 I8", BOTH)
    yield Row("F37", "the disk fails to write or to sync", "I1 I2", BOTH)
    yield Row("F38", "the power goes: all that was not synced is gone", "I1 I2", BOTH)
    yield Row("F39", "yesterday's backup is put back", "I2", BOTH)
    yield Row("F40", "the schema is older or newer than the program", "I7", BOTH)
    yield Row("F41", "somebody else locks a table for an hour", "I5 I6", BOTH)
    yield Row("F42", "a report or a backup reads for hours", "I5 I6", SQLITE)
    yield Row("F43", "the database may not be written, or is not there", "I7", BOTH)
    # D. Time.
    yield Row("F44", "the clock jumps a day ahead", "I2", BOTH)
    yield Row("F45", "the clock jumps back, by an hour or to 1970", "I6", BOTH)
    yield Row("F46", "the hour of the evaluation is left out in spring", "I8")
    yield Row("F47", "the hour of the evaluation comes twice in autumn", "I2 I8")
    yield Row("F48", "holidays, year ends and leap days in statutory time", "I1")
    yield Row("F49", "switched off for three days", "I1 I2", BOTH)
    yield Row("F50", "the clocks of two hosts are five minutes apart", "I2 I10", POSTGRESQL)
    # E. Two at once.
    yield Row("F51", "two daemons start together, and the one that leads ends", "I2 I6", POSTGRESQL)
    yield Row("F52", "a daemon that slept past its lease, or its lead, wakes", "I2 I10", POSTGRESQL)
    yield Row("F53", "a daemon is cut off from its database after claiming", "I2 I6", POSTGRESQL)
    yield Row("F54", "an old version and a new one side by side, and after each other", "I1 I2", BOTH)
    yield Row("F55", "told to stop with sends under way", "I1 I2", BOTH)
    # F. Rules, templates and settings.
    yield Row("F56", "a rule pack that is no good, or says other than it seems", "I8")
    yield Row("F57", "a rule pack made to exhaust its reader", "I5")
    yield Row("F58", "a rule that is true of everybody", "I5")
    yield Row("F59", "a rule that raises, never ends, eats memory or ends its process", "I1 I5")
    yield Row("F60", "a delivery that breaks whatever sends it", "I5")
    yield Row("F61", "a template made to reach out or to exhaust", "I4 I5")
    yield Row("F62", "markup or a formula in a child's name", "I4")
    yield Row("F63", "a rule is edited, renamed or removed while its alerts are open", "I1 I2")
    yield Row("F64", "the settings break while it runs; a secret others can read", "I7")
    yield Row("F65", "nobody, a leaver or an outside address to be told", "I1 I4")
    # G. Case data.
    yield Row("F66", "the same event twice, the same child twice", "I2", comes_later=True)
    yield Row("F67", "events recorded late, or put right", "I10", comes_later=True)
    yield Row("F68", "a child is restricted when the message is already written", "I4", comes_later=True)
    yield Row("F69", "the feed has stopped", "I8", comes_later=True)
    yield Row("F70", "the feed is not whole", "I8", comes_later=True)
    yield Row("F71", "the feed has changed its form", "I8", comes_later=True)
    yield Row("F72", "a hundred thousand rows at once", "I1 I5", comes_later=True)
    yield Row("F73", "true, false and true again", "I2", comes_later=True)
    yield Row("F74", "a number is given to another child", "I4", comes_later=True)
    yield Row("F75", "something of the last child is left over", "I4", comes_later=True)
    # H. Web, command line, host.
    yield Row("F76", "a thousand connections that ask for nothing", "I5")
    yield Row("F77", "a request that is far too long", "I5")
    yield Row("F78", "an acknowledgement pressed twice, or by a scanner of mail", "I2")
    # I. The machine, and what watches alertd.
    yield Row("F80", "the disk of the log is full, or standard output is closed", "I1 I8")
    yield Row("F82", "the event loop is blocked, or work gets no further", "I6 I8")
    yield Row("F83", "it ends at every start", "I8")
    yield Row("F84", "personal data in logs, errors, metrics or heartbeats", "I7")


CATALOGUE: Final = {row.id: row for row in _rows()}
