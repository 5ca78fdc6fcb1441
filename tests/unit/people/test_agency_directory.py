"""Which agency is told: the child's own, else the only one; never a guess, and never without an agreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.holding import agency_links
from alertd.cases.records import CaseFile, make_record
from alertd.errors import InputError
from alertd.people.agencies import Agencies, Agency, AgencyContact, Agreement, Contact, NotKnown
from alertd.people.load_agencies import load_agencies
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY

TODAY = date(2026, 11, 26)
YESTERDAY, TOMORROW = TODAY - timedelta(1), TODAY + timedelta(1)
AGREEMENT = Agreement("DSA-1", frozenset({"reference"}))
DESK = Contact("desk", "Desk", "desk@nhs.example")


def gp(id_: str = "gp-a", **changes: object) -> Agency:
    made = Agency(id_, "gp", "Practice", agreement=AGREEMENT, secure="TLS enforced", contacts=(DESK,))
    return replace(made, **changes)  # type: ignore[arg-type]


def agencies(*found: Agency) -> Agencies:
    return Agencies({a.id: a for a in found}, "350")


EVERYWHERE = frozenset({"everywhere"})


@pytest.mark.parametrize(
    ("case", "found", "links", "told"),
    [
        ("the child's own", [gp("gp-a"), gp("gp-b")], {"gp": "gp-b"}, "gp-b"),
        ("the child's own before one for all", [gp("gp-a", covers=EVERYWHERE), gp("gp-b")], {"gp": "gp-b"}, "gp-b"),
        ("the only one for all", [gp("gp-a", covers=EVERYWHERE), gp("gp-b")], {}, "gp-a"),
        ("the only one of the authority", [gp("gp-a", covers=frozenset({"350"}))], {}, "gp-a"),
        ("another authority's", [gp("gp-a", covers=frozenset({"351"}))], {}, "linked with no GP practice"),
        ("two for all", [gp("gp-a", covers=EVERYWHERE), gp("gp-b", covers=frozenset({"350"}))], {}, "gp-a, gp-b could"),
        ("covers nobody", [gp("gp-a")], {}, "linked with no GP practice"),
        ("none of its kind", [], {}, "has no GP practice"),
        ("a link that leads nowhere", [gp("gp-a", covers=EVERYWHERE)], {"gp": "gp-z"}, "which is no agency's id"),
        ("a link that is no id", [gp("gp-a")], {"gp": "Mrs,Poe"}, "the child is linked with something else, "),
        ("links that are none", [gp("gp-a")], {"gp": "12 High St\nMrs Poe"}, "several at once: something else"),
        ("a link with two", [gp("gp-a"), gp("gp-b")], {"gp": "gp-a and gp-b"}, "several at once: gp-a and gp-b"),
        ("a link of another kind", [gp("gp-a", kind="school")], {"gp": "gp-a"}, "and it is school"),
        ("no agreement", [gp("gp-a", agreement=None)], {"gp": "gp-a"}, "no data-sharing agreement"),
        (
            "an agreement that ran out",
            [gp("gp-a", agreement=replace(AGREEMENT, until=YESTERDAY))],
            {"gp": "gp-a"},
            "ran out on 2026-11-25",
        ),
        ("its last day", [gp("gp-a", agreement=replace(AGREEMENT, until=TODAY))], {"gp": "gp-a"}, "gp-a"),
        ("no evidence of encryption", [gp("gp-a", secure="")], {"gp": "gp-a"}, "no evidence"),
        ("no contact", [gp("gp-a", contacts=())], {"gp": "gp-a"}, "no contact who can be told"),
        (
            "a fault of the child's own is not made up for by another",
            [gp("gp-a", agreement=None), gp("gp-b", covers=EVERYWHERE)],
            {"gp": "gp-a"},
            "no data-sharing agreement",
        ),
    ],
)
def test_which_agency(case: str, found: list[Agency], links: dict[str, str], told: str) -> None:
    got = agencies(*found).resolve("gp", links, TODAY)
    if told in ("gp-a", "gp-b"):
        assert isinstance(got, AgencyContact) and got.agency == told, case
    else:
        assert isinstance(got, NotKnown) and told in got.reason, case
        assert got.owner and got.fix, "somebody must do something"


def test_the_first_contact_who_is_here_is_told_and_why_is_said() -> None:
    gone = Contact("a", "Ann", "ann@nhs.example", leaves=TODAY)
    away = Contact("b", "Ben", "ben@nhs.example", away_from=YESTERDAY, away_to=TODAY)
    blank = Contact("c", "Cat", "")
    got = agencies(gp(contacts=(gone, away, blank, DESK))).resolve("gp", {"gp": "gp-a"}, TODAY)
    assert isinstance(got, AgencyContact)
    assert (got.contact, got.address) == ("desk", "desk@nhs.example")
    assert got.how == "gp-a: the child is linked with it; a has left; b is away; c has no address; contact desk"
    back = agencies(gp(contacts=(away, DESK))).resolve("gp", {"gp": "gp-a"}, TOMORROW)
    assert isinstance(back, AgencyContact) and back.contact == "b"


DAYS = st.none() | st.sampled_from([YESTERDAY, TODAY, TOMORROW])
CONTACTS = st.lists(
    st.builds(Contact, st.sampled_from("abc"), st.just("Ann"), st.sampled_from(["", "ann@nhs.example"]), st.just("en"))
    | st.builds(
        Contact, st.sampled_from("de"), st.just("Di"), st.just("di@nhs.example"), st.just("en"), DAYS, DAYS, DAYS
    ),
    max_size=3,
).map(tuple)
ANY = st.builds(
    Agency,
    st.sampled_from(["x1", "x2", "x3", "x4"]),
    st.sampled_from(["gp", "school"]),
    st.just("Somewhere"),
    st.sampled_from([frozenset(), EVERYWHERE, frozenset({"350"}), frozenset({"351"})]),
    st.none() | st.builds(Agreement, st.just("DSA"), st.just(frozenset({"reference"})), DAYS),
    st.sampled_from(["", "TLS"]),
    CONTACTS,
)


@given(found=st.lists(ANY, max_size=4, unique_by=lambda a: a.id), link=st.none() | st.sampled_from(["x1", "x2", "x9"]))
def test_only_a_reachable_contact_of_one_agency_under_an_agreement(found: list[Agency], link: str | None) -> None:
    links = {"gp": link} if link else {}
    got = agencies(*found).resolve("gp", links, TODAY)
    assert agencies(*reversed(found)).resolve("gp", links, TODAY) == got
    if isinstance(got, NotKnown):
        assert got.reason and got.owner and got.fix
        return
    told = next(a for a in found if a.id == got.agency)
    assert told.kind == "gp" and told.secure and told.agreement and told.agreement.in_force(TODAY)
    assert link in (None, told.id)
    if link is None:
        assert sum(a.kind == "gp" and bool(a.covers & {"everywhere", "350"}) for a in found) == 1
    contact = next(c for c in told.contacts if c.address and not c.absence(TODAY))
    assert got.address == contact.address
    assert got.fields == told.agreement.fields


AGENCY = """\
agencies:
  - id: gp-a
    kind: gp
    name: High Street Practice
    covers: []
    secure: TLS is enforced
    agreement: {reference: DSA-7, until: 2027-03-31, fields: [reference, plan_start]}
    contacts:
      - {id: desk, name: Desk, address: desk@nhs.example, language: cy, away_from: 2026-11-20, away_to: 2026-11-27}
"""


def load(tmp_path: Path, text: str) -> Agencies:
    path = tmp_path / "agencies.yaml"
    path.write_text(text, "utf-8")
    return load_agencies(path, allowed_domains=["nhs.example"], authority="350")


def test_the_file_is_read(tmp_path: Path) -> None:
    found = load(tmp_path, AGENCY).agencies["gp-a"]
    assert found.agreement == Agreement("DSA-7", frozenset({"reference", "plan_start"}), date(2027, 3, 31))
    assert (found.contacts[0].language, found.contacts[0].away_to) == ("cy", date(2026, 11, 27))
    assert found.where.endswith("agencies.yaml:2: agencies[1]")
    everywhere = load(tmp_path, AGENCY.replace("covers: []", "covers: everywhere")).agencies["gp-a"]
    assert everywhere.covers == EVERYWHERE


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("kind: gp", "kind: gpp", ":3: agencies[1].kind", "Did you mean gp?"),
        ("kind: gp", "kind: parents", ":3: agencies[1].kind", "told by the worker"),
        ("secure:", "secured:", ":6: agencies[1].secured", "Did you mean secure?"),
        ("id: gp-a", "id: gp a", ":2: agencies[1].id", "is no id"),
        ("plan_start]", "plan_begin]", ":7: agencies[1].agreement.fields", "Did you mean plan_"),
        ("plan_start]", "incident_form]", ":7: agencies[1].agreement.fields[2]", "may not go to gp"),
        ("desk@nhs.example", "desk@nsh.example", ":9: agencies[1].contacts[1].address", "not an allowed mail domain"),
        ("desk@nhs.example", "the desk", ":9: agencies[1].contacts[1].address", "not an e-mail address"),
        ("away_to: 2026-11-27", "away_to: 2026-11-19", ":9: agencies[1].contacts[1].away_to", "not later"),
        ("language: cy", "language: fr", ":9: agencies[1].contacts[1].language", "not one of"),
        ("covers: []", "covers: [350]", ":5: agencies[1].covers", "not text"),
        ("until: 2027-03-31", "until: soon", ":7: agencies[1].agreement.until", ""),
        ("    name: High Street Practice\n", "", ":2: agencies[1]", "`name:` is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, where: str, what: str
) -> None:
    assert old in AGENCY
    with pytest.raises(InputError) as caught:
        load(tmp_path, AGENCY.replace(old, new))
    text = str(caught.value)
    assert f"agencies.yaml{where}" in text and what in text, text


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="id 'gp-a' is there twice"):
        load(tmp_path, AGENCY + AGENCY.removeprefix("agencies:\n"))


def test_the_shipped_file_has_every_kind_of_agency_and_loads() -> None:
    path = Path(__file__).parents[3] / "config" / "agencies.yaml"
    domains = ["la350.example", "nhs.example", "gov.example", "justice.example", "schools.example", "partners.example"]
    found = load_agencies(path, allowed_domains=domains, authority="350")
    assert {a.kind for a in found.agencies.values()} == AGENCIES.keys() - FAMILY.keys()
    for agency in found.agencies.values():
        assert agency.agreement
        assert all(DISCLOSABLE[name].may_go_to(agency.kind) for name in agency.agreement.fields)


def link(key: str, agency: str | None, start: date | None, end: date | None = None, kind: str | None = "gp") -> object:
    return make_record(
        "agency_link", "C1", key, "agency_link.csv:2", {"kind": kind, "agency": agency, "start": start, "end": end}
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], {}),
        ([("gp-a", YESTERDAY)], {"gp": "gp-a"}),
        ([("gp-a", TOMORROW)], {}),
        ([("gp-a", YESTERDAY, TODAY)], {}),
        ([("gp-a", YESTERDAY, TOMORROW)], {"gp": "gp-a"}),
        ([("gp-b", YESTERDAY), ("gp-a", TODAY)], {"gp": "gp-a and gp-b"}),
        ([("gp-a", YESTERDAY), ("gp-a", None)], {"gp": "gp-a"}),
        ([("gp-b", YESTERDAY, TODAY), ("gp-a", TODAY)], {"gp": "gp-a"}),
        ([("gp-a", YESTERDAY), ("s-1", TODAY, None, "school")], {"gp": "gp-a", "school": "s-1"}),
        ([(None, YESTERDAY)], {}),
    ],
)
def test_the_agencies_a_child_is_linked_with(rows: list[tuple[object, ...]], expected: dict[str, str]) -> None:
    records = tuple(link(str(n), *row) for n, row in enumerate(rows))  # type: ignore[arg-type]
    assert agency_links(CaseFile("C1", records), TODAY) == expected  # type: ignore[arg-type]
    assert agency_links(CaseFile("C1", records[::-1]), TODAY) == expected  # type: ignore[arg-type]


MESH = Contact("mesh", "System", "X26HC001", channel="mesh")


def test_evidence_of_encryption_is_asked_for_e_mail_only() -> None:
    told = agencies(gp(secure="", contacts=(MESH,))).resolve("gp", {"gp": "gp-a"}, TODAY)
    assert isinstance(told, AgencyContact) and (told.channel, told.address) == ("mesh", "X26HC001")
    told = agencies(gp(secure="", contacts=(DESK, MESH))).resolve("gp", {"gp": "gp-a"}, TODAY)
    assert isinstance(told, AgencyContact) and told.contact == "mesh"
    assert "desk is reached by e-mail, which is not known to be encrypted" in told.how
    away = replace(MESH, away_from=TODAY)
    told = agencies(gp(secure="", contacts=(DESK, away))).resolve("gp", {"gp": "gp-a"}, TODAY)
    assert isinstance(told, NotKnown) and told.owner == "information_governance"


def test_a_contacts_channel_is_read_and_only_mail_needs_an_allowed_domain(tmp_path: Path) -> None:
    file = tmp_path / "agencies.yaml"
    text = (
        "agencies:\n  - id: gp-a\n    kind: gp\n    name: Practice\n    contacts:\n"
        "      - {id: mesh, name: System, address: X26HC001, channel: mesh}\n"
        "      - {id: desk, name: Desk, address: desk@nhs.example}\n"
    )
    file.write_text(text)
    contacts = load_agencies(file, allowed_domains=["nhs.example"]).agencies["gp-a"].contacts
    assert [one.channel for one in contacts] == ["mesh", "email"]
    for channel, fault in (("email", "address"), ("a b", "channel")):
        file.write_text(text.replace("channel: mesh", f"channel: {channel}"))
        with pytest.raises(InputError, match=f"agencies.yaml:6:.*{fault}"):
            load_agencies(file, allowed_domains=["nhs.example"])
