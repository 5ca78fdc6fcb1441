"""Planning: each agency once for ever, held where nobody is known, withdrawn where nothing is owed any more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.holding import agency_links
from alertd.cases.records import Window, case_file, make_record
from alertd.partners.plan import ALERTD, Owed, Standing, plan
from alertd.partners.policy import Policy, Sending
from alertd.people.agencies import Agencies, Agency, Agreement, Contact
from alertd.rulebook.agencies import FAMILY
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook

BOOK = load_rulebook([builtin_pack("england")])
TODAY = date(2026, 11, 27)
RULES = {id_: BOOK.rule(id_) for id_ in ("notify.n1", "notify.n1.emergency", "notify.n2", "notify.n5", "notify.n11")}
ALL = Policy({id_: Sending(send="approve", approved_by="worker") for id_ in RULES})
OWN = Agreement("A", frozenset({"reference"}))


def agency(id_: str, kind: str, covers: str = "everywhere") -> Agency:
    return Agency(
        id_, kind, id_, frozenset({covers} if covers else ()), OWN, "TLS", (Contact("c", "C", f"{id_}@a.example"),)
    )


def agencies(*found: Agency) -> Agencies:
    return Agencies({a.id: a for a in found})


KINDS = (
    *("icb", "host_icb", "gp", "school", "iro", "host_authority"),
    *("iro_service", "police", "return_interview_provider"),
)
EVERYBODY = agencies(*(agency(f"the-{kind}", kind) for kind in KINDS))


def owed(rule: str, alert: int = 1, child: str = "C1", record: str = "placement:P1", **more: Any) -> Owed:
    found = RULES[rule]
    assert found
    return Owed(alert, found, child, record, **more)


def made(
    *alerts: Owed, there: tuple[Standing, ...] = (), to: Agencies = EVERYBODY, policy: Policy = ALL, **more: Any
) -> Any:
    links = more.get("links", {})
    return plan(alerts, there, policy, to, lambda _: links, lambda _: more.get("restricted", ""), TODAY)


def standing(of: Any, one: Owed) -> tuple[Standing, ...]:
    """What a plan would leave behind."""
    rule, child, record = one.rule.id, one.child, one.record
    return tuple(
        Standing(n, row.alert_id, rule, child, record, row.kind, row.agency, row.state, why=row.why)
        for n, row in enumerate(of.new, 1)
    )


def test_what_somebody_refused_is_not_made_again_for_an_alert_made_anew_of_the_same() -> None:
    """As when the child's numbers are merged: under a policy that sends by itself it would leave at once."""
    before, anew = owed("notify.n5", alert=1), owed("notify.n5", alert=2)
    (row,) = standing(made(before), before)
    automatic = Policy({"notify.n5": Sending(send="automatic")})
    refused = replace(row, state="withdrawn", by="W1")
    assert made(anew, there=(refused,), policy=automatic).new == []
    taken_back = replace(row, state="withdrawn", by=ALERTD)
    assert [new.state for new in made(anew, there=(taken_back,), policy=automatic).new] == ["ready"]


def test_every_agency_of_a_rule_gets_one_and_a_second_look_none() -> None:
    one = owed("notify.n1")
    first = made(one)
    assert [(n.kind, n.agency, n.state) for n in first.new] == [
        (kind, f"the-{kind}", "awaiting_approval") for kind in ("icb", "host_icb", "gp", "school", "iro")
    ]
    again = made(one, there=standing(first, one))
    assert (again.new, again.moves) == ([], [])


def test_two_rules_that_one_notice_clears_tell_an_agency_once() -> None:
    planned = owed("notify.n1", 1, record="agency_trigger:P1")
    begun = owed("notify.n1.emergency", 2, record="placement:P1")
    both = made(planned, begun)
    assert Counter((n.kind, n.agency) for n in both.new).most_common(1)[0][1] == 1
    later = made(planned, begun, there=standing(made(planned), planned))
    assert later.new == []
    other = owed("notify.n1.emergency", 2, record="placement:P2")
    assert len(made(planned, other).new) == 10


def test_automatic_is_ready_at_once_but_not_for_a_restricted_child() -> None:
    policy = Policy({"notify.n5": Sending(send="automatic", approved_by="team_manager")})
    assert [n.state for n in made(owed("notify.n5"), policy=policy).new] == ["ready"]
    (held,) = made(owed("notify.n5"), policy=policy, restricted="the child is restricted").new
    assert held.state == "awaiting_approval" and held.owner == "team_manager" and "restricted" in held.why


def test_the_family_is_held_for_the_worker_and_nobody_is_guessed() -> None:
    rows = {
        n.kind: n for n in made(owed("notify.n11", record="missing:M1"), to=agencies(agency("p", "police", ""))).new
    }
    assert rows["carer"].state == "held" and rows["carer"].owner == "worker" and "carer" in FAMILY
    assert rows["police"].state == "held" and rows["police"].agency == "" and "agency_link" in rows["police"].why
    assert rows["iro"].owner == "partner_lead"


def test_what_nobody_was_known_for_goes_on_once_somebody_is() -> None:
    one = owed("notify.n5")
    there = standing(made(one, to=agencies()), one)
    assert there[0].state == "held"
    (move,) = made(one, there=there).moves
    assert (move.to_state, move.agency) == ("awaiting_approval", "the-iro_service")
    (move,) = made(one, there=(replace(there[0], approved=True),)).moves
    assert move.to_state == "ready"
    by_hand = (replace(there[0], by="W1", agency="the-iro_service"),)
    assert made(one, there=by_hand).moves == []


def test_what_is_owed_no_more_is_withdrawn_unless_it_left_and_comes_back_with_the_duty() -> None:
    one = owed("notify.n5")
    (row,) = standing(made(one), one)
    for state, composed, withdrawn in (
        ("awaiting_approval", False, True),
        ("held", False, True),
        ("ready", False, True),
        ("ready", True, False),
        ("sent", True, False),
        ("acknowledged", True, False),
        ("withdrawn", False, False),
    ):
        moves = made(there=(replace(row, state=state, composed=composed),)).moves  # type: ignore[arg-type]
        assert [m.to_state for m in moves] == (["withdrawn"] if withdrawn else []), state
    back = made(one, there=(replace(row, state="withdrawn"),))
    assert [m.to_state for m in back.moves] == ["awaiting_approval"] and back.new == []
    refused = made(one, there=(replace(row, state="withdrawn", by="W1"),))
    assert (refused.moves, refused.new) == ([], [])


def test_an_alert_of_unknown_date_makes_and_withdraws_nothing() -> None:
    one = owed("notify.n5", now=False)
    there = standing(made(owed("notify.n5")), one)
    assert (made(one).new, made(one, there=there).moves) == ([], [])


def test_what_was_before_alertd_told_it_is_not_told() -> None:
    policy = Policy({"notify.n5": Sending(send="automatic", since=date(2026, 11, 10))})
    for day, told in ((date(2026, 11, 9), 0), (date(2026, 11, 10), 1), (None, 1)):
        assert len(made(owed("notify.n5", day=day), policy=policy).new) == told


def test_a_child_who_changes_school_before_it_leaves_has_the_new_one_told() -> None:
    to = agencies(agency("north", "iro_service", ""), agency("south", "iro_service", ""))
    one = owed("notify.n5")
    there = standing(made(one, to=to, links={"iro_service": "north"}), one)
    now = made(one, there=there, to=to, links={"iro_service": "south"})
    assert [(m.id, m.to_state) for m in now.moves] == [(1, "withdrawn")]
    assert [(n.agency, n.state) for n in now.new] == [("south", "awaiting_approval")]
    gone = made(one, there=(replace(there[0], state="sent", composed=True),), to=to, links={"iro_service": "south"})
    assert (gone.moves, gone.new) == ([], [])  # who was told of this was told


def test_a_policy_that_sends_it_no_more_withdraws_what_waits() -> None:
    one = owed("notify.n5")
    (move,) = made(one, there=standing(made(one), one), policy=Policy()).moves
    assert move.to_state == "withdrawn"


HANDS = (ALERTD, "W1", "delivery")
STATES = ("awaiting_approval", "ready", "held", "sent", "acknowledged", "withdrawn")


@given(
    st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.integers(1, 4), st.sampled_from(["P1", "P2"])), max_size=5),
    st.lists(
        st.tuples(st.sampled_from(STATES), st.sampled_from([ALERTD, "W1", "delivery"]), st.booleans()), max_size=20
    ),
    st.sets(st.sampled_from(sorted(EVERYBODY.agencies))),
)
def test_nothing_is_there_twice_whatever_was_there(drawn: Any, states: Any, known: set[str]) -> None:
    """However often it is looked at, and whatever has become of what is there, no (alert, kind, agency) doubles."""
    alerts = {n: owed(rule, n, record=f"placement:{key}") for rule, n, key in drawn}
    before = made(*alerts.values())
    there = []
    for n, row in enumerate(before.new, 1):
        state, by, composed = states[n % len(states)] if states else ("held", ALERTD, False)
        one = alerts[row.alert_id]
        there.append(Standing(n, row.alert_id, one.rule.id, one.child, one.record, row.kind, row.agency, state, by,
                              composed=composed or state in ("sent", "acknowledged")))  # fmt: skip
    to = agencies(*(EVERYBODY.agencies[id_] for id_ in known))
    for _ in range(3):
        now = made(*alerts.values(), there=tuple(there), to=to)
        after = {row.id: row for row in there}
        for move in now.moves:
            old = after[move.id]
            assert old.state not in ("sent", "acknowledged") and not (old.state == "ready" and old.composed)
            new_agency = old.agency if move.agency is None else move.agency
            after[move.id] = replace(old, state=move.to_state, by=ALERTD, why=move.why, agency=new_agency)
        there = list(after.values())
        for new in now.new:
            one = alerts[new.alert_id]
            there.append(Standing(len(there) + 1, new.alert_id, one.rule.id, one.child, one.record, new.kind,
                                  new.agency, new.state, why=new.why))  # fmt: skip
        keys = Counter((row.alert_id, row.kind, row.agency) for row in there)
        assert not [key for key, n in keys.items() if n > 1]
    settled = made(*alerts.values(), there=tuple(there), to=to)
    assert (settled.new, settled.moves) == ([], [])  # a second look at the same changes nothing


def test_two_links_of_one_kind_are_no_link_to_either() -> None:
    records = [
        make_record("agency_link", "C1", "1", "x", {"kind": "gp", "agency": "north", "start": date(2026, 1, 1)}),
        make_record("agency_link", "C1", "2", "x", {"kind": "gp", "agency": "south"}),
        make_record("agency_link", "C1", "3", "x", {"kind": "school", "agency": "old", "end": date(2026, 11, 1)}),
        make_record("agency_link", "C1", "4", "x", {"kind": "school", "agency": "new", "start": date(2026, 11, 1)}),
    ]
    links = agency_links(case_file("C1", records, Window(), of_kinds={}), TODAY)
    assert links == {"gp": "north and south", "school": "new"}
    one = owed("notify.n1")
    rows = {n.kind: n for n in made(one, to=agencies(agency("north", "gp"), agency("south", "gp")), links=links).new}
    assert rows["gp"].state == "held" and rows["gp"].agency == ""
