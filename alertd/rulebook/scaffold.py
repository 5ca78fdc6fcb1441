"""A new rule and its two cases, begun from a template: it loads, its cases run, and lint says what to fill in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from alertd.errors import InputError
from alertd.rulebook.builtin import installed_ids
from alertd.rulebook.model import RuleKind
from alertd.rulebook.packs import OVERLAY_SUFFIX, TEST_SUFFIX, cases_file
from alertd.rulebook.shelf import shelves

_HEAD: Final = """\
pack: {pack}
edition: "To fill in: which text its numbers were read in, and when"
"""

_RULE: Final = """\
  - id: {id}
    title: "To fill in: two to six words"
    why: "To fill in: one sentence about the child, not the process"
    law: {{cite: "To fill in: which text says so, and where", confidence: K}}
{clock}
    clears: "To fill in: which record, dated when, clears it"
    escalate: L1
    enabled: false
    disabled_because: "To fill in: what has to be read or decided before it runs"
"""

_CLOCK: Final[dict[RuleKind, str]] = {
    "timescale": """\
    for: care_period
    clock: {{from: start, within: 20 working days}}
    until: {{record: cla_review}}
    warn: D20""",
    "gap": """\
    for: cin_plan
    clock: {{from: start, within: 20 working days}}
    without: {{record: cin_visit, where: {{child_seen: true}}}}
    warn: D20""",
    "notification": """\
    for: placement
    clock: {{from: start, within: 20 working days}}
    until: {{record: agency_notice, where: {{notice: {id}, about: this.id}}}}
    tell: [host_authority]
    disclose: [reference, placement_start]
    warn: D20""",
}

_CASES: Final = """\
  - name: It fires when nothing has stopped it
    rule: {id}
    as_of: 2026-11-28
    records: [{anchor}]
    expect: [{{stage: overdue, due: 2026-11-27}}]

  - name: It keeps quiet when it was stopped in time
    rule: {id}
    as_of: 2026-11-28
    records: [{anchor}, {stopper}]
    expect: [{{stage: met, due: 2026-11-27}}]
"""

_RECORDS: Final[dict[RuleKind, tuple[str, str]]] = {
    "timescale": ("{kind: care_period, start: 2026-10-30}", "{kind: cla_review, happened: 2026-11-20}"),
    "gap": ("{kind: cin_plan, start: 2026-10-30}", "{kind: cin_visit, happened: 2026-11-20, child_seen: true}"),
    "notification": (
        "{kind: placement, key: P1, start: 2026-10-30}",
        "{kind: agency_notice, happened: 2026-11-20, notice: NOTICE, about: P1}",
    ),
}


def begin(rule_id: str, kind: RuleKind, pack: Path) -> Path:
    """Add a rule of that id to a pack and its cases beside it; a pack that is not there is begun. The cases' file.

    Raises :class:`InputError` for an id there is, and when the files cannot take it; they are then as they were.
    """
    _refuse(rule_id, pack)
    sheet = cases_file(pack)
    rule = _RULE.format(id=rule_id, clock=_CLOCK[kind].format(id=rule_id))
    anchor, stopper = _RECORDS[kind]
    cases = _CASES.format(id=rule_id, anchor=anchor, stopper=stopper.replace("NOTICE", rule_id))
    before = {path: path.read_text("utf-8") if path.exists() else None for path in (pack, sheet)}
    try:
        _add(pack, before[pack] or _HEAD.format(pack=_pack_name(pack)), "rules:", rule)
        _add(sheet, before[sheet] or "", "cases:", cases)
        _ = [shelf.cases for shelf in shelves([pack])]  # so that both have been read
    except InputError as error:
        for path, text in before.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(text, "utf-8")
        what = f"the rule cannot be added at the end of this file: {error.what}"
        raise InputError(
            what, where=error.where, fix="Put `rules:` (`cases:`) last in it, its items two spaces in."
        ) from None
    return sheet


def _refuse(rule_id: str, pack: Path) -> None:
    if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", rule_id):
        raise InputError(
            f"{rule_id!r} is not a rule id", fix="Write lower-case words joined by dots, as cla.review.first."
        )
    if pack.suffix != ".yaml" or pack.name.endswith(TEST_SUFFIX):
        raise InputError("is no rule file", where=str(pack), fix="Name a file that ends in .yaml.")
    if not pack.parent.is_dir():
        raise InputError("there is no such folder", where=str(pack.parent), fix="Make it first.")
    if pack.name.endswith(OVERLAY_SUFFIX) and not pack.exists():
        raise InputError("there is no such overlay", where=str(pack), fix="Begin it with overlay, edition and level.")
    there = dict.fromkeys(installed_ids(), "an installed pack")
    if pack.exists():
        there |= {rule.id: rule.place for shelf in shelves([pack]) for rule in shelf.rules}
    if rule_id in there:
        raise InputError(
            f"there is a rule {rule_id!r} already, in {there[rule_id]}", fix="Give the new one another id."
        )


def _pack_name(pack: Path) -> str:
    return f"local.{re.sub(r'[^a-z0-9_]+', '_', pack.stem.lower())}"


def _add(path: Path, text: str, key: str, item: str) -> None:
    """Write the text with one more item under its last key; the key too where it has none."""
    text = text.rstrip()
    if not re.search(rf"^{key}", text, re.MULTILINE):
        text = f"{text}\n\n{key}" if text else key
    apart = "\n" if text.endswith(key) else "\n\n"
    path.write_text(text + apart + item, "utf-8")
