"""The templates and languages of one authority: which template answers for a mail, and the mail made by it.

``<what>[.<rule id>][.<role>][.<channel>][.<language>].md.j2``: the most specific that fits is used, the
authority's own before alertd's. A name without a language serves both: its words are looked up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alertd.errors import InputError, did_you_mean
from alertd.language import ENGLISH, LANGUAGES, Language, Said, language
from alertd.people.directory import ROLES
from alertd.routing import lint
from alertd.routing.mails import Digest, Page, Rendered, Urgent
from alertd.routing.markup import TONES, Raw, blocks, data, to_html, to_text, tone
from alertd.routing.syntax import check_template
from alertd.rulebook import builtin
from alertd.rulebook.agencies import AGENCIES

CONTEXTS: Final[Mapping[str, type]] = {
    "digest": Digest,
    "urgent": Urgent,
    "notification": Page,
    "operator": Page,
    "subscription": Page,
}
"""What there are templates for, and the class of the ``mail`` that each is given."""

CHANNELS: Final = ("email", "message")
SUFFIX: Final = ".md.j2"

Mail = Digest | Urgent | Page


@dataclass(frozen=True, slots=True)
class Template:
    """One template. ``place`` is its file as a reader knows it; the blank ones of the others stand for any. ``role``
    is as what its reader is told; of a notification, the kind of agency."""

    what: str
    rule: str
    role: str
    channel: str
    language: str
    place: str
    source: str = field(repr=False)

    @property
    def answers_for(self) -> tuple[str, str, str, str]:
        """What, rule with role, channel and language: one template each."""
        return (self.what, _about(self.rule, self.role), self.channel, self.language)


class Wording:
    """What one authority says and how. ``folder`` holds its own templates and, as ``cy.po``, its own Welsh;
    ``packs`` are rule packs, files or folders, that may have a ``cy.po`` beside their rules as alertd's own have."""

    def __init__(self, folder: Path | None = None, packs: Iterable[Path] = ()) -> None:
        """Reads and checks every template. Raises :class:`InputError` with file and line for the first fault."""
        beside = [pack if pack.is_dir() else pack.parent for pack in (builtin.england(), builtin.wales(), *packs)]
        self._folders = tuple(dict.fromkeys([*beside, *([folder] if folder else [])]))
        self._environment = _environment()
        self._own = {t.answers_for: t for t in _read_folder(folder)} if folder else {}
        self._shipped = {t.answers_for: t for t in _shipped()}
        for found in self.templates():
            check_template(self._environment, found.source, CONTEXTS[found.what], found.place)
        self._compiled = {t.place: self._environment.from_string(t.source) for t in self.templates()}
        for code in LANGUAGES:
            self.language(code)

    def templates(self) -> list[Template]:
        """Every template there is, the authority's own first."""
        return [*self._own.values(), *self._shipped.values()]

    def language(self, code: str) -> Language:
        """A language with alertd's Welsh, that of the rule packs and the authority's own."""
        return language(code, *self._folders)

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change when a template does."""
        content = "\0".join(f"{t.place}\0{t.source}" for t in self.templates())
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def template(self, what: str, *, rule: str = "", role: str = "", channel: str = "", language: str = "") -> Template:
        """The most specific template that fits: a rule's before a role's, a role's before a channel's."""
        asked = [(value, "") if value else ("",) for value in (rule, role, channel, language)]
        for known in (self._own, self._shipped):
            for for_rule, for_role, by, code in product(*asked):
                if found := known.get((what, _about(for_rule, for_role), by, code)):
                    return found
        raise InputError(f"there is no template for {what!r}", fix=did_you_mean(what, CONTEXTS))

    def render(
        self,
        what: str,
        mail: Mail,
        language: Language,
        *,
        rule: str = "",
        role: str = "",
        channel: str = "email",
        known: lint.Known | None = None,
    ) -> Rendered:
        """The mail in both forms. Raises :class:`InputError` where it seems to hold something personal: it is held.

        ``known`` is what else is in the mail on purpose, beside what the mail itself says it refers to.
        """
        chosen = self.template(what, rule=rule, role=role, channel=channel, language=language.code)
        found = blocks(self._compiled[chosen.place].render(mail=mail, language=language))
        subject, preview = str(mail.subject), str(mail.preview)
        made = Rendered(
            subject, preview, to_text(found), to_html(found, subject=subject, preview=preview, tag=language.tag)
        )
        parts = {"subject": subject, "preview": preview, "text": made.text, "html": made.html}
        lint.check(parts, _known(mail, chosen.source, known), mail.today, template=chosen.place, rule=rule)
        return made

    def digest(self, digest: Digest, language: str = "en", *, role: str = "") -> Rendered:
        """A digest that was composed in that language."""
        return self.render("digest", digest, self.language(language), role=role)

    def urgent(self, urgent: Urgent, language: str = "en", *, rule: str = "", role: str = "") -> Rendered:
        """An urgent mail that was composed in that language."""
        return self.render("urgent", urgent, self.language(language), rule=rule, role=role)

    def page(
        self,
        what: str,
        page: Page,
        language: str = "en",
        *,
        rule: str = "",
        role: str = "",
        known: lint.Known | None = None,
    ) -> Rendered:
        """A notification, a word to the operator or about a subscription, composed in that language."""
        return self.render(what, page, self.language(language), rule=rule, role=role, known=known)


@lru_cache(maxsize=1)
def shipped() -> Wording:
    """The templates and languages that come with alertd, with nobody's own."""
    return Wording()


def _known(mail: Mail, template: str, more: lint.Known | None) -> lint.Known:
    """What is in a mail on purpose: the rows and references it names, its links, and what the template itself says."""
    more = more or lint.Known()
    said = [match[0] for shape in _CONTACTS for match in lint.KINDS[shape].finditer(template)]
    names = {row.who for row in mail.load} if isinstance(mail, Digest) else set()
    if isinstance(mail, Digest):
        names |= {child.held_by for s in mail.sections for family in s.families for child in family.children}
    links = {mail.line.page} if isinstance(mail, Urgent) else {link.url for link in mail.links}
    if isinstance(mail, Digest):
        links |= {line.page for section in mail.sections for line in section.lines}
    return lint.Known(
        references={*more.references, *mail.rows, *links} - {""},
        contacts={*more.contacts, *said},
        names={*more.names, *names} - {""},
        canaries=more.canaries,
        disclosed=more.disclosed,
    )


def _about(rule: str, role: str) -> str:
    """Rule and role as a file name has them: a rule's own name may end with a word that is a role too."""
    return ".".join(filter(None, (rule, role)))


_CONTACTS: Final = ("an e-mail address", "a telephone number")


# Reading templates.


def _shipped() -> Iterator[Template]:
    folder = files("alertd.routing") / "templates"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(SUFFIX):
            yield _named(file.name, f"alertd's own {file.name}", file.read_text(encoding="utf-8"))


def _read_folder(folder: Path) -> Iterator[Template]:
    if not folder.is_dir():
        raise InputError("is not a folder", where=str(folder), fix="Give the folder of templates in [templates] folder")
    for path in sorted(folder.glob("*.j2")):
        try:
            yield _named(path.name, str(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            raise InputError(f"cannot be read: {error}", where=str(path)) from None


def _named(name: str, place: str, source: str) -> Template:
    """A template by its file name."""
    if not name.endswith(SUFFIX):
        raise InputError("is not named as a template", where=place, fix=f"Its name ends with {SUFFIX}.")
    what, *rest = name.removesuffix(SUFFIX).split(".")
    if what not in CONTEXTS:
        fix = did_you_mean(what, CONTEXTS) or f"There are: {', '.join(CONTEXTS)}."
        raise InputError(f"there is no mail {what!r}", where=place, fix=fix)
    code = rest.pop() if rest and rest[-1] in LANGUAGES else ""
    channel = rest.pop() if rest and rest[-1] in CHANNELS else ""
    roles = AGENCIES if what == "notification" else {*ROLES, "subscriber"}
    role = rest.pop() if rest and rest[-1] in roles else ""
    if len(rest) == 1:
        known = [*LANGUAGES, *CHANNELS, *roles]
        fix = did_you_mean(rest[0], known) or "The name is what[.rule][.role][.channel][.language].md.j2."
        raise InputError(f"{rest[0]!r} is no rule, role, channel or language", where=place, fix=fix)
    return Template(what, ".".join(rest), role, channel, code, place, source)


# The environment.


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,  # what is put in is escaped by finalize, as text within Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters.clear()
    environment.tests.clear()
    environment.globals.clear()
    filters: dict[str, Callable[..., Any]] = {
        "say": _say,
        "stage": _stage,
        "tone": lambda name: tone(name) if name in TONES else Raw(""),
        "ended": lambda text: _as(text, f"{text.rstrip('.')}."),
        "inner": lambda text: _as(text, text[:1].lower() + text[1:]),
        "sentence": lambda text: _as(text, text[:1].upper() + text[1:]),
        "join": lambda words, by=", ": by.join(map(str, words)),
        "length": len,
    }
    environment.filters.update(filters)
    return environment


def _in(context: Context) -> Language:
    found = context.get("language")
    return found if isinstance(found, Language) else ENGLISH


@pass_context
def _finalize(context: Context, value: object) -> str:
    return data(value, _in(context).code)


@pass_context
def _say(context: Context, text: str, **values: object) -> Said:
    return _in(context).say(text, **values)


STAGES: Final = {"overdue": "Overdue", "due": "Due today", "upcoming": "Coming up", "unknown": "Cannot tell"}


@pass_context
def _stage(context: Context, stage: str) -> Said:
    return _in(context).say(STAGES[stage])


def _as(text: str, made: str) -> str:
    """What was made of a text, in the same language."""
    return Said(made, text.lang) if isinstance(text, Said) else made
