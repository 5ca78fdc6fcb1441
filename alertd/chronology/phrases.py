"""How each kind of record is told: its headline, and the fields that the headline has said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from alertd.cases.kinds import KINDS
from alertd.cases.records import Record
from alertd.chronology.telling import Telling, is_booking
from alertd.chronology.words import lower_first, title, upper_first, worded


class Phrase(NamedTuple):
    """A headline, the fields it has said, and a remark of its own."""

    headline: str
    told: tuple[str, ...] = ()
    remark: str = ""


Teller = Callable[[Record, Telling], Phrase]


def phrase(record: Record, telling: Telling) -> Phrase:
    """How a record is told by itself."""
    if is_booking(record):
        name = _BEGUN.get(record.kind, title(record.kind))
        when = "due" if (record.day("due_on") or telling.today) >= telling.today else "was due; not recorded as held"
        return Phrase(f"{name} {when}")
    teller = _TELLERS.get(record.kind)
    return teller(record, telling) if teller else plain(record, telling)


def plain(record: Record, _: Telling) -> Phrase:
    """The kind's own title, with its type where it has one."""
    name = _BEGUN.get(record.kind, title(record.kind))
    type_ = record.get("type")
    return Phrase(f"{name}: {worded(type_)}", ("type",)) if type_ is not None else Phrase(name)


_BEGUN: Final[Mapping[str, str]] = {
    "assessment": "Child and family assessment began",
    "care_leaver": "Care leaver",
    "care_plan": "Care plan began",
    "cin_plan": "Child in need plan began",
    "cla_review": "Looked-after review",
    "case_supervision": "Manager's supervision entry",
    "conference_report": "Social worker's report for a conference asked for",
    "conference_decisions": "Decisions of a child protection conference",
    "cp_plan": "Child protection plan began",
    "cp_review": "Child protection review conference",
    "detention": "Detained",
    "early_help": "Early help began",
    "emergency_protection": "Emergency protection",
    "icpc": "Initial child protection conference",
    "iro": "Independent reviewing officer appointed",
    "out_of_school": "No suitable full-time school place from this day",
    "private_fostering": "Private fostering became known",
    "proceedings": "Care proceedings issued",
    "review_record": "Paperwork of a looked-after review",
    "s47": "Section 47 enquiry began",
    "strategy_discussion": "Strategy discussion found to be needed",
    "supervision_order": "Supervision order made",
    "transfer_in": "Another authority's child protection plan notified",
}
"""Headlines of kinds whose title says what they are and not what happened."""


def _child(record: Record, _: Telling) -> Phrase:
    if record.day("born"):
        return Phrase("Born", ("born", "expected"))
    if record.day("expected"):
        return Phrase("Expected to be born", ("expected",))
    return Phrase("Date of birth")


def _contact(record: Record, _: Telling) -> Phrase:
    led = record.get("assessed")
    remark = {True: "It led to a referral or an assessment.", False: "It led to no referral and no assessment."}
    return Phrase("Contact about the child", ("assessed",), remark[led] if isinstance(led, bool) else "")


def _referral(record: Record, _: Telling) -> Phrase:
    told = ("nfa",) if record.get("nfa") is False or record.day("end") else ()
    return Phrase("Referred to children's social care", told)


def _assessment(record: Record, _: Telling) -> Phrase:
    if record.day("start") is None and record.day("authorised"):
        return Phrase(assessed(record), ("authorised", "outcome"), seen_then(record))
    if record.day("authorised"):
        return Phrase(_BEGUN["assessment"], ("authorised", "outcome", "child_seen"))
    told, remark = ("outcome", "child_seen"), seen_then(record)
    return Phrase(_BEGUN["assessment"], told, f"{remark} It is not recorded as authorised.".strip())


def seen_then(record: Record) -> str:
    """Whether the child was seen for an assessment, as a sentence; blank where that is not recorded."""
    seen = record.get("child_seen")
    if seen is None:
        return ""
    return "The child was seen." if seen else "The child is not recorded as seen for it."


def assessed(record: Record) -> str:
    """The headline for the day a manager authorised an assessment."""
    outcome = {"services": ": services to be provided", "nfa": ": no further action"}
    return f"Child and family assessment authorised{outcome.get(str(record.get('outcome')), '')}"


def enquired(record: Record) -> str:
    """The headline for the day a section 47 enquiry ended."""
    outcome = {"conference": ": to a child protection conference", "no_conference": ": no conference"}
    return f"Section 47 enquiry ended{outcome.get(str(record.get('outcome')), '')}"


def _s47(record: Record, _: Telling) -> Phrase:
    told = ("outcome",) if record.day("end") or record.get("outcome") == "open" else ()
    return Phrase(_BEGUN["s47"], told)


def _strategy(record: Record, _: Telling) -> Phrase:
    held, decided = record.day("happened"), record.day("decided")
    if held and held == (decided or held):
        return Phrase("Strategy discussion held", ("happened",))
    remark = "" if held else "It is not recorded as held."
    return Phrase(_BEGUN["strategy_discussion"], (), remark)


def _icpc(record: Record, _: Telling) -> Phrase:
    transfer = record.get("transfer_in") is True
    return Phrase("Transfer-in conference held" if transfer else f"{_BEGUN['icpc']} held", ("transfer_in",))


def _held(record: Record, _: Telling) -> Phrase:
    told = ("quorate",) if record.get("quorate") is True else ()
    return Phrase(_BEGUN[record.kind] + (" held" if "happened" in record.values else ""), told)


def _visit(record: Record, _: Telling) -> Phrase:
    name = lower_first(title(record.kind))
    seen, alone = record.get("child_seen"), record.get("seen_alone")
    told = ("child_seen", "seen_alone")
    if seen is False:
        return Phrase(f"Not seen on a {name}", told)
    if alone is True:
        return Phrase(f"Seen alone on a {name}", told)
    if seen is True:
        return Phrase(f"Seen on a {name}" + (", not alone" if alone is False else ""), told)
    headline = upper_first(name) + (": not seen alone" if alone is False else "")
    return Phrase(headline, told, "Whether the child was seen is not recorded.")


def _sighting(record: Record, _: Telling) -> Phrase:
    seen = record.get("child_seen")
    words = {True: "Seen by another agency or at another contact", False: "Not seen at a contact with another agency"}
    return Phrase(words[seen] if isinstance(seen, bool) else title(record.kind), ("child_seen",))


def _health(record: Record, _: Telling) -> Phrase:
    type_, status = record.get("type"), record.get("status")
    names = {"dental": "Dental check", "other": "Health check", None: "Health assessment or check"}
    name = names.get(str(type_) if type_ else None, f"{upper_first(str(type_))} health assessment")
    return Phrase(name + (f": {status}" if status else ""), ("type", "status"))


def _score(record: Record, _: Telling) -> Phrase:
    score = record.get("score")
    name = "Strengths and difficulties questionnaire"
    return Phrase(f"{name}: {score} of 40" if score is not None else name, ("score",))


def _up_to_date(record: Record, _: Telling) -> Phrase:
    what = {"immunisation_status": "Immunisations", "surveillance_status": "Health surveillance checks"}[record.kind]
    up = record.get("up_to_date")
    words = {True: "up to date", False: "not up to date"}
    return Phrase(f"{what} {words[up]}" if isinstance(up, bool) else title(record.kind), ("up_to_date",))


def _missing(record: Record, _: Telling) -> Phrase:
    headline = "Away from the placement without leave" if record.get("type") == "away" else "Went missing"
    offered, accepted = record.get("interview_offered"), record.get("interview_accepted")
    told = ("type", "interview_offered", "interview_accepted")
    if accepted is True:
        return Phrase(headline, told, "A return interview was offered and accepted.")
    if offered is True:
        refused = " and not accepted" if accepted is False else ""
        return Phrase(headline, told, f"A return interview was offered{refused}.")
    return Phrase(headline, told, "No return interview was offered." if offered is False else "")


def _leaver(record: Record, _: Telling) -> Phrase:
    found = record.get("eligibility")
    return Phrase(f"Care leaver: {found}" if found else "Care leaver", ("eligibility",))


def _need(record: Record, _: Telling) -> Phrase:
    type_ = record.get("type")
    return Phrase(f"Need found: {worded(type_)}" if type_ else "Need found", ("type",))


def of_action(telling: Telling, record: Record) -> str:
    """What the planned action is that a record belongs to: ``: parenting``, or blank where it is not known."""
    action = telling.linked(record, "planned_action")
    type_ = action.get("type") if action else None
    return f": {worded(type_)}" if type_ else ""


def _action(record: Record, telling: Telling) -> Phrase:
    need = telling.linked(record, "need")
    type_ = need.get("type") if need else None
    same = type_ is not None and type_ == record.get("type")
    remark = f"For the need of {worded(type_)}." if type_ is not None and not same else ""
    name = f"Planned to begin: {worded(record.values['type'])}" if "type" in record.values else "Planned action"
    told = ("type", "decided") if record.day("decided") == record.day("start") else ("type",)
    return Phrase(name, told, remark)


def _of_action(name: str) -> Teller:
    return lambda record, telling: Phrase(f"{name}{of_action(telling, record)}")


def _session(record: Record, telling: Telling) -> Phrase:
    held, what = record.get("held"), of_action(telling, record)
    words = {True: "Session held", False: "Session not held, or not attended"}
    return Phrase((words[held] if isinstance(held, bool) else "Session planned") + what, ("held",))


def _appointment(record: Record, _: Telling) -> Phrase:
    attended = record.get("attended")
    words = {True: "Health or dental appointment kept", False: "Health or dental appointment missed"}
    return Phrase(words[attended] if isinstance(attended, bool) else "Health or dental appointment", ("attended",))


def _attendance(record: Record, _: Telling) -> Phrase:
    percent = record.get("percent")
    name = "School attendance in the term so far"
    return Phrase(f"{name}: {percent}%" if percent is not None else name, ("percent",))


def _household(_: Record, __: Telling) -> Phrase:
    return Phrase("Belongs to a family group", ("family",))


def _sibling(record: Record, _: Telling) -> Phrase:
    named = {"cp_plan": "child protection plan", "cin_plan": "child in need plan", None: "something recorded"}
    type_ = record.get("type")
    what = named.get(str(type_) if type_ else None, str(type_))
    return Phrase(f"Brother or sister in the household: {what}", ("type",))


def _pep(record: Record, _: Telling) -> Phrase:
    words = {"initiated": "initiated", "meeting": "meeting held", "quality_assured": "quality assured"}
    type_ = str(record.get("type"))
    return Phrase(f"Personal education plan {words[type_]}", ("type",)) if type_ in words else Phrase(title("pep"))


def _health_paper(record: Record, _: Telling) -> Phrase:
    words = {"request": "Health assessment asked for", "report": "Report of a health assessment received"}
    type_ = str(record.get("type"))
    about = f": {record.values['about']}" if "about" in record.values else ""
    return Phrase(words.get(type_, title("health_paper")) + about, ("type", "about"))


_TELLERS: Final[Mapping[str, Teller]] = {
    "appointment": _appointment,
    "assessment": _assessment,
    "attendance": _attendance,
    "care_leaver": _leaver,
    "child": _child,
    "contact": _contact,
    "cla_review": _held,
    "cp_review": _held,
    "delivery": _of_action("Service delivered"),
    "health_assessment": _health,
    "health_paper": _health_paper,
    "household": _household,
    "icpc": _icpc,
    "immunisation_status": _up_to_date,
    "missing": _missing,
    "need": _need,
    "outcome": _of_action("Outcome recorded"),
    "pep": _pep,
    "planned_action": _action,
    "planned_session": _session,
    "referral": _referral,
    "s47": _s47,
    "sdq": _score,
    "sdq_standing": _score,
    "sibling_event": _sibling,
    "sighting": _sighting,
    "strategy_discussion": _strategy,
    "surveillance_status": _up_to_date,
    **{kind: _visit for kind, declared in KINDS.items() if declared.field("seen_alone")},
}
