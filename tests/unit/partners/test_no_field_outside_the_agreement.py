"""No message to an agency holds a field outside its allow-list, whatever the records hold.

1,000 random (child, agency, trigger) draws in the suite; ``ALERTD_DRAWS=100000``, or ``make canaries``, for the whole
number. What is allowed is worked out here again, from the rule, the list of fields and the agreement alone.
"""

from __future__ import annotations

import os
import random
from functools import lru_cache

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record
from alertd.partners.disclosure import disclose, partner_mail
from alertd.partners.facts import Case, Contact, why_veiled
from alertd.partners.render import render_partner
from alertd.routing.lint import Known
from alertd.routing.wording import shipped
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule
from tests.unit.partners.canaries import TODAY, Cage, Source, child_of_canaries, events_in, heard

DRAWS = int(os.environ.get("ALERTD_DRAWS", "1000"))

_WORKER, _AUTHORITY = "worker", "authority"
_BEGINS = frozenset({"start", "happened", "takes_effect"})
_FROM: dict[str, frozenset[tuple[str, str]]] = {
    "placement_type": frozenset({("placement", "type")}),
    "legal_status": frozenset({("legal_status", "status")}),
    "placement_start": frozenset({("placement", "start"), ("agency_trigger", "takes_effect")}),
    "placement_end": frozenset({("placement", "end"), ("agency_ending", "happened")}),
    "plan_start": frozenset({("cp_plan", "start"), ("care_period", "start")}),
    "plan_end": frozenset({("cp_plan", "end"), ("care_period", "end"), ("agency_ending", "happened")}),
    "next_conference": frozenset({("cp_review", "due_on")}),
    "return_time": frozenset({("missing", "end")}),
    "days_without_school": frozenset({("out_of_school", "start")}),
    "reference": frozenset({("child", "reference")}),
    "worker_contact": frozenset({(_WORKER, "contact"), (_AUTHORITY, "contact")}),
    "next_worker_contact": frozenset({(_WORKER, "contact"), (_AUTHORITY, "contact")}),
    "authority_contact": frozenset({(_AUTHORITY, "contact")}),
}
_SHOWS_WHERE = ("placement_type", "event_type", "setting", "arranged_by", "school_move")


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    book = load_rulebook([builtin_pack("england"), builtin_pack("wales")])
    return tuple(r for r in book.rules if r.tell)


def _drawn_rule(rng: random.Random, kind: str) -> Rule:
    """One of the rules there are; or one as an authority might write it, that asks for far too much."""
    rule = rng.choice(_rules())
    if rng.random() < 0.5:
        return rule
    fields = tuple(rng.sample(sorted(DISCLOSABLE), rng.randint(1, len(DISCLOSABLE))))
    return rule.model_copy(update={"tell": (*rule.tell, kind), "disclose": fields})


def _contact(cage: Cage, who: str) -> Contact:
    return Contact(*(cage.text(Source(who, "", "contact")) for _ in range(3)), team=cage.rng.random() < 0.3)


def _may(rule: Rule, kind: str, agreed: set[str], veiled: str) -> set[str]:
    if kind in FAMILY or kind not in rule.tell:
        return set()
    may = {f for f in rule.disclose if f in agreed and (DISCLOSABLE[f].only is None or kind in DISCLOSABLE[f].only)}
    return may - set(_SHOWS_WHERE) if veiled else may


def _allowed(source: Source, may: set[str], trigger: Record) -> bool:
    place = (source.kind, source.field)
    if any(place in _FROM.get(field, ()) for field in may):
        return True
    of_the_trigger = source.kind == trigger.kind and source.key == trigger.key
    return of_the_trigger and (
        ("trigger_date" in may and source.field in _BEGINS) or ("event_type" in may and source.field == "type")
    )


def draw(seed: int) -> tuple[str, str, list[str]]:
    """One draw: the text, the HTML, and every canary in them that should not be there."""
    rng = random.Random(seed)
    file, cage = child_of_canaries(rng)
    kind = rng.choice(sorted(AGENCIES))
    rule = _drawn_rule(rng, kind)
    trigger = _trigger(rng, file, rule)
    agreed = set(rng.sample(sorted(DISCLOSABLE), rng.randint(0, len(DISCLOSABLE))))
    veiled = why_veiled(file, TODAY, "the child is restricted" if rng.random() < 0.2 else "")
    language = shipped().language(rng.choice(("en", "cy")))
    worker = _contact(cage, _WORKER) if rng.random() < 0.8 else None
    authority = _contact(cage, _AUTHORITY) if rng.random() < 0.8 else None
    case = Case(file, trigger, TODAY, worker, authority, veiled, language)
    disclosure = disclose(rule, kind, agreed, case.fact, language)
    mail = partner_mail(
        disclosure,
        rule,
        kind,
        reference="K7QF-2M9X",
        sender="Example Council",
        contact="Duty desk",
        acknowledge_by=TODAY,
        today=TODAY,
        link="https://alertd.example/acknowledge/x",
        language=language,
    )
    made = render_partner(mail, shipped(), Known())
    may = _may(rule, kind, agreed, veiled)
    whole = "\n".join((made.subject, made.preview, made.text, made.html))
    breaches = [
        f"seed {seed}: {song} of {sorted(sources)} to {kind} by {rule.id}"
        for song, sources in heard(cage, whole).items()
        if not any(_allowed(source, may, trigger) for source in sources)
    ]
    if (named := events_in(whole)) and "event_type" not in may:
        breaches.append(f"seed {seed}: the event {named} to {kind} by {rule.id}")
    return made.text, made.html, breaches


def _trigger(rng: random.Random, file: CaseFile, rule: Rule) -> Record:
    of_rule = [r for r in file.records if r.kind == rule.for_]
    return rng.choice(of_rule if of_rule and rng.random() < 0.8 else file.records)


def test_no_draw_holds_a_field_outside_its_allow_list() -> None:
    heard_at_all = 0
    for seed in range(DRAWS):
        text, _, breaches = draw(seed)
        assert not breaches, breaches
        heard_at_all += "CANARY" in text
    assert heard_at_all > DRAWS / 10  # what may be said is said: silence would prove nothing


def test_every_field_that_records_can_give_is_drawn_in_some_message() -> None:
    """Else a field that nobody looks at could leak unseen."""
    assert set(_FROM) | {"trigger_date", "event_type", "status", "plan_type", "consent_refused"} >= _extracted()
    assert {kind for pairs in _FROM.values() for kind, _ in pairs} - {_WORKER, _AUTHORITY} <= set(KINDS)


def _extracted() -> set[str]:
    from alertd.partners.facts import EXTRACTORS

    return set(EXTRACTORS)
