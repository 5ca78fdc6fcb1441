"""What may leave for an agency. The only thing templates are given is the page of a :class:`PartnerMail`, made here.

A :class:`Disclosed` value holds a field that stands in all three: the rule's ``disclose``, the list of whom the field
may go to, and the agreement with the agency. No field but these is even looked up. Neither it nor a mail can be made
anywhere else: what is not disclosed has no way into a template.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import InitVar, dataclass
from datetime import date
from typing import Final, final

from alertd.cases.records import local_day
from alertd.language import ENGLISH, Language, Said
from alertd.partners.facts import EXTRACTORS, Fact, Found, Missing, full_day
from alertd.routing.mails import Link, Page
from alertd.rulebook.agencies import DISCLOSABLE, FAMILY
from alertd.rulebook.model import Rule

_MAKER: Final = object()

ESSENTIAL: Final = frozenset(
    {
        *("trigger_date", "status", "plan_type", "plan_start", "plan_end", "placement_start", "placement_end"),
        *("return_time", "days_without_school", "consent_refused", "event_type"),
        *("worker_contact", "next_worker_contact", "authority_contact", "reference"),
    }
)
"""Fields without which a message says nothing: where one is missing, somebody mends the record first."""


def _only_here(made_by: object) -> None:
    if made_by is not _MAKER:
        raise TypeError("what may be disclosed is decided by alertd.partners.disclosure alone")


@final
@dataclass(frozen=True, slots=True)
class Disclosed:
    """One field that may leave, as its reader sees it."""

    label: str
    text: str
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        _only_here(made_by)


@final
@dataclass(frozen=True, slots=True)
class Disclosure:
    """All that an agency may be told because of one rule.

    ``missing`` are labels of what is not recorded, ``ask_for`` of what the worker sends. ``held`` says why nothing
    may be sent as it stands, and who mends what; blank where it may.
    """

    given: tuple[Disclosed, ...]
    missing: tuple[str, ...]
    ask_for: tuple[str, ...]
    held: str
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        _only_here(made_by)


@final
@dataclass(frozen=True, slots=True)
class PartnerMail:
    """One notification. ``page`` holds it in finished sentences and is everything that a template is given; ``rule``,
    ``kind`` of agency and ``language`` only say which template."""

    page: Page
    rule: str
    kind: str
    language: str
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        _only_here(made_by)


LABELS: Final[Mapping[str, str]] = {
    "reference": "case reference",
    "worker_contact": "social worker",
    "authority_contact": "contact at the authority",
    "status": "status",
    "legal_status": "legal status",
    "days_without_school": "without a school place since",
    "description": "description",
    "next_worker_contact": "social worker from now on",
}
"""What fields are called whose meaning would not read well as a label."""


def field_label(field: str, language: Language = ENGLISH) -> Said:
    """What a field is called in a mail."""
    said = language.say(LABELS.get(field, DISCLOSABLE[field].meaning))
    return Said(said[:1].upper() + said[1:], said.lang)


def allowed(rule: Rule, kind: str, agreed: Collection[str]) -> tuple[str, ...]:
    """The fields an agency of a kind may have because of a rule, under an agreement; in the rule's order."""
    if kind in FAMILY or kind not in rule.tell:
        return ()
    return tuple(f for f in rule.disclose if f in DISCLOSABLE and DISCLOSABLE[f].may_go_to(kind) and f in agreed)


def disclose(
    rule: Rule, kind: str, agreed: Collection[str], facts: Callable[[str], Found], language: Language = ENGLISH
) -> Disclosure:
    """What an agency of a kind is told. ``facts`` gives a field of the case; it is asked for no other."""
    given, missing, ask_for, held = [], [], [], []
    for field in allowed(rule, kind, agreed):
        label = field_label(field, language)
        found = facts(field) if field in EXTRACTORS else None
        if isinstance(found, Fact):
            given.append(Disclosed(label, found.text, _MAKER))
        elif isinstance(found, Missing):
            missing.append(label)
            if field in ESSENTIAL:
                held.append(f"{field_label(field)}: {found.why}" + (f" ({found.where})" if found.where else ""))
        else:  # a document, somebody's own words, or what could show where the child lives
            ask_for.append(label)
    if held:
        why = f"{'; '.join(held)}. The worker mends the record; it is made at the next reading"
    else:
        fix = "Information governance widens the agreement, or the worker tells them another way"
        why = "" if given else f"the agreement allows nothing that could be said. {fix}"
    return Disclosure(tuple(given), tuple(missing), tuple(ask_for), why, _MAKER)


def partner_mail(
    disclosure: Disclosure,
    rule: Rule,
    kind: str,
    *,
    reference: str,
    sender: str,
    contact: str,
    acknowledge_by: date,
    today: date,
    link: str = "",
    language: Language = ENGLISH,
) -> PartnerMail:
    """The mail of what is disclosed, to an agency of a kind. ``sender`` is the authority; ``contact`` is whom to ring
    there, blank for the social worker whom the mail names. Of the rule only the title and the law."""
    say = language.say
    by = full_day(acknowledge_by, language)
    facts = [(one.label, one.text) for one in disclosure.given] + [
        (label, say("Not recorded")) for label in disclosure.missing
    ]
    if link:
        how = (
            "Open the page and press the button there, or answer this mail and leave the reference in it. "
            "An automatic answer does not count."
        )
    else:
        how = "Acknowledge by {by}: answer this mail and leave the reference in it. An automatic answer does not count."
    intro = "{sender} sends you this, because the law or an agreement says that you are to be told."
    question = "Not for you, or a question? Ring or write to {contact}, and quote the reference."
    short = language.day(local_day(acknowledge_by), "d MMMM y")
    page = Page(
        subject=say("Notification {reference}, to acknowledge by {by}", reference=reference, by=short),
        preview=say("Please confirm that you have it."),
        opening=(say(rule.title), say(intro, sender=sender)),
        today=today,
        facts=((say("Our reference"), reference), (say("Under"), say(rule.law.cite)), *facts),
        lines=disclosure.ask_for,
        links=(Link(say("Acknowledge by {by}", by=by), link),) if link else (),
        closing=(
            say(how, by=by),
            say(question, contact=contact or say("the social worker")),
            say("Keep this to those who need it. Do not pass it on to the family or to others."),
        ),
    )
    return PartnerMail(page, rule.id, kind, language.code, _MAKER)
