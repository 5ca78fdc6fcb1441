"""The words of mails and pages for agencies, in English and Welsh. Nothing here is of any child."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from alertd.cases.records import local_day
from alertd.rulebook.agencies import DISCLOSABLE

Language = Literal["en", "cy"]

_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "cy": (
        *("Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin"),
        *("Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"),
    ),
}
_WEEKDAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "cy": ("Llun", "Mawrth", "Mercher", "Iau", "Gwener", "Sadwrn", "Sul"),
}


def day_words(value: date, language: Language) -> str:
    """``Tuesday 24 November 2026``: a day, or the London day of a moment."""
    return f"{_WEEKDAYS[language][local_day(value).weekday()]} {date_words(value, language)}"


def date_words(value: date, language: Language) -> str:
    """``24 November 2026``."""
    day = local_day(value)
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


SUBJECT: Final = "Notification {reference}, to acknowledge by {by}"
INTRO: Final = "{sender} sends you this, because the law or an agreement says that you are to be told."
REPLY: Final = "Answer this mail and leave the reference in it. An automatic answer does not count."
REPLY_TOO: Final = "Or answer this mail and leave the reference in it. An automatic answer does not count."
QUESTION: Final = "Not for you, or a question? Ring or write to {contact}, and quote the reference."

_CY: Final[Mapping[str, str]] = {
    # Of the case.
    "The child is looked after": "Mae'r plentyn yn derbyn gofal",
    "The child has a child protection plan": "Mae gan y plentyn gynllun amddiffyn plant",
    "The child has a child in need plan": "Mae gan y plentyn gynllun plentyn mewn angen",
    "The child has a social worker": "Mae gan y plentyn weithiwr cymdeithasol",
    "Child protection plan": "Cynllun amddiffyn plant",
    "Looked after": "Yn derbyn gofal",
    "Consent to a health assessment was refused or lapsed": "Gwrthodwyd cydsyniad i asesiad iechyd, neu daeth i ben",
    "An event in a children's home or foster placement": "Digwyddiad mewn cartref plant neu leoliad maeth",
    "A placement ended": "Daeth lleoliad i ben",
    "A plan ended": "Daeth cynllun i ben",
    "The child is no longer looked after": "Nid yw'r plentyn yn derbyn gofal mwyach",
    "The child joined a school": "Ymunodd y plentyn ag ysgol",
    "The child left a school": "Gadawodd y plentyn ysgol",
    "The child was given a social worker": "Rhoddwyd gweithiwr cymdeithasol i'r plentyn",
    # Of the mail.
    SUBJECT: "Hysbysiad {reference}, i'w gydnabod erbyn {by}",
    "Please confirm that you have it.": "Cadarnhewch ei fod wedi eich cyrraedd.",
    INTRO: ("Mae {sender} yn anfon hwn atoch am fod y gyfraith neu gytundeb yn dweud bod rhaid rhoi gwybod i chi."),
    "Under": "O dan",
    "Our reference": "Ein cyfeirnod",
    "What you are told": "Yr hyn a ddywedir wrthych",
    "Not recorded": "Heb ei gofnodi",
    "Ask the social worker for": "Gofynnwch i'r gweithiwr cymdeithasol am",
    "These are not sent by this system.": "Nid yw'r system hon yn anfon y rhain.",
    "Please acknowledge by {by}": "Cydnabyddwch erbyn {by}",
    "Acknowledge": "Cydnabod",
    "Open the page and press the button:": "Agorwch y dudalen a phwyswch y botwm:",
    REPLY_TOO: ("Neu atebwch yr e-bost hwn gan adael y cyfeirnod ynddo. Nid yw ateb awtomatig yn cyfrif."),
    REPLY: ("Atebwch yr e-bost hwn gan adael y cyfeirnod ynddo. Nid yw ateb awtomatig yn cyfrif."),
    QUESTION: ("Nid i chi, neu gwestiwn? Ffoniwch neu ysgrifennwch at {contact}, gan ddyfynnu'r cyfeirnod."),
    "Keep this to those who need it. Do not pass it on to the family or to others.": (
        "Cadwch hwn i'r rhai sydd ei angen. Peidiwch â'i drosglwyddo i'r teulu nac i eraill."
    ),
    # Of the pages.
    "Acknowledge a notification": "Cydnabod hysbysiad",
    "This confirms that {agency} has the notification sent on {day}. It answers nothing else.": (
        "Mae hyn yn cadarnhau bod yr hysbysiad a anfonwyd ar {day} gan {agency}. Nid yw'n ateb dim arall."
    ),
    "We have it": "Mae gennym",
    "Thank you": "Diolch",
    "The notification sent on {day} is acknowledged by {agency}.": (
        "Mae'r hysbysiad a anfonwyd ar {day} wedi ei gydnabod gan {agency}."
    ),
    "You can close this page.": "Gallwch gau'r dudalen hon.",
    "Nothing to acknowledge": "Dim i'w gydnabod",
    "This notification was withdrawn. There is nothing for you to do.": (
        "Tynnwyd yr hysbysiad hwn yn ôl. Nid oes dim i chi ei wneud."
    ),
    "This link has expired. Answer the mail, and leave its reference in it.": (
        "Mae'r ddolen hon wedi dod i ben. Atebwch yr e-bost gan adael ei gyfeirnod ynddo."
    ),
    "This link is not known here. See that all of it was copied, or answer the mail it came in.": (
        "Nid yw'r ddolen hon yn hysbys yma. Sicrhewch i'r cyfan gael ei gopïo, neu atebwch yr e-bost y daeth ynddo."
    ),
    "the social worker": "y gweithiwr cymdeithasol",
}

_FIELDS_CY: Final[Mapping[str, str]] = {
    "reference": "cyfeirnod yr achos",
    "worker_contact": "y gweithiwr cymdeithasol",
    "authority_contact": "pwynt cyswllt yr awdurdod",
    "trigger_date": "y diwrnod y digwyddodd neu y daw i rym",
    "status": "statws",
    "legal_status": "y statws cyfreithiol",
    "placement_type": "y math o leoliad",
    "placement_start": "y diwrnod y mae'r lleoliad yn dechrau",
    "placement_end": "y diwrnod y daeth y lleoliad i ben",
    "next_worker_contact": "y gweithiwr cymdeithasol sy'n gyfrifol o hyn ymlaen",
    "care_plan": "copi o'r cynllun gofal",
    "needs_summary": "crynodeb o'r asesiad o anghenion",
    "placement_reason": "pam y dewiswyd y lleoliad hwn",
    "plan_type": "y math o gynllun",
    "plan_start": "y diwrnod y dechreuodd y cynllun",
    "plan_end": "y diwrnod y daeth y cynllun i ben",
    "conference_outcome": "yr hyn a benderfynodd y gynhadledd",
    "plan_category": "categori'r cynllun",
    "plan_summary": "amlinelliad o'r cynllun",
    "next_conference": "diwrnod y gynhadledd nesaf",
    "conference_report": "yr adroddiad i'r gynhadledd ddiwethaf",
    "assessment": "yr asesiad",
    "chronology": "y gronoleg",
    "move_risk": "yr hyn y gall y symud ei beryglu",
    "description": "disgrifiad",
    "missing_risk": "pa mor fawr y bernir yw'r risg",
    "associates": "pobl y gall y plentyn fod gyda hwy",
    "return_time": "pryd y daeth y plentyn yn ôl",
    "incident_form": "meysydd y ffurflen genedlaethol",
    "death_form": "meysydd y ffurflen marwolaeth plentyn",
    "adult_role": "rôl yr oedolyn gyda phlant",
    "allegation": "yr hyn a honnir",
    "children_at_risk": "pa blant eraill a all fod mewn perygl",
    "event_type": "y math o ddigwyddiad",
    "action_taken": "yr hyn a wnaeth y darparwr",
    "indicators": "y dangosyddion o fasnachu neu gamfanteisio",
    "offender_identification": "pa berson y mae'n ymwneud ag ef",
    "attendance": "bod y plentyn wedi mynychu",
    "setting": "ble, i'r gweithiwr ffonio",
    "since": "ers pryd",
    "arranged_by": "pwy a'i trefnodd",
    "private_fostering_particulars": "yr hyn y mae Atodlen 1 i'r rheoliadau maethu preifat yn gofyn amdano",
    "consent_refused": "bod cydsyniad wedi ei wrthod neu wedi dod i ben",
    "health_history": "hanes iechyd y plentyn",
    "adoption_required_set": "yr hyn y mae'r rheoliadau mabwysiadu yn gofyn amdano",
    "days_without_school": "heb le mewn ysgol ers",
    "school_move": "y newid ysgol a gynigir",
    "ehc_plan": "y cynllun addysg, iechyd a gofal",
    "housing_need": "pa dai sydd eu hangen, ac erbyn pryd",
    "transfer_form": "ffurflen y protocol trosglwyddo",
    "dispute_referral": "atgyfeiriad y swyddog adolygu",
}

_FIELDS_EN: Final[Mapping[str, str]] = {
    "reference": "case reference",
    "worker_contact": "social worker",
    "authority_contact": "contact at the authority",
    "status": "status",
    "legal_status": "legal status",
    "days_without_school": "without a school place since",
    "description": "description",
    "next_worker_contact": "social worker from now on",
}
"""Labels where the meaning of the field would not read well as one."""


def phrase(english: str, language: Language, **filled: str) -> str:
    """A phrase of this module in the reader's language. Raises KeyError for one that has no Welsh."""
    return (english if language == "en" else _CY[english]).format(**filled)


def field_label(field: str, language: Language) -> str:
    """What a field is called in a mail."""
    words = _FIELDS_CY[field] if language == "cy" else _FIELDS_EN.get(field, DISCLOSABLE[field].meaning)
    return words[0].upper() + words[1:]
