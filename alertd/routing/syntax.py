"""What a template may say: its allow-listed syntax, checked when it is loaded.

A template places what it is given. It may output, choose with ``if`` and repeat with ``for``; it may name the
fields of its mail and of what is in them, and use the filters listed. Everything else is refused with its line,
before any message is made: calls, imports, assignments, names and fields there are not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from string import Formatter
from typing import Any, Final, get_args, get_origin, get_type_hints

from jinja2 import Environment, TemplateSyntaxError, nodes

from alertd.errors import InputError, did_you_mean
from alertd.routing.lint import holds

FILTERS: Final = {
    "say": "the text in the reader's language, with its {names} filled in from the arguments",
    "stage": "a stage in words",
    "tone": "gives the heading or paragraph it ends its colour",
    "ended": "with a full stop at its end",
    "inner": "with a small letter at its beginning",
    "sentence": "with a capital at its beginning",
    "join": "a list as text",
    "length": "how many",
}
"""The filters a template may use, and what each gives."""

KEPT_BACK: Final = frozenset({"named", "rows", "today"})
"""Fields of a mail that are for its checking and not for its reader."""

PERSONAL: Final = (
    "birth", "born", "dob", "age", "address", "postcode", "nhs", "upn", "pupil_number", "nino", "surname", "forename",
    "first_name", "last_name", "full_name", "child_name", "name", "ethnicity", "religion", "disability", "diagnosis",
    "abuse", "category", "parent", "mother", "father", "sibling", "placement", "carer", "school", "phone", "telephone",
    "gender", "sex", "notes",
)  # fmt: skip
"""Words in a field's name that show it to be personal; no mail has such a field."""

MAX_LENGTH: Final = 100_000
"""Characters of a template. What it makes grows with its length and with the mail, and no faster."""

_LOOP: Final = ("first", "last", "index", "length")


def check_template(environment: Environment, source: str, context: type, place: str) -> None:
    """Refuse a template that says more than it may. ``context`` is the class of ``mail``; ``place`` its file.

    Raises :class:`InputError` with ``file:line``.
    """
    if len(source) > MAX_LENGTH:
        raise InputError(f"is longer than {MAX_LENGTH} characters", where=place, fix="A mail is read by people.")
    try:
        tree = environment.parse(source)
        _Reader(place).body(tree.body, {"mail": context})
        environment.compile(tree)
    except TemplateSyntaxError as error:
        raise InputError(f"is not a template: {error.message}", where=f"{place}:{error.lineno}") from None
    except (RecursionError, ValueError):  # a number of thousands of digits
        fix = "Write it plainly: nothing here needs so many brackets, filters or branches."
        raise InputError("cannot be read: it is nested too deep", where=place, fix=fix) from None


class _Reader:
    """Walks one template, knowing of each name what class it is."""

    def __init__(self, place: str) -> None:
        self.place = place

    def body(self, found: list[nodes.Node], names: Mapping[str, Any], repeated: Collection[str] = ()) -> None:
        """``repeated`` are the names that the innermost loop around it gives."""
        for node in found:
            self._statement(node, names, repeated)

    def _statement(self, node: nodes.Node, names: Mapping[str, Any], repeated: Collection[str]) -> None:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    if isinstance(part, nodes.TemplateData):
                        self._text(part)
                    else:
                        self._words(part, names)
            case nodes.If():
                self._type(node.test, names)
                self.body([*node.body, *node.elif_, *node.else_], names, repeated)
            case nodes.For() if not node.recursive:
                each = _each(self._type(node.iter, names))
                if node.test is not None:
                    raise self._refused(node, "a condition in a for", "Put an if inside the loop.")
                if "loop" in names and _root(node.iter) not in repeated:
                    # Loops over the same list in each other make of a thousand lines a thousand million.
                    what = "a loop in a loop over something else"
                    raise self._refused(node, what, "Repeat in a loop only what that loop gives.")
                given = self._targets(node.target, each)
                self.body(node.body, {**names, **given, "loop": _Loop}, given)
                self.body(node.else_, names, repeated)
            case _:
                raise self._refused(node, _words(node), "A template may output, and use if and for.")

    def _text(self, node: nodes.TemplateData) -> None:
        for kind in ("an NHS number", "a unique pupil number", "a National Insurance number"):
            if holds(kind, node.data):
                raise self._refused(node, kind, "Take it out: a template is the same for every child.")

    def _targets(self, target: nodes.Node, each: Any) -> dict[str, Any]:
        if isinstance(target, nodes.Name):
            return {target.name: each}
        kinds = get_args(each)
        if isinstance(target, nodes.Tuple) and len(kinds) == len(target.items):
            return {n.name: kind for n, kind in zip(target.items, kinds, strict=True) if isinstance(n, nodes.Name)}
        raise self._refused(target, "a loop over several names at once", "Name one.")

    def _type(self, node: nodes.Node, names: Mapping[str, Any]) -> Any:
        """The class of an expression, each part of which is looked at."""
        match node:
            case nodes.Name():
                if node.name not in names:
                    raise self._unknown(node, node.name, [n for n in names if n != "loop"], "")
                return names[node.name]
            case nodes.Getattr():
                return self._field(node, self._type(node.node, names))
            case nodes.Filter():
                if node.name not in FILTERS or node.node is None:
                    raise self._refused(node, f"the filter {node.name!r}", _there_are(node.name, FILTERS))
                if node.dyn_args or node.dyn_kwargs:
                    raise self._refused(node, "arguments that are unpacked", "Write them out.")
                self._filtered(node, node.node, names)
                return int if node.name == "length" else str
            case nodes.Const():
                return type(node.value)
            case nodes.Concat():
                for part in node.nodes:
                    self._words(part, names)
                return str
            case nodes.Compare() | nodes.Not():
                for operand in _parts(node):
                    self._type(operand, names)
                return bool
            case nodes.CondExpr(expr2=otherwise):
                self._type(node.test, names)
                return self._one_of([node.expr1, *([otherwise] if otherwise else [])], names)
            case nodes.And() | nodes.Or():  # its value is that of one of the two
                return self._one_of([node.left, node.right], names)
            case _:
                raise self._refused(node, _words(node), "Use the fields of mail as they are, with filters.")

    def _filtered(self, node: nodes.Filter, value: nodes.Expr, names: Mapping[str, Any]) -> None:
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            self._words(argument, names)
        if node.name not in ("length", "join"):
            self._words(value, names)
        elif (kind := self._type(value, names)) not in (str, int, bool) and node.name == "join" and _whole(_each(kind)):
            raise self._refused(node, "a whole of several fields as text", "Repeat with for, and name each field.")
        if node.name == "say" and (node.args or node.kwargs):
            self._filled(node, value)

    def _filled(self, node: nodes.Filter, text: nodes.Expr) -> None:
        """Refuse a text to fill in that could reach into what fills it: ``{who.name}``, ``{n:>9}``."""
        fix = 'Write the text itself, with a plain {name} for each argument: "{n} more" | say(n=mail.more).'
        if isinstance(text, nodes.CondExpr) and text.expr2 is not None:
            self._filled(node, text.expr1)
            self._filled(node, text.expr2)
            return
        if node.args or not (isinstance(text, nodes.Const) and isinstance(text.value, str)):
            raise self._refused(node, "a text that is filled in and not written there", fix)
        try:
            holes = [hole[1:] for hole in Formatter().parse(text.value) if hole[1] is not None]
        except ValueError:
            holes = [("", "", None)]
        given = {pair.key for pair in node.kwargs}
        named = [hole[0] for hole in holes]
        if len(named) != len(set(named)):  # in texts that fill each other each would double what the last has made
            raise self._refused(node, f"the text {text.value[:40]!r} with one name twice", "Name each once.")
        if any(name not in given or spec or conversion for name, spec, conversion in holes):
            raise self._refused(node, f"the text {text.value[:40]!r} filled in so", fix)

    def _one_of(self, found: list[nodes.Expr], names: Mapping[str, Any]) -> Any:
        kinds = [self._type(one, names) for one in found]
        return next((kind for kind in kinds if _whole(kind)), str)

    def _words(self, node: nodes.Node, names: Mapping[str, Any]) -> None:
        """Refuse what is not one value: as text a whole mail shows every field it has, also those kept back."""
        if _whole(self._type(node, names)):
            raise self._refused(node, "a whole of several fields as text", "Name the field, or repeat with for.")

    def _field(self, node: nodes.Getattr, of: Any) -> Any:
        known = fields_of(of)
        if node.attr not in known:
            raise self._unknown(node, node.attr, list(known), f" of {getattr(of, '__name__', of)}")
        return known[node.attr]

    def _unknown(self, node: nodes.Node, name: str, known: list[str], of: str) -> InputError:
        personal_ = any(word in name.lower() for word in PERSONAL)
        what = f"{name!r} is personal and in no mail" if personal_ else f"there is no {name!r}{of}"
        return InputError(what, where=f"{self.place}:{node.lineno}", fix=_there_are(name, known))

    def _refused(self, node: nodes.Node, what: str, fix: str) -> InputError:
        return InputError(f"a template may not hold {what}", where=f"{self.place}:{node.lineno}", fix=fix)


class _Loop:
    """What ``loop`` knows inside a ``for``."""


def fields_of(of: Any) -> dict[str, Any]:
    """The fields of a class that a template may name, each with its class; none of what has no fields."""
    if of is _Loop:
        return dict.fromkeys(_LOOP, int)
    if not (isinstance(of, type) and is_dataclass(of)):
        return {}
    hints = get_type_hints(of)
    found = {f.name: hints[f.name] for f in fields(of)}
    found |= {
        name: get_type_hints(member.fget)["return"]
        for name, member in vars(of).items()
        if isinstance(member, property) and member.fget is not None
    }
    return {name: kind for name, kind in found.items() if name not in KEPT_BACK and not name.startswith("_")}


def described(of: type, name: str = "mail") -> Iterator[str]:
    """Every name a template about such a mail may use, as ``mail.sections[].heading``."""
    for key, kind in fields_of(of).items():
        inner = _each(kind) if get_origin(kind) is tuple else kind
        here = f"{name}.{key}" + ("[]" if inner is not kind else "")
        yield here
        if isinstance(inner, type) and is_dataclass(inner):
            yield from described(inner, here)


def _each(kind: Any) -> Any:
    """What a loop over it gives: the class of the items of a tuple of any length."""
    kinds = get_args(kind)
    return kinds[0] if get_origin(kind) is tuple and len(kinds) == 2 and kinds[1] is Ellipsis else None


def _whole(kind: Any) -> bool:
    """Whether it is of several values: a class with fields, or a tuple."""
    return kind is _Loop or get_origin(kind) is tuple or (isinstance(kind, type) and is_dataclass(kind))


def _root(node: nodes.Node) -> str:
    """The name that a field is a field of; blank for what is no name or field."""
    while isinstance(node, nodes.Getattr):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else ""


def _parts(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Operand):
            yield child.expr
        else:
            yield child


def _there_are(name: str, known: Any) -> str:
    return did_you_mean(name, known) or f"There are: {', '.join(sorted(known)) or 'none'}."


def _words(node: nodes.Node) -> str:
    known = {
        "Call": "a call", "CallBlock": "a call", "Macro": "a macro", "Import": "an import", "FromImport": "an import",
        "Include": "another template", "Extends": "another template", "Assign": "an assignment", "Block": "a block",
        "AssignBlock": "an assignment", "Getitem": "a look-up by key", "Test": "a test with 'is'",
        "For": "a recursive loop",
    }  # fmt: skip
    return known.get(type(node).__name__, f"{type(node).__name__.lower()}")
