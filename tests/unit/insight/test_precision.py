"""How often a rule is right, by what people said of its alerts."""

from __future__ import annotations

from alertd.insight.precision import ToldAlert, precision


def test_each_alert_counts_once_and_shares_are_of_what_was_told_and_of_what_closed() -> None:
    found = precision(
        [
            ToldAlert("a", None),
            ToldAlert("a", "met_recorded_late"),
            ToldAlert("a", "withdrawn", ("rejected", "upheld", "open")),
            ToldAlert("a", "met", ("rejected", "open")),
            ToldAlert("a", "met", ("rejected",)),
            ToldAlert("b", None),
        ]
    )
    assert [one.as_json() for one in found] == [
        {
            "rule": "a",
            "told": 5,
            "disputes_upheld": 1,
            "disputes_rejected": 1,
            "disputes_open": 1,
            "closed": 4,
            "precision": 0.8,
            "met_recorded_late_share": 0.25,
            "withdrawn_share": 0.25,
        },
        {
            "rule": "b",
            "told": 1,
            "disputes_upheld": 0,
            "disputes_rejected": 0,
            "disputes_open": 0,
            "closed": 0,
            "precision": 1.0,
            "met_recorded_late_share": None,
            "withdrawn_share": None,
        },
    ]


def test_the_least_precise_comes_first_and_nothing_told_is_no_rule() -> None:
    assert precision([]) == []
    told = [ToldAlert("a", None), ToldAlert("b", None, ("upheld",)), ToldAlert("c", None), ToldAlert("c", None)]
    assert [one.rule for one in precision(told)] == ["b", "c", "a"]
