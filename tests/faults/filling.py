"""Many messages in an outbox at once, without anything to tell of."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime
from itertools import cycle, islice
from uuid import UUID

from sqlalchemy import create_engine, insert

from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox.channel import Letter
from alertd.outbox.mail_message import PlainMail
from tests.faults.harness import Place


def fill_outbox(place: Place, number: int, rng: random.Random) -> None:
    """Put many messages in the outbox, to people of the council."""
    with (place.authority / "people.csv").open() as file:
        here = [row for row in csv.DictReader(file) if row["email"] and not row["away_from"] and not row["leaves"]]
    staff = [(row["id"], row["name"], row["email"]) for row in here]
    engine = create_engine(place.url)
    with engine.begin() as connection:
        deliveries = _deliveries(place.at, staff, rng)
        for _ in range(number // 1000):
            some = list(islice(deliveries, 1000))
            connection.execute(insert(Delivery), some)
            moved = [{"delivery_id": one["id"], "at": place.at, "to_state": "due", "attempt": 0} for one in some]
            connection.execute(insert(DeliveryEvent), moved)
    engine.dispose()


def _deliveries(at: datetime, staff: list[tuple[str, str, str]], rng: random.Random) -> Iterator[dict[str, object]]:
    mail = PlainMail()
    for person, name, address in cycle(staff):
        id_ = str(UUID(int=rng.getrandbits(128), version=4))
        letter = Letter(
            id_, "alertd@council.example", name, address, at, "A test", "A test", "Nothing.\n", "<p>Nothing.</p>"
        )
        yield {
            "id": id_, "person": person, "address": address, "resolved_by": "test", "channel": "email",
            "urgent": rng.random() < 0.1, "message": mail.write(letter), "state": "due", "next_attempt_at": at,
            "created_at": at, "destination": mail.destination(address),
        }  # fmt: skip
