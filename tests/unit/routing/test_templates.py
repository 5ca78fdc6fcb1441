"""Templates place what they are given and can do no more; whatever is put in stays text, in both forms."""

from __future__ import annotations

import re
from dataclasses import astuple, replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_samples import BOOK, CALENDAR, DIRECTORY, OVERDUE_VISIT, SENT, TODAY, item, worker_items

from alertd.errors import InputError
from alertd.language import ENGLISH, Said
from alertd.outbox.channel import Letter
from alertd.outbox.mail_message import to_bytes
from alertd.people.directory import Directory, Person
from alertd.routing.digest import compose_digest, compose_urgent
from alertd.routing.example import example_digest, example_page, example_urgent
from alertd.routing.lint import Known
from alertd.routing.mails import Link, Page, Rendered
from alertd.routing.markup import TONES, blocks, data, to_html, to_text, tone
from alertd.routing.render import render_digest, render_page, render_urgent
from alertd.routing.wording import CONTEXTS, Wording, shipped
from alertd.rulebook import builtin
from alertd.rulebook.load import load_rulebook

WELSH = shipped().language("cy")


def own(tmp_path: Path, **templates: str) -> Wording:
    """The wording of an authority with those templates, ``__`` for a dot in the name."""
    for name, source in templates.items():
        (tmp_path / f"{name.replace('__', '.')}.md.j2").write_text(source, encoding="utf-8")
    return Wording(tmp_path)


def urgent_by(wording: Wording, rule: str = "cp.visit", role: str = "", language: str = "en") -> str:
    mail = compose_urgent(item(1, OVERDUE_VISIT), today=TODAY, calendar=CALENDAR, language=wording.language(language))
    return wording.urgent(mail, language, rule=rule, role=role).text.strip()


# Which template answers.


def test_the_most_specific_template_answers_and_ours_where_there_is_none(tmp_path: Path) -> None:
    wording = own(
        tmp_path, urgent="any", urgent__cy="welsh", urgent__team_manager="manager", urgent__cp__visit="visit",
        urgent__cp__visit__team_manager__email__cy="the very one",
    )  # fmt: skip
    assert urgent_by(wording, "cla.review.first") == "any"
    assert urgent_by(wording, "cla.review.first", language="cy") == "welsh"
    assert urgent_by(wording, "cla.review.first", "team_manager", "cy") == "manager"
    assert urgent_by(wording, "cp.visit", "worker") == "visit"
    assert urgent_by(wording, "cp.visit", "team_manager") == "visit"
    assert urgent_by(wording, "cp.visit", "team_manager", "cy") == "the very one"
    assert wording.digest(compose_digest(worker_items(), today=TODAY, calendar=CALENDAR, directory=DIRECTORY)).text


def test_the_version_changes_with_a_template(tmp_path: Path) -> None:
    assert own(tmp_path, urgent="a").version != own(tmp_path, urgent="b").version != shipped().version


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("urgnt", "Did you mean urgent?"),
        ("urgent.team_manger", "Did you mean team_manager?"),
        ("digest.e-mail", "Did you mean email?"),
    ],
)
def test_a_file_name_that_says_nothing_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / f"{name}.md.j2").write_text("x")
    with pytest.raises(InputError, match=re.escape(says)):
        Wording(tmp_path)


# What a template may say.


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("{{ mail.subject }}\n{{ mail.subjct }}", 2, "Did you mean subject?"),
        ("{{ mial.subject }}", 1, "Did you mean mail?"),
        ("\n\n{{ mail.line.date_of_birth }}", 3, "'date_of_birth' is personal and in no mail"),
        ("{{ child_name }}", 1, "'child_name' is personal and in no mail"),
        ("{{ mail.line.nhs_number }}", 1, "'nhs_number' is personal"),
        ("{{ mail.line.placement_address }}", 1, "There are: besides, clears,"),
        ("{{ mail.rows }}", 1, "there is no 'rows' of Urgent"),
        ("{{ mail.__class__ }}", 1, "there is no '__class__'"),
        ("{{ mail.subject.upper() }}", 1, "may not hold a call"),
        ("{{ mail['subject'] }}", 1, "a look-up by key"),
        ("{% set x = 1 %}", 1, "an assignment"),
        ("{% import 'x' as y %}", 1, "an import"),
        ("{% include 'x' %}", 1, "another template"),
        ("{% extends 'x' %}", 1, "another template"),
        ("{% macro m() %}{% endmacro %}", 1, "a macro"),
        ("{{ mail.subject | upper }}", 1, "may not hold the filter 'upper'"),
        ("{{ mail.subject | attr('x') }}", 1, "may not hold the filter 'attr'"),
        ("{% for x in mail.line.besides %}{{ x.y }}{% endfor %}", 1, "there is no 'y' of str"),
        ("{% for a, b in mail.line.besides %}{% endfor %}", 1, "several names at once"),
        ("{% for x in mail.line.besides if x %}{% endfor %}", 1, "Put an if inside"),
        ("{% if mail.subject %}\n{% elif mail.x %}{% endif %}", 2, "there is no 'x'"),
        ("{% if mail.subject %}{% else %}\n{{ mail.x }}{% endif %}", 2, "there is no 'x'"),
        ("{{ 'a' | say(**mail.line) }}", 1, "arguments that are unpacked"),
        ("{{ [1, 2] | length }}", 1, "may not hold"),
        ("{{ 10 ** 10 }}", 1, "may not hold"),
        ("{% if mail.line is defined %}{% endif %}", 1, "a test with 'is'"),
        ("{{ mail }}", 1, "a whole of several fields"),
        ("x\n{{ mail.line }}", 2, "a whole of several fields"),
        ("{{ mail.line.besides }}", 1, "a whole of several fields"),
        ("{{ mail or 'x' }}", 1, "a whole of several fields"),
        ("{{ mail.line if mail.subject else 'x' }}", 1, "a whole of several fields"),
        ("{{ 'x' ~ mail }}", 1, "a whole of several fields"),
        ("{{ mail | ended }}", 1, "a whole of several fields"),
        ("{{ '{m.rows}' | say(m=mail) }}", 1, "a whole of several fields"),
        ("{{ '{m.rows}' | say(m=mail.subject) }}", 1, "filled in so"),
        ("{{ '{m.__class__}' | say(m=mail.subject) }}", 1, "filled in so"),
        ("{{ '{m!r}' | say(m=mail.subject) }}", 1, "filled in so"),
        ("{{ '{m:>3000000}' | say(m=1) }}", 1, "filled in so"),
        ("{{ '{m:{m}}' | say(m=1) }}", 1, "filled in so"),
        ("{{ '{other}' | say(m=1) }}", 1, "filled in so"),
        ("{{ '{' | say(m=1) }}", 1, "filled in so"),
        ("{{ '{}' | say(1) }}", 1, "not written there"),
        ("{{ mail.subject | say(m=1) }}", 1, "not written there"),
        ("{{ ('a' if mail.subject else mail.line.title) | say(m=1) }}", 1, "not written there"),
        ("text\n{% if %}", 2, "is not a template"),
        ("The child 943 476 5919", 1, "may not hold an NHS number"),
        ("{{ 'a' * 10**9 }}", 1, "may not hold"),
        ("{{ '%1000000000s' % mail.subject }}", 1, "may not hold"),
        ("{{ '%1000000000s' | format(mail.subject) }}", 1, "may not hold the filter 'format'"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", 1, "may not hold a call"),
        ("{{ mail.subject.__init__.__globals__ }}", 1, "there is no '__init__'"),
        ("{% for a in range(10**9) %}{% for b in range(10**9) %}{% endfor %}{% endfor %}", 1, "may not hold a call"),
        (
            "{% for a in mail.line.besides %}\n{% for b in mail.line.besides %}{% endfor %}{% endfor %}",
            2,
            "a loop in a loop",
        ),
        ("{% for a in 'xxxxx' %}{% for b in 'xxxxx' %}{% endfor %}{% endfor %}", 1, "a loop in a loop"),
        ("{{ '{x}{x}' | say(x='{x}{x}' | say(x='{x}{x}' | say(x=mail.subject))) }}", 1, "with one name twice"),
    ],
)
@pytest.mark.fault("F61")
@pytest.mark.fault("F61")
def test_anything_else_is_refused_at_load_with_its_line(tmp_path: Path, source: str, line: int, says: str) -> None:
    with pytest.raises(InputError) as told:
        own(tmp_path, urgent=source)
    assert f"urgent.md.j2:{line}: " in str(told.value)
    assert says in str(told.value)


@pytest.mark.fault("F61")
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deep"),
        ("{% if mail.subject %}" * 2000 + "x" + "{% endif %}" * 2000, "nested too deep"),
        ("{{ mail.subject" + "|ended" * 5000 + " }}", "nested too deep"),
        ("{% if mail.subject %}" + "{% elif mail.subject %}" * 3000 + "{% endif %}", "nested too deep"),
        ("{{ " + "9" * 5000 + " }}", "nested too deep"),
        ("x" * 100_001, "is longer than 100000 characters"),
    ],
    ids=["brackets", "branches", "filters", "elifs", "a number", "length"],
)
def test_what_would_exhaust_its_reader_is_refused_at_load(tmp_path: Path, source: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as told:
        own(tmp_path, urgent=source)
    assert "urgent.md.j2" in str(told.value)


def test_no_value_turns_the_direction_of_a_line() -> None:
    assert data("C\u202e1\u2066\u200f", "en") == "C1"


def test_a_text_is_filled_in_by_plain_names_and_a_list_is_joined(tmp_path: Path) -> None:
    wording = own(
        tmp_path,
        urgent="{{ ('{who}: {n}' if mail.subject else '{n}') | say(who=mail.line.title, n=3) }}. "
        "{{ mail.line.besides | join(', ') or 'none' }} {{ mail.line.besides | length }}",
    )
    assert urgent_by(wording).startswith("Child protection visit") and ": 3. none 0" in urgent_by(wording)


def test_what_a_template_of_an_authority_says_itself_is_no_alarm(tmp_path: Path) -> None:
    wording = own(tmp_path, urgent="Ring 029 2000 0000 or write to duty@council.example: {{ mail.line.title }}")
    assert urgent_by(wording).startswith("Ring 029 2000 0000")


# What is put in stays text.

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
MARKS = st.lists(
    st.sampled_from(["**", "_", "`", "#", "## ", "\n", "\n\n", "- ", "1. ", "|", "[x](https://e.example)", "<b>",
                     "&amp;", "\\", "---", "    ", "\ue000en\ue001", "\ue003due\ue002", "a", " ", "{{ x }}", "\u2028",
                     "\x00"]),
    max_size=12,
).map("".join)  # fmt: skip


def shown(html: str) -> ElementTree.Element:
    doctype, _, rest = html.strip().partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)  # noqa: S314 -- our own page


@given(value=st.one_of(TEXT, MARKS))
@pytest.mark.fault("F62")
def test_no_data_becomes_markup(value: str) -> None:
    """The same tags whatever is put in, and every visible character of it is shown in both forms."""
    source = f"## Section\n\n#### Title {data(value, 'en')}\n\n{data(value, 'en')}x\n\n- {data(value, 'en')}y\n"
    page = shown(to_html(blocks(source), subject=value, preview="", tag="en-GB")) if value.isprintable() else None
    if page is not None:
        tags = [e.tag.rpartition("}")[2] for e in page.iter()]
        plain = shown(
            to_html(blocks("## Section\n\n#### Title a\n\nax\n\n- ay\n"), subject="a", preview="", tag="en-GB")
        )
        assert tags == [e.tag.rpartition("}")[2] for e in plain.iter()]
    seen = re.sub(r"[\s\ue000-\uf8ff\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]", "", value)
    for form in (to_text(blocks(source)), "".join(page.itertext()) if page is not None else to_text(blocks(source))):
        assert re.sub(r"\s", "", form).count(f"{seen}x") >= 1


def test_a_link_leads_only_where_a_link_may(tmp_path: Path) -> None:
    assert "<a href=" not in to_html(blocks("[press](javascript:alert)"), subject="", preview="", tag="en-GB")
    page = replace(example_page(), links=(Link("Press", "https://e.example/a_b-(c)?x=1&y=2"),))
    made = render_page("notification", page)
    assert 'href="https://e.example/a_b-(c)?x=1&amp;y=2"' in made.html
    assert "Press: https://e.example/a_b-(c)?x=1&y=2" in made.text


# How it looks to whoever cannot look.


@pytest.fixture(scope="module")
def mails() -> dict[str, Rendered]:
    """One of each, in each language."""
    book = load_rulebook([builtin.england(), builtin.wales()])
    rules = [
        rule for rule in book.rules if rule.id in ("wales.cla.visit.first", "wales.cin.review", "wales.cp.core.next")
    ]
    made = {}
    for code in ("en", "cy"):
        language = shipped().language(code)
        made[f"worker {code}"] = render_digest(example_digest(rules, book, CALENDAR, language, ""), code)
        made[f"manager {code}"] = render_digest(example_digest(rules, book, CALENDAR, language, "team_manager"), code)
        made[f"urgent {code}"] = render_urgent(example_urgent(rules[0], book, CALENDAR, language), code)
    return made


def test_a_page_says_its_language_and_marks_what_is_in_another(mails: dict[str, Rendered]) -> None:
    for name, mail in mails.items():
        page = shown(mail.html)
        assert page.get("lang") == ("cy" if name.endswith("cy") else "en-GB")
        assert ["".join(e.itertext()) for e in page.iter() if e.tag.endswith("span")] == []
    there = compose_urgent(
        replace(item(1, OVERDUE_VISIT), rule=BOOK.rules[0].model_copy(update={"title": "Something of our own"})),
        today=TODAY, calendar=CALENDAR, language=WELSH,
    )  # fmt: skip
    assert '<span lang="en">Something of our own</span>' in render_urgent(there, "cy").html


def test_headings_go_down_one_step_at_a_time_and_tables_of_layout_say_so(mails: dict[str, Rendered]) -> None:
    for mail in mails.values():
        page = shown(mail.html)
        levels = [int(e.tag[-1]) for e in page.iter() if re.search(r"\}h[1-6]$", e.tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        tables = [e for e in page.iter() if e.tag.endswith("}table")]
        headed = [t for t in tables if any(e.tag.endswith("}th") for e in t.iter())]
        assert all(
            t.get("role") == "presentation" for t in tables if t not in headed or t.find(".//{*}table") is not None
        )
        assert all(e.get("scope") for t in tables for e in t.iter() if e.tag.endswith("}th"))


def test_no_stage_is_told_by_colour_alone(mails: dict[str, Rendered]) -> None:
    for mail in mails.values():
        for words in re.findall(r'<p class="(?:overdue|due|upcoming|unknown)"[^>]*><strong>(.*?)</strong>', mail.html):
            assert re.match(
                r"(Overdue|Due today|Coming up|Cannot tell|Yn hwyr|I&#x27;w wneud|Ar y gweill|Ni ellir)", words
            )


def test_a_welsh_digest_is_welsh(mails: dict[str, Rendered]) -> None:
    for name in ("worker cy", "manager cy", "urgent cy"):
        english = re.findall(
            r"\b(the|is|are|due|overdue|visit|recorded|nothing|days?)\b", mails[name].text, re.IGNORECASE
        )
        assert english == []


def test_every_tone_is_known_and_no_other() -> None:
    assert all(tone(name) for name in TONES)
    with pytest.raises(ValueError, match="the tones are"):
        tone("loud")


def test_words_in_another_language_are_marked_and_those_in_ours_are_not() -> None:
    assert to_text(blocks(data(Said("Visit", "en"), "cy"))) == "Visit\n"
    assert data(Said("Visit", "en"), "en") == "Visit" == data("Visit", "cy")


# What is held.


def test_a_message_that_holds_something_personal_is_held_and_says_by_whom_it_is_mended() -> None:
    odd = compose_urgent(replace(item(1, OVERDUE_VISIT), handled=("seen at CF10 1AA",)), today=TODAY, calendar=CALENDAR)
    with pytest.raises(InputError, match=r"about the rule cp\.visit is held: it seems to hold a postcode") as told:
        shipped().urgent(odd, rule="cp.visit")
    assert "CF10" not in str(told.value)


def test_a_case_reference_that_looks_like_an_nhs_number_is_no_alarm() -> None:
    mail = compose_digest(
        [item(1, replace(OVERDUE_VISIT, child="9434765919", where="v[9434765919]"))],
        today=TODAY, calendar=CALENDAR, directory=DIRECTORY,
    )  # fmt: skip
    assert "9434765919" in render_digest(mail).text


def test_an_alert_overdue_for_years_can_still_be_told() -> None:
    old = compose_urgent(item(1, replace(OVERDUE_VISIT, due=date(2021, 3, 1))), today=TODAY, calendar=CALENDAR)
    assert "2021" not in old.subject and "2021" in render_urgent(old).text


def test_a_managers_name_is_in_the_body_and_never_in_the_subject() -> None:
    people = {"P1": Person("P1", "Passed Up", "a@council.example", "worker", "T1")}
    load = [(item(1, OVERDUE_VISIT).holding, "overdue")]
    mail = compose_digest(
        [item(1, OVERDUE_VISIT, role="team_manager")], today=TODAY, calendar=CALENDAR,
        directory=Directory(people, DIRECTORY.teams, DIRECTORY.duty), load=load,
    )  # fmt: skip
    with pytest.raises(InputError, match="somebody's name in the"):
        render_digest(mail)


def test_what_a_page_refers_to_is_let_through_and_its_contacts_too() -> None:
    page = Page(
        "Notice", "Notice", ("Ring 029 2000 0000 about 943 476 5919.",), TODAY, rows=frozenset({"943 476 5919"})
    )
    with pytest.raises(InputError, match="a telephone number"):
        render_page("notification", page)
    assert render_page("notification", page, known=Known(contacts={"029 2000 0000"})).text


def test_every_mail_there_is_has_a_template() -> None:
    for what in CONTEXTS:
        assert shipped().template(what).what == what
    with pytest.raises(InputError, match="no template for 'letter'"):
        shipped().template("letter")


def test_the_message_says_its_language() -> None:
    mail = render_page("operator", example_page())
    for code, header in (("en", b"Content-Language: en-GB"), ("cy", b"Content-Language: cy")):
        content = to_bytes(Letter("a", "a@e.example", "A", "b@e.example", SENT, *astuple(mail), language=code))
        assert header in content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert ENGLISH.tag == "en-GB"


def test_no_rule_that_is_shipped_raises_an_alarm_by_its_own_words() -> None:
    """Every rule in a digest of each kind and in an urgent subject, in both languages."""
    for packs in ([builtin.england()], [builtin.england(), builtin.wales()]):
        book = load_rulebook(packs)
        for code in ("en", "cy"):
            language = shipped().language(code)
            for n in range(0, len(book.rules), 6):
                role = ("worker", "team_manager")[n % 12 == 0]
                mail = example_digest(book.rules[n : n + 6], book, CALENDAR, language, role)
                assert render_digest(mail, code).text
            for rule in book.rules[::3]:
                assert render_urgent(example_urgent(rule, book, CALENDAR, language), code).subject
