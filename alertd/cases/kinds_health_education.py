"""Kinds of record about looked-after children's health paperwork and their education.

Health assessments and questionnaires themselves are in ``kinds_care``.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, state

HEALTH_EDUCATION: Final[tuple[Kind, ...]] = (
    event(
        "health_paper",
        "Request for a health assessment sent, or report of one received",
        Field("type", "text", "request or report"),
        Field("about", "text", "the assessment it is about: initial or review"),
        Field("consent", "yes/no", "the signed consent went with the request; blank for a report"),
        when="the day it was sent or received",
    ),
    event(
        "immunisation_status",
        "Statement of whether immunisations are up to date",
        Field("up_to_date", "yes/no", "they were up to date on that day"),
        feeds=("ssd", "extra"),
        when="the day of the statement",
    ),
    event(
        "surveillance_status",
        "Statement of whether health surveillance checks are up to date",
        Field("up_to_date", "yes/no", "they were up to date on that day"),
        when="the day of the statement",
    ),
    event(
        "pep",
        "Step of a personal education plan",
        Field("type", "text", "initiated, meeting or quality_assured"),
        when="the day of the step",
    ),
    # One for each looked-after child and term of the child's school or, without one, the authority; only for terms
    # at whose first day the child was looked after. It does not bound: what a term asked for is late after its end.
    state("school_term", "School term of a looked-after child"),
    state("out_of_school", "Time without a suitable full-time school place", bounds=True),
)
