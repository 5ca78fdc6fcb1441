"""Child protection: the initial conference, the plan, its reviews and visits."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from alertd.synth.stories import Span, Story
from alertd.synth.world import LATE_SHARE, Child, Holding, World

_CATEGORIES: Final = {"Neglect": 49, "Emotional abuse": 37, "Physical abuse": 7, "Sexual abuse": 4, "Multiple": 3}


def visits(world: World, start: date, end: date, interval: int) -> list[tuple[date, bool]]:
    """Visit days within a plan, with whether the child was seen.

    A child is seen at most ``interval`` working days apart except for the share that is late; some
    seen visits follow one at which nobody was in.
    """
    days: list[tuple[date, bool]] = []
    last, limit = start, min(end, world.today)
    while True:
        late = world.dice.chance(LATE_SHARE)
        low, high = (interval + 1, interval * 17 // 10) if late else (interval * 6 // 10, interval)
        day = world.work(last, world.dice.among(low, high))
        if world.dice.chance(0.05):
            failed = world.work(day, -2)
            if last < failed <= limit:
                days.append((failed, False))
        if day > limit:
            return days
        days.append((day, True))
        last = day


def conference(
    world: World, children: list[Child], holding: Holding, story: Story, enquiries: dict[str, str]
) -> dict[str, tuple[str, str | None]]:
    """The initial conference: (its key, the key of the plan it agreed) by child.

    Nothing before the enquiry is recorded; until it is held it stands as a booking with its target.
    """
    assert story.icpc and story.s47
    if not world.known(story.s47):
        return {}
    held, meeting = world.known(story.icpc), world.key("M")
    transfer = held and story.cp is not None and world.dice.chance(0.015)
    made: dict[str, tuple[str, str | None]] = {}
    for child in children:
        plan = world.key("K") if held and story.cp else None
        made[child.id] = (world.key("IC"), plan)
        world.add(
            "ssd_initial_cp_conference",
            icpc_icpc_id=made[child.id][0],
            icpc_icpc_meeting_id=meeting,
            icpc_s47_enquiry_id=enquiries.get(child.id),
            icpc_person_id=child.id,
            icpc_cp_plan_id=plan,
            icpc_referral_id=child.referral,
            icpc_icpc_transfer_in="Y" if transfer else "N",
            icpc_icpc_target_date=world.work(story.s47, 15),
            icpc_icpc_date=world.past(story.icpc),
            icpc_icpc_outcome_cp_flag=("Y" if plan else "N") if held else None,
            icpc_icpc_outcome_json=json.dumps({"CP_FLAG": "Y" if plan else "N"}) if held else None,
            icpc_icpc_team=holding.worker.team,
            icpc_icpc_worker_id=holding.worker.id,
        )
    return made


def protection_plan(
    world: World, children: list[Child], span: Span, conferences: dict[str, tuple[str, str | None]]
) -> None:
    """The plan of each child with its reviews and visits; siblings are reviewed and visited together."""
    start, end = span
    if not world.known(start):
        return
    days, reviews = visits(world, start, end, interval=10), _reviews(world, start, end)
    category = world.dice.weighted(_CATEGORIES)
    for child in children:
        icpc, plan = conferences[child.id]
        world.add(
            "ssd_cp_plans",
            cppl_cp_plan_id=plan,
            cppl_referral_id=child.referral,
            cppl_icpc_id=icpc,
            cppl_person_id=child.id,
            cppl_cp_plan_start_date=start,
            cppl_cp_plan_end_date=world.past(end),
            cppl_cp_plan_ola="Y" if world.dice.chance(0.005) else "N",
            cppl_cp_plan_initial_category=category,
            cppl_cp_plan_latest_category=category,
        )
        for due, held, meeting in reviews:
            world.add(
                "ssd_cp_reviews",
                cppr_cp_review_id=world.key("CR"),
                cppr_person_id=child.id,
                cppr_cp_plan_id=plan,
                cppr_cp_review_due=due,
                cppr_cp_review_date=held,
                cppr_cp_review_meeting_id=meeting,
                cppr_cp_review_outcome_continue_cp=("N" if held == end else "Y") if held else None,
                cppr_cp_review_quorate=("N" if world.dice.chance(0.005) else "Y") if held else None,
            )
        for day, seen in days:
            seen = seen and child.born is not None  # before birth it is the mother who is visited
            if world.recorded(day):
                world.add(
                    "ssd_cp_visits",
                    cppv_cp_visit_id=world.key("V"),
                    cppv_person_id=child.id,
                    cppv_cp_plan_id=plan,
                    cppv_cp_visit_date=day,
                    cppv_cp_visit_seen="Y" if seen else "N",
                    cppv_cp_visit_seen_alone="Y" if seen and world.dice.chance(0.65) else "N",
                    cppv_cp_visit_bedroom="Y" if seen and world.dice.chance(0.5) else "N",
                )


def _reviews(world: World, start: date, end: date) -> list[tuple[date, date | None, str]]:
    """(due, held, meeting): three months after the conference, then every six; the last one ends the plan."""
    found: list[tuple[date, date | None, str]] = []
    due = world.months(start, 3)
    while True:
        held = world.held(due, 20, 25)
        last = held >= end
        held = min(held, end)
        found.append((due, world.past(held), world.key("M")))
        if last or not world.known(held):
            return found
        due = world.months(held, 6)
