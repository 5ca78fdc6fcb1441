"""What is personal is found however it is written, and what is not is let through."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alertd.errors import InputError
from alertd.routing.lint import KINDS, Known, check, nhs_number, personal

TODAY = date(2026, 11, 26)
NOTHING = Known()


def kinds(text: str, part: str = "text", known: Known = NOTHING) -> set[str]:
    return {found.kind for found in personal({part: text}, known, TODAY)}


def with_check_digit(nine: str) -> str | None:
    rest = 11 - sum((10 - n) * int(d) for n, d in enumerate(nine)) % 11
    return None if rest == 10 else nine + str(0 if rest == 11 else rest)


nhs = (
    st.text("0123456789", min_size=9, max_size=9)
    .map(with_check_digit)
    .filter(lambda n: n is not None and len(set(n)) > 1)
)
letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
upn = st.builds(
    lambda first, digits, last: f"{first}{digits}{last}",
    st.sampled_from(letters), st.text("0123456789", min_size=11, max_size=11), st.sampled_from("0123456789" + letters),
)  # fmt: skip
nino = st.builds(
    lambda two, digits, gap, last: gap.join([two, digits[:2], digits[2:4], digits[4:], last]),
    st.sampled_from(["AB", "CE", "JR", "WX", "YZ"]), st.text("0123456789", min_size=6, max_size=6),
    st.sampled_from(["", " ", "-"]), st.sampled_from("ABCD"),
)  # fmt: skip
postcode = st.builds(
    lambda area, n, gap, end: f"{area}{n}{gap}{end}",
    st.sampled_from(["CF", "SW", "B", "LL", "EC", "M"]), st.sampled_from(["1", "10", "1A", "99"]),
    st.sampled_from(["", " ", "\u00a0"]), st.sampled_from(["1AA", "9ZY", "0BT"]),
)  # fmt: skip
around = st.sampled_from(["", "see ", "(", "for ", "\n", "ref: "]), st.sampled_from(["", ".", ")", ", and more", "\n"])


@given(number=nhs, gap=st.sampled_from(["", " ", "-", "\u00a0"]), before=around[0], after=around[1])
def test_an_nhs_number_is_found_however_it_is_spaced(number: str, gap: str, before: str, after: str) -> None:
    text = before + gap.join([number[:3], number[3:6], number[6:]]) + after
    assert "an NHS number" in kinds(text) and "an NHS number" in kinds(f"<p>{text}</p>", "html")


@given(number=st.text("0123456789", min_size=10, max_size=10))
def test_ten_digits_are_an_nhs_number_only_with_its_check_digit(number: str) -> None:
    nine = with_check_digit(number[:9])
    assert nhs_number(number) == (nine == number and len(set(number)) > 1)


@given(number=nhs, other=nhs)
def test_a_reference_that_is_known_is_no_alarm_and_another_beside_it_still_is(number: str, other: str) -> None:
    known = Known(references={number})
    assume(other not in number and number not in other)
    assert "an NHS number" not in kinds(f"ref {number} · visit, ssd_visits[{number}]", known=known)
    assert "an NHS number" in kinds(f"ref {number}, NHS {other}", known=known)


@given(
    value=st.one_of(upn, nino, postcode), before=around[0], after=around[1], part=st.sampled_from(["text", "subject"])
)
def test_other_numbers_and_postcodes_are_found(value: str, before: str, after: str, part: str) -> None:
    assert kinds(before + value + after, part)


born = st.dates(date(1930, 1, 1), TODAY)


@given(
    day=born,
    phrase=st.sampled_from(["DOB", "D.O.B.", "date of birth:", "born on", "born", "Dyddiad geni:", "ganwyd ar"]),
    form=st.sampled_from(["%d/%m/%Y", "%d.%m.%y", "%Y-%m-%d", "%d %B %Y", "%a %d %b %Y"]),
)
def test_a_date_of_birth_is_found_by_its_words(day: date, phrase: str, form: str) -> None:
    assert "a date of birth" in kinds(f"{phrase} {day.strftime(form)}")


@given(
    day=st.dates(date(1930, 1, 1), date(2023, 12, 31)), form=st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%a %d %b %Y"])
)
def test_a_subject_holds_no_old_date(day: date, form: str) -> None:
    assert "a date of some years ago" in kinds(f"Visit due {day.strftime(form)}", "subject")


@given(
    day=st.dates(date(2024, 1, 1), date(2030, 12, 31)), form=st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%a %d %b %Y"])
)
def test_a_subject_may_hold_a_near_date(day: date, form: str) -> None:
    assert kinds(f"Visit due {day.strftime(form)}", "subject") == set()


def test_a_year_of_two_figures_is_the_latest_that_it_can_be() -> None:
    assert (
        kinds("Visit due 03/05/98", "subject") == kinds("Visit due 3.5.11", "subject") == {"a date of some years ago"}
    )
    assert kinds("Visit due 03/05/27", "subject") == set()


def test_part_of_a_number_is_no_known_reference() -> None:
    assert kinds("9434765919", known=Known(references={"943", "5919"})) == {"an NHS number"}


@pytest.mark.parametrize(
    "text",
    [
        "no date of birth is recorded",
        "Newborn on a protection plan unseen: the first week after a baby is born.",
        "SI 2010/959 reg 33(1), WSI 2015/1818 reg 31, Children Act 1989 s 47, in force 2016-04-06",
        "Source: visits.csv:31, ssd_cla_visits[clav_cla_visit_id=12345678901234]",
        "dwn i'w wneud erbyn dydd Gwener · 2 ddiwrnod gwaith yn ôl · Iau 26 Tach",
        "rule cp.visit of england.child_protection, profile D20, ladder L5E, form N12",
        "20 working days from Fri 30 Oct 2020",
        "0 overdue / 10 due / 1234567 open",
    ],
)
def test_what_mails_say_is_no_alarm(text: str) -> None:
    assert kinds(text) == set()


def test_addresses_and_numbers_to_ring_are_let_through_where_they_are_known() -> None:
    text = "Ring 029 2000 0000 or write to duty@council.example."
    assert kinds(text) == {"a telephone number", "an e-mail address"}
    assert kinds(text, known=Known(contacts={"Duty@council.example", "+44 29 2000 0000"})) == set()


@given(
    canary=st.text("abcdefgh", min_size=6, max_size=12), part=st.sampled_from(["text", "html", "subject", "preview"])
)
def test_a_canary_is_found_anywhere_and_no_reference_excuses_it(canary: str, part: str) -> None:
    known = Known(canaries={canary}, references={canary})
    assert "a value that must never leave" in kinds(f"x {canary.upper()} y", part, known)


def test_names_are_for_the_body_and_not_for_the_subject() -> None:
    known = Known(names={"Ann Hughes"})
    assert kinds("the team manager, Ann Hughes, is told", known=known) == set()
    assert (
        kinds("Overdue · ann hughes", "subject", known) == kinds("Ann Hughes", "preview", known) == {"somebody's name"}
    )
    assert kinds("Annabel Hughesdon", "subject", known) == set()
    assert kinds("26 overdue · 5 May", "subject", Known(names={"26", "May", "nobody allocated"})) == set()


def test_the_hidden_parts_of_a_page_are_read_and_its_styles_are_not() -> None:
    assert kinds('<a href="https://x.example/CF10 1AA">press</a>', "html") == {"a postcode"}
    assert kinds("<style>a{color:#9434765919}</style><p>fine</p>", "html") == set()


def test_what_is_owed_to_a_reader_is_let_through_for_that_reader() -> None:
    assert kinds("Date of birth: 3 May 2018", known=Known(disclosed={"a date of birth"})) == set()


def test_a_held_message_names_the_template_the_rule_and_the_kind_and_never_the_value() -> None:
    with pytest.raises(InputError) as told:
        check({"subject": "x", "text": "943 476 5919"}, NOTHING, TODAY, template="urgent.md.j2", rule="cp.visit")
    said = str(told.value)
    assert "urgent.md.j2" in said and "cp.visit" in said and "an NHS number in the text" in said
    assert "943" not in said and told.value.fix


def test_every_kind_is_named_in_words() -> None:
    assert all(kind.startswith(("a ", "an ")) for kind in KINDS)
    assert kinds("x" * 5000 + " " + str(TODAY + timedelta(days=1))) == set()
