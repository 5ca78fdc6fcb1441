"""``alertd templates``: which templates there are, whether they are sound, and what a mail made by one looks like."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from alertd import bootstrap, settings
from alertd.calendars.calendar import calendar_for
from alertd.cli.output import console
from alertd.errors import InputError, did_you_mean
from alertd.language import LANGUAGES
from alertd.people.directory import ROLES
from alertd.routing.example import example_digest, example_page, example_urgent
from alertd.routing.mails import Rendered
from alertd.routing.syntax import FILTERS, described
from alertd.routing.wording import CONTEXTS, Wording
from alertd.rulebook import builtin
from alertd.rulebook.agencies import AGENCIES
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule, Rulebook

templates_app = typer.Typer(
    help="The templates and languages of mails: what there is, whether it is sound, and how it looks.",
    no_args_is_help=True,
)

_SHOWN: Final = ("cp.visit", "cla.review.first", "cla.iha", "cla.visit.first")
"""Rules an example digest is about, where none is asked for."""

_Config = Annotated[
    Path | None, typer.Option("--config", help="The settings, for the authority's own templates and rules.")
]
_Folder = Annotated[Path | None, typer.Option("--folder", help="A folder of templates, in place of the settings'.")]


@templates_app.command("list")
def list_templates(config: _Config = None, folder: _Folder = None) -> None:
    """Every template, the authority's own first, and what each may name."""
    table = Table("mail", "rule", "role", "channel", "language", "file", box=None, pad_edge=False)
    for t in _wording(config, folder).templates():
        table.add_row(t.what, t.rule or "any", t.role or "any", t.channel or "any", t.language or "any", t.place)
    out = console()
    out.print(table)
    for what, context in CONTEXTS.items():
        out.print(f"\n{what}: {', '.join(described(context))}", soft_wrap=True, highlight=False)
    out.print("\nFilters: " + "; ".join(f"{name}: {gives}" for name, gives in FILTERS.items()), soft_wrap=True)


@templates_app.command()
def check(config: _Config = None, folder: _Folder = None) -> None:
    """Read every template and catalogue, and render each with a made-up mail. A fault is told with file and line."""
    wording = _wording(config, folder)
    book = _rulebook(config)
    for template in wording.templates():
        # A rule's own name may end with a word that is a role too.
        about = [id_ for id_ in (template.rule, f"{template.rule}.{template.role}") if book.rule(id_)]
        if template.rule and not about:
            known = did_you_mean(template.rule, (r.id for r in book.rules))
            raise InputError(f"there is no rule {template.rule!r}", where=template.place, fix=known)
        for code in (template.language,) if template.language else LANGUAGES:
            _example(wording, book, template.what, next(iter(about), ""), template.role, code)
    print(f"{len(wording.templates())} templates are sound, in {' and '.join(LANGUAGES)}.")


@templates_app.command()
def show(
    what: Annotated[str, typer.Argument(help=f"Which mail: {', '.join(CONTEXTS)}.")],
    rule: Annotated[str, typer.Option("--rule", help="The id of the rule it is about.")] = "",
    role: Annotated[str, typer.Option("--role", help="As whom its reader is told.")] = "",
    language: Annotated[str, typer.Option("--language", help="en or cy.")] = "en",
    html: Annotated[Path | None, typer.Option("--html", help="Write the HTML to this file.")] = None,
    config: _Config = None,
    folder: _Folder = None,
) -> None:
    """The mail made by the template that answers, of a made-up case, as text or HTML."""
    for value, known, word in (
        (what, CONTEXTS, "mail"),
        (language, LANGUAGES, "language"),
        (role, {*_roles(what), ""}, "role"),
    ):
        if value not in known:
            raise InputError(
                f"there is no {word} {value!r}", fix=did_you_mean(value, known) or f"Use {', '.join(known)}"
            )
    wording = _wording(config, folder)
    mail = _example(wording, _rulebook(config), what, rule, role, language)
    if html is None:
        sys.stdout.write(f"Subject: {mail.subject}\n\n{mail.text}")
        return
    try:
        html.write_text(mail.html, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(html)) from None
    print(f"Written to {html}.")


def _roles(what: str) -> Collection[str]:
    """As what the readers of a mail are told."""
    return AGENCIES if what == "notification" else ROLES


def _wording(config: Path | None, folder: Path | None) -> Wording:
    if folder is None and config is not None:
        return bootstrap.wording_of(settings.load(config))
    return Wording(folder)


def _rulebook(config: Path | None) -> Rulebook:
    if config is None:
        return load_rulebook([builtin.england()])
    return bootstrap.rulebook_of(settings.load(config))


def _example(wording: Wording, book: Rulebook, what: str, rule: str, role: str, code: str) -> Rendered:
    language, calendar = wording.language(code), calendar_for(book.nation)
    chosen: Rule | None = book.rule(rule) if rule else None
    if rule and chosen is None:
        raise InputError(f"there is no rule {rule!r}", fix=did_you_mean(rule, (r.id for r in book.rules)))
    if what == "digest":
        shown = [chosen] if chosen else [r for r in map(book.rule, _SHOWN) if r] or list(book.rules[:4])
        return wording.digest(example_digest(shown, book, calendar, language, role), code, role=role)
    if what == "urgent":
        about = chosen or book.rule(_SHOWN[0]) or book.rules[0]
        return wording.urgent(example_urgent(about, book, calendar, language), code, rule=about.id, role=role)
    return wording.page(what, example_page(), code, rule=rule, role=role)
