"""``alertd subject-access``: everything that is kept of one child, for whoever answers a request for it."""

from __future__ import annotations

import getpass
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from alertd.audit.chain import record
from alertd.bootstrap import merged_numbers
from alertd.cli.desk import Desk, desk
from alertd.db.engine import reading
from alertd.errors import InputError
from alertd.intake.kept import followed
from alertd.keeping.files import discard, draft, settle
from alertd.keeping.look_first import questions
from alertd.keeping.subject_access import Child, gather
from alertd.keeping.subject_page import Heading, as_json, as_page
from alertd.people.directory import Directory
from alertd.views.alerts import person_name


def subject_access(
    child: Annotated[str, typer.Argument(help="The child's reference, as in mails and pages.")],
    config: Annotated[Path, typer.Option(help="The settings file.")],
    to: Annotated[Path, typer.Option(help="What the two files are called, without .json and .html.")],
    reason: Annotated[str, typer.Option(help="Why, as the number of the request. It is kept in the audit.")],
    as_: Annotated[str | None, typer.Option("--as", help="Who does it; your login name if left out.")] = None,
) -> None:
    """Put together everything that is kept of one child, as a JSON and a page. It is kept in the audit.

    The first page says what must be looked at before any of it is given out; nothing is taken out.
    """
    with desk(config) as here:
        if not reason.strip():
            raise InputError("a reason is needed", fix="Give --reason: it is kept in the audit")
        _write(here, child, to, as_ or getpass.getuser(), reason)


def _write(here: Desk, child: str, to: Path, by: str, why: str) -> None:
    base = to.with_suffix("") if to.suffix in (".json", ".html") else to
    names = [base.with_name(f"{base.name}{end}") for end in (".json", ".html")]
    for name in names:
        if name.exists():
            raise InputError("there is a file of that name", where=str(name), fix="Name another with --to")
    whose = _child(here, child)
    with Session(reading(here.engine)) as session, session.begin():
        kept = gather(session, whose)
    if not any(kept.counts().values()):
        raise InputError("nothing is kept of a child of this reference", fix="See that it is written as in the feed")

    def name_of(id_: str) -> str:
        return _name(here.directory, id_)

    heading = Heading(child, tuple(sorted(whose.numbers - {child})), here.now, by, why)
    restricted = any(one in here.directory.restrictions for one in whose.numbers)
    asked = questions(kept, name_of, restricted=restricted)
    titles = {rule.id: rule.title for rule in here.rulebook.rules}
    texts = as_json(kept, heading, asked), as_page(kept, heading, asked, titles=titles, name_of=name_of)
    try:
        with ExitStack() as unfinished:
            parts = [draft(base.parent) for _ in names]
            for part, text in zip(parts, texts, strict=True):
                unfinished.callback(discard, part)
                part.write_text(text, "utf-8")
            with Session(here.engine) as session, session.begin():  # nobody gets it unless it is in the audit
                record(session, here.now, by=by, what="subject access", child=child, why=why, detail=kept.counts())
            for part, name in zip(parts, names, strict=True):
                settle(part, name)
    except OSError as error:
        what = f"the files cannot be written: {error.strerror}"
        raise InputError(what, where=str(base.parent), fix="Name a folder that you may write to") from None
    print(", ".join(f"{what.replace('_', ' ')} {n}" for what, n in kept.counts().items() if n))
    print(f"{names[1]} is for whoever decides what of it is given out; {names[0]} is the same for programs.")


def _child(here: Desk, child: str) -> Child:
    """The child with all numbers that were merged into the one given."""
    merged = merged_numbers(here.settings)
    old = {one for one in merged if followed(one, merged) == child}
    authorities = {feed.name: feed.authority for feed in here.settings.feed if feed.authority}
    return Child(frozenset({child, *old}), authorities)


def _name(directory: Directory, id_: str) -> str:
    if id_.startswith("agency:"):
        agency = directory.agencies.agencies.get(id_.split(":")[1])
        return agency.name if agency else id_
    return person_name(directory, id_)
