"""Health, wellbeing and going missing while looked after."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from alertd.calendars.clock import birthday
from alertd.synth.world import LATE_SHARE, Child, World


def health(world: World, child: Child, entry: date, until: date) -> None:
    """Initial assessment within 20 working days; reviews six-monthly under five, else yearly; dental checks yearly."""
    dice = world.dice
    if child.born is None:
        return
    late = dice.chance(LATE_SHARE)
    day = world.work(entry, dice.among(21, 40) if late else dice.among(7, 20))
    _booked(world, child, "Initial Health Assessment", day, until)
    while day <= until:
        day = world.held(world.months(day, 6 if child.age(day) < 5 else 12), 35, 40)
        _booked(world, child, "Review Health Assessment", day, until)
    if child.age(until) >= 2:
        day = world.on_or_after(max(entry, birthday(child.born, 2)) + timedelta(dice.among(30, 110)))
        _booked(world, child, "Dental Check", day, until)
        while day <= until:
            day = world.held(world.months(day, 12), 60, 60)
            _booked(world, child, "Dental Check", day, until)
    world.add(
        "ssd_cla_immunisations",
        clai_person_id=child.id,
        clai_immunisations_status="Y" if dice.chance(0.87) else "N",
        clai_immunisations_status_date=until - timedelta(dice.among(0, min(300, (until - entry).days))),
    )


def _booked(world: World, child: Child, label: str, day: date, until: date) -> None:
    """A check that is done, or planned within the next 60 days; now and then an earlier try came to nothing."""
    if day > until + timedelta(60) or (until < world.today and day > until):
        return
    if day <= until and world.dice.chance(0.05):
        status = "Refused" if child.age(day) >= 11 and world.dice.chance(0.5) else "Cancelled"
        _check(world, child, label, world.work(day, -world.dice.among(1, 4)), status)
    _check(world, child, label, day, "Completed" if day <= until else "Planned")


def _check(world: World, child: Child, label: str, day: date, status: str) -> None:
    world.add(
        "ssd_cla_health",
        clah_health_check_id=world.key("H"),
        clah_person_id=child.id,
        clah_health_check_type=label,
        clah_health_check_date=day,
        clah_health_check_status=status,
    )


def wellbeing(world: World, child: Child, entry: date, until: date) -> None:
    """Questionnaires yearly from four to sixteen, missing episodes, and the rarer rows."""
    dice = world.dice
    day = world.on_or_after(entry + timedelta(dice.among(60, 350)))
    while day <= until:
        if 4 <= child.age(day) <= 16:
            world.add(
                "ssd_sdq_scores",
                csdq_table_id=world.key("Q"),
                csdq_person_id=child.id,
                csdq_sdq_completed_date=day,
                csdq_sdq_score=min(40, max(0, round(dice.rng.gauss(14, 7)))),
            )
        day = world.held(world.months(day, 12), 40, 60)
    age = child.age(until)
    if age >= 10 and dice.chance(0.2):
        _missing(world, child, max(entry, until - timedelta(365)), until)
    if age >= 12 and dice.chance(0.05):
        world.add(
            "ssd_cla_substance_misuse",
            clas_substance_misuse_id=world.key("SM"),
            clas_person_id=child.id,
            clas_substance_misuse_date=until - timedelta(dice.among(0, (until - entry).days)),
            clas_substance_misused="Cannabis",
            clas_intervention_received=dice.one_of("YN"),
        )
    if age >= 15 and dice.chance(0.1):
        world.add(
            "ssd_immigration_status",
            immi_immigration_status_id=world.key("IM"),
            immi_person_id=child.id,
            immi_immigration_status_start_date=entry,
            immi_immigration_status="UASC",
        )


def _missing(world: World, child: Child, first: date, until: date) -> None:
    """Episodes of hours to days, with the time of day. A few young people are missing now."""
    dice, day = world.dice, first
    while True:
        day += timedelta(dice.lasting(60, 2))
        start = datetime.combine(day, time(dice.among(0, 23), dice.among(0, 59)))
        end = start + timedelta(hours=dice.among(3, 70))
        if end.date() > until and (day > until or dice.chance(0.7)):
            return
        done = end.date() <= until
        offered = dice.weighted({"Y": 0.85, "N": 0.1, "NA": 0.05}) if done else None
        world.add(
            "ssd_missing",
            miss_table_id=world.key("MI"),
            miss_person_id=child.id,
            miss_missing_episode_start_date=start,
            miss_missing_episode_type="Missing" if dice.chance(0.85) else "Away",
            miss_missing_episode_end_date=end if done else None,
            miss_missing_rhi_offered=offered,
            miss_missing_rhi_accepted=dice.one_of("YN") if offered == "Y" else None,
        )
        if not done:
            return
        day = end.date()
