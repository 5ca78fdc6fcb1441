"""What the documentation has written: its blocks of code by kind, and what stands between backticks in its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block: where its fence stands, its ``kind``, the file it is said to be, and why it is not checked."""

    page: Path
    line: int
    kind: str
    title: str
    text: str
    unchecked: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page. ``<!-- unchecked: REASON -->`` before one says why no test can look at it."""
    found: list[Block] = []
    opened: tuple[int, str, str, str, str] | None = None
    lines: list[str] = []
    reason = ""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = re.match(r"( *)```(\S*)(?: title=\"(.*)\")?$", line)
        if opened is None and fence:
            opened, lines = (number, fence[1], fence[2], fence[3] or "", reason), []
        elif opened is not None and fence:
            at, indent, kind, title, why = opened
            text = "".join(one.removeprefix(indent) + "\n" for one in lines)
            found.append(Block(page, at, kind, title, text, why))
            opened = None
        elif opened is not None:
            lines.append(line)
        elif said := re.fullmatch(r" *<!-- unchecked: (.+) -->", line):
            reason = said[1]
            continue
        if opened is None and line:
            reason = ""
    assert opened is None, f"{page}: a block is not closed"
    return found


def spoken(page: Path) -> Iterator[tuple[str, str]]:
    """What stands between backticks outside the blocks, with its place."""
    inside = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if re.match(r" *```", line):
            inside = not inside
        elif not inside:
            for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
                yield f"{page.relative_to(ROOT)}:{number}", code


ALL = [block for page in PAGES for block in blocks(page)]


def of_kind(*kinds: str) -> list[Block]:
    """The blocks of these kinds that a test can look at."""
    return [block for block in ALL if block.kind in kinds and not block.unchecked]


def name(block: Block) -> str:
    """What pytest calls the case of a block."""
    return block.place
