"""Which stories an authority has: as many of each route as its published year asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.synth.dice import Dice, Share, workday_after, workday_before
from alertd.synth.stories import Span, Story, Teller
from alertd.synth.volumes import CARE_STARTS_PER_LOOKED_AFTER, Volumes

HISTORY_DAYS: Final = 2160
"""Nothing begins more than six years back, as in the dataset's default window."""

LEAVERS_PER_OPEN_CASE: Final = 0.08
"""Care leavers of 18 and over among open cases (an assumption)."""

_SIZES: Final = {1: 0.5, 2: 0.28, 3: 0.15, 4: 0.07}


class Cohort:
    """Collects the stories of everyone with an open case at any time in the year up to ``today``."""

    def __init__(self, dice: Dice, calendar: Calendar, volumes: Volumes, today: date) -> None:
        self.dice, self.calendar, self.volumes, self.today = dice, calendar, volumes, today
        self.year = today - timedelta(365)
        self.tell = Teller(dice, calendar, volumes)
        self.stories: list[Story] = []

    def make(self) -> list[Story]:
        """All stories, in an order that tells nothing about their route."""
        v, cin = self.volumes, self.tell.cin_days / 365
        care_starts = v.looked_after * CARE_STARTS_PER_LOOKED_AFTER
        self._add(v.looked_after, care_starts, self.tell.care)
        before_care = (
            self.tell.plan_before_care * care_starts
        )  # these have a child protection plan of about 145 days first
        cp_starts = max(0.0, v["cp_plans_started"] - before_care)
        cp_stock = max(0.0, v["cp_plans_31mar"] - before_care * 145 / 365)
        self._add(cp_stock, cp_starts, self.tell.protection, v["cp_plans_ended"] - v["cp_plans_started"])
        no_plan = max(0.0, v["icpc"] - v["cp_plans_started"])
        self._add(0, no_plan, lambda span, size: self.tell.conference(span[0], size))
        other_cin = 0.65 * cp_starts + 0.25 * cp_starts + no_plan
        self._add(
            max(0.1 * v["cin_plans_31mar"], v["cin_plans_31mar"] - cin * (other_cin - 0.075 * cp_starts)),
            max(0.2 * v["cin_plans_started"], v["cin_plans_started"] - other_cin),
            self.tell.child_in_need,
        )
        self._leavers(LEAVERS_PER_OPEN_CASE * v["cin_31mar"])
        self._front_door()
        self._support(v["cin_31mar"] - self._count(lambda s: s.open_at(self.today)))
        self._more_enquiries()
        self._in_need()
        self._assessments()
        self.dice.rng.shuffle(self.stories)
        return self.stories

    def _count(self, which: Callable[[Story], bool]) -> int:
        return sum(s.size for s in self.stories if which(s))

    def _in_year(self, day: date | None) -> bool:
        return day is not None and self.year < day <= self.today

    def _sizes(self, children: float) -> list[int]:
        """Families of one to four that come to so many children."""
        sizes, left = [], round(children)
        while left:
            sizes.append(min(self.dice.weighted(_SIZES), left))
            left -= sizes[-1]
        return sizes

    def _add(self, stock: float, starts: float, make: Callable[[Span, int], Story], fall: float = 0.0) -> None:
        """Stories of a state that ``stock`` children are in on any day and ``starts`` enter in a year.

        Lengths then average stock / starts years, with the same chance of ending every day. When
        the stock is to fall over the year it begins so much higher. Those that begin in the coming
        60 days are kept when their referral has already come.
        """
        mean = 365 * stock / max(starts, stock / 6, 1)
        sizes = self._sizes(max(0.0, stock + fall))
        for size, u, left in zip(sizes, *self._spreads(sizes), strict=True):
            age = -mean * math.log(1 - u * (1 - math.exp(-(HISTORY_DAYS - 365) / mean)))
            end = self.year + timedelta(1 - mean * math.log(1 - left))
            self.stories.append(make((self.year - timedelta(age), end), size))
        sizes = self._sizes(starts * 425 / 365)
        for size, u, left in zip(sizes, *self._spreads(sizes), strict=True):
            day = self.year + timedelta(1 + 424 * u)
            story = make((day, day + timedelta(1 - mean * math.log(1 - left))), size)
            if story.referral <= self.today:
                self.stories.append(story)

    def _spreads(self, sizes: list[int]) -> tuple[list[float], list[float]]:
        return self.dice.spread(len(sizes)), self.dice.spread(len(sizes))

    def _leavers(self, count: float) -> None:
        """Care leavers of 19 to 22, looked after until their eighteenth birthday."""
        for _ in range(round(count)):
            eighteen = self.year - timedelta(self.dice.among(1, 1000))
            entry = max(self.today - timedelta(HISTORY_DAYS - 70), eighteen - timedelta(self.dice.among(200, 1800)))
            story = self.tell.care((entry, eighteen), 1)
            story.route, story.close = "leaver", self.today + timedelta(self.dice.among(30, 1500))
            self.stories.append(story)

    def _front_door(self) -> None:
        """Referrals that lead to no plan, until the year's referrals are reached; and earlier cases
        of the same children for the share that are re-referrals."""
        share = self.volumes.share("re_referrals")
        again = Share(share / (1 - 0.33 * share))  # a third of the earlier cases began this year too
        for story in list(self.stories):
            if self._in_year(story.referral) and again.take(story.size):
                self._earlier(story)
        refused = self.volumes["referral_nfa"]
        made = self._count(lambda s: self._in_year(s.referral)) + self._count(self._earlier_in_year)
        wanted = self.volumes["referrals"]
        first = self.today - timedelta(430)
        while made < wanted:
            size = min(self.dice.weighted(_SIZES), math.ceil(wanted - made))
            day = workday_after(self.calendar, first + timedelta(self.dice.among(0, 430)))
            day = min(day, workday_before(self.calendar, self.today))
            if self._in_year(day) and refused >= size:
                story = self.tell.nfa(day, size)
                refused -= size
            else:
                story = self.tell.assessed(day, size)
            if story.close <= self.year:
                continue
            self.stories.append(story)
            if self._in_year(day):
                made += size
                if again.take(size):
                    self._earlier(story)
                    made += size if self._earlier_in_year(story) else 0

    def _earlier(self, story: Story) -> None:
        referral = workday_before(self.calendar, story.referral - timedelta(self.dice.among(130, 360)))
        days = min(self.tell.assessment_days(story.size), 70)
        authorised = self.calendar.add_working_days(referral, days)
        story.earlier = (referral, authorised, self.calendar.add_working_days(authorised, self.dice.among(1, 15)))

    def _earlier_in_year(self, story: Story) -> bool:
        return story.earlier is not None and self._in_year(story.earlier[0])

    def _support(self, stock: float) -> None:
        """Open cases without a plan, to make up the published number open at the end of the year."""
        if stock <= 0:
            return
        sizes = self._sizes(stock)
        for size, u in zip(sizes, self.dice.spread(len(sizes)), strict=True):
            day = self.today - timedelta(60 + 1700 * u)
            self.stories.append(self.tell.support(day, self.today + timedelta(self.dice.among(10, 900)), size))

    def _more_enquiries(self) -> None:
        """Section 47 enquiries that lead to no conference, until the year's number is reached."""
        left = self.volumes["s47"] - self._count(lambda s: self._in_year(s.s47))
        fit = [s for s in self.stories if s.s47 is None and s.route in ("assessed", "child in need", "support")]
        self.dice.rng.shuffle(fit)
        for story in fit:
            if left >= story.size and self._in_year(story.referral):
                day = self.calendar.add_working_days(story.referral, self.dice.among(0, 4))
                if day <= self.today:
                    story.s47, left = day, left - story.size

    def _in_need(self) -> None:
        """Assessed families are found not in need until children in need come to the number asked for."""
        over = self._count(lambda s: s.in_need and s.close > self.year) - self.volumes.children
        for story in self.stories:
            if story.route == "assessed" and story.authorised <= self.today and over >= story.size:
                story.in_need, over = False, over - story.size
                story.close = self.calendar.add_working_days(story.authorised, self.dice.among(1, 5))

    def _assessments(self) -> None:
        """Further assessments of open cases until the year's number is reached, or, where the
        published number is the smaller, closed cases without one."""
        done = self._count(lambda s: s.assessed and self._in_year(s.authorised))
        done += self._count(lambda s: s.earlier is not None and self._in_year(s.earlier[1]))
        left = round(self.volumes["assessments_completed"]) - done
        for story in self.stories:
            if left < 0 and story.route == "assessed" and not story.in_need and self._in_year(story.authorised):
                story.assessed, left = False, left + story.size
        fit = [s for s in self.stories if s.route in ("support", "child in need", "care", "protection")]
        self.dice.rng.shuffle(fit)
        for story in fit * 3:
            start = workday_after(self.calendar, self.year + timedelta(self.dice.among(-40, 360)))
            latest = self.calendar.add_working_days(start, 110)
            free = all(latest < a or b < start for a, b in story.again)
            fits = story.authorised < start and latest < min(story.close, self.today)
            if left >= story.size and fits and free:
                end = self.calendar.add_working_days(start, self.tell.assessment_days(story.size))
                story.again.append((start, end))
                left -= story.size if self._in_year(end) else 0
