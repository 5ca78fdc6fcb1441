"""What can befall a JSON payload: types, values, nesting, fields given twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.fuzz import odd
from tests.fuzz.damage import Change
from tests.fuzz.feeds import CANARY, Draft

_WRONG: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 10**30, -(2**63), "", " ", [], {}, [[]], [None], ["x"], {"a": 1}, "x" * 100,
    "x" * 100_000,
    "\ud800", "\u0000", float("nan"), float("inf"), 1e308,
)  # fmt: skip


def _slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, key or index) below a value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _slots(value[key])


def _on_payload(change: Callable[[Draft, list[Any]], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file(".json")
        try:
            payload = json.loads(draft.files[name]) if name else None
        except (ValueError, RecursionError):
            return False
        if name is None or not isinstance(payload, list) or not payload or not change(draft, payload):
            return False
        draft.files[name] = json.dumps(payload).encode()
        return True

    changed.__name__ = change.__name__
    return changed


def _named(key: Any) -> bool:
    return isinstance(key, str) and key.endswith("_id")


@_on_payload
def plant(draft: Draft, payload: list[Any]) -> bool:
    slots = [(of, key) for of, key in _slots(payload) if isinstance(of[key], str) and not _named(key)]
    for of, key in draft.rng.sample(slots, min(len(slots), draft.rng.randint(1, 3))):
        of[key] = CANARY
    return True


@_on_payload
def wrong_types(draft: Draft, payload: list[Any]) -> bool:
    for _ in range(draft.rng.choice((1, 2, 10))):
        of, key = draft.rng.choice(list(_slots(payload)) or [(payload, 0)])
        of[key] = copy.deepcopy(draft.rng.choice(_WRONG))
        if not payload:
            return False
    return True


@_on_payload
def odd_texts(draft: Draft, payload: list[Any]) -> bool:
    slots = [(of, key) for of, key in _slots(payload) if isinstance(of[key], str)]
    for of, key in draft.rng.sample(slots, min(len(slots), draft.rng.choice((1, 3, 20)))):
        of[key] = odd.cell(draft.rng)
    return True


@_on_payload
def no_day(draft: Draft, payload: list[Any]) -> bool:
    days = ("referral_date", "closure_date", "start_date", "end_date", "authorisation_date", "date_of_birth")
    slots = [(of, key) for of, key in _slots(payload) if key in days and of[key]]
    if not slots or not draft.given.single or draft.given.name.startswith("sample"):
        return False
    of, key = draft.rng.choice(slots)
    of[key] = CANARY
    draft.lost = "*"
    return True


@_on_payload
def drop_fields(draft: Draft, payload: list[Any]) -> bool:
    for _ in range(draft.rng.choice((1, 1, 5, 20))):
        slots = [(of, key) for of, key in _slots(payload) if isinstance(of, dict)]
        if slots:
            of, key = draft.rng.choice(slots)
            del of[key]
    return True


@_on_payload
def rename_fields(draft: Draft, payload: list[Any]) -> bool:
    of, key = draft.rng.choice([slot for slot in _slots(payload) if isinstance(slot[0], dict)] or [({"x": 1}, "x")])
    of[draft.rng.choice((key.upper(), f"{key}s", CANARY, "", "x" * 1000, "\u0000"))] = of.pop(key)
    return True


@_on_payload
def repeat_elements(draft: Draft, payload: list[Any]) -> bool:
    lists = [payload, *(of[key] for of, key in _slots(payload) if isinstance(of[key], list) and of[key])]
    chosen = draft.rng.choice(lists)
    chosen.insert(draft.rng.randrange(len(chosen) + 1), copy.deepcopy(draft.rng.choice(chosen)))
    return True


@_on_payload
def drop_children(draft: Draft, payload: list[Any]) -> bool:
    """Children gone from the payload; as many rows fewer."""
    n = draft.rng.randint(1, max(1, len(payload) // 2))
    for _ in range(min(n, len(payload) - 1)):
        payload.pop(draft.rng.randrange(len(payload)))
        draft.rows["children"] = draft.rows.get("children", 0) - 1
    if not draft.given.single:
        draft.rows.clear()  # the other file still has them
    return True


@_on_payload
def purge(draft: Draft, payload: list[Any]) -> bool:
    objects = [child for child in payload if isinstance(child, dict)]
    objects += [of[key] for of, key in _slots(payload) if isinstance(of[key], dict)]
    if objects:
        draft.rng.choice(objects)["purge"] = draft.rng.choice((True, True, False, "yes", 1, None))
    return bool(objects)


def _in_bytes(draft: Draft, change: Callable[[bytes], bytes]) -> bool:
    name = draft.file(".json")
    if name:
        draft.files[name] = change(draft.files[name])
    return bool(name)


def field_twice(draft: Draft) -> bool:
    return _in_bytes(draft, lambda data: data.replace(b'"la_child_id":', b'"la_child_id": "A1", "la_child_id":', 1))


def deep(draft: Draft) -> bool:
    n = draft.rng.choice((100, 1000, 1025, 100_000, 3_000_000))
    open_, close = draft.rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    whole = open_ * n + (b"1" + close * n if draft.rng.random() < 0.7 else b"")
    if draft.rng.random() < 0.5:
        return _in_bytes(draft, lambda _: whole)
    return _in_bytes(draft, lambda data: data.replace(b"{", b'{"x": ' + whole + b",", 1))


def swollen(draft: Draft) -> bool:
    """A payload made to fill the memory."""
    fill = draft.rng.choice((b"[],", b"{},", b'"a",', b"0,", b'{"la_child_id":"A"},'))
    return _in_bytes(draft, lambda _: b"[" + fill * draft.rng.choice((1_000, 1_000_000, 3_000_000)) + b"0]")


def other_shape(draft: Draft) -> bool:
    wraps = (
        b'{"children": %s}',
        b"[%s]",
        b"%s%s",
        b"/* x */ %s",
        b"%s,",
        b"NaN",
        b"null",
        b'"x"',
        b"\xef\xbb\xbf%s",
        b"x=%s",
    )
    wrap = draft.rng.choice(wraps)
    return _in_bytes(draft, lambda data: wrap.replace(b"%s", data))


def other_encoding(draft: Draft) -> bool:
    how = draft.rng.choice(("utf-16", "utf-32", "latin-1", "utf-16-be"))
    return _in_bytes(
        draft, lambda data: data.decode("utf-8", "replace").replace('": "', '": "é', 3).encode(how, "replace")
    )


JSON: Final[tuple[Change, ...]] = (
    wrong_types, wrong_types, wrong_types, odd_texts, odd_texts, no_day, no_day, drop_fields, drop_fields,
    rename_fields,
    repeat_elements, repeat_elements, drop_children, purge, purge, field_twice, deep, swollen, other_shape,
    other_encoding,
)  # fmt: skip
