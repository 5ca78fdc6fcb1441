"""Every other example in the documentation is read by what will read it when somebody copies it."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sqlite3
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.testing import CliRunner

from alertd.cases.kinds import KINDS
from alertd.cli.together import put_together
from alertd.partners.policy import read_policy
from alertd.people.load import PEOPLE_COLUMNS, TEAM_COLUMNS
from alertd.people.load_agencies import load_agencies
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.shelf import shelves
from tests.docs.written import ALL, PAGES, Block, blocks, name, of_kind

KINDS_OF_BLOCKS = {"sh", "console", "toml", "yaml", "json", "csv", "sql", "ini", "python", "po", "text"}


def test_every_block_says_what_it_is_and_one_that_nobody_checks_says_why() -> None:
    assert [block.place for block in ALL if block.kind not in KINDS_OF_BLOCKS and not block.unchecked] == []
    assert [block.place for block in ALL if block.unchecked and len(block.unchecked.split()) < 4] == []


def test_no_block_is_made_by_indenting() -> None:
    """Those have no kind, so that nothing could look at them."""
    for page in PAGES:
        text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"(?:^|\n)\n {4}[^ *\d-]", text), page


@pytest.mark.parametrize("block", of_kind("yaml"), ids=name)
def test_an_example_in_yaml_is_loaded_and_holds(block: Block, tmp_path: Path) -> None:
    """A pack and its cases on the same page belong together; an overlay lies over England's packs."""
    beside = [other for other in blocks(block.page) if other.kind == "yaml" and other.text != block.text]
    kind = block.text.split(":")[0].split("\n")[-1]
    if kind in ("pack", "cases"):
        pack, cases = (block, beside) if kind == "pack" else (next(b for b in beside if b.text[:5] == "pack:"), [block])
        (tmp_path / "ours.yaml").write_text(pack.text, "utf-8")
        of_it = [other for other in cases if other.text.startswith("cases:") and rule_of(other) in pack.text]
        assert kind == "pack" or of_it
        for sheet in of_it:
            (tmp_path / "ours.test.yaml").write_text(sheet.text, "utf-8")
            ran("rules", "test", str(tmp_path / "ours.yaml"))
        ran("rules", "lint", str(tmp_path / "ours.yaml"), code=0 if of_it else None)
    elif kind == "overlay":
        (tmp_path / "ours.overlay.yaml").write_text(block.text, "utf-8")
        ran("rules", "diff", str(builtin_pack("england")), str(tmp_path / "ours.overlay.yaml"))
    elif kind == "notifications":
        (tmp_path / "partners.yaml").write_text(block.text, "utf-8")
        assert read_policy(tmp_path / "partners.yaml", shelves([builtin_pack("england")])[0].rulebook).sent
    elif kind == "agencies":
        (tmp_path / "agencies.yaml").write_text(block.text, "utf-8")
        domains = set(re.findall(r"@([\w.-]+)", block.text))
        assert load_agencies(tmp_path / "agencies.yaml", allowed_domains=domains).agencies
    else:
        pytest.fail(f"{block.place}: nobody knows how to read a file that begins with {kind!r}")


def rule_of(cases: Block) -> str:
    found = re.search(r"rule: (\S+)", cases.text)
    assert found, cases.place
    return f"id: {found[1]}\n"


def ran(*words: str, code: int | None = 0) -> str:
    done = CliRunner().invoke(put_together(), list(words))
    assert code is None or done.exit_code == code, f"{done.output}{done.exception or ''}"
    return done.output


@pytest.mark.parametrize("block", of_kind("csv"), ids=name)
def test_an_example_of_a_list_has_columns_that_are_read(block: Block) -> None:
    heading, *rows = list(csv.reader(io.StringIO(block.text)))
    known = {"file,rows,sha256", "kind,from,to", "old,new", "from,within,nation", "child,only,never,reason,until"}
    people = {*PEOPLE_COLUMNS, "also", "language", "not_told_of", "fallback"}
    teams = {*TEAM_COLUMNS, "hours", "closed", "fallback"}
    ours = [{"child", "key", *(field.name for field in kind.fields)} for kind in KINDS.values()]
    assert ",".join(heading) in known or any(set(heading) <= columns for columns in (people, teams, *ours)), heading
    assert [row for row in rows if len(row) != len(heading)] == []


@pytest.mark.parametrize("block", of_kind("sql"), ids=name)
def test_an_example_of_a_query_names_columns_of_one_kind(block: Block) -> None:
    columns = set(re.findall(r"\bAS (\w+)", block.text))
    assert {"child"} < columns and sqlite3.complete_statement(block.text.rstrip().rstrip(";") + ";")
    assert any(columns <= {"child", "key", *(field.name for field in kind.fields)} for kind in KINDS.values()), columns


@pytest.mark.parametrize("block", of_kind("ini", "json", "python", "po"), ids=name)
def test_other_examples_can_be_read(block: Block) -> None:
    if block.kind == "json":
        json.loads(block.text)
    elif block.kind == "ini":
        assert re.match(r"(#.*\n)*\[\w+\]\n([A-Z]\w+=.*\n|#.*\n|\n|\[\w+\]\n)+$", block.text)
    elif block.kind == "python":
        ast.parse(block.text)  # what it does, the tests of the page it stands on try
    else:
        found = [message for message in read_po(io.StringIO(block.text)) if message.id]
        assert found and all(message.string for message in found)
