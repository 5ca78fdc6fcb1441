"""The story of a family in dated steps: referral, assessment, enquiry, conference, plan, care, closure.

A :class:`Story` says when each step of one family's case falls, up to dates that may lie in the
future; :mod:`alertd.synth.lives` tells it as rows, and only as far as today.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from alertd.calendars.calendar import Calendar
from alertd.synth.dice import Dice, Share, workday_after, workday_before
from alertd.synth.volumes import Volumes

Route = Literal["nfa", "assessed", "child in need", "conference", "protection", "care", "leaver", "support"]
Span = tuple[date, date]


@dataclass(slots=True)
class Story:
    """One family's case. Siblings (``size`` of them) share every date in it.

    Spans run from their first day to the day they end. ``earlier`` is a closed case before this
    one (referral, authorised, closed), ``again`` further assessments (start, authorised). A case
    that is not ``assessed`` closed without an assessment.
    """

    route: Route
    size: int
    referral: date
    authorised: date
    close: date
    in_need: bool = True
    assessed: bool = True
    s47: date | None = None
    icpc: date | None = None
    cp: Span | None = None
    cin: list[Span] = field(default_factory=list)
    care: Span | None = None
    earlier: tuple[date, date, date] | None = None
    again: list[Span] = field(default_factory=list)

    def open_at(self, day: date) -> bool:
        """Whether the case is open at the end of the day."""
        return self.referral <= day < self.close


class Teller:
    """Makes stories of each route around the date that gives the route its name."""

    def __init__(self, dice: Dice, calendar: Calendar, volumes: Volumes) -> None:
        self.dice, self.calendar = dice, calendar
        self.median = min(volumes.median_assessment, 44)
        self.late_assessment = Share(volumes.share("assessments_over_45wd"))
        self.late_conference = Share(volumes.share("icpc_over_15wd"))
        open_, started = volumes["cin_plans_31mar"], volumes["cin_plans_started"]
        self.cin_days = min(240.0, max(40.0, 365 * open_ / max(started, 1)))
        """Mean length of a child-in-need plan, from plans open per plan started a year."""
        self.plan_before_care = 0.3 if volumes["cp_plans_started"] else 0.0
        """Children who come into care from a child protection plan (an assumption)."""

    def assessment_days(self, size: int) -> int:
        """Working days from referral to authorisation: the published median and late share."""
        if self.late_assessment.take(size):
            return 46 + min(self.dice.lasting(9, 0), 60)
        below = self.dice.chance(0.58)  # late ones are all above the median
        return self.dice.among(max(3, self.median - 18), self.median) if below else self.dice.among(self.median, 45)

    def _add(self, day: date, n: int) -> date:
        return self.calendar.add_working_days(day, n)

    def _soon(self, day: date, low: int, high: int) -> date:
        return workday_after(self.calendar, day + timedelta(self.dice.among(low, high)))

    def nfa(self, referral: date, size: int) -> Story:
        """A referral that ends at the front door."""
        close = self._add(referral, self.dice.among(1, 3))
        return Story("nfa", size, referral, close, close, in_need=False, assessed=False)

    def assessed(self, referral: date, size: int) -> Story:
        """A referral that is assessed and closed, at once or after brief help."""
        authorised = self._add(referral, self.assessment_days(size))
        return Story("assessed", size, referral, authorised, self._soon(authorised, 1, 40))

    def child_in_need(self, span: Span, size: int) -> Story:
        """Referral, assessment, child-in-need plan."""
        start = workday_after(self.calendar, span[0])
        end = max(workday_after(self.calendar, span[1]), self._add(start, 5))
        authorised = self._add(start, -self.dice.among(1, 9))
        referral = self._add(authorised, -self.assessment_days(size))
        return Story("child in need", size, referral, authorised, self._soon(end, 1, 14), cin=[(start, end)])

    def _enquiry(self, conference: date, size: int) -> date:
        """The day of the strategy discussion before an initial conference."""
        late = self.late_conference.take(size)
        return self._add(conference, -(15 + self.dice.lasting(4) if late else self.dice.among(8, 15)))

    def conference(self, day: date, size: int) -> Story:
        """An initial conference that decides against a child protection plan."""
        icpc = workday_after(self.calendar, day)
        story = self.child_in_need((icpc, icpc + timedelta(self.dice.lasting(self.cin_days, 10))), size)
        start = self._add(icpc, self.dice.among(1, 9))
        story.route, story.s47, story.icpc = "conference", self._enquiry(icpc, size), icpc
        story.cin = [(start, max(story.cin[0][1], self._add(start, 10)))]
        story.close = self._soon(story.cin[0][1], 1, 14)
        story.referral = self._add(story.s47, -self.dice.among(0, 3))
        story.authorised = self._add(story.referral, self.assessment_days(size))
        return story

    def protection(self, span: Span, size: int) -> Story:
        """Enquiry, conference, child protection plan; some come from and some go to a child-in-need plan."""
        start = workday_after(self.calendar, span[0])
        end = max(workday_after(self.calendar, span[1]), self._add(start, 30))
        s47 = self._enquiry(start, size)
        referral = self._add(s47, -self.dice.among(0, 3))
        story = Story("protection", size, referral, referral, self._soon(end, 1, 10), s47=s47, icpc=start)
        story.cp = (start, end)
        days = self.assessment_days(size)
        if self.dice.chance(0.25):
            began = self._add(s47, -max(10, self.dice.lasting(self.cin_days * 0.7)))
            story.cin.append((began, start))
            story.referral = self._add(began, -days - self.dice.among(1, 9))
        story.authorised = self._add(story.referral, days)
        if self.dice.chance(0.65):
            last = workday_after(self.calendar, end + timedelta(self.dice.lasting(self.cin_days, 20)))
            story.cin.append((end, last))
            story.close = self._soon(last, 1, 14)
        return story

    def care(self, span: Span, size: int) -> Story:
        """Into care: straight from an assessment, or from a child protection plan that ends that day."""
        entry = span[0]
        end = max(span[1], entry + timedelta(3))
        if self.dice.chance(self.plan_before_care):
            planned = workday_before(self.calendar, entry - timedelta(self.dice.among(40, 250)))
            story = self.protection((planned, entry), size)
            story.cin, story.cp = [], (planned, entry)
        else:
            referral = workday_before(self.calendar, entry - timedelta(self.dice.among(0, 60)))
            story = Story("care", size, referral, referral, entry)
            if self.dice.chance(0.5):
                story.s47 = referral
        story.authorised = self._add(story.referral, self.assessment_days(size))
        story.route, story.care, story.close = "care", (entry, end), max(self._soon(end, 0, 20), story.authorised)
        return story

    def support(self, referral: date, close: date, size: int) -> Story:
        """Long help without a plan of the counted kinds: mostly disabled children."""
        referral = workday_after(self.calendar, referral)
        authorised = self._add(referral, self.assessment_days(size))
        return Story("support", size, referral, authorised, max(close, self._add(authorised, 5)))
