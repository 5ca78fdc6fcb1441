"""The Department for Education's children's social care API, version 1.0.1: the payload as one JSON file.

Everything that is known of every child with a referral. The payload holds no legal status, so short
breaks could not be told from care: they are left out. Other authorities' plans are left out too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from alertd.synth.feeds.truth import Life, Truth, day, text
from alertd.synth.world import Row

Node = dict[str, Any]

_INDENTED: Final = orjson.OPT_INDENT_2


def _filled(**values: Any) -> Node:
    """Only what is known: an absent end is an open one."""
    return {name: value for name, value in values.items() if value not in (None, "")}


class _Payload:
    def __init__(self, truth: Truth) -> None:
        self.truth = truth

    def child(self, life: Life) -> Node:
        scores = [
            _filled(date=day(row, "csdq_sdq_completed_date"), score=row["csdq_sdq_score"])
            for row in life.of("sdq_scores")
        ]
        return _filled(
            la_child_id=life.id,
            mis_child_id=f"S-{life.id}",
            purge=False,
            child_details=self._details(life),
            health_and_wellbeing={"sdq_assessments": scores, "purge": False},
            social_care_episodes=[self._episode(life, row) for row in life.of("cin_episodes")],
        )

    def _details(self, life: Life) -> Node:
        person = life.person
        return _filled(
            unique_pupil_number=text(person, "pers_upn"),
            unique_pupil_number_unknown_reason=text(person, "pers_upn_unknown"),
            first_name=text(person, "pers_forename"),
            surname=text(person, "pers_surname"),
            date_of_birth=life.born,
            expected_date_of_birth=None if life.born else day(person, "pers_expected_dob"),
            sex=text(person, "pers_sex"),
            ethnicity=text(person, "pers_ethnicity"),
            disabilities=[text(row, "disa_disability_code") for row in life.of("disability")],
            postcode=text(next(iter(life.of("address")), None), "addr_address_postcode"),
            uasc_flag=life.unaccompanied,
            purge=False,
        )

    def _episode(self, life: Life, case: Row) -> Node:
        key = text(case, "cine_referral_id")
        return _filled(
            social_care_episode_id=key,
            referral_date=day(case, "cine_referral_date"),
            referral_source=text(case, "cine_referral_source_code"),
            referral_no_further_action_flag=text(case, "cine_referral_nfa") == "Y",
            care_worker_details=list(self._workers(life, key)),
            child_and_family_assessments=list(self._assessments(life, key)),
            child_in_need_plans=[
                _span("child_in_need_plan", row, "cinp_cin_plan")
                for row in life.of("cin_plans")
                if text(row, "cinp_referral_id") == key
            ],
            section_47_assessments=list(self._enquiries(life, key)),
            child_protection_plans=[
                _span("child_protection_plan", row, "cppl_cp_plan")
                for row in life.of("cp_plans")
                if text(row, "cppl_referral_id") == key and text(row, "cppl_cp_plan_ola") != "Y"
            ],
            child_looked_after_placements=list(self._placements(life, key)),
            adoption=self._adoption(life, key),
            care_leavers=self._leaver(life, key),
            closure_date=day(case, "cine_close_date"),
            closure_reason=text(case, "cine_close_reason"),
            purge=False,
        )

    def _workers(self, life: Life, case: str) -> Iterator[Node]:
        """The lead workers; while a team alone holds the case there is nobody to name."""
        for row in life.of("involvements"):
            number = self.truth.worker_number(row)
            if number and text(row, "invo_professional_role_id") == "CW" and text(row, "invo_referral_id") == case:
                start, end = day(row, "invo_involvement_start_date"), day(row, "invo_involvement_end_date")
                yield _filled(worker_id=number, start_date=start, end_date=end)

    def _assessments(self, life: Life, case: str) -> Iterator[Node]:
        found = {text(row, "cinf_assessment_id"): row for row in life.of("assessment_factors")}
        for row in life.of("cin_assessments"):
            if text(row, "cina_referral_id") == case:
                key = text(row, "cina_assessment_id")
                factors = text(found.get(key), "cinf_assessment_factors_json") or "[]"
                yield _filled(
                    child_and_family_assessment_id=key,
                    start_date=day(row, "cina_assessment_start_date"),
                    authorisation_date=day(row, "cina_assessment_auth_date"),
                    factors=json.loads(factors),
                    purge=False,
                )

    def _enquiries(self, life: Life, case: str) -> Iterator[Node]:
        """Whether a conference is needed is not known while the enquiry goes on and none is booked."""
        meetings = {text(row, "icpc_s47_enquiry_id"): row for row in life.of("initial_cp_conference")}
        for row in life.of("s47_enquiry"):
            if text(row, "s47e_referral_id") == case:
                key, end = text(row, "s47e_s47_enquiry_id"), day(row, "s47e_s47_end_date")
                meeting = meetings.get(key)
                yield _filled(
                    section_47_assessment_id=key,
                    start_date=day(row, "s47e_s47_start_date"),
                    icpc_required_flag=True if meeting else False if end else None,
                    icpc_date=day(meeting, "icpc_icpc_date"),
                    end_date=end,
                    purge=False,
                )

    def _placements(self, life: Life, case: str) -> Iterator[Node]:
        of_case = {
            text(row, "clae_cla_episode_id") for row in life.of("cla_episodes") if text(row, "clae_referral_id") == case
        }
        for e in life.episodes():
            if e.key in of_case and not e.short_break:
                moved = e.end is not None and e.end == day(e.placement, "clap_cla_placement_end_date")
                yield _filled(
                    child_looked_after_placement_id=e.key,
                    start_date=e.start,
                    start_reason=e.reason,
                    placement_type=text(e.placement, "clap_cla_placement_type"),
                    postcode=text(e.placement, "clap_cla_placement_postcode"),
                    end_date=e.end,
                    end_reason=e.ceased,
                    change_reason=text(e.placement, "clap_cla_placement_change_reason") if moved else None,
                    purge=False,
                )

    def _adoption(self, life: Life, case: str) -> Node | None:
        periods = {text(r, "clae_cla_id") for r in life.of("cla_episodes") if text(r, "clae_referral_id") == case}
        for row in life.of("permanence"):
            if text(row, "perm_cla_id") in periods:
                return _filled(
                    initial_decision_date=day(row, "perm_adm_decision_date"),
                    matched_date=day(row, "perm_matched_date"),
                    placed_date=day(row, "perm_placed_for_adoption_date"),
                    purge=False,
                )
        return None

    def _leaver(self, life: Life, case: str) -> Node | None:
        """In the latest case: the payload says which case it is, and the records do not."""
        cases = life.of("cin_episodes")
        for row in life.of("care_leavers"):
            contact = day(row, "clea_care_leaver_latest_contact")
            if contact and text(cases[-1], "cine_referral_id") == case:
                return _filled(
                    contact_date=contact,
                    activity=text(row, "clea_care_leaver_activity"),
                    accommodation=text(row, "clea_care_leaver_accommodation")[:1],
                    purge=False,
                )
        return None


def _span(name: str, row: Row, columns: str) -> Node:
    return _filled(
        **{
            f"{name}_id": text(row, f"{columns}_id"),
            "start_date": day(row, f"{columns}_start_date"),
            "end_date": day(row, f"{columns}_end_date"),
            "purge": False,
        }
    )


def payload(truth: Truth) -> Iterator[Node]:
    """The children, one after another."""
    made = _Payload(truth)
    return (made.child(life) for life in truth.lives() if life.of("cin_episodes"))


def write(path: Path, truth: Truth) -> None:
    """The payload as a JSON array, written child by child."""
    with path.open("wb") as out:
        for n, child in enumerate(payload(truth)):
            out.write(b",\n" if n else b"[\n")
            out.write(orjson.dumps(child, option=_INDENTED))
        out.write(b"\n]\n")
