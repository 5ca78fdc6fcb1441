"""How pages look: templates made into HTML, and the files that a browser fetches beside them.

Our own templates are strict: a name that is missing is an error. The components of GOV.UK Frontend are called as
``govuk.error_summary({...})``; they ask all the time for what was not given, so they live in an environment of their
own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from alertd.cases.records import in_words

STATIC: Final = Path(__file__).parent / "static"

LAYOUT: Final[Mapping[str, Any]] = {
    "lang": "en",
    "section": "",  # the part of the service a page belongs to, for the title
    "nav": (),  # (text, href, whether this page belongs there)
    "viewer": None,  # whose page it is, with a name; without one there is no sign-out
    "csrf_field": "",  # the hidden field of every form
    "authority": "",
    "back": None,  # (text, href)
    "crumbs": (),  # (text, href) from the top down, this page last, with "" for its href
    "errors": (),  # (text, href of the field)
    "notice": None,  # (heading, text) of what they should know first
    "done": "",  # what they have just done
    "footer": "",  # how old the data is
    "printed": "",  # who prints this and when: on paper only
}
"""What the layout reads beside ``title``, which each page must give."""


def render(template: str, **values: object) -> str:
    """A page as text. ``values`` are the template's own, ``title``, and any of the layout's."""
    return environment().get_template(template).render({**LAYOUT, **values})


def static(name: str) -> str:
    """The address of a file beside the pages. It changes with the content, so a browser may keep what it has."""
    return f"/static/{name}?v={_fingerprint(STATIC / name)}"


def static_files() -> Mount:
    """The route at which they are served."""
    return Mount("/static", app=_Static(directory=STATIC), name="static")


def pages_shown(now: int, last: int) -> list[int | None]:
    """The numbers between "Previous" and "Next": both ends and the neighbours; None where some are left out."""
    near = sorted({1, last, *range(max(1, now - 1), min(last, now + 1) + 1)})
    shown: list[int | None] = []
    for before, number in zip([0, *near], near, strict=False):
        if number - before == 2:
            shown.append(number - 1)  # one page takes no more room than the mark that it was left out
        elif number - before > 2:
            shown.append(None)
        shown.append(number)
    return shown


def page_links(now: int, last: int, href: Callable[[int], str]) -> list[dict[str, Any]]:
    """The same as the component wants it. ``href`` is called with a number."""
    return [
        {"ellipsis": True} if number is None else {"number": number, "href": href(number), "current": number == now}
        for number in pages_shown(now, last)
    ]


def named(rows: Iterable[Sequence[object]], *names: str) -> list[dict[str, object]]:
    """Rows as the components want them, each field by its name."""
    return [dict(zip(names, row, strict=True)) for row in rows]


def heat(value: float, most: float) -> int:
    """How strongly a cell is coloured, 0 to 5: nothing is 0, whatever there is at least 1."""
    if value <= 0 or most <= 0:
        return 0
    return max(1, min(5, round(5 * value / most)))


class _Static(StaticFiles):
    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        asked = QueryParams(scope["query_string"]).get("v")
        kept = asked == _fingerprint(Path(full_path))
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response


@lru_cache(maxsize=64)
def _fingerprint(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=1)
def environment() -> Environment:
    """What templates are made with: everything strict, and everything escaped."""
    made = Environment(
        loader=PackageLoader("alertd.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    components = SimpleNamespace(**_components())
    made.globals |= {"static": static, "govuk": components, "page_links": page_links, "heat": heat}
    made.filters |= {"in_words": in_words, "named": named}
    return made


def _components() -> dict[str, Callable[..., str]]:
    """The macros of GOV.UK Frontend: ``error_summary`` is the one that its templates call ``govukErrorSummary``."""
    loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    theirs = Environment(loader=loader, autoescape=True, undefined=ChainableUndefined, trim_blocks=True)
    found = {}
    for name in _COMPONENTS:
        template = theirs.get_template(f"govuk_frontend_jinja/components/{name.replace('_', '-')}/macro.html")
        found[name] = getattr(template.module, "govuk" + name.title().replace("_", ""))
    return found


_COMPONENTS: Final[Sequence[str]] = (
    "accordion", "back_link", "breadcrumbs", "button", "character_count", "checkboxes", "date_input", "details",
    "error_message", "error_summary", "fieldset", "hint", "input", "inset_text", "label", "notification_banner",
    "pagination", "panel", "password_input", "radios", "select", "service_navigation", "skip_link", "summary_list",
    "tabs", "tag", "task_list", "textarea", "warning_text",
)  # fmt: skip
"""Those a service may have that is not on GOV.UK."""
