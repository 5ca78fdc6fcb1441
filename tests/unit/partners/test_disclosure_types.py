"""What may leave is a matter of types: nothing but a mail made by the disclosure reaches a template."""

from __future__ import annotations

import ast
import copy
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import alertd.partners
from alertd.cases.records import CaseFile, Unreadable, Window, case_file, make_record
from alertd.partners.disclosure import Disclosed, Disclosure, PartnerMail, disclose, partner_mail
from alertd.partners.facts import EXTRACTORS, PLACES, Case, Contact, Fact, Missing, Withheld, why_veiled
from alertd.partners.render import _environment, render_partner
from alertd.partners.words import _CY, _FIELDS_CY, field_label
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule

BOOK = load_rulebook([builtin_pack("england")])
EVERYTHING = frozenset(DISCLOSABLE)
TODAY = date(2026, 11, 27)


def rule(id_: str) -> Rule:
    found = BOOK.rule(id_)
    assert found
    return found


def child(*records: tuple[str, str, dict[str, Any]]) -> CaseFile:
    made = [make_record(kind, "48213", key, f"{kind}.csv:2", raw) for kind, key, raw in records]
    return case_file("48213", made, Window(), of_kinds={})


PLACED = child(
    ("placement", "P1", {"start": date(2026, 11, 3), "type": "U4"}),
    ("care_period", "L1", {"start": date(2026, 11, 2)}),
)


def case_of(file: CaseFile, record: int = -1, **more: Any) -> Case:
    about = next(r for r in file.records if r.kind == "placement") if record == -1 else file.records[record]
    return Case(file, about, TODAY, Contact("Ade", "ade@council.example"), Contact("Duty desk"), **more)


def mail(file: CaseFile = PLACED, id_: str = "notify.n1.emergency", kind: str = "gp", **more: Any) -> PartnerMail:
    language = more.pop("language", "en")
    disclosure = disclose(rule(id_), kind, EVERYTHING, case_of(file, language=language, **more).fact, language)
    return partner_mail(
        disclosure,
        rule(id_),
        reference="K7QF-2M9X",
        sender="Example Council",
        contact="Duty desk, 01234 555 000",
        acknowledge_by=date(2026, 12, 2),
        link="https://alertd.example/acknowledge/s",
        language=language,
    )


@pytest.mark.parametrize("make", [
    lambda: Fact("anything", None),
    lambda: Fact("anything", object()),
    lambda: Disclosed("label", "text", None),
    lambda: Disclosure((), (), (), "", None),
    lambda: PartnerMail(*("x" for _ in fields(PartnerMail)), made_by=object()),  # type: ignore[arg-type]
])  # fmt: skip
def test_nobody_else_can_make_what_may_leave(make: Any) -> None:
    with pytest.raises(TypeError):
        make()


def test_what_was_made_cannot_be_changed_or_made_anew() -> None:
    made = mail()
    for value in (made, made.given[0]):
        with pytest.raises((FrozenInstanceError, TypeError)):
            value.text = "something else"  # type: ignore[misc, union-attr]
        with pytest.raises((TypeError, ValueError)):
            replace(value, **{fields(value)[0].name: "something else"})
    assert copy.copy(made.given[0]) == made.given[0]
    with pytest.raises(AttributeError):
        object.__setattr__(made, "another", "field")


def test_nothing_in_this_package_gets_round_the_types() -> None:
    """No module names another's maker, sets fields of what is frozen, or makes instances without a constructor."""
    for file in Path(alertd.partners.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text())
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {
            n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
        }
        assert not names & {"__setattr__", "__new__", "setattr", "exec", "eval", "pickle"}, file.name
        assert "_MAKER" not in names or file.name in ("facts.py", "disclosure.py"), file.name


def test_a_template_is_given_the_mail_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    environment = _environment()
    real = type(environment.get_template("partner.txt.j2")).render

    def spied(self: Any, *args: Any, **context: Any) -> str:
        assert not args
        given.append(context)
        return real(self, **context)

    monkeypatch.setattr(type(environment.get_template("partner.txt.j2")), "render", spied)
    render_partner(mail())
    assert [list(context) for context in given] == [["mail"], ["mail"]]
    assert environment.globals == {}
    _plain(given[0]["mail"])


def _plain(value: object) -> None:
    """Nothing but text, and frozen values of text with slots: no method or attribute leads back to a record."""
    if isinstance(value, str):
        return
    if isinstance(value, tuple):
        for one in value:
            _plain(one)
        return
    assert is_dataclass(value) and type(value) in (PartnerMail, Disclosed), type(value)
    assert not hasattr(value, "__dict__")
    for field in fields(value):
        _plain(getattr(value, field.name))
    own = {name for name in dir(value) if not name.startswith("__")}
    assert own == {field.name for field in fields(value)} | ({"made_by"} & own)


def test_no_address_is_among_what_may_leave() -> None:
    words = ("address", "street", "postcode", "whereabouts")
    assert not [name for name, one in DISCLOSABLE.items() if any(w in name or w in one.meaning.split() for w in words)]


def test_a_document_or_somebodys_own_words_are_asked_for_and_not_sent() -> None:
    disclosure = disclose(rule("notify.n2"), "host_authority", EVERYTHING, case_of(PLACED).fact)
    assert [label.lower() for label in disclosure.ask_for] == [
        "a summary of the assessment of needs", "why this placement was chosen", "a copy of the care plan",
    ]  # fmt: skip
    for field in ("care_plan", "needs_summary", "assessment", "chronology", "allegation", "plan_summary", "setting"):
        assert field not in EXTRACTORS


def test_an_unknown_code_is_not_said() -> None:
    file = child(("placement", "P1", {"start": date(2026, 11, 3), "type": "with aunt Mary at 12 High Street"}))
    made = mail(file)
    assert "Mary" not in render_partner(made).text
    assert made.missing == (field_label("placement_type", "en"),)


def test_a_date_that_is_not_recorded_or_in_doubt_holds_it_and_says_where() -> None:
    for raw in ({}, {"start": Unreadable("is not a date")}):
        file = child(("placement", "P1", {"type": "U4", **raw}))
        held = disclose(rule("notify.n1.emergency"), "gp", EVERYTHING, case_of(file).fact).held
        assert "The day the placement starts: start" in held and "placement.csv:2" in held and "worker" in held


def test_adoption_and_restriction_hide_the_place_at_the_source() -> None:
    adopted = child(("placement", "P1", {"start": date(2026, 11, 3), "type": "A5"}))
    planned = child(
        ("placement", "P1", {"start": date(2026, 11, 3), "type": "U4"}),
        ("agency_trigger", "T1", {"happened": date(2026, 11, 1), "type": "adoption_placement"}),
    )
    for file, restricted in ((adopted, ""), (planned, ""), (PLACED, "the child is restricted")):
        veiled = why_veiled(file, TODAY, restricted)
        assert veiled
        case = case_of(file, veiled=veiled)
        assert all(case.fact(field) == Withheld() for field in PLACES)
        made = mail(file, veiled=veiled)
        text = render_partner(made).text
        assert "foster" not in text and "adoption" not in text
        assert field_label("placement_type", "en") in made.ask_for and not made.missing
    assert why_veiled(PLACED, TODAY, "") == ""


def test_the_name_of_a_team_is_not_said_where_the_place_is_hidden() -> None:
    team = Contact("Adoption North", "adoption@council.example", team=True)
    file = PLACED
    case = Case(file, file.records[0], TODAY, team, Contact("Duty desk"), "the child is restricted")
    found = case.fact("worker_contact")
    assert isinstance(found, Fact) and found.text == "Duty desk"
    assert isinstance(Case(file, file.records[0], TODAY, None, None).fact("worker_contact"), Missing)


@pytest.mark.parametrize("kind", sorted(FAMILY))
def test_the_family_is_never_given_anything(kind: str) -> None:
    for one in BOOK.rules:
        if kind in one.tell:
            assert disclose(one, kind, EVERYTHING, case_of(PLACED).fact).given == ()


def test_a_mail_says_who_sends_why_what_by_when_and_how() -> None:
    made = render_partner(mail())
    assert made.subject == "Notification K7QF-2M9X, to acknowledge by 2 December 2026"
    for text in (made.text, made.html):
        for said in (
            "Example Council", "SI 2010/959 reg 13(2)", "K7QF-2M9X", "48213", "U4: foster placement with another",
            "Tuesday 3 November 2026", "Wednesday 2 December 2026", "Ade", "01234 555 000", "/acknowledge/s",
        ):  # fmt: skip
            assert said.lower() in text.lower().replace("\n    ", " ").replace("\n", " "), said
    assert "48213" not in made.subject + made.preview


def test_a_welsh_mail_is_welsh_throughout() -> None:
    made = render_partner(mail(language="cy"))
    assert made.subject == "Hysbysiad K7QF-2M9X, i'w gydnabod erbyn 2 Rhagfyr 2026"
    assert "Y diwrnod y mae'r lleoliad yn dechrau: Mawrth 3 Tachwedd 2026" in made.text
    for english in ("please", "Please", "acknowledge by", "What you are told", "November"):
        assert english not in made.text
    assert set(_FIELDS_CY) == set(DISCLOSABLE)
    assert all(_CY.values())


def test_a_return_has_its_time() -> None:
    returned = child(("missing", "M1", {"start": datetime(2026, 11, 20, 20, tzinfo=UTC), "type": "missing",
                                        "end": datetime(2026, 11, 21, 5, 30, tzinfo=UTC)}))  # fmt: skip
    found = Case(returned, returned.records[0], TODAY).fact("return_time")
    assert isinstance(found, Fact) and found.text == "Saturday 21 November 2026, 05:30"


def test_every_kind_of_agency_may_be_told_only_what_the_list_lets_it() -> None:
    for one in BOOK.rules:
        for kind in one.tell:
            asked: list[str] = []
            disclose(one, kind, EVERYTHING, lambda field, to=asked: to.append(field) or Missing("x"))  # type: ignore[misc]
            assert all(field in one.disclose and DISCLOSABLE[field].may_go_to(kind) for field in asked)
    assert set(AGENCIES) >= FAMILY.keys()
