"""One chain from a need to its outcome, as it is put together."""

from __future__ import annotations

from datetime import date

from alertd.chronology.allocation import lead_on
from alertd.chronology.needs import Break, BreakKind, Stage, State, Step
from alertd.chronology.telling import Telling


class Chain:
    """The steps of one chain as they are found."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._breaks: list[Break] = []
        self._untold: list[str] = []

    def step(
        self,
        stage: Stage,
        what: str,
        telling: Telling,
        day: date | None,
        records: tuple[str, ...],
        until: date | None = None,
        *,
        ahead: bool = False,
    ) -> None:
        """What the records say."""
        who = lead_on(telling, day) if day and not ahead else ""
        self._steps.append(Step(stage, what, day, "ahead" if ahead else "recorded", who, until, records))

    def gap(self, stage: Stage, what: str, state: State) -> None:
        """What should be there and is not, or cannot be told."""
        self._steps.append(Step(stage, what, None, state))

    def break_(self, kind: BreakKind, text: str, since: date | None = None) -> None:
        """Where it breaks."""
        self._breaks.append(Break(kind, f"{text}.", since))

    def cannot_tell(self, text: str) -> None:
        """What nobody can say."""
        self._untold.append(f"{text}.")

    def has(self, stage: Stage) -> bool:
        """Whether the records hold a step of that stage."""
        return any(step.stage == stage and step.state == "recorded" for step in self._steps)

    def untold(self, stage: Stage) -> bool:
        """Whether nobody can say if there is a step of that stage."""
        return any(step.stage == stage and step.state == "cannot tell" for step in self._steps)

    @property
    def broken(self) -> frozenset[BreakKind]:
        """In which ways it is broken."""
        return frozenset(each.kind for each in self._breaks)

    def parts(self) -> tuple[tuple[Step, ...], tuple[Break, ...], tuple[str, ...]]:
        """The steps, the breaks and what cannot be told."""
        return tuple(self._steps), tuple(self._breaks), tuple(self._untold)
