"""What people say of the alerts they were told of: some claim that it is done and not recorded, a few explain it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts import handlings
from alertd.alerts.handling import Asked, Kind, Office
from alertd.bootstrap import House
from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.db.tables import Alert, Delivery, Notice
from alertd.engine.agenda import Identity

AT: Final = time(10, 0)
"""When people say so, on a working day."""

WITHIN: Final = 4
"""How many days after they were told people may say so, each as likely as the day itself."""

DONE: Final = 0.6
"""How often a caseworker claims what is done and not yet recorded."""

NOT_DONE: Final = 0.05
"""How often they claim what is not done: then nothing is recorded, and the claim lapses."""

EXPLAINED: Final = 0.05
"""How often a team manager accepts what is overdue, for two weeks. All three are assumptions."""

EXPLAINED_FOR: Final = timedelta(weeks=2)


@dataclass(slots=True)
class Talk:
    """What people say. ``done`` is the day on which each clock was truly met, whenever that was recorded."""

    seed: int
    done: Mapping[Identity, date]
    figures: Counter[str] = field(default_factory=Counter)

    def on(self, house: House, now: datetime) -> None:
        """Say what is said now of what people were told in the last days."""
        composer = house.composer_now()
        office = Office(composer.directory, composer.calendar, now)
        with Session(house.engine) as session, session.begin():
            told = session.execute(
                select(Alert, Delivery.person, Notice.role, Delivery.created_at)
                .join(Notice, Notice.alert_id == Alert.id)
                .join(Delivery, Delivery.id == Notice.composed_into)
                .where(Delivery.created_at >= begin_of(local_day(now) - timedelta(WITHIN)), Alert.state == "open")
                .where(Notice.role.in_(("worker", "team_manager")), Alert.stage.in_(("due", "overdue")))
                .order_by(Alert.id, Notice.id)
            ).all()
            for alert, person, role, when in told:
                kind = self._says(alert, role, local_day(when), local_day(now))
                if kind is not None and person in office.directory.people:
                    until = local_day(now) + EXPLAINED_FOR if kind == "accept" else None
                    asked = Asked(kind, person, "Said in the simulation", until)
                    (said,) = handlings.handle(session, [alert.id], asked, office, house.rulebook)
                    self.figures["refused" if said.refused else kind] += 1
                    if kind == "claim" and not said.refused:
                        self.figures["claims_true" if self._is_done(alert, local_day(now)) else "claims_untrue"] += 1

    def _says(self, alert: Alert, role: str, told: date, today: date) -> Kind | None:
        rng = random.Random(f"{self.seed}/{alert.child}/{alert.rule}/{alert.record}/{role}/{told}")  # noqa: S311
        if told + timedelta(rng.randint(0, WITHIN)) != today:
            return None
        if role == "worker":
            return "claim" if rng.random() < (DONE if self._is_done(alert, today) else NOT_DONE) else None
        return "accept" if alert.stage == "overdue" and rng.random() < EXPLAINED else None

    def _is_done(self, alert: Alert, today: date) -> bool:
        day = self.done.get((alert.rule, alert.child, alert.record, alert.occurrence))
        return day is not None and day <= today
