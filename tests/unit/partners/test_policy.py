"""The policy file: strict, said against the rulebook, and refused where it would send what a person must see."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.partners.policy import read_policy, show, why_never_automatic, why_never_sent
from alertd.rulebook.agencies import FAMILY
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook

BOOK = load_rulebook([builtin_pack("england")])


def read(tmp_path: Path, text: str):
    file = tmp_path / "policy.yaml"
    for send in ("approve", "automatic"):
        text = text.replace(f"send: {send}", f"send: {send}, since: 2026-11-01")
    file.write_text(f"notifications:\n{text}")
    return read_policy(file, BOOK)


def test_without_a_file_nothing_is_sent() -> None:
    policy = read_policy(None, BOOK)
    assert policy.sent == frozenset()
    assert policy.of("notify.n2").send == "never"


def test_the_longest_name_that_fits_a_rule_counts(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        "  notify.n5*: {send: automatic}\n  notify.n5.s*: {send: never}\n"
        "  notify.n5: {send: approve, approved_by: team_manager}\n",
    )
    assert policy.of("notify.n5").send == "approve" and policy.of("notify.n5").approved_by == "team_manager"
    assert policy.of("notify.n5.school").send == "never"
    assert policy.of("notify.n5.health").send == "automatic"
    assert policy.of("notify.n2").send == "never"
    assert policy.sent == {"notify.n5", "notify.n5.health"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "  notify.n99: {send: approve}\n",
            "policy.yaml:2: notifications.notify.n99: there is no notification",
        ),
        ("  notify.n2: {send: sometimes}\n", "'sometimes' is not one of"),
        ('  notify.n2: {"send": approve}\n', "`since:` is missing"),
        ("  notify.n2: {sent: approve}\n", "unknown key 'sent'. Did you mean send?"),
        ("  notify.n2: {send: approve, approved_by: teem_manager}\n", "Did you mean team_manager?"),
        ("  notify.n2: {send: approve}\n  notify.n2: {send: never}\n", "policy.yaml:3: duplicate key"),
        ("  cp.visit: {send: approve}\n", "there is no notification cp.visit"),
        ("  notify.n14: {send: automatic}\n", "never sent automatically: it is about an allegation"),
        (
            "  notify.n14*: {send: automatic}\n",
            "never sent automatically: it is about an allegation",
        ),
        ("  notify.n12.a: {send: automatic}\n", "it is about a death or serious harm"),
        ("  notify.n13: {send: automatic}\n", "it is about a death or serious harm"),
        ("  notify.n24: {send: automatic}\n", "it is about adoption"),
        ("  notify.n11: {send: automatic}\n", "it also tells carer"),
        ("  notify.n1.family: {send: approve}\n", "it tells the family"),
        ("  notify.n7: {send: approve}\n", "no record that it was sent clears it"),
        ("  notify*: {send: automatic}\n", "cannot be sent"),
    ],
)
def test_what_may_not_be_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    assert says in str(refused.value)
    assert "policy.yaml:" in str(refused.value)


def test_a_rule_of_adoption_allegation_death_or_family_is_never_automatic() -> None:
    delicate = {
        r.id
        for r in BOOK.rules
        if r.tell
        and (
            FAMILY.keys() & set(r.tell)
            or {"adopter_gp", "adopter_authority", "national_panel", "death_review_partners"} & set(r.tell)
            or r.for_ in ("allegation", "serious_incident")
            or {"incident_form", "death_form", "allegation"} & set(r.disclose)
        )
    }
    assert len(delicate) > 12
    assert all(why_never_automatic(BOOK.rule(id_)) or why_never_sent(BOOK.rule(id_)) for id_ in delicate)  # type: ignore[arg-type]
    assert why_never_automatic(BOOK.rule("notify.n5")) == ""  # type: ignore[arg-type]


def test_the_policy_is_shown_with_what_an_agreement_strikes_out(tmp_path: Path) -> None:
    policy = read(tmp_path, "  notify.n2: {send: approve}\n")
    agreed = {"host_authority": ("host", frozenset({"reference", "care_plan"}))}
    rows = {(row.rule, row.kind): row for row in show(policy, BOOK, agreed)}
    host = rows["notify.n2", "host_authority"]
    assert (host.send, host.approved_by) == ("approve", "worker")
    assert (host.said, host.asked_for) == (("reference",), ("care_plan",))
    assert "placement_type" in host.struck and "worker_contact" in host.struck
    assert rows["notify.n1.family", "parents"].note == "told by the worker"
    assert rows["notify.n5", "iro_service"].agency == "no agency of this kind"
