"""The children in need census, for the year to 31 March: one XML file.

Every case that was open at any time in the year is in it, also one that ended with no further action,
and of each case what was open or happened in the year: an assessment, plan or enquiry that was over
before it, and a review conference held before it, was last year's to report. Another authority's child
protection plan is that authority's to report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from lxml import etree

from alertd.synth.feeds.truth import Life, Truth, day, sure, text, year_to
from alertd.synth.world import Row

_ABUSE: Final = {
    "Neglect": "NEG",
    "Physical abuse": "PHY",
    "Sexual abuse": "SAB",
    "Emotional abuse": "EMO",
    "Multiple": "MUL",
}


def _add(parent: etree._Element, name: str, value: str | date | None) -> None:
    """An element with a value; none where there is no value."""
    if value:
        etree.SubElement(parent, name).text = value.isoformat() if isinstance(value, date) else value


def _flag(value: bool) -> str:
    return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class Census:
    """One year's census."""

    first: date
    last: date

    def _current(self, end: date | None) -> bool:
        return end is None or end >= self.first

    def child(self, life: Life) -> etree._Element | None:
        """The child's element; None where no case was open in the year."""
        cases = [
            row
            for row in life.of("cin_episodes")
            if sure(row, "cine_referral_date") <= self.last and self._current(day(row, "cine_close_date"))
        ]
        if not cases:
            return None
        found = etree.Element("Child")
        self._identifiers(etree.SubElement(found, "ChildIdentifiers"), life)
        traits = etree.SubElement(found, "ChildCharacteristics")
        _add(traits, "Ethnicity", text(life.person, "pers_ethnicity"))
        disabilities = etree.SubElement(traits, "Disabilities")
        for row in life.of("disability"):
            _add(disabilities, "Disability", text(row, "disa_disability_code"))
        for row in cases:
            self._case(etree.SubElement(found, "CINdetails"), life, row)
        return found

    def _identifiers(self, parent: etree._Element, life: Life) -> None:
        _add(parent, "LAchildID", life.id)
        upn = text(life.person, "pers_upn")
        _add(parent, "UPN" if upn else "UPNunknown", upn or text(life.person, "pers_upn_unknown"))
        _add(parent, "PersonBirthDate", life.born)
        if life.born is None:
            _add(parent, "ExpectedPersonBirthDate", day(life.person, "pers_expected_dob"))
        _add(parent, "Sex", text(life.person, "pers_sex"))
        _add(parent, "PersonDeathDate", day(life.person, "pers_death_date"))

    def _case(self, parent: etree._Element, life: Life, case: Row) -> None:
        key = text(case, "cine_referral_id")
        _add(parent, "CINreferralDate", day(case, "cine_referral_date"))
        _add(parent, "ReferralSource", text(case, "cine_referral_source_code"))
        _add(parent, "PrimaryNeedCode", text(case, "cine_cin_primary_need_code"))
        _add(parent, "CINclosureDate", day(case, "cine_close_date"))
        _add(parent, "ReasonForClosure", text(case, "cine_close_reason"))
        self._assessments(parent, life, key)
        self._plans(parent, life, key)
        self._enquiries(parent, life, key)
        _add(parent, "ReferralNFA", _flag(text(case, "cine_referral_nfa") == "Y"))
        self._protection(parent, life, key)

    def _assessments(self, parent: etree._Element, life: Life, case: str) -> None:
        factors = {text(row, "cinf_assessment_id"): row for row in life.of("assessment_factors")}
        for row in _of_case(life, "cin_assessments", "cina_referral_id", case):
            authorised = day(row, "cina_assessment_auth_date")
            if not self._current(authorised):
                continue
            made = etree.SubElement(parent, "Assessments")
            _add(made, "AssessmentActualStartDate", day(row, "cina_assessment_start_date"))
            _add(made, "AssessmentAuthorisationDate", authorised)
            if authorised:
                found = etree.SubElement(made, "FactorsIdentifiedAtAssessment")
                listed = text(factors.get(text(row, "cina_assessment_id")), "cinf_assessment_factors_json")
                for code in listed.strip('[]"').split('", "'):
                    _add(found, "AssessmentFactors", code)

    def _plans(self, parent: etree._Element, life: Life, case: str) -> None:
        for row in _of_case(life, "cin_plans", "cinp_referral_id", case):
            end = day(row, "cinp_cin_plan_end_date")
            if self._current(end):
                made = etree.SubElement(parent, "CINPlanDates")
                _add(made, "CINPlanStartDate", day(row, "cinp_cin_plan_start_date"))
                _add(made, "CINPlanEndDate", end)

    def _enquiries(self, parent: etree._Element, life: Life, case: str) -> None:
        """An enquiry has no end here: it is of the year if it began or its conference was held in it, or
        if one or the other still stands open."""
        meetings = {text(row, "icpc_s47_enquiry_id"): row for row in life.of("initial_cp_conference")}
        for row in _of_case(life, "s47_enquiry", "s47e_referral_id", case):
            meeting = meetings.get(text(row, "s47e_s47_enquiry_id"))
            start, end, held = sure(row, "s47e_s47_start_date"), _end(row), day(meeting, "icpc_icpc_date")
            awaited = meeting is not None and held is None
            if start < self.first and not awaited and end is not None and not (held and held >= self.first):
                continue
            made = etree.SubElement(parent, "Section47")
            _add(made, "S47ActualStartDate", start)
            _add(made, "InitialCPCtarget", day(meeting, "icpc_icpc_target_date"))
            _add(made, "DateOfInitialCPC", held)
            _add(made, "ICPCnotRequired", _flag(meeting is None and end is not None))

    def _protection(self, parent: etree._Element, life: Life, case: str) -> None:
        own = [row for row in life.of("cp_plans") if text(row, "cppl_cp_plan_ola") != "Y"]
        for row in own:
            end = day(row, "cppl_cp_plan_end_date")
            if text(row, "cppl_referral_id") != case or not self._current(end):
                continue
            start = sure(row, "cppl_cp_plan_start_date")
            made = etree.SubElement(parent, "ChildProtectionPlans")
            _add(made, "CPPstartDate", start)
            _add(made, "CPPendDate", end)
            for when in ("Initial", "Latest"):
                category = text(row, f"cppl_cp_plan_{when.lower()}_category")
                _add(made, f"{when}CategoryOfAbuse", _ABUSE[category])
            earlier = sum(sure(other, "cppl_cp_plan_start_date") < start for other in own)
            _add(made, "NumberOfPreviousCPP", str(earlier))
            held = sorted(self._reviews(life, text(row, "cppl_cp_plan_id")))
            if held:
                reviews = etree.SubElement(made, "Reviews")
                for on in held:
                    _add(reviews, "CPPreviewDate", on)

    def _reviews(self, life: Life, plan: str) -> Iterator[date]:
        for row in _of_case(life, "cp_reviews", "cppr_cp_plan_id", plan):
            held = day(row, "cppr_cp_review_date")
            if held and self.first <= held <= self.last:
                yield held


def _end(row: Row) -> date | None:
    return day(row, "s47e_s47_end_date")


def _of_case(life: Life, table: str, column: str, key: str) -> Iterator[Row]:
    return (row for row in life.of(table) if text(row, column) == key)


def write(path: Path, truth: Truth) -> None:
    """The census for the latest year that has ended by the truth's day."""
    first, last = year_to(truth.today)
    census = Census(first, last)
    with etree.xmlfile(str(path), encoding="utf-8") as out:
        out.write_declaration()
        with out.element("Message"):
            out.write("\n")
            out.write(_header(truth.la, last), pretty_print=True)
            with out.element("Children"):
                out.write("\n")
                for life in truth.lives():
                    found = census.child(life)
                    if found is not None:
                        out.write(found, pretty_print=True)


def _header(la: str, last: date) -> etree._Element:
    header = etree.Element("Header")
    details = etree.SubElement(header, "CollectionDetails")
    _add(details, "Collection", "CIN")
    _add(details, "Year", str(last.year))
    _add(details, "ReferenceDate", last)
    source = etree.SubElement(header, "Source")
    _add(source, "SourceLevel", "L")
    _add(source, "LEA", la)
    _add(source, "SoftwareCode", "alertd synth")
    _add(source, "SerialNo", "001")
    _add(source, "DateTime", f"{last.isoformat()}T09:00:00")
    return header
