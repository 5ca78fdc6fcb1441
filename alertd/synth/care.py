"""One period of care: placements, legal status, episodes, reviews, visits, and leaving care."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Final

from alertd.synth.health import health, wellbeing
from alertd.synth.stories import Span, Story
from alertd.synth.world import LATE_SHARE, Child, Row, World

_ENDINGS: Final = {"E4A": 40, "E4B": 10, "E45": 12, "E46": 4, "E41": 5, "E11": 4, "E12": 8, "E8": 10, "E3": 2}
_CHANGES: Final = {"CARPL": 50, "CREQB": 18, "CREQO": 10, "CHILD": 6, "LAREQ": 6, "CLOSE": 3, "STAND": 2, "OTHER": 5}
_DAYS_PER_PLACEMENT: Final = {"settled": 900, "usual": 420, "unsettled": 90}


def looked_after(world: World, child: Child, span: Span, siblings: int) -> None:
    """Everything of one child's period of care, which ends at the eighteenth birthday at the latest."""
    entry, end = span[0], min(span[1], child.eighteen())
    if not world.known(entry):
        return
    id_ = world.key("LA")
    placements = _placements(world, child, id_, entry, end)
    legal = _legal(world, child, entry, end)
    _episodes(world, child, id_, span=(entry, end), placements=placements, legal=legal)
    _reviews(world, child, id_, entry, end)
    for placement in placements:
        _visits(world, child, id_, placement["clap_cla_placement_start_date"], _end(placement, end))
    _care_plans(world, child, entry, end)
    health(world, child, entry, min(end, world.today))
    wellbeing(world, child, entry, min(end, world.today))
    _officer(world, child, entry, end)
    if child.born and child.age(entry) < 5 and (world.today - entry).days > 200 and world.dice.chance(0.25):
        _adoption(world, child, id_, entry, end, siblings)
    if child.age(world.today) >= 16 and (min(end, world.today) - entry).days >= 91:
        _leaver(world, child, entry, end)


def _end(placement: Row, end: date) -> date:
    found = placement["clap_cla_placement_end_date"]
    return found if isinstance(found, date) else end


def _placement_type(world: World, age: int, days_in_care: int) -> tuple[str, str]:
    """(type, provider)"""
    options = {"U6": 45.0, "U3": 14.0, "U1": 6.0, "P1": 7.0, "R3": 1.0 if age == 0 else 0.0}
    if days_in_care > 365:
        options["U4"] = 30.0
    if age >= 10:
        options |= {"K2": 20.0, "R1": 1.0}
    if age >= 16:
        options["K3"] = 25.0
    type_ = world.dice.weighted(options)
    return type_, "PR0" if type_ == "P1" else world.dice.weighted({"PR1": 0.55, "PR4": 0.4, "PR5": 0.05})


def _placements(world: World, child: Child, id_: str, entry: date, end: date) -> list[Row]:
    kind = world.dice.weighted({"settled": 0.45, "usual": 0.47, "unsettled": 0.08})
    found: list[Row] = []
    start = entry
    while True:
        mean = 40 if start == entry and world.dice.chance(0.35) else _DAYS_PER_PLACEMENT[kind]
        stop = start + timedelta(world.dice.lasting(mean, 3))
        last = stop >= end
        stop = min(stop, end)
        type_, provider = _placement_type(world, child.age(start), (start - entry).days)
        ended = world.known(stop)
        found.append(
            world.add(
                "ssd_cla_placement",
                clap_cla_placement_id=world.key("PL"),
                clap_cla_id=id_,
                clap_person_id=child.id,
                clap_cla_placement_start_date=start,
                clap_cla_placement_type=type_,
                clap_cla_placement_urn=f"ZZ{world.dice.among(10_000, 99_999)}" if type_ != "P1" else None,
                clap_cla_placement_distance=round(world.dice.rng.expovariate(1 / 12), 1),
                clap_cla_placement_provider=provider,
                clap_cla_placement_postcode=f"ZZ{world.dice.among(10, 99)}{world.dice.among(1, 9)}ZZ",
                clap_cla_placement_end_date=world.past(stop),
                clap_cla_placement_change_reason=world.dice.weighted(_CHANGES) if ended and not last else None,
            )
        )
        if last or not ended:
            return found
        start = stop


def _legal(world: World, child: Child, entry: date, end: date) -> list[tuple[date, str]]:
    """Legal status by the day it began: voluntary, or emergency, interim and full orders in turn."""
    steps: list[tuple[date, str]] = []
    route = world.dice.weighted({"voluntary": 0.25, "court": 0.65, "emergency": 0.1})
    day = entry
    if route == "voluntary":
        steps.append((day, "V2"))
    else:
        if route == "emergency":
            steps.append((day, "L1"))
            day += timedelta(world.dice.among(1, 3))
        elif world.dice.chance(0.3):
            steps.append((day, "V2"))
            day += timedelta(world.dice.among(10, 120))
        steps.append((day, "C1"))
        steps.append((day + timedelta(world.dice.among(150, 320)), "C2"))
    steps = [(day, code) for day, code in steps if day < end and world.known(day)]
    for (day, code), after in zip(steps, [d for d, _ in steps[1:]] + [end], strict=True):
        _status(world, child, code, day, after)
    return steps


def _status(world: World, child: Child, code: str, start: date, end: date) -> None:
    world.add(
        "ssd_legal_status",
        lega_legal_status_id=world.key("LS"),
        lega_person_id=child.id,
        lega_legal_status=code,
        lega_legal_status_start_date=start,
        lega_legal_status_end_date=world.past(end),
    )


def _episodes(
    world: World, child: Child, id_: str, *, span: Span, placements: list[Row], legal: list[tuple[date, str]]
) -> None:
    """SSDA903-style episodes: a new one at each change of placement or legal status, ended X1."""
    entry, end = span
    moves = [p["clap_cla_placement_start_date"] for p in placements]
    orders = [day for day, _ in legal]
    days = sorted({d for d in (*moves, *orders) if isinstance(d, date)})
    aged_out = end == child.eighteen()
    ending = world.dice.weighted({"E5": 0.4, "E17": 0.5, "E7": 0.1} if aged_out else _ENDINGS)
    contact = min(end, world.today) - timedelta(world.dice.among(0, 60))
    for n, day in enumerate(days):
        stop = days[n + 1] if n + 1 < len(days) else end
        placed = [p for p, d in zip(placements, moves, strict=True) if isinstance(d, date) and d <= day][-1]
        reason = "S" if n == 0 else "B" if day in moves and day in orders else "P" if day in moves else "L"
        known = world.known(stop)
        world.add(
            "ssd_cla_episodes",
            clae_cla_episode_id=world.key("E"),
            clae_person_id=child.id,
            clae_cla_placement_id=placed["clap_cla_placement_id"],
            clae_cla_episode_start_date=day,
            clae_cla_episode_start_reason=reason,
            clae_cla_primary_need_code="N1",
            clae_cla_episode_ceased_date=world.past(stop),
            clae_cla_episode_ceased_reason=(ending if stop == end else "X1") if known else None,
            clae_cla_id=id_,
            clae_referral_id=child.referral,
            clae_cla_last_iro_contact_date=max(contact, entry),
            clae_entered_care_date=entry,
        )


def _reviews(world: World, child: Child, id_: str, entry: date, end: date) -> None:
    """20 working days, three months, then every six, each counted from the last one held; now and
    then a cancelled booking first. The next review stands booked, except where the system shows none."""
    due, gap = world.work(entry, 20), 3
    while due < end:
        held = world.held(due, 12, 21)
        if held >= end or held <= entry:
            return
        if world.known(due) and world.dice.chance(0.04):
            _review(world, child, id_, due, None, "Y")
        if not world.known(held) and world.dice.chance(0.15):
            return
        _review(world, child, id_, due, world.past(held), "N")
        if not world.known(held):
            return
        due, gap = world.months(held, gap), 6


def _review(world: World, child: Child, id_: str, due: date, held: date | None, cancelled: str) -> None:
    young = child.age(due) < 4
    world.add(
        "ssd_cla_reviews",
        clar_cla_review_id=world.key("RV"),
        clar_cla_id=id_,
        clar_cla_person_id=child.id,
        clar_cla_review_due_date=due,
        clar_cla_review_date=held,
        clar_cla_review_cancelled=cancelled,
        clar_cla_review_participation=("PN0" if young else f"PN{world.dice.among(1, 7)}") if held else None,
    )


def _visits(world: World, child: Child, id_: str, start: object, end: date) -> None:
    """Within a week of each placement, then every six weeks."""
    assert isinstance(start, date)
    late = world.dice.chance(LATE_SHARE)
    target = start + timedelta(world.dice.among(8, 14) if late else world.dice.among(1, 7))
    last = start
    while True:
        day = max(world.on_or_before(target), last)
        if day > min(end, world.today):
            return
        if world.recorded(day):
            seen = not world.dice.chance(0.02)
            world.add(
                "ssd_cla_visits",
                clav_cla_visit_id=world.key("V"),
                clav_cla_id=id_,
                clav_person_id=child.id,
                clav_cla_visit_date=day,
                clav_cla_visit_seen="Y" if seen else "N",
                clav_cla_visit_seen_alone="Y" if seen and world.dice.chance(0.7) else "N",
            )
            if not seen:  # tried again within days
                target = day + timedelta(world.dice.among(1, 6))
                last = day
                continue
        late = world.dice.chance(LATE_SHARE)
        last, target = day, day + timedelta(world.dice.among(44, 70) if late else world.dice.among(25, 42))


def _care_plans(world: World, child: Child, entry: date, end: date) -> None:
    start = world.on_or_after(entry - timedelta(world.dice.among(0, 5)))
    plan = world.dice.weighted({"RETURN6M": 0.3, "LTFOST18": 0.4, "LTRELFR": 0.15, "ADOPTION": 0.1, "SUPPLIV": 0.05})
    while world.known(start) and start < end:
        stop = min(start + timedelta(world.dice.among(160, 400)), end)
        world.add(
            "ssd_cla_care_plan",
            lacp_table_id=world.key("CP"),
            lacp_person_id=child.id,
            lacp_cla_care_plan_start_date=start,
            lacp_cla_care_plan_end_date=world.past(stop),
            lacp_cla_care_plan_json=json.dumps({plan: "Y"}),
        )
        start = stop


def _officer(world: World, child: Child, entry: date, end: date) -> None:
    start = world.work(entry, world.dice.among(1, 5))
    if world.known(start) and start < end:
        _involve(world, child, "iro", "IRO", start, end)


def _involve(world: World, child: Child, area: str, role: str, start: date, end: date) -> str:
    person = world.staff.worker(world.dice, area, world.today)
    world.add(
        "ssd_involvements",
        invo_involvements_id=world.key("I"),
        invo_professional_id=person.id,
        invo_professional_role_id=role,
        invo_professional_team=person.team,
        invo_person_id=child.id,
        invo_involvement_start_date=start,
        invo_involvement_end_date=world.past(end),
        invo_referral_id=child.referral,
    )
    return person.id


def _adoption(world: World, child: Child, id_: str, entry: date, end: date, siblings: int) -> None:
    dice = world.dice
    steps = [entry]
    for low, high in ((120, 220), (20, 80), (60, 240), (14, 45)):
        steps.append(steps[-1] + timedelta(dice.among(low, high)))
    decision, order, matched, placed = (world.past(d) if d < end else None for d in steps[1:])
    if decision:
        world.add(
            "ssd_permanence",
            perm_table_id=world.key("PM"),
            perm_person_id=child.id,
            perm_cla_id=id_,
            perm_adm_decision_date=decision,
            perm_part_of_sibling_group="1" if siblings else "0",
            perm_siblings_placed_together=siblings,
            perm_siblings_placed_apart=0,
            perm_placement_order_date=order,
            perm_matched_date=matched,
            perm_number_of_adopters=dice.among(1, 2) if matched else None,
            perm_placed_for_adoption_date=placed,
        )


def _leaver(world: World, child: Child, entry: date, end: date) -> None:
    """One row per young person: the latest pathway plan (six-monthly) and contact (every eight weeks)."""
    dice, adult = world.dice, world.known(child.eighteen())
    sixteen = child.eighteen() - timedelta(730)
    first = max(sixteen, entry) + timedelta(100)
    reviewed = world.on_or_before(
        world.today - timedelta(dice.among(190, 260) if dice.chance(LATE_SHARE) else dice.among(1, 175))
    )
    contact = world.on_or_before(
        world.today - timedelta(dice.among(57, 120) if dice.chance(LATE_SHARE) else dice.among(1, 52))
    )
    begins = max(sixteen, entry + timedelta(91))
    adviser = (
        _involve(world, child, "leaving", "PA", world.on_or_after(begins), date.max) if world.known(begins) else None
    )
    person = next((p for p in world.staff.people if p.id == adviser), None)
    world.add(
        "ssd_care_leavers",
        clea_table_id=world.key("CL"),
        clea_person_id=child.id,
        clea_care_leaver_eligibility="Former relevant" if adult else "Eligible" if world.today < end else "Relevant",
        clea_care_leaver_in_touch=dice.weighted({"YES": 0.93, "NO": 0.04, "REFU": 0.03}) if adult else None,
        clea_care_leaver_latest_contact=contact if adult else None,
        clea_care_leaver_accommodation=dice.one_of(("U1", "D1", "Z1", "B1")) if adult else None,
        clea_care_leaver_accom_suitable="1" if adult else None,
        clea_care_leaver_activity=dice.one_of(("F2", "F5", "G5", "P2")) if adult else None,
        clea_pathway_plan_review_date=max(reviewed, begins) if world.known(first) else None,
        clea_care_leaver_personal_advisor=person.name if person else None,
        clea_care_leaver_allocated_team=person.team if person else None,
        clea_care_leaver_worker_id=adviser,
    )


def short_breaks(world: World, child: Child, story: Story) -> None:
    """Short breaks under V3 or V4: not a period of care, though recorded in the same tables."""
    code, day = world.dice.one_of(("V3", "V4")), story.authorised + timedelta(world.dice.among(10, 60))
    stop = min(story.close, child.eighteen())
    if not world.known(day) or day >= stop:
        return
    _status(world, child, code, day, stop)
    id_, placement = world.key("LA"), world.key("PL")
    world.add(
        "ssd_cla_placement",
        clap_cla_placement_id=placement,
        clap_cla_id=id_,
        clap_person_id=child.id,
        clap_cla_placement_start_date=day,
        clap_cla_placement_type="U6",
        clap_cla_placement_provider="PR1",
        clap_cla_placement_end_date=world.past(stop),
    )
    world.add(
        "ssd_cla_episodes",
        clae_cla_episode_id=world.key("E"),
        clae_person_id=child.id,
        clae_cla_placement_id=placement,
        clae_cla_episode_start_date=day,
        clae_cla_episode_start_reason="S",
        clae_cla_primary_need_code="N2",
        clae_cla_episode_ceased_date=world.past(stop),
        clae_cla_episode_ceased_reason="E8" if world.known(stop) else None,
        clae_cla_id=id_,
        clae_referral_id=child.referral,
        clae_entered_care_date=day,
    )
