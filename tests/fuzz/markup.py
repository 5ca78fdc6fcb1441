"""What can befall an XML return: elements, texts, entities, namespaces, encodings."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

from lxml import etree

from tests.fuzz import odd
from tests.fuzz.damage import Change
from tests.fuzz.feeds import CANARY, Draft

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True)
_LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
_TYPES: Final = (
    f'<!DOCTYPE r [<!ENTITY l0 "lol">{_LAUGHS}]>',
    '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE r [<!ENTITY f SYSTEM "http://127.0.0.1:9/x">]>',
    '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    f'<!DOCTYPE r [<!ENTITY l11 "{"a" * 60_000}">]>',
    "<!DOCTYPE r>",
)
_DAYS: Final = frozenset(
    {
        "CINreferralDate",
        "AssessmentActualStartDate",
        "CINPlanStartDate",
        "S47ActualStartDate",
        "CPPstartDate",
        "PersonBirthDate",
        "DECOM",
        "REVIEW",
        "MIS_START",
    }
)


def _on_tree(change: Callable[[Draft, str, etree._Element], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file(".xml")
        try:
            root = etree.fromstring(draft.files[name], _PARSER) if name else None
        except (etree.XMLSyntaxError, ValueError):
            return False
        if name is None or root is None or not change(draft, name, root):
            return False
        draft.files[name] = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return True

    changed.__name__ = change.__name__
    return changed


def _any(draft: Draft, root: etree._Element, leaf: bool | None = None) -> etree._Element | None:
    found = [e for e in root.iter("*") if e is not root and (leaf is None or leaf is (len(e) == 0))]
    return draft.rng.choice(found) if found else None


def _safe(text: str) -> str:
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 32)


@_on_tree
def plant(draft: Draft, _: str, root: etree._Element) -> bool:
    for _ in range(draft.rng.randint(1, 3)):
        element = _any(draft, root, leaf=True)
        if element is not None:
            element.text = CANARY
    return True


@_on_tree
def odd_texts(draft: Draft, _: str, root: etree._Element) -> bool:
    for _ in range(draft.rng.choice((1, 3, 20))):
        element = _any(draft, root, leaf=draft.rng.random() < 0.9)
        if element is not None:
            element.text = _safe(odd.cell(draft.rng))
    return True


@_on_tree
def no_day(draft: Draft, name: str, root: etree._Element) -> bool:
    found = [e for e in root.iter("*") if etree.QName(e).localname in _DAYS and (e.text or "").strip()]
    if not found or draft.given.name.startswith("sample"):
        return False
    draft.rng.choice(found).text = CANARY
    draft.lost = name
    return True


@_on_tree
def drop_elements(draft: Draft, _: str, root: etree._Element) -> bool:
    for _ in range(draft.rng.choice((1, 1, 5, 30))):
        element = _any(draft, root)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.remove(element)
    return True


@_on_tree
def repeat_elements(draft: Draft, _: str, root: etree._Element) -> bool:
    for _ in range(draft.rng.choice((1, 1, 5))):
        element = _any(draft, root)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.insert(draft.rng.randrange(len(parent) + 1), copy.deepcopy(element))
    return True


@_on_tree
def rename_elements(draft: Draft, _: str, root: etree._Element) -> bool:
    element = _any(draft, root)
    if element is None:
        return False
    old = etree.QName(element).localname
    new = draft.rng.choice((old.lower(), old.upper(), f"{old}s", "X", "{urn:x}" + old, "Child", "CHILD"))
    for each in list(root.iter(element.tag)) if draft.rng.random() < 0.5 else [element]:
        each.tag = new
    return True


@_on_tree
def shuffle_elements(draft: Draft, _: str, root: etree._Element) -> bool:
    parent = draft.rng.choice([e for e in root.iter("*") if len(e) > 1] or [root])
    children = list(parent)
    draft.rng.shuffle(children)
    parent[:] = children
    return True


@_on_tree
def deep(draft: Draft, _: str, root: etree._Element) -> bool:
    """Elements in elements in elements."""
    at = _any(draft, root)
    if at is None:
        return False
    for _ in range(draft.rng.choice((50, 240, 250))):
        inner = etree.SubElement(at, draft.rng.choice(("a", "Child", "CHILD", at.tag)))
        at = inner
    return True


def _in_text(draft: Draft, change: Callable[[str], str]) -> bool:
    name = draft.file(".xml")
    if not name:
        return False
    text = draft.files[name].decode("utf-8", "replace")
    draft.files[name] = change(text).encode("utf-8", "replace")
    return True


def _after_tag(draft: Draft, text: str, put: str) -> str:
    """``put`` behind some tag's end."""
    places = [n for n, c in enumerate(text) if c == ">"][1:]
    at = draft.rng.choice(places) + 1 if places else len(text)
    return text[:at] + put + text[at:]


def document_type(draft: Draft) -> bool:
    """A document type with entities, used or not: bombs, and files from elsewhere."""

    def put(text: str) -> str:
        body = text.partition("?>")[2] if text.startswith(("<?xml", "\ufeff<?xml")) else text
        if draft.rng.random() < 0.8:
            body = _after_tag(draft, body, draft.rng.choice(("&l11;", "&f;", "&l1;")))
        padding = draft.rng.choice(("", "", f"<!-- {'x' * 70_000} -->", f"<!-- {'x' * 1_100_000} -->"))
        return f'<?xml version="1.0"?>{padding}{draft.rng.choice(_TYPES)}{body}'

    return _in_text(draft, put)


def marks(draft: Draft) -> bool:
    """What XML allows beside elements: CDATA, comments, instructions; and what it does not."""
    puts = (
        f"<![CDATA[{CANARY}<a>]]>", f"<!-- {CANARY} -->", f"<?php {CANARY} ?>", "<![CDATA[", "]]>", "<!--",
        "-->", "&", "<",
        "&#0;", "&#x1F600;", "&nbsp;", "</Child>", "</CHILD>", "<?xml version='1.0'?>", CANARY, "\x00", "\ufffe",
    )  # fmt: skip
    return _in_text(draft, lambda text: _after_tag(draft, text, draft.rng.choice(puts)))


def namespaces(draft: Draft) -> bool:
    def put(text: str) -> str:
        which = draft.rng.randrange(3)
        if which == 0:
            return text.replace("<Message", '<Message xmlns="urn:x"', 1).replace(
                "<SSDA903", '<SSDA903 xmlns="urn:x"', 1
            )
        if which == 1:
            return text.replace("<Child", '<Child xmlns:a="urn:a" a:b="c"').replace("<CHILD", '<CHILD xmlns="urn:y"')
        return text.replace("<CINdetails", "<q:CINdetails").replace("<EPISODE", "<q:EPISODE")

    return _in_text(draft, put)


def long_text(draft: Draft) -> bool:
    """One text or attribute beyond all measure, or a great many small elements."""
    puts = (
        "y" * 2_000_000,
        f'<a b="{"z" * 2_000_000}"/>',
        "<a/>" * 200_000,
        "<Assessments/>" * 60_000,
        "<Child/>" * 60_000,
    )
    return _in_text(draft, lambda text: _after_tag(draft, text, draft.rng.choice(puts)))


def other_encoding(draft: Draft) -> bool:
    name = draft.file(".xml")
    if not name:
        return False
    text = draft.files[name].decode("utf-8-sig", "replace")
    said, how = draft.rng.choice(
        (("utf-16", "utf-16"), ("UTF-8", "latin-1"), ("latin-1", "latin-1"), ("utf-8", "utf-16-le"), ("ebcdic",
        "cp037"),
         ("no-such-encoding", "utf-8"), ("UTF-7", "utf-7"), ("utf-32", "utf-32"))
    )  # fmt: skip
    body = text.partition("?>")[2] if text.startswith("<?xml") else text
    body = _after_tag(draft, body, "Zoë")
    draft.files[name] = f'<?xml version="1.0" encoding="{said}"?>{body}'.encode(how, "replace")
    return True


XML: Final[tuple[Change, ...]] = (
    odd_texts, odd_texts, odd_texts, no_day, no_day, drop_elements, drop_elements, repeat_elements, repeat_elements,
    rename_elements, rename_elements, shuffle_elements, deep, document_type, document_type, document_type, marks, marks,
    namespaces, long_text, other_encoding,
)  # fmt: skip
