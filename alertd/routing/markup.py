"""One source, two forms: the Markdown that a template makes becomes the plain text and the HTML of a mail.

Of Markdown: headings (``##`` a section, ``###`` whom or what the next lines are about, ``####`` one matter, on a
card of its own), paragraphs, lists, tables, ``---``, emphasis and links; no raw HTML. A paragraph that is one link
alone becomes a button. What a template puts in cannot become Markdown; its language and tone are marked with
private characters that no data can hold.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from alertd.language import Said

TONES: Final = ("overdue", "due", "upcoming", "unknown", "quiet")
WIDTH: Final = 76

_OPEN, _MID, _SHUT = "\ue000", "\ue001", "\ue002"
_TONE = "\ue003"
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")
_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that are not seen and turn the direction of what follows: a value could make a line read otherwise."""
_MARKED: Final = re.compile(f"{_OPEN}([a-z-]+){_MID}(.*?){_SHUT}", re.DOTALL)
_TONED: Final = re.compile(f"{_TONE}({'|'.join(TONES)}){_SHUT}")
_SYNTAX: Final = re.compile(r"([\\*_\[\]|]|^\s*[#+.)=-]|^\s*\d+(?=[.)]))")
"""What means something in the Markdown that is enabled: anywhere, and where a value begins a line."""

_LINK: Final = re.compile(
    r"(?:https|mailto|tel):|http://(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/]|$)", re.IGNORECASE
)
"""What may be pressed; without TLS only this machine itself, where somebody tries alertd out."""


class Raw(str):
    """A piece of markup that is not data."""

    __slots__ = ()


def tone(name: str) -> Raw:
    """The mark that gives the heading or paragraph it ends its tone, one of :data:`TONES`."""
    if name not in TONES:
        raise ValueError(f"the tones are {', '.join(TONES)}")
    return Raw(f"{_TONE}{name}{_SHUT}")


def data(value: object, language: str) -> str:
    """A value as text that means nothing in Markdown, marked where it is in another language than the mail."""
    if isinstance(value, Raw):
        return value
    text = _SYNTAX.sub(_escaped, _BREAKS.sub(" ", TURNING.sub("", _PRIVATE.sub("", str(value)))))
    foreign = isinstance(value, Said) and value.lang != language and any(c.isalpha() for c in value)
    return f"{_OPEN}{value.lang}{_MID}{text}{_SHUT}" if foreign and isinstance(value, Said) else text


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found}\\" if found[-1].isdigit() else f"{found[:-1]}\\{found[-1]}"


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, paragraph, list, table or rule, with the tokens that make it."""

    kind: str
    tokens: Sequence[Token]
    tone: str

    @property
    def inline(self) -> Token:
        """The text of a heading or paragraph."""
        return self.tokens[1]


def blocks(source: str) -> list[Block]:
    """The blocks of a rendered template, in order."""
    found: list[Block] = []
    tokens = _markdown().parse(source)
    start = 0
    for end, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            whole = tokens[start : end + 1]
            kind = token.tag if token.tag in ("h2", "h3", "h4", "p", "ul", "ol", "table", "hr") else "p"
            found.append(Block(kind, whole, _take_tone(whole)))
            start = end + 1
    return found


def _take_tone(tokens: Sequence[Token]) -> str:
    found = ""
    for token in (child for t in tokens for child in t.children or ()):
        if match := _TONED.search(token.content):
            found = found or match[1]
            token.content = _TONED.sub("", token.content).rstrip()
    return found


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("zero", {"html": False})
    markdown.enable(["heading", "list", "hr", "table", "emphasis", "balance_pairs", "fragments_join", "escape"])
    markdown.enable(["newline", "link"])
    markdown.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
    return markdown


# Plain text.


def to_text(found: Sequence[Block]) -> str:
    """The plain text: lines of at most :data:`WIDTH` characters, sections in capitals."""
    lines: list[str] = []
    depth, last = 0, ""
    for block in found:
        kind = block.kind
        if kind == "hr":
            depth = 0
        elif kind in ("h2", "h3", "h4"):
            depth = int(kind[1]) - 2
            words = _plain(block.inline)
            lines += _apart(lines, last not in ("h3",) or kind != "h4")
            lines += _wrapped(words.upper() if kind == "h2" else words, "  " * (depth - 1), "  " * (depth - 1))
        else:
            lines += _apart(lines, depth < 2 and last not in ("h3",))
            lines += _body(block, "    " if depth == 2 else "")
        last = kind
    return "\n".join(lines).strip("\n") + "\n"


def _apart(lines: Sequence[str], wanted: bool) -> list[str]:
    return [""] if wanted and lines else []


def _body(block: Block, indent: str) -> Iterator[str]:
    if block.kind in ("ul", "ol"):
        for token in block.tokens:
            if token.type == "inline":
                yield from _wrapped(_plain(token), f"{indent}- ", f"{indent}  ")
    elif block.kind == "table":
        yield from _columns(_cells(block), indent)
    else:
        for line in _plain(block.inline).split("\n"):
            yield from _wrapped(line, indent, indent)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    options = {"break_on_hyphens": False, "break_long_words": False}
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, **options)  # type: ignore[arg-type]


def _cells(block: Block) -> list[list[Token]]:
    rows: list[list[Token]] = []
    for token in block.tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    return rows


def _columns(rows: Sequence[Sequence[Token]], indent: str) -> Iterator[str]:
    """The first column to the left, figures to the right."""
    texts = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for first, *others in texts:
        line = first.ljust(widths[0]) + "".join(f"  {c.rjust(w)}" for c, w in zip(others, widths[1:], strict=True))
        yield indent + line.rstrip()


def _plain(inline: Token) -> str:
    said: list[str] = []
    url = ""
    for token in inline.children or ():
        if token.type in ("text", "text_special"):
            said.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            said.append("\n" if token.type == "hardbreak" else " ")
        elif token.type == "link_open":
            url = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            said.append(f": {url.removeprefix('mailto:').removeprefix('tel:')}")
    return _PRIVATE.sub("", _MARKED.sub(r"\2", "".join(said)))


# HTML.


def to_html(found: Sequence[Block], *, subject: str, preview: str, tag: str) -> str:
    """The whole page. ``tag`` is its language; ``preview`` is hidden and what a phone shows beside the subject."""
    body = "".join(_rows(found))
    values = {"lang": tag, "subject": escape(subject), "preview": escape(preview), "body": body}
    return re.sub(r"\{\{ (\w+) \}\}", lambda m: values[m[1]], _frame())


@lru_cache(maxsize=1)
def _frame() -> str:
    return (files("alertd.routing") / "templates" / "frame.html").read_text(encoding="utf-8")


COLOURS: Final = {"overdue": "#b3261e", "due": "#8a4500", "upcoming": "#1a5a9c", "unknown": "#5b3a9b", "": "#505a5f"}
_QUIET: Final = "#484c50"


def _rows(found: Sequence[Block]) -> Iterator[str]:
    """The blocks as rows of the mail's table; a card is open from a ``####`` to the next heading or rule."""
    section, card = "", False
    for block in found:
        if card and block.kind in ("h2", "h3", "h4", "hr"):
            yield "</td></tr></table></td></tr>\n"
            card = False
        if block.kind == "hr":
            yield '<tr><td style="padding:12px 0 0 0"></td></tr>\n'
        elif block.kind in ("h2", "h3"):
            section = block.tone if block.kind == "h2" else section
            yield _heading(block)
        elif block.kind == "h4":
            card = True
            yield _card(block, block.tone or section)
        elif card:
            yield _inner(block)
        else:
            yield f'<tr><td style="padding:0 0 10px 0;font-size:16px;line-height:1.4">{_inner(block)}</td></tr>\n'
    if card:
        yield "</td></tr></table></td></tr>\n"


def _heading(block: Block) -> str:
    if block.kind == "h2":
        style = f"margin:0;font-size:19px;line-height:1.3;color:{COLOURS.get(block.tone, COLOURS[''])}"
        return (
            f'<tr><td style="padding:18px 0 8px 0"><h2 class="{block.tone or "plain"}" style="{style}">'
            f"{_inline(block.inline)}</h2></td></tr>\n"
        )
    style = "margin:0;font-size:16px;line-height:1.3;color:#0b0c0c"
    return f'<tr><td style="padding:6px 0 5px 0"><h3 style="{style}">{_inline(block.inline)}</h3></td></tr>\n'


def _card(block: Block, tone_: str) -> str:
    colour = COLOURS.get(tone_, COLOURS[""])
    return (
        '<tr><td style="padding:0 0 10px 0"><table role="presentation" '
        'class="card" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" '
        f'style="background:#ffffff"><tr><td class="bar-{tone_ or "plain"}" style="padding:10px 12px;'
        f'border-left:5px solid {colour};font-size:16px;line-height:1.4;color:#0b0c0c">'
        f'<h4 style="margin:0 0 4px 0;font-size:16px;line-height:1.3">{_inline(block.inline)}</h4>\n'
    )


def _inner(block: Block) -> str:
    if block.kind == "table":
        return _table(_cells(block))
    if block.kind in ("ul", "ol"):
        items = "".join(f'<li style="margin:0 0 3px 0">{_inline(t)}</li>' for t in block.tokens if t.type == "inline")
        return f'<{block.kind} style="margin:0 0 6px 0;padding-left:20px">{items}</{block.kind}>\n'
    children = [t for t in block.inline.children or () if t.content or t.nesting]
    if children and children[0].type == "link_open" and children[-1].type == "link_close":
        return _button(str(children[0].attrGet("href") or ""), _inline(block.inline, links=False))
    known = COLOURS.get(block.tone, _QUIET if block.tone else "")
    classes = f' class="{block.tone}"' if block.tone else ""
    colour = f";color:{known}" if known and block.tone else ""
    return f'<p{classes} style="margin:0 0 5px 0{colour}">{_inline(block.inline)}</p>\n'


def _button(url: str, words: str) -> str:
    """A link to press: a cell with a colour, which Outlook shows too."""
    return (
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:6px 0 12px 0"><tr>'
        '<td class="button" bgcolor="#00703c" style="background:#00703c;padding:11px 16px">'
        f'<a href="{escape(url)}" style="color:#ffffff;font-size:16px;font-weight:bold;text-decoration:underline">'
        f"{words}</a></td></tr></table>\n"
    )


def _table(rows: Sequence[Sequence[Token]]) -> str:
    def cells(row: Sequence[Token], head: bool) -> Iterator[str]:
        for n, cell in enumerate(row):
            side = "right" if n else "left"
            style = f"padding:6px 4px;text-align:{side};border-bottom:1px solid #d3d6d8"
            if head or not n:
                weight = "" if head else ";font-weight:normal"
                yield f'<th scope="{"col" if head else "row"}" style="{style}{weight}">{_inline(cell)}</th>'
            else:
                yield f'<td style="{style}">{_inline(cell)}</td>'

    head, *body = ("".join(["<tr>", *cells(row, n == 0), "</tr>\n"]) for n, row in enumerate(rows))
    return (
        '<table class="card figures" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'bgcolor="#ffffff" style="background:#ffffff;font-size:16px;line-height:1.3;color:#0b0c0c;word-break:normal">'
        f"<thead>{head}</thead><tbody>{''.join(body)}</tbody></table>\n"
    )


def _inline(inline: Token, *, links: bool = True) -> str:
    return _foreign("".join(_tag(token, links) for token in inline.children or ()))


def _tag(token: Token, links: bool) -> str:
    if token.type in ("text", "text_special"):
        return escape(token.content)
    if token.type in ("softbreak", "hardbreak"):
        return "<br />" if token.type == "hardbreak" else " "
    if token.type == "link_open":
        return f'<a href="{escape(str(token.attrGet("href") or ""))}">' if links else ""
    if token.type == "link_close":
        return "</a>" if links else ""
    if token.nesting:
        return f"<{'/' if token.nesting < 0 else ''}{token.tag}>"
    return ""


def _foreign(page: str) -> str:
    return _MARKED.sub(r'<span lang="\1">\2</span>', page)
