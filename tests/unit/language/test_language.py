"""English as it is written, Welsh as far as somebody has put it into Welsh, and never one for the other unseen."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes

import alertd
from alertd.calendars.calendar import calendar_for
from alertd.calendars.durations import UNITS
from alertd.cases.kinds import KINDS
from alertd.engine.phrases import BASES, UNTOLD
from alertd.errors import InputError
from alertd.language import ENGLISH, Said, language, read_catalogue
from alertd.people.directory import ROLES, role_words
from alertd.routing import digest
from alertd.routing.wording import CONTEXTS, STAGES, Wording, shipped
from alertd.routing.words import TOLD_AS, and_list, day_words, distance_words, the_role, told_as
from alertd.rulebook import builtin
from alertd.rulebook.load import load_rulebook

CALENDAR = calendar_for("england-and-wales")
TODAY = date(2026, 11, 26)
WELSH = shipped().language("cy")
PACKAGE = Path(alertd.__file__).parent

RULES_LACKING = 0
"""Rules on by default in Wales whose title, reason or ending has no Welsh. Lower it when Welsh is added."""


def test_days_are_written_as_they_always_were() -> None:
    for n in range(800):
        day = TODAY + timedelta(days=n)
        year = "" if day.year == TODAY.year else f" {day.year}"
        assert day_words(day, TODAY) == f"{day:%a} {day.day} {day:%b}{year}"


def test_welsh_days_and_distances() -> None:
    assert day_words(date(2026, 11, 24), TODAY, WELSH) == "Maw 24 Tach"
    assert distance_words(date(2026, 11, 24), TODAY, CALENDAR, WELSH) == "2 ddiwrnod gwaith yn ôl"
    assert distance_words(date(2026, 12, 1), TODAY, CALENDAR, WELSH) == "3 diwrnod gwaith ar ôl"
    assert distance_words(TODAY, TODAY, CALENDAR, WELSH) == "heddiw"
    assert WELSH.day(date(2026, 11, 27), "EEEE") == "dydd Gwener"


@pytest.mark.parametrize("unit", [*UNITS, "day"])
def test_every_unit_of_time_has_its_six_forms(unit: str) -> None:
    """Zero, one, two, three, six and the rest; two softens what follows it."""
    said = {n: WELSH.units(n, unit) for n in (0, 1, 2, 3, 4, 6, 11, 100)}
    assert all(text.startswith(f"{n} ") and unit not in text for n, text in said.items())
    if said[1][2] in "dm":
        assert said[2][2:] != said[1][2:] and said[3][2:] == said[1][2:]


def test_lengths_are_said_again_and_what_is_none_is_left() -> None:
    assert WELSH.length("20 working days") == "20 diwrnod gwaith"
    assert WELSH.length("2 months before") == "2 fis cyn"
    assert WELSH.length("10 working days (loosened)") == "10 diwrnod gwaith (wedi'i lacio)"
    assert WELSH.length("when it is time") == "when it is time"
    assert ENGLISH.length("2 months before") == "2 months before"


def test_what_has_no_welsh_is_english_and_knows_it() -> None:
    assert WELSH.say("Overdue").lang == "cy"
    missing = WELSH.say("No such sentence of {who}.", who="ours")
    assert (missing, missing.lang) == ("No such sentence of ours.", "en")


def test_a_sentence_kept_in_english_is_said_again_with_what_is_in_it() -> None:
    assert told_as("team manager of T1", WELSH) == "rheolwr tîm (T1)"
    assert told_as("the allocated worker: deputy of P1, who has left", WELSH) == (
        "y gweithiwr a ddyrannwyd: fel dirprwy ar ran P1 (wedi gadael)"
    )
    assert WELSH.reword("missing episode since Tue 3 Nov 2026", ("{state} since {day}",)) == (
        "cyfnod ar goll ers Maw 3 Tach 2026"
    )
    odd = told_as("by a wish nobody foresaw", WELSH)
    assert (odd, odd.lang) == ("by a wish nobody foresaw", "en")
    assert told_as("team manager of T1") == "team manager of T1"


@given(text=st.text(max_size=60))
def test_rewording_never_fails_and_english_stays_as_it_is(text: str) -> None:
    assert ENGLISH.reword(text, TOLD_AS) == text
    assert isinstance(WELSH.reword(text, (*TOLD_AS, *UNTOLD, *BASES)), str)


def test_said_words_survive_copying_between_processes() -> None:
    said = Said("Yn hwyr", "cy")
    for copied in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):  # noqa: S301 -- our own bytes
        assert (copied, copied.lang) == (said, "cy")


def test_lists_need_no_word_that_changes_with_the_next() -> None:
    assert and_list(["a", "b", "c"]) == "a, b and c"
    assert and_list(["rheolwr", "pennaeth"], WELSH) == "rheolwr, pennaeth"


# What lacks Welsh.


def _said_in_code() -> Iterator[str]:
    """Every text given to ``say`` as it stands, in the code of the mails."""
    for folder in ("routing", "engine", "language", "partners"):
        for path in sorted((PACKAGE / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                name = getattr(called, "attr", getattr(called, "id", ""))
                if name == "say" and isinstance(node, ast.Call):
                    constants = [c for arg in node.args for c in ast.walk(arg) if isinstance(c, ast.Constant)]
                    yield from (
                        c.value for c in constants if isinstance(c.value, str) and c.value not in ("", ",", "the ")
                    )


def _said_in_templates() -> Iterator[str]:
    wording = shipped()
    for template in wording.templates():
        for found in wording._environment.parse(template.source).find_all(nodes.Filter):
            if found.name == "say" and isinstance(found.node, nodes.Const):
                yield found.node.value


def test_every_sentence_of_our_own_has_welsh() -> None:
    roles = [words for role in {*ROLES, "subscriber"} for words in (the_role(role), role_words(role))]
    told = [*digest._CHANGED.values(), *digest._NOW.values(), *digest._CLOSED.values()]
    forms = [
        *TOLD_AS,
        *UNTOLD,
        *BASES,
        *told,
        *STAGES.values(),
        *(text for both in digest.CAUSES.values() for text in both),
    ]
    said = {*_said_in_code(), *_said_in_templates(), *roles, *forms}
    assert len(said) > 150
    assert sorted(text for text in said if WELSH.say(text).lang == "en") == []


def test_the_kinds_of_record_that_a_mail_may_name_have_welsh() -> None:
    book = load_rulebook([builtin.england(), builtin.wales()])
    kinds = {kind for rule in book.rules if rule.stop for kind in rule.stop.kinds}
    lacking = [kind for kind in sorted(kinds) if WELSH.say(KINDS[kind].title.partition(",")[0]).lang == "en"]
    assert lacking == []


def test_rules_have_welsh_and_those_that_lack_it_do_not_grow_in_number() -> None:
    """Every rule of the Wales packs, and England's that a Welsh authority uses with them."""
    book = load_rulebook([builtin.england(), builtin.wales()])
    lacking = {
        rule.id
        for rule in book.rules
        if (rule.enabled or rule.id.startswith("wales."))
        and any(WELSH.say(text).lang == "en" for text in (rule.title, rule.why, rule.clears))
    }
    assert not [rule for rule in lacking if rule.startswith("wales.")]
    assert len(lacking) <= RULES_LACKING, sorted(lacking)


@pytest.mark.parametrize(
    "path",
    [PACKAGE / "language" / "cy.po", *sorted(builtin.rules_folder().glob("*/cy.po"))],
    ids=lambda p: p.parent.name,
)
def test_a_catalogue_says_who_must_read_it_and_holds_nothing_nobody_says(path: Path) -> None:
    assert "Needs reading by a Welsh-speaking practitioner" in path.read_text(encoding="utf-8")
    if path.parent.name in ("england", "wales"):
        packs = [builtin.england()], [builtin.england(), builtin.wales()]
        rules = [rule for pack in packs for rule in load_rulebook(pack).rules]
        known = {text for rule in rules for text in (rule.title, rule.why, rule.clears, rule.law.cite)}
        with path.open("rb") as file:
            assert [m.id for m in read_po(file) if m.id and m.id not in known] == []


# What an authority may put beside it.


def test_an_authoritys_own_words_stand_before_ours(tmp_path: Path) -> None:
    (tmp_path / "cy.po").write_text('msgid ""\nmsgstr ""\n"Language: cy\\n"\n\nmsgid "Overdue"\nmsgstr "Wedi pasio"\n')
    assert language("cy", tmp_path).say("Overdue") == "Wedi pasio"
    assert Wording(tmp_path).language("cy").say("Cleared") == WELSH.say("Cleared")


def test_a_pack_brings_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "cy.po").write_text('msgid "Our own rule"\nmsgstr "Ein rheol ein hunain"\n')
    for pack in (tmp_path, tmp_path / "ours.yaml"):
        assert Wording(None, [pack]).language("cy").say("Our own rule") == "Ein rheol ein hunain"


def test_a_fuzzy_or_empty_translation_is_none(tmp_path: Path) -> None:
    (tmp_path / "cy.po").write_text('#, fuzzy\nmsgid "Zzz"\nmsgstr "Efallai"\n\nmsgid "Yyy"\nmsgstr ""\n')
    with (tmp_path / "cy.po").open("a") as file:
        file.write('\n#, fuzzy\nmsgid "Overdue"\nmsgstr "Efallai"\n')
    own = language("cy", tmp_path)
    assert own.say("Overdue") == WELSH.say("Overdue")
    assert own.say("Zzz").lang == own.say("Yyy").lang == "en"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('msgid "One"\nmsgstr "Un"\n\nmsgid "Ref {child}"\nmsgstr "Cyf {plentyn}"\n', 4),
        ('msgid "One"\nmsgstr "Un"\nmsgstrr "x"\n', 3),
        ('msgid "Ref {child}"\nmsgstr "Cyf {child"\n', 1),
    ],
)
def test_a_fault_in_a_catalogue_is_told_with_its_line(tmp_path: Path, content: str, line: int) -> None:
    path = tmp_path / "cy.po"
    path.write_text(content)
    with pytest.raises(InputError) as told:
        read_catalogue(path)
    assert f"{path}:{line}" in str(told.value)


def test_a_language_nobody_knows_is_english() -> None:
    assert language("fr") is ENGLISH
    assert set(CONTEXTS) >= {"digest", "urgent", "notification", "operator", "subscription"}
