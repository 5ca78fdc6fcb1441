"""What may leave is a matter of types: nothing but a mail made by the disclosure reaches a template."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_type_hints

import jinja2
import pytest

import alertd
import alertd.partners
from alertd.cases.records import CaseFile, Unreadable, Window, case_file, make_record
from alertd.errors import InputError
from alertd.language import Said
from alertd.partners.acknowledging import PAGES
from alertd.partners.codes import EVENTS
from alertd.partners.disclosure import LABELS, Disclosed, Disclosure, PartnerMail, disclose, field_label, partner_mail
from alertd.partners.facts import _STATUS, EXTRACTORS, PLACES, Case, Contact, Fact, Missing, Withheld, why_veiled
from alertd.partners.render import render_partner
from alertd.routing.lint import Known
from alertd.routing.mails import Link, Page, Rendered
from alertd.routing.syntax import FILTERS, KEPT_BACK
from alertd.routing.wording import Wording, shipped
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


def mail(
    file: CaseFile = PLACED,
    id_: str = "notify.n1.emergency",
    kind: str = "gp",
    *,
    language: str = "en",
    wording: Wording | None = None,
    link: str = "https://alertd.example/acknowledge/s",
    **more: Any,
) -> PartnerMail:
    words = (wording or shipped()).language(language)
    disclosure = disclose(rule(id_), kind, EVERYTHING, case_of(file, language=words, **more).fact, words)
    return partner_mail(
        disclosure,
        rule(id_),
        kind,
        reference="K7QF-2M9X",
        sender="Example Council",
        contact="Duty desk, 01234 555 000",
        acknowledge_by=date(2026, 12, 2),
        today=TODAY,
        link=link,
        language=words,
    )


def rendered(made: PartnerMail, wording: Wording | None = None) -> Rendered:
    known = Known(references={"48213", "K7QF-2M9X"}, contacts={"ade@council.example", "01234 555 000"})
    return render_partner(made, wording or shipped(), known)


def flat(text: str) -> str:
    """Without the line breaks of a text, and without the marks of an HTML page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def of(made: PartnerMail, label: str) -> str:
    return dict(made.page.facts)[label]


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
    given = disclose(rule("notify.n1.emergency"), "gp", EVERYTHING, case_of(PLACED).fact).given[0]
    for value in (made, given, made.page):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(value, fields(value)[0].name, "something else")
    for value in (made, given):
        with pytest.raises((TypeError, ValueError)):
            replace(value, **{fields(value)[0].name: "something else"})
    assert copy.copy(given) == given
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
        imported = {
            f"{n.module}.{one.name}" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for one in n.names
        } | {one.name for n in ast.walk(tree) if isinstance(n, ast.Import) for one in n.names}
        assert "alertd.routing.mails.Page" not in imported or file.name == "disclosure.py", file.name
        assert not imported & {"alertd.routing.mails", "alertd.routing.mails.*", "alertd.routing.mails.Link"} or (
            file.name == "disclosure.py"
        ), file.name


def test_what_an_agency_is_sent_is_rendered_in_one_place_from_a_mail_of_the_disclosure() -> None:
    """No other module renders a notification, and the one that does takes the page of a mail made there."""
    places = {}
    for file in sorted(Path(alertd.__file__).parent.rglob("*.py")):
        for call in (n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)):
            if any(isinstance(a, ast.Constant) and a.value == "notification" for a in call.args[:1]) and (
                getattr(call.func, "attr", getattr(call.func, "id", "")) in ("page", "render", "render_page")
            ):
                places[file.name] = ast.unparse(call.args[1])
    assert places == {"render.py": "mail.page"}
    assert get_type_hints(render_partner)["mail"] is PartnerMail


def test_a_template_is_given_the_page_of_the_mail_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    real = jinja2.Template.render

    def spied(self: Any, *args: Any, **context: Any) -> str:
        assert not args
        given.append(context)
        return real(self, **context)

    monkeypatch.setattr(jinja2.Template, "render", spied)
    made = mail()
    rendered(made)
    (context,) = given
    assert set(context) == {"mail", "language"}
    assert context["mail"] is made.page and context["language"] is shipped().language("en")
    environment = shipped()._environment
    assert environment.globals == {} and environment.tests == {} and set(environment.filters) == set(FILTERS)
    _plain(context["mail"])


@pytest.mark.parametrize("name", ["language", "language.translations", "mail.rows", "mail.today", "mail.made_by"])
def test_no_template_of_a_notification_can_name_what_is_there_for_filters_and_checks(name: str, tmp_path: Path) -> None:
    (tmp_path / "notification.md.j2").write_text(f"{{{{ {name} }}}}")
    with pytest.raises(InputError, match="There are: "):
        Wording(tmp_path)


def _plain(value: object) -> None:
    """Nothing but text, and frozen values of text with slots: no method or attribute leads back to a record."""
    if type(value) in (str, Said):
        assert not hasattr(value, "__dict__")
        assert type(getattr(value, "lang", "")) is str
        return
    if type(value) is tuple:
        for one in value:
            _plain(one)
        return
    assert is_dataclass(value) and type(value) in (Page, Link), type(value)
    assert not hasattr(value, "__dict__")
    for field in fields(value):
        if field.name in KEPT_BACK:  # no template can name these
            assert getattr(value, field.name) in (TODAY, frozenset())
        else:
            _plain(getattr(value, field.name))
    assert {name for name in dir(value) if not name.startswith("__")} == {field.name for field in fields(value)}


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
    assert "Mary" not in rendered(made).text
    assert of(made, field_label("placement_type")) == "Not recorded"


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
    ordered = child(
        ("placement", "P0", {"start": date(2026, 1, 3), "end": date(2026, 2, 3), "type": "U4"}),
        ("placement", "P1", {"start": date(2026, 2, 3), "end": TODAY, "type": "A5"}),
    )
    back = child(
        ("placement", "P0", {"start": date(2026, 1, 3), "end": date(2026, 2, 3), "type": "A5"}),
        ("placement", "P1", {"start": date(2026, 2, 3), "type": "U4"}),
    )
    assert why_veiled(back, TODAY, "") == ""
    for file, restricted in ((adopted, ""), (planned, ""), (ordered, ""), (PLACED, "the child is restricted")):
        veiled = why_veiled(file, TODAY, restricted)
        assert veiled
        case = case_of(file, veiled=veiled)
        assert all(case.fact(field) == Withheld() for field in PLACES)
        made = mail(file, veiled=veiled)
        text = rendered(made).text
        assert "foster" not in text and "adoption" not in text
        assert field_label("placement_type") in made.page.lines
        assert "Not recorded" not in dict(made.page.facts).values()
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
    made = rendered(mail())
    assert made.subject == "Notification K7QF-2M9X, to acknowledge by 2 December 2026"
    for text in map(flat, (made.text, made.html)):
        for said in (
            "Example Council", "SI 2010/959 reg 13(2)", "K7QF-2M9X", "48213", "U4: foster placement with another",
            "Tuesday 3 November 2026", "Acknowledge by Wednesday 2 December 2026", "Ade", "01234 555 000",
            "or answer this mail and leave the reference in it", "Keep this to those who need it",
        ):  # fmt: skip
            assert said in text, said
    assert "https://alertd.example/acknowledge/s" in made.text
    assert 'href="https://alertd.example/acknowledge/s"' in made.html
    assert "48213" not in made.subject + made.preview


@pytest.mark.parametrize(
    ("link", "pressed"),
    [
        ("http://127.0.0.1:8400/acknowledge/a_b-c", True),
        ("http://localhost/acknowledge/a_b-c", True),
        ("http://localhost.example/acknowledge/a_b-c", False),
        ("http://council.example/acknowledge/a_b-c", False),
    ],
)
def test_without_tls_a_link_can_be_pressed_on_this_machine_alone(link: str, pressed: bool) -> None:
    made = rendered(mail(link=link))
    assert (f'<a href="{link}"' in made.html) is pressed
    assert (f"{link}\n" in made.text) is pressed and link in made.text


def test_a_mail_without_a_link_says_by_when_and_how_to_answer() -> None:
    made = rendered(mail(link=""))
    for text in map(flat, (made.text, made.html)):
        assert "Acknowledge by Wednesday 2 December 2026: answer this mail and leave the reference in it." in text
    assert "page" not in made.text and "<a " not in made.html


def test_what_is_to_be_asked_for_and_what_is_not_recorded_are_said_as_such() -> None:
    file = child(("placement", "P1", {"start": date(2026, 11, 3)}), ("care_period", "L1", {}))
    made = rendered(mail(file, "notify.n2", "host_authority"))
    for text in map(flat, (made.text.replace("ASK THE", "Ask the").replace("SOCIAL WORKER FOR", "social worker for"),)):
        assert re.search(r"Ask the social worker for - A summary of the assessment of needs", text)
        assert "These are not sent by this system." in text
    assert "The type of placement: Not recorded" in flat(rendered(mail(file)).text)
    assert "Ask" not in rendered(mail()).html


def test_a_welsh_mail_is_welsh_throughout() -> None:
    for link in ("https://alertd.example/acknowledge/s", ""):
        sent = mail(child(("placement", "P1", {"start": date(2026, 11, 3)})), language="cy", link=link).page
        texts = [sent.subject, sent.preview, *sent.opening, *sent.closing, *(label for label, _ in sent.facts)]
        texts += [one.words for one in sent.links] + [dict(sent.facts)["Y math o leoliad"]]
        assert {(text, text.lang) for text in texts if text.lang != "cy"} == set()  # type: ignore[attr-defined]
        made = rendered(mail(language="cy", link=link))
        assert made.subject == "Hysbysiad K7QF-2M9X, i'w gydnabod erbyn 2 Rhagfyr 2026"
        assert "Y diwrnod y mae'r lleoliad yn dechrau: dydd Mawrth 3 Tachwedd 2026" in flat(made.text)
        assert "Cydnabyddwch erbyn dydd Mercher 2 Rhagfyr 2026" in flat(made.text)
        for english in ("please", "Please", "cknowledge by", "What you are told", "WHAT", "November", "reference"):
            assert english not in made.text
    assert 'lang="cy"' in made.html
    assert '<span lang="en">U4: foster placement with another foster carer, long term</span>' in made.html


def test_every_field_and_sentence_for_agencies_has_welsh() -> None:
    welsh = shipped().language("cy")
    said = [*(LABELS.get(field, one.meaning) for field, one in DISCLOSABLE.items()), *(text for _, text in _STATUS)]
    said += [code.meaning for code in EVENTS.values()]
    said += ["Child protection plan", "Looked after", "Consent to a health assessment was refused or lapsed"]
    said += [text for both in PAGES.values() for text in both]
    assert [text for text in said if welsh.say(text, agency="", day="").lang == "en"] == []
    assert {field_label(field, welsh).lang for field in DISCLOSABLE} == {"cy"}


# An authority's own words.


def test_an_authoritys_own_template_answers_for_one_rule_one_kind_of_agency_and_one_language(tmp_path: Path) -> None:
    (tmp_path / "notification.notify.n1.emergency.cy.md.j2").write_text(
        "Annwyl gydweithiwr,\n\n{% for label, text in mail.facts %}\n- {{ label }} = {{ text }}\n{% endfor %}\n\n"
        "{% for link in mail.links %}[Derbyniais]({{ link.url }}){% endfor %}\n"
    )
    (tmp_path / "notification.notify.n1.emergency.gp.en.md.j2").write_text("Dear doctor\n")
    (tmp_path / "notification.icb.md.j2").write_text("Dear board\n")
    wording = Wording(tmp_path)

    def text(id_: str, kind: str, language: str) -> str:
        return rendered(mail(id_=id_, kind=kind, language=language, wording=wording), wording).text

    welsh = text("notify.n1.emergency", "gp", "cy")
    assert welsh.startswith("Annwyl gydweithiwr,\n\n- Ein cyfeirnod = K7QF-2M9X\n- O dan = SI 2010/959 reg 13(2)\n")
    assert "Derbyniais: https://alertd.example/acknowledge/s" in welsh and "Cadwch hwn" not in welsh
    assert text("notify.n1.emergency", "gp", "en") == "Dear doctor\n"
    assert text("notify.n1.emergency", "icb", "en") == "Dear board\n"
    assert "Keep this to those who need it" in flat(text("notify.n1.emergency", "school", "en"))
    assert "Cadwch hwn" in text("notify.n1", "gp", "cy")


def test_a_rule_whose_name_ends_like_a_kind_of_agency_has_its_own_template_too(tmp_path: Path) -> None:
    (tmp_path / "notification.notify.n5.school.md.j2").write_text("Dear virtual head\n")
    wording = Wording(tmp_path)
    assert rendered(mail(id_="notify.n5.school", kind="virtual_head", wording=wording), wording).text == (
        "Dear virtual head\n"
    )


def test_an_authoritys_own_welsh_stands_before_ours(tmp_path: Path) -> None:
    (tmp_path / "cy.po").write_text('msgid "Our reference"\nmsgstr "Rhif yr hysbysiad"\n')
    wording = Wording(tmp_path)
    assert "Rhif yr hysbysiad: K7QF-2M9X" in rendered(mail(language="cy", wording=wording), wording).text


def test_what_seems_personal_in_an_authoritys_own_words_holds_the_mail(tmp_path: Path) -> None:
    (tmp_path / "notification.md.j2").write_text("Write to 12 High Street, SW1A 1AA\n")
    with pytest.raises(InputError, match=r"notification\.md\.j2.*a postcode"):
        rendered(mail(), Wording(tmp_path))


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
