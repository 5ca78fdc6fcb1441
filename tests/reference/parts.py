"""What random rules are made of: what may sensibly stop, precede, explain or follow what."""

from __future__ import annotations

from typing import Any

Raw = dict[str, Any]

SEEN: Raw = {"child_seen": True}

# The anchor's kind, then the `until` to choose from.
UNTIL: dict[str, tuple[Raw, ...]] = {
    "care_period": (
        {"record": "cla_review"},
        {"record": ["cla_review", "cp_review"]},
        {"record": "cla_visit", "where": SEEN},
        {"record": ["cla_visit", "cp_visit", "cin_visit"], "where": SEEN},
        {"record": "cla_visit", "where": {"child_seen": {"not": False}, "seen_alone": True}},
        {"record": "health_assessment", "where": {"type": {"in": ["initial", "review"]}, "status": "completed"}},
        {"record": "sdq", "where": {"score": {"at_least": 3, "at_most": 20}}},
        {"record": "assessment", "on": "authorised", "where": {"referral": "this.referral"}},
    ),
    "placement": (
        {"record": "cla_visit", "where": SEEN},
        {"record": "cla_visit"},
        {"record": ["cla_visit", "cla_review"]},
        {"record": "placement_plan", "where": {"placement": "this.id"}},
        {"own": "end"},
    ),
    "cp_plan": (
        {"record": "cp_visit", "where": SEEN},
        {"record": "cp_visit", "where": {"bedroom_seen": {"not": False}}},
        {"record": ["cin_visit", "cp_visit"], "where": {**SEEN, "seen_alone": {"not": False}}},
        {"record": "cp_review"},
        {"record": "cp_review", "where": {"quorate": True}},
    ),
    "s47": (
        {"record": "icpc", "where": {"transfer_in": {"not": True}, "s47": "this.id"}},
        {"record": "icpc", "where": {"s47": "this.id"}},
        {
            "record": "assessment",
            "on": "authorised",
            "where": {
                "child_seen": {"not": False},
                "referral": "this.referral",
                "outcome": {"in": ["nfa", "services"]},
            },
        },
        {"record": "icpc", "where": {"s47": "this.id", "transfer_in": {"not": True}}},
        {"record": "assessment", "on": "end", "where": {"referral": "this.referral", "outcome": {"not": "nfa"}}},
        {"own": "end"},
    ),
    "referral": (
        {"record": "assessment", "on": "authorised", "where": {"referral": "this.id"}},
        {"record": ["assessment", "s47"], "where": {"referral": "this.id"}},
        {"record": "assessment", "where": {"outcome": {"in": ["services", "other"]}, "referral": "this.id"}},
        {"record": "assessment", "where": {"child_seen": True, "referral": "this.id", "outcome": {"not": "nfa"}}},
        {"record": "referral_decision", "where": {"referral": "this.id"}},
        {"own": "end"},
    ),
    "assessment": (
        {"own": "authorised"},
        {"own": "end"},
        {"record": "referral_decision", "where": {"referral": "this.referral"}},
        {"record": "s47", "where": {"referral": "this.referral"}},
        {"record": "s47", "where": {"outcome": {"in": ["open", "conference"]}, "referral": "this.referral"}},
    ),
    "missing": (
        {"record": "return_interview", "where": {"missing": "this.id"}},
        {"record": "return_interview"},
        {"record": ["return_interview", "cla_visit"]},
        {"own": "end"},
    ),
    "child": (
        {"record": "health_assessment", "where": {"type": "initial"}},
        {"record": "cla_visit"},
        {"record": ["cin_visit", "icpc"]},
    ),
    "icpc": ({"record": "cp_plan"}, {"record": "cp_review"}, {"record": "cin_visit"}),
    "sdq": ({"record": "health_assessment"}, {"record": "sdq", "where": {"score": {"at_most": 10}}}),
    "planned_change": ({"record": "cla_review"}, {"record": ["cla_review", "cla_visit"]}, {"own": "takes_effect"}),
    "serious_incident": (
        {"record": "agency_notice", "where": {"about": "this.id"}},
        {"record": ["case_supervision", "agency_notice"]},
        {"own": "reviewed"},
    ),
    "planned_action": (
        {"record": "delivery", "where": {"planned_action": "this.id"}},
        {"record": ["delivery", "outcome"], "where": {"planned_action": "this.id"}},
        {"own": "end"},
    ),
}
WHERE: dict[str, tuple[Raw, ...]] = {
    "referral": ({"nfa": {"not": True}}, {"nfa": False}),
    "assessment": ({"outcome": {"in": ["services", "other"]}}, {"child_seen": True, "outcome": {"not": "nfa"}}),
    "s47": ({"outcome": "conference"}, {"outcome": {"not": "no_conference"}}),
    "placement": ({"type": {"in": ["U1", "K2"]}}, {"type": {"not": "H5"}, "change_reason": "PLAN"}),
    "cp_plan": ({"other_authority": {"not": True}},),
    "missing": ({"type": "missing"}, {"interview_offered": True, "type": {"not": "away"}}),
    "icpc": ({"transfer_in": False},),
    "sdq": ({"score": {"at_least": 5}}, {"score": {"at_most": 17, "not": 9}}),
    "planned_change": ({"type": "plan_change"},),
}
ORIGINS: dict[str, tuple[list[str], ...]] = {
    "care_period": (["start"],),
    "placement": (["start"],),
    "cp_plan": (["conference", "start"], ["start"], ["conference"]),
    "s47": (["start"], ["end", "start"]),
    "referral": (["start"],),
    "assessment": (["start"], ["authorised"]),
    "missing": (["end"], ["start"], ["end", "start"]),
    "child": (["born"], ["expected", "born"]),
    "icpc": (["happened"], ["due_on"]),
    "sdq": (["happened"],),
    "planned_change": (["happened"], ["takes_effect"]),
    "serious_incident": (["happened"], ["recorded", "happened"]),
    "planned_action": (["start"], ["end", "start"]),
}
BY: dict[str, tuple[str, ...]] = {
    "icpc": ("due_on", "happened"),
    "cp_plan": ("conference",),
    "missing": ("end",),
    "planned_change": ("takes_effect", "happened"),
    "serious_incident": ("recorded",),
}
PLANS = {"cla_review", "cp_review", "icpc"}

# The anchor's kind, then the patterns to choose from.
PATTERNS: dict[str, tuple[tuple[str, Raw], ...]] = {
    "care_period": (
        ("count", {"record": "placement"}),
        ("count", {"record": ["missing", "placement"], "on": "end"}),
        ("count", {"record": "sdq", "where": {"score": {"at_least": 9}}}),
        ("in_a_row", {"record": ["cla_visit", "cin_visit"], "where": {"child_seen": False}}),
        ("in_a_row", {"record": "sdq", "where": {"score": {"at_least": 5}}}),
        ("no_open", {"record": "placement"}),
        ("no_open", {"record": ["legal_status", "care_plan"]}),
        ("no_open", {"record": "allocation", "where": {"role": "CW"}}),
    ),
    "placement": (
        ("count", {"record": "placement", "where": {"type": {"not": "H5"}}}),
        ("count", {"record": "missing", "where": {"type": "missing"}}),
        ("no_open", {"record": "care_period"}),
    ),
    "cp_plan": (
        ("count", {"record": "cp_plan"}),
        ("count", {"record": "cp_review", "where": {"quorate": False}}),
        ("in_a_row", {"record": "cp_visit", "where": {"child_seen": False}}),
        ("in_a_row", {"record": ["cp_visit", "cin_visit"], "where": {"child_seen": {"not": True}, "seen_alone": True}}),
        ("no_open", {"record": "allocation"}),
    ),
    "s47": (
        ("count", {"record": "s47"}),
        ("count", {"record": "assessment", "where": {"referral": "this.referral"}}),
        ("no_open", {"record": "referral"}),
    ),
    "referral": (
        ("count", {"record": "referral"}),
        ("count", {"record": "referral", "where": {"nfa": True}}),
        ("in_a_row", {"record": "assessment", "where": {"outcome": "nfa", "referral": "this.id"}}),
        ("no_open", {"record": "assessment", "where": {"referral": "this.id"}}),
    ),
    "missing": (
        ("count", {"record": "missing"}),
        ("count", {"record": "return_interview", "where": {"missing": "this.id"}}),
        ("in_a_row", {"record": "missing", "where": {"interview_accepted": False}}),
        ("no_open", {"record": ["placement", "missing"]}),
    ),
    "child": (
        ("count", {"record": ["missing", "s47"]}),
        ("count", {"record": "referral", "where": {"nfa": {"not": True}}}),
        ("in_a_row", {"record": "health_assessment", "where": {"status": {"in": ["refused", "planned"]}}}),
        ("no_open", {"record": "allocation", "where": {"role": {"not": "XX"}}}),
    ),
    "serious_incident": (
        ("count", {"record": ["serious_incident", "cin_visit"]}),
        ("no_open", {"record": "care_period"}),
    ),
    "planned_action": (
        ("count", {"record": "delivery", "where": {"planned_action": "this.id"}}),
        ("no_open", {"record": "planned_action"}),
    ),
}

EXPLAINED: tuple[Raw, ...] = (
    {"record": "missing", "where": {"type": "missing"}},
    {"record": ["missing", "care_period"]},
    {"record": "placement", "where": {"type": {"in": ["K2"]}}},
)

TEXTS = {
    ("assessment", "outcome"): ("services", "nfa", "other"),
    ("s47", "outcome"): ("open", "conference", "no_conference"),
    ("placement", "type"): ("U1", "K2", "H5"),
    ("placement", "change_reason"): ("PLAN", "ALLEG"),
    ("health_assessment", "type"): ("initial", "review", "dental", "other"),
    ("health_assessment", "status"): ("completed", "planned", "refused"),
    ("missing", "type"): ("missing", "away"),
    ("planned_change", "type"): ("plan_change", "concern"),
    ("allocation", "role"): ("CW", "XX"),
    ("allocation", "team"): ("T1", "T2"),
}
KEYS = ("1", "2", "3", "4", "5", "6", "7")
SCORES = (0, 3, 5, 9, 10, 17, 20, 21)
