"""The agenda: by looking only at those of whom something may be otherwise, alertd comes to know, writes and owes the
same as by looking at everybody each time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Alert, AlertEvent, Delivery, Notice
from alertd.engine import sweep as sweeping
from alertd.engine.evaluate import Evaluator
from alertd.rulebook.model import Rulebook
from tests.support.agenda_world import both, identity
from tests.support.council import Council, Inline

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- a folder of random name is made in it
"""What is written is of a few days, and a disk that is waited for takes most of the time."""


_made: dict[str, Evaluator] = {}


class Compiled:
    """Each rulebook made ready once."""

    @staticmethod
    def of(rulebook: Rulebook) -> Evaluator:
        key = rulebook.model_dump_json()
        if key not in _made:
            if len(_made) > 300:
                _made.clear()
            _made[key] = Evaluator.of(rulebook)
        return _made[key]


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(sweeping, "Evaluator", Compiled)
    monkeypatch.setattr(Inline, "dies_on", "")


def plain(finding: dict[str, Any]) -> str:
    """Without words that name the day on which somebody looked, and what follows from it."""
    cannot = finding.get("cannot_tell")
    found = {**finding, "cannot_tell": cannot and {**cannot, "text": ""}}
    return json.dumps({**found, "changes": None} if found["stage"] == "unknown" else found, sort_keys=True)


def alerts(council: Council) -> dict[Any, Any]:
    with Session(council.house.engine) as session:
        return {
            identity(a): (
                *(a.state, a.stage, a.level, a.closed_as, a.worker, a.team, a.muted, a.timing, a.household),
                *(a.opened_at, a.changed_at, plain(a.finding)),
            )
            for a in session.scalars(select(Alert))
        }


def differing(one: dict[Any, Any], other: dict[Any, Any]) -> list[str]:
    """What is said otherwise of an alert, in words."""
    found = []
    for key in sorted({*one, *other}):
        pairs = zip(one.get(key, ("none",)), other.get(key, ("none",)), strict=False)
        found += [f"{key}: {a} and not {b}" for a, b in pairs if a != b]
    return found


def told(council: Council) -> tuple[list[Any], list[Any]]:
    """Every event, and every notice with the change it hangs on, each with the alert it is of."""
    with Session(council.house.engine) as session:
        events, notices = [], []
        for alert, e in session.execute(select(Alert, AlertEvent).join(AlertEvent, AlertEvent.alert_id == Alert.id)):
            events.append((*identity(alert), e.at, e.reason, str(e.from_stage), e.to_stage, e.level, e.late))
        wanted = select(Alert, AlertEvent, Notice).join(Notice, Notice.alert_id == Alert.id)
        for alert, e, n in session.execute(wanted.join(AlertEvent, AlertEvent.id == Notice.event_id)):
            notices.append((*identity(alert), e.at, e.reason, n.role, n.reason, n.urgent, str(n.dropped)))
        return sorted(events), sorted(notices)


def operators(council: Council) -> list[tuple[str, str]]:
    """Who was told of what, of alertd itself."""
    with Session(council.house.engine) as session:
        rows = session.execute(select(Delivery.person, Delivery.digest_for).where(Delivery.digest_for.is_not(None)))
        return sorted((person, str(about)) for person, about in rows)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # a number cannot be made smaller
)
@given(st.integers(0, 2**32 - 1))
@example(115)  # numbers are merged while first messages are held: who is nobody's case makes no share smaller
@example(171)
@example(193)  # what is held is silenced meanwhile: that of children who are not looked at too
@example(234)
@example(114)  # a rule over what is unknown, of which one has no beginning
def test_what_is_known_written_and_owed_is_the_same_as_if_everybody_were_looked_at(seed: int) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        here = both(Path(folder), seed)
        history = []
        try:
            here.tick()
            for _ in range(14):
                for what in here.r.sample(here.happens, here.r.choice((1, 1, 2))):
                    history.append(f"{what.__name__} {here.now}")
                    what(here)
                here.tick()
                assert differing(alerts(here.by_agenda), alerts(here.at_all)) == [], history[-4:]
                assert told(here.by_agenda) == told(here.at_all), history[-4:]
                assert operators(here.by_agenda) == operators(here.at_all), history[-4:]
        finally:
            for one in here.each():
                one.house.engine.dispose()


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(st.integers(0, 2**32 - 1))
def test_in_portions_the_same_alerts_come_about_and_the_same_roles_hear_of_them(seed: int) -> None:
    """What rules find that have told nobody is counted first, and told when all were looked at."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        here = both(Path(folder), seed, most=1)
        try:
            here.tick()
            for _ in range(8):
                for what in here.r.sample(here.happens, 1):
                    what(here)
                here.tick()
                assert differing(in_portions(here.by_agenda), in_portions(here.at_all)) == []
                heard = [{(*notice[:4], notice[6]) for notice in told(one)[1]} for one in here.each()]
                assert heard[0] == heard[1]
        finally:
            for one in here.each():
                one.house.engine.dispose()


def in_portions(council: Council) -> dict[Any, Any]:
    """Without when each was last changed: that it is told is a change of its own. And without the numbers of
    notifications, which are given in the order in which children come."""
    return {
        key: (*said[:-2], re.sub(r"notification R\d+", "notification", said[-1]))
        for key, said in alerts(council).items()
    }
