"""What alertd tells its own staff of notifications: that one waits for their yes, is held, or came back.

One message to a person at a time, whatever it is made of; none about the same state of the same notification twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.outbox.deliver import Composer, tell
from alertd.people.directory import Resolved
from alertd.rulebook.agencies import AGENCIES

_HEADINGS: Final = {
    "awaiting_approval": "These wait for your approval. alertd partners show REFERENCE says what each would say:",
    "held": "These cannot be sent as things are:",
    "wrote": "These agencies have it, and wrote more than thanks. Read their mail, in alertd's own mailbox:",
    "asked": "These agencies ask something. Read it under Partners in alertd, and answer by e-mail or telephone:",
    "bounced": "These did not reach the agency, and no second message goes by itself. Tell them another way:",
}


@dataclass(frozen=True, slots=True)
class Note:
    """That a role is told of one notification: ``awaiting_approval``, ``held``, ``bounced``, ``wrote``
    or ``asked``."""

    notification: int
    role: str
    state: str


def tell_staff(session: Session, composer: Composer, notes: Iterable[Note], now: datetime) -> int:
    """Put the messages in the outbox, in the caller's transaction; how many they are."""
    lines: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    people: dict[str, Resolved] = {}
    for note in notes:
        if note.state not in _HEADINGS:
            continue
        row = session.get_one(Notification, note.notification)
        alert = session.get_one(Alert, row.alert_id)
        held = Holding(alert.worker, alert.team)
        person = composer.directory.resolve(note.role, held, local_day(now), child=alert.child)
        people[person.person_id] = person
        line = _line(row, alert, person)
        if line not in lines[person.person_id][note.state]:
            lines[person.person_id][note.state].append(line)
    for person_id, by_state in lines.items():
        n = sum(map(len, by_state.values()))
        subject = f"{n} notification{'' if n == 1 else 's'} to other agencies for you to see to"
        said = [one for state, heading in _HEADINGS.items() if by_state[state] for one in (heading, *by_state[state])]
        tell(session, composer, people[person_id], now, subject=subject, lines=said)
    return len(lines)


def _line(row: Notification, alert: Alert, person: Resolved) -> str:
    of_child = "" if person.without_details else f", ref {alert.child}, {alert.rule}"
    return f"{row.reference}: {row.agency or AGENCIES.get(row.kind, row.kind)}{of_child}: {row.why}"
