"""What may leave for an agency. The only thing templates are given is a :class:`PartnerMail`, made here.

A :class:`Disclosed` value holds a field that stands in all three: the rule's ``disclose``, the list of whom the field
may go to, and the agreement with the agency. No field but these is even looked up. Neither it nor a mail can be made
anywhere else: what is not disclosed has no way into a template.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import InitVar, dataclass
from datetime import date
from typing import Final, final

from alertd.partners.facts import EXTRACTORS, Fact, Found, Missing
from alertd.partners.words import (
    INTRO,
    QUESTION,
    REPLY,
    REPLY_TOO,
    SUBJECT,
    Language,
    date_words,
    day_words,
    field_label,
    phrase,
)
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
    """One notification, in finished sentences. Everything that a template is given."""

    language: Language
    subject: str
    preview: str
    heading: str
    intro: str
    duty: str
    reference_label: str
    reference: str
    given_heading: str
    given: tuple[Disclosed, ...]
    missing_heading: str
    missing: tuple[str, ...]
    ask_heading: str
    ask_for: tuple[str, ...]
    ask_note: str
    acknowledge: str
    press: str
    button: str
    link: str
    reply: str
    question: str
    caution: str
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        _only_here(made_by)


def allowed(rule: Rule, kind: str, agreed: Collection[str]) -> tuple[str, ...]:
    """The fields an agency of a kind may have because of a rule, under an agreement; in the rule's order."""
    if kind in FAMILY or kind not in rule.tell:
        return ()
    return tuple(f for f in rule.disclose if f in DISCLOSABLE and DISCLOSABLE[f].may_go_to(kind) and f in agreed)


def disclose(
    rule: Rule, kind: str, agreed: Collection[str], facts: Callable[[str], Found], language: Language = "en"
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
                held.append(f"{field_label(field, 'en')}: {found.why}" + (f" ({found.where})" if found.where else ""))
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
    *,
    reference: str,
    sender: str,
    contact: str,
    acknowledge_by: date,
    link: str = "",
    language: Language = "en",
    translated: Callable[[str], str] = str,
) -> PartnerMail:
    """The mail of what is disclosed. ``sender`` is the authority; ``contact`` is whom to
    ring at the authority, blank for the social worker whom the mail names. Of the rule only the title and the law."""

    def say(english: str, **filled: str) -> str:
        return phrase(english, language, **filled)

    by = day_words(acknowledge_by, language)
    return PartnerMail(
        language=language,
        subject=say(SUBJECT, reference=reference, by=date_words(acknowledge_by, language)),
        preview=say("Please confirm that you have it."),
        heading=translated(rule.title),
        intro=say(INTRO, sender=sender),
        duty=f"{say('Under')}: {rule.law.cite}",
        reference_label=say("Our reference"),
        reference=reference,
        given_heading=say("What you are told"),
        given=disclosure.given,
        missing_heading=say("Not recorded"),
        missing=disclosure.missing,
        ask_heading=say("Ask the social worker for"),
        ask_for=disclosure.ask_for,
        ask_note=say("These are not sent by this system."),
        acknowledge=say("Please acknowledge by {by}", by=by),
        press=say("Open the page and press the button:"),
        button=say("Acknowledge"),
        link=link,
        reply=say(REPLY_TOO if link else REPLY),
        question=say(QUESTION, contact=contact or say("the social worker")),
        caution=say("Keep this to those who need it. Do not pass it on to the family or to others."),
        made_by=_MAKER,
    )
