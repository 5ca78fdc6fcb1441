"""A family: children with plausible ages for their story, their mother, and what is known of each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from alertd.synth.names import person_name
from alertd.synth.stories import Story
from alertd.synth.world import Child, World

_ETHNICITY: Final = {"WBRI": 62, "WOTH": 6, "MWBC": 4, "MWAS": 3, "MOTH": 4, "AIND": 2, "APKN": 6, "BAFR": 5, "NOBT": 3}
_ETHNICITIES: Final = {**_ETHNICITY, "BCRB": 2, "ABAN": 2, "AOTH": 2, "OOTH": 2}
_DISABILITY: Final = ("LD", "AUT", "BEH", "COMM", "MOB", "HEAR", "VIS", "CON")


def make_family(world: World, story: Story) -> list[Child]:
    """The family of a story, oldest child first, with their rows."""
    surname, number, postcode = person_name(world.dice), world.key("F"), _postcode(world)
    children = [_child(world, story, n, surname) for n in range(story.size)]
    for child in children:
        world.add("ssd_family", fami_table_id=world.key("FM"), fami_family_id=number, fami_person_id=child.id)
        world.add(
            "ssd_address",
            addr_table_id=world.key("AD"),
            addr_person_id=child.id,
            addr_address_type="Home",
            addr_address_start_date=child.born or story.referral,
            addr_address_postcode=postcode,
        )
    if world.dice.chance(0.9):
        _mother(world, children, surname)
    return children


def _postcode(world: World) -> str:
    return f"ZZ{world.dice.among(10, 99)}{world.dice.among(1, 9)}ZZ"


def _born(world: World, story: Story, n: int) -> date:
    """A birth date that keeps the child under 18 to the end of the story, or to today."""
    dice, end = world.dice, min(story.close, world.today)
    if story.route == "leaver":
        assert story.care
        return story.care[1].replace(year=story.care[1].year - 18, day=min(story.care[1].day, 28))
    first = story.earlier[0] if story.earlier else story.referral
    span = (end - first).days
    top = 6550 if story.care else 6300
    if story.care and n == 0:
        young = dice.chance(0.25)
        age = dice.among(0, 1000) if young else dice.among(1800, top)
    else:
        age = dice.among(0, top - 300 * n)
    return end - timedelta(min(top, max(age, span + dice.among(1, 200))))


def _child(world: World, story: Story, n: int, surname: str) -> Child:
    dice = world.dice
    recent = (world.today - story.referral).days < 150 and story.open_at(world.today) and not story.earlier
    unborn = recent and n == story.size - 1 and story.route != "care" and dice.chance(0.06)
    born = None if unborn else _born(world, story, n)
    expected = world.today + timedelta(dice.among(5, 120)) if unborn else None
    child = Child(str(1_000_000 + int(world.key("P")[1:])), born, expected)
    school = born is not None and child.age(world.today) >= 4
    sex = dice.one_of("MF")
    world.add(
        "ssd_person",
        pers_legacy_id=f"L{child.id}" if dice.chance(0.2) else None,
        pers_person_id=child.id,
        pers_upn=f"Z{dice.among(10**11, 10**12 - 1)}" if school else None,
        pers_forename=person_name(dice),
        pers_surname=surname,
        pers_sex="U" if unborn else sex,
        pers_gender=None if unborn else sex,
        pers_ethnicity="NOBT" if unborn else dice.weighted(_ETHNICITIES),
        pers_dob=born,
        pers_upn_unknown=None if school else "UN1",
        pers_send_flag="Y" if school and dice.chance(0.15) else "N",
        pers_expected_dob=expected,
        pers_is_mother="N",
    )
    disabled = not unborn and dice.chance(0.7 if story.route == "support" else 0.09)
    for code in dice.rng.sample(_DISABILITY, dice.among(1, 2)) if disabled else ["NONE"]:
        world.add("ssd_disability", disa_table_id=world.key("D"), disa_person_id=child.id, disa_disability_code=code)
    return child


def _mother(world: World, children: list[Child], surname: str) -> None:
    dice = world.dice
    eldest = min((c.born for c in children if c.born), default=world.today)
    id_ = str(1_000_000 + int(world.key("P")[1:]))
    world.add(
        "ssd_person",
        pers_person_id=id_,
        pers_forename=person_name(dice),
        pers_surname=surname,
        pers_sex="F",
        pers_ethnicity=dice.weighted(_ETHNICITIES),
        pers_dob=eldest - timedelta(dice.among(6300, 13_000)),
        pers_is_mother="Y",
    )
    for child in children:
        world.add(
            "ssd_mother",
            moth_table_id=world.key("MO"),
            moth_person_id=id_,
            moth_childs_person_id=child.id,
            moth_childs_dob=child.born,
        )
