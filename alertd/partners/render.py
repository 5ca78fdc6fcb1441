"""A notification as text and HTML, by the authority's own template or ours."""

from __future__ import annotations

from alertd.partners.disclosure import PartnerMail
from alertd.routing import lint
from alertd.routing.mails import Rendered
from alertd.routing.wording import Wording


def render_partner(mail: PartnerMail, wording: Wording, known: lint.Known) -> Rendered:
    """The mail in both forms. ``known`` is what stands in it on purpose. Raises :class:`InputError` where whatever
    else it holds seems personal: it is held."""
    return wording.page("notification", mail.page, mail.language, rule=mail.rule, role=mail.kind, known=known)
