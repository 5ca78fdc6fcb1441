"""The words of a message as they were sent, for a page: paragraphs and lists instead of lines of a mail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from alertd.routing.markup import WIDTH


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of one line, or a list of several."""

    lines: tuple[str, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says. ``first`` is its first line."""

    subject: str
    blocks: tuple[Block, ...]

    @property
    def first(self) -> str:
        """What it is about."""
        return self.blocks[0].lines[0] if self.blocks else self.subject


def words_of(message: bytes, without: str = "") -> Words | None:
    """The words of a mail; None for what is no mail with a text that can be read, as one that is encrypted.

    Lines that hold ``without`` are left out, as links that are only for whoever has the mail.
    """
    parsed = message_from_bytes(message, _class=EmailMessage, policy=policy.default)
    body = parsed.get_body(("plain",)) if parsed["Message-ID"] else None
    if body is None:
        return None
    return Words(str(parsed["Subject"] or ""), blocks_of(str(body.get_content()), without))


def blocks_of(text: str, without: str = "") -> tuple[Block, ...]:
    """The paragraphs and lists of a plain text."""
    found: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if line.strip() and not (without and without in line)]
        found += _blocks(lines)
    return tuple(found)


def _blocks(lines: Iterable[str]) -> list[Block]:
    """One paragraph: what was wrapped is put together again; a line that begins with a dash begins an item."""
    text: list[str] = []
    items: list[str] = []
    before = ""
    for line in lines:
        if line.lstrip().startswith("- "):
            items.append(line.strip().removeprefix("- "))
        elif items:
            items[-1] += f" {line.strip()}"
        elif before and _was_wrapped(before, line):
            text[-1] += f" {line.strip()}"
        else:
            text.append(line.strip())
        before = line
    found = [Block((one,)) for one in text]
    return [*found, Block(tuple(items), is_list=True)] if items else found


def _was_wrapped(line: str, then: str) -> bool:
    """Whether a line was broken only because the next word did not fit."""
    return len(line) <= WIDTH < len(line) + 1 + len(then.split(maxsplit=1)[0])
