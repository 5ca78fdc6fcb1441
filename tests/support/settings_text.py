"""The least settings that a command of one person in the office needs, as they stand in a file."""

from __future__ import annotations

from typing import Final

SETTINGS: Final = """\
[feed]
kind = "ssda903"
url = "return"
[rules.settings]
"cp.visit.interval" = "10 working days"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
sender = "alertd@council.example"
"""
"""It ends in the section of e-mail, so that more of that may follow, and then other sections."""
