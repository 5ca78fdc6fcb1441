"""XML that somebody else wrote: read whole or not at all, an element at a time.

Nothing is fetched and nothing expanded. A file that declares a document type is refused before any of
it is used: no return needs one, and every entity attack does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, Final, Literal

from lxml import etree

from alertd.errors import InputError

_CHUNK: Final = 1 << 16
_PROLOGUE: Final = 1 << 20
"""Bytes within which the first element must begin."""
_LARGEST: Final = 1 << 20
"""Bytes one element may span. A child of a return has some kilobytes, so a megabyte is no child; made of
the smallest elements there are, it takes a hundred times that in memory."""
_MOST: Final = 10_000
"""Elements within one. Each may become a record, and what is judged of a child grows faster than its records."""
_TOO_MANY: Final = etree.XPath(f"count(descendant::*) > {_MOST}")

_FIX: Final = "Export the file again: it is cut short or damaged."


def root_of(path: Path) -> str:
    """The name of the outermost element, without its namespace.

    Raises InputError for a file that cannot be read, is no XML, or declares a document type.
    """
    with _opened(path) as file:
        return _root(file, path)


def elements(path: Path, names: tuple[str, ...], others: Counter[str]) -> Generator[etree._Element, None, None]:
    """Every element of one of these ``names``, in any namespace, complete; it is emptied afterwards.

    ``others`` counts what stands beside them under another name, and is complete when this has ended.
    Raises InputError, at any point, for a file that is not whole XML: then nothing of it is to be
    believed. Memory is bounded by the largest element, which is bounded too.
    """
    parser = _parser("end", tuple(f"{{*}}{name}" for name in names))
    last: Any = None
    with _opened(path) as file:
        _root(file, path)
        file.seek(0)
        held = 0
        while chunk := _read(file, path):
            _feed(parser, chunk, path)
            held += len(chunk)
            for _, last in parser.read_events():
                held = 0
                if _TOO_MANY(last):
                    what = f"an element has more than {_MOST:,} within it, as no child has"
                    raise InputError(what, where=f"{path.name}:{last.sourceline}", fix=_FIX)
                yield last
                _forget(last, names, others)
            if held > _LARGEST:
                what = f"no {' or '.join(names)} ends within {_LARGEST >> 20} MB"
                raise InputError(what, where=path.name, fix="Check that this is the file you mean.")
        root = _feed(parser, None, path)
    beside = list(root)
    if last is not None and last.getparent() is not root:
        beside += last.itersiblings()
    others.update(local(e) for e in beside if not any(local(each) in names for each in (e, *e)))


def local(element: etree._Element) -> str:
    """The element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _parser(event: Literal["start", "end"], tag: tuple[str, ...] | None) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=(event,),
        tag=tag,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _read(file: IO[bytes], path: Path) -> bytes:
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _feed(parser: etree.XMLPullParser, chunk: bytes | None, path: Path) -> etree._Element:
    """Feed a chunk, or close after the last. What the parser says is not repeated: it may quote the file."""
    try:
        if chunk is None:
            return parser.close()
        parser.feed(chunk)
    except (etree.LxmlError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError("is not whole XML", where=f"{path.name}:{line}", fix=_FIX) from error
    return None  # type: ignore[return-value]


def _root(file: IO[bytes], path: Path) -> str:
    parser = _parser("start", None)
    read = b""
    try:
        while len(read) < _PROLOGUE and (chunk := _read(file, path)):
            read += chunk
            _feed(parser, chunk, path)
            first: Any
            for _, first in parser.read_events():
                _refuse_doctype(first.getroottree().docinfo.doctype, path)
                return local(first)
        if len(read) < _PROLOGUE:
            _feed(parser, None, path)
    except InputError:
        # A declaration may be what broke it. Without its zero bytes, UTF-16 reads as ASCII here.
        _refuse_doctype("<!DOCTYPE" if b"<!DOCTYPE" in read.replace(b"\0", b"") else "", path)
        raise
    raise InputError("is not XML", where=path.name, fix="Check that this is the file you mean.")


def _refuse_doctype(doctype: str, path: Path) -> None:
    if doctype:
        what = "declares a document type (DOCTYPE), through which a file can do harm"
        raise InputError(what, where=path.name, fix="Export it without one: no return needs it.")


def _forget(element: etree._Element, names: tuple[str, ...], others: Counter[str]) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        if (name := local(before)) not in names:
            others[name] += 1
        parent.remove(before)


def line_of(element: etree._Element) -> int:
    """The line on which an element begins."""
    return int(str(element.sourceline or 1))
