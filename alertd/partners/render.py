"""A notification as text and HTML. Templates are given the mail and nothing else."""

from __future__ import annotations

import textwrap
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alertd.partners.disclosure import PartnerMail
from alertd.routing.render import Rendered


def render_partner(mail: PartnerMail) -> Rendered:
    """The mail in both forms."""
    text, html = (_environment().get_template(f"partner.{form}.j2").render(mail=mail) for form in ("txt", "html"))
    return Rendered(mail.subject, mail.preview, text, html)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alertd.partners"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    environment.filters["indented"] = lambda text: _wrapped(text, "    ")
    environment.filters["wrapped"] = _wrapped
    return environment


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, 76, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
