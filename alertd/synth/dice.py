"""Repeatable chance for the synthetic authority, and the nearest working day."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

from alertd.calendars.calendar import Calendar

T = TypeVar("T")


class Dice:
    """Repeatable chance: everything random in a synthetic authority comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - repeatable on purpose, keeps no secret

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self.rng.random() < p

    def among(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def one_of(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the others."""
        return options[int(self.rng.random() * len(options))]

    def weighted(self, options: Mapping[T, float]) -> T:
        """One of the options, by weight."""
        return self.rng.choices(list(options), list(options.values()))[0]

    def lasting(self, mean: float, least: float = 1) -> int:
        """A duration in days that ends with the same probability every day."""
        return max(math.ceil(least), round(self.rng.expovariate(1 / mean)))

    def spread(self, n: int) -> list[float]:
        """n numbers from 0 to 1, one from each of n equal slices, shuffled: little noise in totals."""
        points = [(i + self.rng.random()) / n for i in range(n)]
        self.rng.shuffle(points)
        return points


class Share:
    """Says yes to a stated share of what passes by, exactly, however few pass by."""

    def __init__(self, p: float) -> None:
        self.p, self.owed = p, p / 2

    def take(self, weight: int = 1) -> bool:
        """Whether this one, standing for ``weight`` children, is in the share."""
        self.owed += self.p * weight
        if self.owed < weight * 0.999:
            return False
        self.owed -= weight
        return True


def workday_after(calendar: Calendar, day: date) -> date:
    """The first working day on or after ``day``."""
    return calendar.add_working_days(day - timedelta(1), 1)


def workday_before(calendar: Calendar, day: date) -> date:
    """The last working day on or before ``day``."""
    return calendar.add_working_days(day + timedelta(1), -1)
