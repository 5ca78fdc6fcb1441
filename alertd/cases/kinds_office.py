"""Kinds of record about private fostering, complaints, information rights, supervision, audit and incidents.

No national dataset holds them: each authority gives its own lists.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, seen, state

OFFICE: Final[tuple[Kind, ...]] = (
    state("private_fostering", "Private fostering, from the day the authority became aware of it", bounds=True),
    event(
        "pf_visit",
        "Visit to a privately fostered child",
        *seen(),
        Field("carer_seen", "yes/no", "the carer was spoken to"),
    ),
    state(
        "complaint",
        "Complaint, one step of it",
        Field(
            "step",
            "text",
            "stage1, stage2, panel (its meeting), report (the panel's) or reply (the authority's); in Wales "
            "acknowledgement, discussion, terms (in writing) or formal",
        ),
        Field("done", "date", "the day the step was finished: reply or letter sent, panel met, report sent"),
        bounds=True,
        outlives=True,
    ),
    state(
        "access_request",
        "Subject access request, from the day of receipt",
        Field("clarified", "date", "the day identity was proved or the question made clear, where that was asked for"),
        Field("extended", "yes/no", "the time was extended because it is complex"),
        Field("told", "date", "the day the person was told that it was extended"),
        Field("replied", "date", "the day the reply was sent"),
        bounds=True,
        outlives=True,
    ),
    event(
        "advice_request",
        "Request for social care advice for an education, health and care assessment",
        Field("sent", "date", "the day the advice was sent"),
        when="the day it was asked for",
    ),
    state(
        "staff_post",
        "Time in post of a member of staff, filed under the person's own reference in place of a child's",
        Field("role", "text", "worker, new_worker (newly qualified) or manager"),
        bounds=True,
    ),
    event(
        "supervision",
        "Supervision session of a member of staff, filed as the time in post",
        Field("signed", "yes/no", "its record is signed"),
    ),
    event("case_supervision", "Manager's supervision entry on the child's record"),
    event(
        "audit",
        "Case-file audit, filed as the time in post of the manager who did it",
        Field("actions", "yes/no", "it asked for something to be done"),
        Field("actions_closed", "date", "the day the last of it was done"),
    ),
    event(
        "allegation",
        "Allegation about an adult in a position of trust",
        Field("crime", "yes/no", "a crime may have been committed"),
        Field("regulated", "yes/no", "the adult works in a setting that is inspected"),
        when="the day it became known",
        outlives=True,
    ),
    event(
        "serious_incident",
        "Serious incident",
        Field("recorded", "moment", "when it was entered on the child's record"),
        Field("reviewed", "date", "the day the rapid review was sent to the national panel"),
        when="when the authority became aware of it",
        type_="moment",
        outlives=True,
    ),
)
