"""Tells one family's story as rows, forward in time from the first contact, as far as today."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Final

from alertd.synth.care import looked_after, short_breaks
from alertd.synth.family import make_family
from alertd.synth.protection import conference, protection_plan, visits
from alertd.synth.stories import Story
from alertd.synth.world import Child, Holding, World

_SOURCES: Final = {
    "6": ("Police", 30),
    "3A": ("Health services", 18),
    "2A": ("Schools", 20),
    "5A": ("LA services", 14),
    "1A": ("Individual", 10),
    "4": ("Housing", 3),
    "9": ("Anonymous", 5),
}
_NEEDS: Final = {"N1": 56, "N2": 5, "N3": 5, "N4": 9, "N5": 15, "N6": 4, "N8": 6}
_FACTORS: Final = ("1A", "2B", "3B", "3C", "4B", "8B", "16A", "17A", "18B", "19B", "20")


def tell(world: World, story: Story) -> None:
    """Write every row of one story."""
    children = make_family(world, story)
    if story.earlier:
        referral, authorised, closed = story.earlier
        holding = _referral(world, children, referral, closed, "RC8")
        _assessments(world, children, holding, referral, authorised, in_need=False)
        holding.write(children, closed)
    reason = "RC9" if story.route == "nfa" else "RC7" if story.in_need else "RC8"
    area = "disability" if story.route == "support" else "assessment"
    holding = _referral(world, children, story.referral, story.close, reason, area)
    if story.route != "nfa":
        _steps(world, story, children, holding)
    holding.write(children, story.close)


def _steps(world: World, story: Story, children: list[Child], holding: Holding) -> None:
    if story.assessed:
        _assessments(world, children, holding, story.referral, story.authorised, in_need=story.in_need)
    enquiries = _enquiry(world, children, holding, story) if story.s47 else {}
    plans = sorted([*story.cin, *([story.cp] if story.cp else [])])
    for plan in plans:
        if world.known(plan[0]):
            holding.move(plan[0], "safeguarding")
        if plan == story.cp:
            conferences = conference(world, children, holding, story, enquiries)
            protection_plan(world, children, plan, conferences)
        else:
            _child_in_need_plan(world, children, holding, plan)
    if story.icpc and not story.cp:
        conference(world, children, holding, story, enquiries)
    for start, end in story.again:
        _assessments(world, children, holding, start, end, in_need=True)
    if story.care:
        holding.move(story.care[0], "care")
        for child in children:
            looked_after(world, child, story.care, siblings=len(children) - 1)
        if story.route == "leaver":
            holding.move(story.care[1], "leaving")
    elif story.route == "support" and world.dice.chance(0.3):
        for child in children:
            short_breaks(world, child, story)


def _flags(**set_: str) -> str:
    return json.dumps(set_)


def _referral(
    world: World, children: list[Child], day: date, close: date, reason: str, area: str = "assessment"
) -> Holding:
    """The contact, the referral it became, and the first worker."""
    holding = Holding(world, day, area)
    code = world.dice.weighted({c: w for c, (_, w) in _SOURCES.items()})
    need = "N2" if area == "disability" else world.dice.weighted(_NEEDS)
    nfa = reason == "RC9"
    for child in children:
        child.referral = world.key("R")
        world.add(
            "ssd_contacts",
            cont_contact_id=world.key("C"),
            cont_person_id=child.id,
            cont_contact_date=world.on_or_before(day - timedelta(world.dice.among(0, 2))),
            cont_contact_source_code=code,
            cont_contact_source_desc=_SOURCES[code][0],
            cont_contact_outcome_json=_flags(NEW_REFERRAL_FLAG="Y", NFA_FLAG="N"),
        )
        world.add(
            "ssd_cin_episodes",
            cine_referral_id=child.referral,
            cine_person_id=child.id,
            cine_referral_date=day,
            cine_cin_primary_need_code=need,
            cine_referral_source_code=code,
            cine_referral_source_desc=_SOURCES[code][0],
            cine_referral_outcome_json=_flags(SINGLE_ASSESSMENT_FLAG="N" if nfa else "Y", NFA_FLAG="Y" if nfa else "N"),
            cine_referral_nfa="Y" if nfa and world.known(close) else "N",
            cine_close_reason=reason if world.known(close) else None,
            cine_close_date=world.past(close),
            cine_referral_team=holding.worker.team,
            cine_referral_worker_id=holding.worker.id,
        )
    return holding


def _assessments(
    world: World, children: list[Child], holding: Holding, start: date, authorised: date, *, in_need: bool
) -> None:
    """One assessment for each child. Some case systems do not show an unfinished one: a few are left out."""
    done = world.known(authorised)
    if not world.known(start) or (not done and world.dice.chance(0.15)):
        return
    for child in children:
        id_ = world.key("A")
        seen = child.born is not None and (done or world.dice.chance(0.7))
        world.add(
            "ssd_cin_assessments",
            cina_assessment_id=id_,
            cina_person_id=child.id,
            cina_referral_id=child.referral,
            cina_assessment_start_date=start,
            cina_assessment_child_seen="Y" if seen else "N",
            cina_assessment_auth_date=world.past(authorised),
            cina_assessment_outcome_json=_flags(NFA_FLAG="N" if in_need else "Y") if done else None,
            cina_assessment_outcome_nfa=("N" if in_need else "Y") if done else None,
            cina_assessment_team=holding.worker.team,
            cina_assessment_worker_id=holding.worker.id,
        )
        if done:
            factors = sorted(world.dice.rng.sample(_FACTORS, world.dice.among(1, 3)))
            world.add(
                "ssd_assessment_factors",
                cinf_table_id=world.key("AF"),
                cinf_assessment_id=id_,
                cinf_assessment_factors_json=json.dumps(factors),
            )


def _enquiry(world: World, children: list[Child], holding: Holding, story: Story) -> dict[str, str]:
    """The section 47 enquiry; its key by child."""
    assert story.s47
    if not world.known(story.s47):
        return {}
    end = world.work(story.s47, world.dice.among(5, 14))
    if story.icpc:
        end = min(end, story.icpc)
    done, keys = world.known(end), {}
    for child in children:
        keys[child.id] = world.key("S")
        world.add(
            "ssd_s47_enquiry",
            s47e_s47_enquiry_id=keys[child.id],
            s47e_referral_id=child.referral,
            s47e_person_id=child.id,
            s47e_s47_start_date=story.s47,
            s47e_s47_end_date=world.past(end),
            s47e_s47_nfa=("N" if story.in_need else "Y") if done else None,
            s47e_s47_outcome_json=_flags(CP_CONFERENCE_FLAG="Y" if story.icpc else "N") if done else None,
            s47e_s47_completed_by_team=holding.worker.team if done else None,
            s47e_s47_completed_by_worker_id=holding.worker.id if done else None,
        )
    return keys


def _child_in_need_plan(world: World, children: list[Child], holding: Holding, plan: tuple[date, date]) -> None:
    start, end = plan
    if not world.known(start):
        return
    days = visits(world, start, end, interval=20)
    for child in children:
        world.add(
            "ssd_cin_plans",
            cinp_cin_plan_id=world.key("N"),
            cinp_referral_id=child.referral,
            cinp_person_id=child.id,
            cinp_cin_plan_start_date=start,
            cinp_cin_plan_end_date=world.past(end),
            cinp_cin_plan_team=holding.worker.team,
            cinp_cin_plan_worker_id=holding.worker.id,
        )
        for day, seen in days:
            seen = seen and child.born is not None  # before birth it is the mother who is visited
            if world.recorded(day):
                world.add(
                    "ssd_cin_visits",
                    cinv_cin_visit_id=world.key("V"),
                    cinv_person_id=child.id,
                    cinv_cin_visit_date=day,
                    cinv_cin_visit_seen="Y" if seen else "N",
                    cinv_cin_visit_seen_alone="Y" if seen and world.dice.chance(0.6) else "N",
                    cinv_cin_visit_bedroom="Y" if seen and world.dice.chance(0.4) else "N",
                )
