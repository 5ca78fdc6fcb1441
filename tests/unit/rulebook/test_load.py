"""Loading: what a good pack becomes, and which packs and settings are refused together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook import builtin
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.strict_yaml import MAX_BYTES, read_yaml

PACK = """\
pack: local.example
edition: "one"
rules:
  - id: local.review
    title: Local review
    why: It shows what loading does.
    law: {cite: Local policy, confidence: P}
    for: care_period
    clock: {from: start, within: {setting: local.review.limit, default: 20 working days}}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "local.yaml"
    path.write_text(PACK)
    return path


def test_a_rule_knows_its_pack_its_place_and_its_cases(pack: Path) -> None:
    cases = "cases:\n  - {rule: local.review}\n  - {rule: other.rule}\n  - {rule: local.review}\n"
    pack.with_name("local.test.yaml").write_text(cases)
    (rule,) = load_rulebook([pack]).rules
    assert (rule.pack, rule.place, rule.tests) == ("local.example", f"{pack}:4", 2)
    assert rule.until.on == "happened"


def test_a_folder_is_all_its_rule_files_without_their_cases(pack: Path) -> None:
    pack.with_name("local.test.yaml").write_text("cases: []\n")
    pack.with_name("a.yaml").write_text(PACK.replace("local.review", "a.review"))
    assert [r.id for r in load_rulebook([pack.parent]).rules] == ["a.review", "local.review"]


def test_the_same_id_in_two_packs_is_refused_naming_both_places(pack: Path) -> None:
    other = Path(shutil.copy(pack, pack.with_name("other.yaml")))
    with pytest.raises(InputError) as caught:
        load_rulebook([pack, other])
    assert str(caught.value).startswith(f"{other}:4: duplicate rule id 'local.review', first at {pack}:4")


def test_one_bad_rule_refuses_the_whole_pack(pack: Path) -> None:
    good = PACK.split("rules:\n")[1]
    pack.write_text(PACK + good.replace("local.review", "local.second").replace("L1", "L99"))
    with pytest.raises(InputError, match=r"local.yaml:23: rules\[2\].escalate: there is no ladder 'L99'"):
        load_rulebook([pack])


def _stand_in(pack: Path) -> Path:
    path = pack.with_name("welsh.yaml")
    path.write_text(
        PACK.replace("- id: local.review", "- id: welsh.review\n    replaces: local.review").replace("20 w", "10 w")
    )
    return path


def test_a_rule_takes_the_place_of_the_one_it_replaces_whatever_the_order_of_the_packs(pack: Path) -> None:
    welsh = _stand_in(pack)
    for packs in ([pack, welsh], [welsh, pack]):
        book = load_rulebook(packs)
        assert [r.id for r in book.rules] == ["welsh.review"]
        assert book.replaced == {"local.review": "welsh.review"}


def test_a_rule_that_replaces_what_no_pack_has_is_refused(pack: Path) -> None:
    welsh = _stand_in(pack)
    with pytest.raises(InputError, match=r"welsh.yaml:4: welsh.review replaces 'local.review', and no pack loaded has"):
        load_rulebook([welsh])


def test_a_rule_that_replaces_one_of_a_pack_not_loaded_says_which_pack_to_load(pack: Path) -> None:
    welsh = _stand_in(pack)
    welsh.write_text(welsh.read_text().replace("replaces: local.review", "replaces: cla.review.first"))
    with pytest.raises(InputError, match=r'Load the pack that has it as well: packs = \["england", …\]\.'):
        load_rulebook([welsh])


def test_a_setting_is_the_length_of_the_rule_that_reads_it(pack: Path) -> None:
    book = load_rulebook([pack], settings={"local.review.limit": "2 weeks"})
    assert book.settings == {"local.review.limit": Duration(2, "week")}


def test_a_setting_no_rule_reads_is_refused_with_a_suggestion(pack: Path) -> None:
    with pytest.raises(InputError, match=r"setting local.review.limt: no rule .* Did you mean local.review.limit\?"):
        load_rulebook([pack], settings={"local.review.limt": "2 weeks"})


def test_a_setting_that_is_no_length_is_refused(pack: Path) -> None:
    with pytest.raises(InputError, match=r"setting local.review.limit: '2' is not a duration"):
        load_rulebook([pack], settings={"local.review.limit": "2"})


def test_a_pack_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such pack"):
        load_rulebook([tmp_path / "absent"])


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no rule file"):
        load_rulebook([tmp_path])


def test_a_file_beyond_the_size_limit_is_not_even_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="more than 1000000"):
        load_rulebook([path])


def test_the_built_in_pack_is_found_by_its_entry_point() -> None:
    assert builtin.builtin_pack("england") == builtin.england()
    assert builtin.england().is_dir()


def test_the_welsh_pack_is_found_by_its_entry_point() -> None:
    assert builtin.builtin_pack("wales") == builtin.wales()
    assert builtin.wales().is_dir()


def test_a_pack_nobody_installed_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no installed rule pack 'englnd'\. Did you mean england\?"):
        builtin.builtin_pack("englnd")


def test_inside_an_installed_wheel_the_rules_are_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alertd" / "rules" / "england").mkdir(parents=True)
    monkeypatch.setattr(builtin.alertd, "__file__", str(tmp_path / "alertd" / "__init__.py"))
    assert builtin.england() == tmp_path / "alertd" / "rules" / "england"


def test_plain_values_are_what_yaml_1_2_says(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text('a: true\nb: 12\nc: 0.5\nd: ~\ne: 2026-11-30\nf: text # not this\ng: "no"\nh: C2\ni: |\n  010\n')
    value = read_yaml(path).value
    assert isinstance(value, dict)
    words = [repr(v) for v in value.values()]
    assert words == ["True", "12", "0.5", "None", "datetime.date(2026, 11, 30)", "'text'", "'no'", "'C2'", "'010\\n'"]


def test_a_rule_that_speaks_for_one_that_is_replaced_speaks_for_the_one_in_its_place(pack: Path) -> None:
    welsh = _stand_in(pack)
    second = PACK.split("rules:\n")[1].replace("local.review", "local.second")
    pack.write_text(PACK + second + "    speaks_for: [local.review]\n")
    assert [r.speaks_for for r in load_rulebook([pack]).rules if r.speaks_for] == [("local.review",)]
    (speaker,) = (r for r in load_rulebook([pack, welsh]).rules if r.speaks_for)
    assert speaker.speaks_for == ("local.review", "welsh.review")


def test_a_rule_over_others_looks_at_what_stands_in_for_them(pack: Path) -> None:
    welsh = _stand_in(pack)
    over = (
        "  - {id: local.over, title: Over, why: It shows it., law: {cite: Local, confidence: P}, for: child,\n"
        "     others: {rules: [local.rev*]}, clears: None is overdue., escalate: L1}\n"
    )
    pack.write_text(PACK + over)
    found = load_rulebook([pack, welsh]).rule("local.over")
    assert found and found.others and found.others.rules == ("local.rev*", "welsh.review")


def test_a_rule_may_name_one_of_an_installed_pack_that_is_not_loaded(pack: Path) -> None:
    pack.write_text(PACK + "    speaks_for: [cla.review.first, cp.*]\n")
    assert load_rulebook([pack]).rules[0].speaks_for == ("cla.review.first", "cp.*")


def test_a_number_longer_than_any_that_counts_something_is_text_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(f"long: {'9' * 5000}\nmost: {'9' * 18}\n")
    assert read_yaml(path).value == {"long": "9" * 5000, "most": 10**18 - 1}
