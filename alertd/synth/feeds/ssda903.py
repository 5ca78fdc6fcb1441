"""The SSDA903 return of looked-after children, for the year to 31 March: CSV files in a folder, or XML.

Whoever was looked after at any time in the year is in it, with the episodes that were open in it, and
the reviews, missing episodes and workers of the year; and care leavers whose birthday fell in it. Short
breaks (legal status V3 and V4) are episodes like others.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lxml import etree

from alertd.calendars.clock import birthday
from alertd.synth.feeds.adoptions import ADOPTED
from alertd.synth.feeds.truth import Episode, Life, Truth, day, sure, text, year_to

Line = dict[str, str]

TABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "header": ("CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"),
        "episodes": (
            *("CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC"),
            *("REASON_PLACE_CHANGE", "HOME_POST", "PL_POST", "URN"),
        ),
        "reviews": ("CHILD", "DOB", "REVIEW", "REVIEW_CODE"),
        "uasc": ("CHILD", "SEX", "DOB", "DUC"),
        "oc2": (
            *("CHILD", "DOB", "SDQ_SCORE", "SDQ_REASON", "CONVICTED", "HEALTH_CHECK", "IMMUNISATIONS"),
            *("TEETH_CHECK", "HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE", "INTERVENTION_RECEIVED", "INTERVENTION_OFFERED"),
        ),
        "oc3": ("CHILD", "DOB", "IN_TOUCH", "ACTIV", "ACCOM"),
        "ad1": (*("CHILD", "DOB", "DATE_INT", "DATE_MATCH", "FOSTER_CARE", "NB_ADOPTR", "SEX_ADOPTR", "LS_ADOPTR"),),
        "placed_for_adoption": ("CHILD", "DOB", "DATE_PLACED", "DATE_PLACED_CEASED", "REASON_PLACED_CEASED"),
        "previous_permanence": ("CHILD", "DOB", "PREV_PERM", "LA_PERM", "DATE_PERM"),
        "missing": ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"),
        "sw_episodes": ("CHILD", "DOB", "SW_ID", "SW_DECOM", "SW_DEC", "SW_REASON"),
    }
)
"""The tables of the return (2024-25) with their columns. The name a file has is up to the authority."""

_UNDER_FIVE, _SDQ_AGES = 5, range(4, 17)


def _uk(found: date | None) -> str:
    return f"{found:%d/%m/%Y}" if found else ""


def _flag(value: bool) -> str:
    return "1" if value else "0"


@dataclass(frozen=True, slots=True)
class Return:
    """One year's return. ``truth`` is what was known at the end of it or later."""

    truth: Truth
    first: date
    last: date

    def lines(self, life: Life) -> Iterator[tuple[str, Line]]:
        """(table, line) for all that the return says of one child."""
        told = [e for e in life.episodes() if e.start <= self.last and (e.end is None or e.end >= self.first)]
        leaver = [("oc3", line) for line in self._leaver(life)]
        if not life.born or not (told or leaver):
            return
        yield "header", self._header(life)
        yield from leaver
        if not told:
            return
        yield from (("episodes", self._episode(life, e)) for e in told)
        yield from (("reviews", line) for line in self._reviews(life))
        yield from (("missing", line) for line in self._missing(life))
        yield from (("sw_episodes", line) for line in self._workers(life))
        if life.unaccompanied:
            ends = birthday(life.born, 18)
            sex = text(life.person, "pers_sex")
            yield "uasc", {"CHILD": life.id, "SEX": sex, "DOB": _uk(life.born), "DUC": _uk(ends)}
        care = [e for e in told if not e.short_break]
        if care:
            yield from self._outcomes(life, care)
            yield from self._adoption(life, care)
            if care[0].reason == "S" and care[0].start >= self.first:
                yield "previous_permanence", self._own(life) | {"PREV_PERM": "Z1"}

    def _own(self, life: Life) -> Line:
        return {"CHILD": life.id, "DOB": _uk(life.born)}

    def _in_year(self, found: date | None) -> bool:
        return found is not None and self.first <= found <= self.last

    def _header(self, life: Life) -> Line:
        upn = text(life.person, "pers_upn") or text(life.person, "pers_upn_unknown")
        ethnic, sex = text(life.person, "pers_ethnicity"), text(life.person, "pers_sex")
        mother = "0" if sex == "F" and life.age(self.last) >= 12 else ""
        return self._own(life) | {"SEX": sex, "ETHNIC": ethnic, "UPN": upn, "MOTHER": mother}

    def _episode(self, life: Life, e: Episode) -> Line:
        """An episode under V4 names no placement; one that only ends the legal status changes none."""
        placed = {} if e.status == "V4" else e.placement
        moved = e.end is not None and e.end == day(e.placement, "clap_cla_placement_end_date")
        return {
            "CHILD": life.id,
            "DECOM": _uk(e.start),
            "RNE": e.reason,
            "LS": e.status,
            "CIN": e.need,
            "PLACE": text(placed, "clap_cla_placement_type"),
            "PLACE_PROVIDER": text(placed, "clap_cla_placement_provider"),
            "DEC": _uk(e.end),
            "REC": e.ceased,
            "REASON_PLACE_CHANGE": text(placed, "clap_cla_placement_change_reason") if moved else "",
            "HOME_POST": text(next(iter(life.of("address")), None), "addr_address_postcode"),
            "PL_POST": text(placed, "clap_cla_placement_postcode"),
            "URN": text(placed, "clap_cla_placement_urn"),
        }

    def _reviews(self, life: Life) -> Iterator[Line]:
        for row in life.of("cla_reviews"):
            held = day(row, "clar_cla_review_date")
            if self._in_year(held):
                yield self._own(life) | {"REVIEW": _uk(held), "REVIEW_CODE": text(row, "clar_cla_review_participation")}

    def _missing(self, life: Life) -> Iterator[Line]:
        for row in life.of("missing"):
            start, end = sure(row, "miss_missing_episode_start_date"), day(row, "miss_missing_episode_end_date")
            if start <= self.last and (end is None or end >= self.first):
                kind = {"Missing": "M", "Away": "A"}[text(row, "miss_missing_episode_type")]
                yield self._own(life) | {"MISSING": kind, "MIS_START": _uk(start), "MIS_END": _uk(end)}

    def _workers(self, life: Life) -> Iterator[Line]:
        """The lead workers of the year. One whose case a team holds has a line without a number."""
        for row in life.of("involvements"):
            if text(row, "invo_professional_role_id") != "CW":
                continue
            start, end = sure(row, "invo_involvement_start_date"), day(row, "invo_involvement_end_date")
            if start <= self.last and (end is None or end >= self.first):
                reason = text(row, "invo_worker_change_reason")
                number = self.truth.worker_number(row)
                own = {"SW_ID": number, "SW_DECOM": _uk(start), "SW_DEC": _uk(end), "SW_REASON": reason}
                yield self._own(life) | own

    def _outcomes(self, life: Life, care: list[Episode]) -> Iterator[tuple[str, Line]]:
        """For those looked after all the year: flags without dates."""
        whole = all(e.end is None or e.ceased == "X1" for e in care) and care[0].start <= self.first
        if not whole:
            return
        age = life.age(self.last)
        scores = [r for r in life.of("sdq_scores") if self._in_year(day(r, "csdq_sdq_completed_date"))]
        status = next(iter(life.of("cla_immunisations")), None)
        misuse = [r for r in life.of("cla_substance_misuse") if self._in_year(day(r, "clas_substance_misuse_date"))]
        helped = any(text(r, "clas_intervention_received") == "Y" for r in misuse)
        reviewed = self._checked(life, "Initial Health Assessment", "Review Health Assessment")
        sdq = age in _SDQ_AGES
        yield (
            "oc2",
            self._own(life)
            | {
                "SDQ_SCORE": text(scores[-1], "csdq_sdq_score") if sdq and scores else "",
                "SDQ_REASON": "SDQ4" if sdq and not scores else "",
                "CONVICTED": "0",
                "HEALTH_CHECK": _flag(reviewed) if age < _UNDER_FIVE else "",
                "IMMUNISATIONS": _flag(text(status, "clai_immunisations_status") == "Y"),
                "TEETH_CHECK": _flag(self._checked(life, "Dental Check")),
                "HEALTH_ASSESSMENT": _flag(reviewed),
                "SUBSTANCE_MISUSE": _flag(bool(misuse)),
                "INTERVENTION_RECEIVED": _flag(helped) if misuse else "",
                "INTERVENTION_OFFERED": "0" if misuse and not helped else "",
            },
        )

    def _checked(self, life: Life, *labels: str) -> bool:
        return any(
            text(row, "clah_health_check_status") == "Completed"
            and text(row, "clah_health_check_type") in labels
            and self._in_year(day(row, "clah_health_check_date"))
            for row in life.of("cla_health")
        )

    def _leaver(self, life: Life) -> Iterator[Line]:
        """Former relevant young people whose 18th to 21st birthday fell in the year."""
        ages = [n for n in range(18, 22) if life.born and self._in_year(birthday(life.born, n))]
        for row in life.of("care_leavers") if ages else ():
            touch = text(row, "clea_care_leaver_in_touch")
            if touch:
                known = touch == "YES"
                does, lives = (text(row, f"clea_care_leaver_{c}") for c in ("activity", "accommodation"))
                yield self._own(life) | {
                    "IN_TOUCH": touch,
                    "ACTIV": does if known else "0",
                    "ACCOM": lives if known else "0",
                }

    def _adoption(self, life: Life, care: list[Episode]) -> Iterator[tuple[str, Line]]:
        for row in life.of("permanence"):
            decided, matched = day(row, "perm_adm_decision_date"), day(row, "perm_matched_date")
            if decided and text(row, "perm_cla_id") == care[-1].period:
                ceased = _uk(day(row, "perm_decision_reversed_date"))
                reason = text(row, "perm_decision_reversed_reason")
                own = {"DATE_PLACED": _uk(decided), "DATE_PLACED_CEASED": ceased, "REASON_PLACED_CEASED": reason}
                yield "placed_for_adoption", self._own(life) | own
            if decided and matched and care[-1].ceased in ADOPTED and self._in_year(care[-1].end):
                two = text(row, "perm_number_of_adopters") == "2"
                yield (
                    "ad1",
                    self._own(life)
                    | {"DATE_INT": _uk(decided), "DATE_MATCH": _uk(matched), "FOSTER_CARE": "0"}
                    | {"NB_ADOPTR": "2" if two else "1", "SEX_ADOPTR": "MF" if two else "F1"}
                    | {"LS_ADOPTR": "L11" if two else "L0"},
                )


def return_of(truth: Truth) -> Return:
    """The return for the latest year that has ended by the truth's day."""
    return Return(truth, *year_to(truth.today))


def write_csv(folder: Path, truth: Truth) -> None:
    """One file a table, also where it has no line."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Line]] = {table: [] for table in TABLES}
    made = return_of(truth)
    for life in truth.lives():
        for table, line in made.lines(life):
            found[table].append(line)
    for table, columns in TABLES.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(found[table])


_REPEATED: Final = {"missing": "AMISSING", "reviews": "AREVIEW"}
_SET: Final = {"previous_permanence": "PERMANENCE", "oc2": "OC2", "placed_for_adoption": "AD_PLACED"}
_EPISODE: Final = (
    *("DECOM", "RNE", "LS", "CIN", "PLACE", "PL_POST", "HOME_POST", "URN", "PLACE_PROVIDER"),
    *("DEC", "REC", "REASON_PLACE_CHANGE"),
)
_NAMED: Final = {"CHILD": "CHILDID", "PLACE": "PL"}
"""Elements that are called otherwise than the columns."""
_OF_THE_CHILD: Final = ("CHILD", "DOB", "SEX")


def write_xml(path: Path, truth: Truth) -> None:
    """The return as one XML file: for each child a HEADER, which holds all but the episodes, and EPISODEs.

    The published schema (2021) has no element for social workers, so there are none.
    """
    made = return_of(truth)
    with etree.xmlfile(str(path), encoding="utf-8") as out:
        out.write_declaration()
        with out.element("EXPSSDA903"):
            out.write("\n")
            for life in truth.lives():
                tables: dict[str, list[Line]] = {}
                for table, line in made.lines(life):
                    tables.setdefault(table, []).append(line)
                if tables:
                    out.write(_child(tables), pretty_print=True)


def _child(tables: Mapping[str, list[Line]]) -> etree._Element:
    child = etree.Element("CHILD")
    header, own = etree.SubElement(child, "HEADER"), tables["header"][0]
    _put(header, own, ("CHILD", "UPN", "SEX", "DOB", "ETHNIC"))
    unaccompanied = tables.get("uasc", [{}])[0]
    _put(header, {"UASC": _flag(bool(unaccompanied)), **unaccompanied}, ("UASC", "DUC"))
    for table in ("ad1", "oc3"):
        _put(header, tables.get(table, [{}])[0], _beyond(table))
    for table, name in _REPEATED.items():
        _each(header, name, table, tables)
    _put(header, own, ("MOTHER", "MC_DOB"))
    for table, name in _SET.items():
        _each(header, name, table, tables)
    for line in tables.get("episodes", ()):
        _put(etree.SubElement(child, "EPISODE"), line, _EPISODE)
    return child


def _beyond(table: str) -> tuple[str, ...]:
    return tuple(name for name in TABLES[table] if name not in _OF_THE_CHILD)


def _each(header: etree._Element, name: str, table: str, tables: Mapping[str, list[Line]]) -> None:
    for line in tables.get(table, ()):
        _put(etree.SubElement(header, name), line, _beyond(table))


def _put(parent: etree._Element, line: Line, names: tuple[str, ...]) -> None:
    for name in names:
        if line.get(name):
            etree.SubElement(parent, _NAMED.get(name, name)).text = line[name]
