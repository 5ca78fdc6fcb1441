"""Renders mails by the templates that come with alertd."""

from __future__ import annotations

from alertd.routing.lint import Known
from alertd.routing.mails import Digest, Page, Rendered, Urgent
from alertd.routing.wording import shipped

__all__ = ["Rendered", "render_digest", "render_page", "render_urgent"]


def render_digest(digest: Digest, language: str = "en") -> Rendered:
    """The digest as text and HTML, by the templates that come with alertd."""
    return shipped().digest(digest, language)


def render_urgent(urgent: Urgent, language: str = "en") -> Rendered:
    """The urgent mail as text and HTML, by the template that comes with alertd."""
    return shipped().urgent(urgent, language)


def render_page(what: str, page: Page, language: str = "en", *, known: Known | None = None) -> Rendered:
    """A ``notification``, ``operator`` or ``subscription`` mail, by the template that comes with alertd."""
    return shipped().page(what, page, language, known=known)
