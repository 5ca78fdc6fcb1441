"""CIN censuses made for a test."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertd.cases.sources.cin_census import read
from alertd.errors import InputError

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
BORN = "<PersonBirthDate>2015-03-27</PersonBirthDate>"


def header(year: int = 2024, **more: str) -> str:
    said = {"Collection": "CIN", "Year": str(year), "ReferenceDate": f"{year}-03-31", **more}
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in said.items() if v)
    return f"<Header><CollectionDetails>{inner}</CollectionDetails></Header>\n"


def child(*details: str, ref: str = "C1", who: str = BORN) -> str:
    return (
        f"<Child>\n<ChildIdentifiers><LAchildID>{ref}</LAchildID>{who}</ChildIdentifiers>\n{''.join(details)}</Child>\n"
    )


def need(*parts: str, start: str = "2023-05-02", closed: str = "") -> str:
    end = f"<CINclosureDate>{closed}</CINclosureDate>" if closed else ""
    own = f"<CINreferralDate>{start}</CINreferralDate>{end}<ReferralNFA>0</ReferralNFA>"
    return f"<CINdetails>\n{own}\n{''.join(parts)}</CINdetails>\n"


def part(name: str, **fields: str) -> str:
    return f"<{name}>{''.join(f'<{k}>{v}</{k}>' for k, v in fields.items())}</{name}>\n"


def assessment(start: str, authorised: str = "") -> str:
    done = {"AssessmentAuthorisationDate": authorised} if authorised else {}
    return part("Assessments", AssessmentActualStartDate=start, **done)


def enquiry(start: str, conference: str = "", not_required: str = "false") -> str:
    held = {"InitialCPCtarget": "2023-06-22", "DateOfInitialCPC": conference} if conference else {}
    return part("Section47", S47ActualStartDate=start, **held, ICPCnotRequired=not_required)


def plan(start: str, *reviews: str, end: str = "") -> str:
    held = "".join(f"<CPPreviewDate>{day}</CPPreviewDate>" for day in reviews)
    ended = f"<CPPendDate>{end}</CPPendDate>" if end else ""
    within = f"<Reviews>{held}</Reviews>" if reviews else ""
    return f"<ChildProtectionPlans><CPPstartDate>{start}</CPPstartDate>{ended}{within}</ChildProtectionPlans>\n"


def write(folder: Path, *children: str, name: str = "census.xml", head: str | None = None) -> Path:
    path = folder / name
    text = f"<Message>\n{header() if head is None else head}<Children>\n{''.join(children)}</Children>\n</Message>\n"
    path.write_text(text, encoding="utf-8")
    return path


FULL = child(
    need(
        assessment("2023-05-04", "2023-06-01"),
        part("CINPlanDates", CINPlanStartDate="2023-06-02", CINPlanEndDate="2023-07-01"),
        enquiry("2023-06-01", "2023-06-20"),
        plan("2023-06-20", "2023-09-01", "2024-02-01", end="2024-03-01"),
        closed="2024-03-02",
    ),
    who=BORN
    + "<ExpectedPersonBirthDate>2015-03-20</ExpectedPersonBirthDate><PersonDeathDate>2024-03-03</PersonDeathDate>",
)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read(path, as_of=NOW)
    assert "\n" not in str(error.value)
    return str(error.value)
