"""``alertd data check``: what is to be put right, as a table, CSV, lines of JSON and a page."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from alertd.cases.holding import Holding
from alertd.insight.data_quality import COLUMNS
from tests.integration.test_cli_forecast import Page
from tests.support.cli import AS_OF, RETURN, Done, Here, alertd, write_return
from tests.support.council import Inline

BAD = RETURN["starts.csv"].replace("01/06/2018,E4A", "01/04/2018,E4A") + ",01/10/2018,S,C2,N1,U1,PR1,,,\n"
BAD += "".join(f"{n},01/10/2018,S,C2,N1,U1,PR1,,,\n" for n in range(200, 240))
"""A placement that ends before it begins, a row without a child, and children whom the header lacks."""


def ask(ssd: Path, *more: str) -> tuple[str, ...]:
    return ("data", "check", "--source", f"ssd:{ssd / 'authority.db'}", "--as-of", AS_OF.isoformat(), *more)


def lines(done: Done) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The items of the JSON form, and the accounts that follow."""
    found = [json.loads(line) for line in done.out.splitlines()]
    return [row for row in found if "kind" in row], [row for row in found if "kind" not in row]


def test_nothing_found_is_exit_code_0(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = here("data", "check", "--source", source, "--as-of", "2019-03-31", "--format", "jsonl")
    assert (done.code, lines(done)[0]) == (0, []), done.out
    page = here("data", "check", "--source", source, "--as-of", "2019-03-31", "--format", "html")
    assert page.code == 0 and "Nothing was found" in page.out
    Page(page.out).check()


def test_a_bad_row_and_a_row_without_a_record_are_listed_with_their_place(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return', starts=BAD)}"
    done = here("data", "check", "--source", source, "--as-of", "2019-03-31", "--format", "jsonl")
    assert done.code == 1
    items, accounts = lines(done)
    asked = {(item["kind"], item["child"], item["where"], item["field"]) for item in items}
    assert ("left_out", "", "starts.csv:5", "CHILD") in asked
    assert any(kind == "conflict" and child == "102" and field == "end" for kind, child, _, field in asked)
    assert Counter(item["kind"] for item in items)["no_child"] == 40
    assert accounts and all(a["rows"] == a["used"] + sum(a["aside"].values()) + a["rejected"] for a in accounts)


def test_every_form_has_the_same_items(ssd: Path, tmp_path: Path, here: Here) -> None:
    done = here(*ask(ssd, "--format", "jsonl"))
    items, accounts = lines(done)
    assert done.code == 1 and len(items) > 5 and {a["table"] for a in accounts} >= {"ssd_person", "ssd_cp_visits"}
    as_csv = list(csv.DictReader(io.StringIO(here(*ask(ssd, "--format", "csv")).out)))
    assert as_csv == [{**{c: str(item[c]) for c in COLUMNS}, "blocks": " ".join(item["blocks"])} for item in items]
    out = tmp_path / "quality.html"
    written = here(*ask(ssd, "--format", "html", "--out", str(out)))
    assert (written.code, written.out) == (1, "")
    page = Page(out.read_text("utf-8"))
    page.check()
    said = [row for row in page.rows if len(row) == 3 and row[0].startswith(("ref ", "no child"))]
    assert len(said) == len(items)
    sums = Counter((i["team"], i["kind"]) for i in items)
    table = here(*ask(ssd)).out.splitlines()
    assert (
        next(line.split()[-1] for line in table if line.split()[:1] == ["all"]) == str(len(items)) == str(sums.total())
    )
    assert f"{len(items)} items on" in done.err


def test_only_a_team_or_a_kind_or_a_severity(ssd: Path, here: Here) -> None:
    items, _ = lines(here(*ask(ssd, "--format", "jsonl")))
    one = next(i for i in items if i["team"])
    of_team, _ = lines(here(*ask(ssd, "--format", "jsonl", "--team", one["team"])))
    assert of_team == [i for i in items if i["team"] == one["team"]]
    of_kind, _ = lines(here(*ask(ssd, "--format", "jsonl", "--kind", one["kind"])))
    assert of_kind == [i for i in items if i["kind"] == one["kind"]]
    missing, _ = lines(here(*ask(ssd, "--format", "jsonl", "--kind", "missing")))
    assert missing == [i for i in items if i["severity"] == "missing"] != []
    none = here(*ask(ssd, "--kind", "missing_for_long"))
    assert none.code == 0


def test_what_cannot_be_used_is_one_line_and_exit_code_2(ssd: Path, tmp_path: Path, here: Here) -> None:
    assert "Did you mean conflict" in here(*ask(ssd, "--kind", "conflic")).one_line
    assert "holds no child's case" in here(*ask(ssd, "--team", "nobody")).one_line
    assert "is not a date" in here("data", "check", "--source", "ssd:x.db", "--as-of", "soon").one_line
    assert here("data", "check", "--source", f"ssd:{tmp_path / 'none.db'}").one_line
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"\x00\xff" * 500)
    assert here("data", "check", "--source", f"ssd:{garbage}").one_line
    assert "cannot be written" in here(*ask(ssd, "--out", str(tmp_path / "no" / "x.html"))).one_line


@pytest.mark.fault("F62")
def test_markup_and_formulas_in_a_feed_are_text(ssd: Path, here: Here) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alertd.insight.data_quality.holding", lambda *_: Holding("=1+<b>W", "@<i>T"))
        patch.setattr("alertd.engine.sweep.ProcessPoolExecutor", Inline)
        page = here(*ask(ssd, "--format", "html")).out
        assert "&lt;b&gt;W" in page and "<b>W" not in page and "<i>T" not in page
        rows = list(csv.DictReader(io.StringIO(here(*ask(ssd, "--format", "csv")).out)))
        assert all(row["worker"].startswith("'=1+") and row["team"].startswith("'@") for row in rows)


def test_it_is_a_command_of_its_own_process(ssd: Path) -> None:
    done = alertd(*ask(ssd, "--kind", "unreadable", "--format", "csv"))
    assert done.code in (0, 1) and done.out.splitlines()[0] == ",".join(COLUMNS)
