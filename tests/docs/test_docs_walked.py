"""The pages that a reader follows with the hands, from the first command to the last: what each prints stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alertd.bootstrap import build
from alertd.settings import load
from alertd.web.app import app
from tests.docs.written import DOCS, PAGES, Block, blocks
from tests.support.cli import Here
from tests.support.pages import Browser

WALKED = [page for page in PAGES if any(block.kind == "console" for block in blocks(page))]
"""A page with commands whose output is shown is walked whole, in a folder of its own."""


MADE: dict[str, tuple[Path, str]] = {}
"""Demos that a page before has made by the same command, and what they printed: each takes half a minute."""


def as_pattern(written: str) -> re.Pattern[str]:
    """What a command must print: `…` alone on a line is any lines, else anything within its line."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else r".*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
        for line in written.splitlines()
    ]
    return re.compile("".join(lines))


def commands(block: Block) -> list[tuple[str, str]]:
    """Each command of a block with what is said that it prints."""
    first, *found = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not first
    return [(line, said) for one in found for line, _, said in [one.partition("\n")]]


def put(block: Block, folder: Path) -> None:
    """A file as the reader writes it; of settings, the lines of a section, which may be there already."""
    file = folder / block.title
    if block.kind != "toml":
        file.write_text(block.text, "utf-8")
        return
    section, lines = block.text.split("\n", 1)
    text = file.read_text("utf-8")
    there = f"\n{section}\n"
    file.write_text(text.replace(there, there + lines) if there in text else f"{text}\n{block.text}", "utf-8")


def run(line: str, folder: Path, here: Here) -> tuple[int, str]:
    """A line as a shell runs it: one that is alertd's alone in this process, which saves seconds, else by a shell."""
    if re.fullmatch(r"alertd (?!demo )[^;|&>*]+", line):
        done = here(*shlex.split(line)[1:])
        return done.code, f"{done.out}\n{done.err}"
    if line in MADE:
        made, printed = MADE[line]
        shutil.copytree(made, folder, dirs_exist_ok=True)
        return 0, printed
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    words = ["bash", "-c", line]
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    ended = subprocess.run(words, cwd=folder, env=os.environ | {"PATH": path}, stdout=pipe, stderr=both, text=True)
    if line.startswith("alertd demo ") and ended.returncode == 0:
        kept = shutil.copytree(folder, folder.parent / f"{folder.name}-made")
        MADE[line] = kept, ended.stdout
    return ended.returncode, ended.stdout


def whole(printed: str) -> str:
    """What was printed, as somebody would copy it: no ends of lines that nobody sees."""
    return "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines() if line.strip() or line == "")


def walk(page: Path, folder: Path, here: Here, meanwhile: Callable[[Block, str], None]) -> None:
    """Do what the page says; ``meanwhile`` is told of each block that only shows a command, with all printed so far."""
    printed, everything = "", ""
    for block in blocks(page):
        if block.title:
            put(block, folder)
        if block.kind == "sh":
            meanwhile(block, everything)
        if block.kind != "console":
            continue
        for line, said in commands(block):
            known = re.search(r"^ ([0-9a-f]{8})-[0-9a-f]{4}", printed, re.MULTILINE)
            code, out = run(re.sub(r"\bID\b", known[1], line) if known else line, folder, here)
            printed = whole(out)
            everything += printed
            assert code == 0, f"{block.place}: {line}\n{printed}"
            assert as_pattern(said).fullmatch(printed), f"{block.place}: {line}\nprints\n{printed}\nand not\n{said}"


@pytest.mark.slow
@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.name)
def test_the_page_goes_as_it_is_written(
    page: Path, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    claimed = []

    def meanwhile(block: Block, printed: str) -> None:
        if page.name == "tutorial.md" and "alertd web" in block.text:
            claimed.append(claim_something(tmp_path, re.findall(r"^  worker +(http\S+)$", printed, re.MULTILINE)[-1]))

    walk(page, tmp_path, here, meanwhile)
    assert claimed or page.name != "tutorial.md"


def claim_something(folder: Path, link: str) -> str:
    """What the reader does in the browser, by the words that the tutorial has for it; the page it was said on."""
    said = (DOCS / "tutorial.md").read_text("utf-8")
    house = build(load(folder / "demo-data" / "alertd.toml"))
    try:
        browser = Browser(app(house))
        assert f"*{words_of_button(browser.ask('GET', urlsplit(link).path).text)}*" in said
        assert browser.ask("POST", urlsplit(link).path).status_code == 303
        work = browser.ask("GET", "/work").text
        alert = re.search(r'href="(/alerts/\d+)"', work)
        assert alert, "the busiest worker has an alert"
        page = browser.ask("GET", alert[1]).text
        form = re.search(rf'href="({alert[1]}/claim)"[^>]*>\s*([^<]+?)\s*<', page)
        assert form and f"*{form[2]}*" in said
        asked = browser.ask("GET", form[1]).text
        assert f"*{words_of_button(asked)}*" in said
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', asked)
        assert token
        sent = {"csrf": token[1], "reason": "Seen on Tuesday, not yet typed"}
        assert browser.ask("POST", form[1], data=sent).status_code == 303
        return alert[1]
    finally:
        house.engine.dispose()


def words_of_button(page: str) -> str:
    found = re.findall(r"<button[^>]*govuk-button[^>]*>\s*([^<]+?)\s*</button>", page)
    assert found
    return str(found[-1])


def test_what_is_said_to_be_printed_is_not_just_anything() -> None:
    said = as_pattern("a … c\n…\nend\n")
    assert said.fullmatch("a b c\nx\ny\nend\n") and said.fullmatch("a b c\nend\n")
    assert not said.fullmatch("a b d\nend\n") and not said.fullmatch("a b c\nend\nmore\n")
