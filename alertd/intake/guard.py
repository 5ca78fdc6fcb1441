"""The guard against half-loaded feeds.

A feed that is refilled each night shows empty or short tables while it is being filled. Taken at
its word it would close every alert, so a reading that has lost too much is refused and the last
good one stays in force.
"""

from __future__ import annotations

from collections.abc import Mapping

SMALL_TABLE = 100
"""Rows up to which a table may shrink freely (though not vanish): a few closures are a large share."""

_DO = (
    "If the feed was being refreshed, wait: it is read again soon; "
    "if the loss is meant, start once with: alertd run --accept-feed"
)


def judge(
    snapshot_counts: Mapping[str, int], previous: Mapping[str, int] | None, *, max_loss: float = 0.2
) -> list[str]:
    """Why a reading must not replace the last one, in words for the operator, what to do in the last of
    them; empty when it may.

    Both mappings are rows by table or file. ``max_loss`` is the share of rows a table of more than
    ``SMALL_TABLE`` may lose between two readings. Without a previous reading there is nothing to
    compare, so nothing to refuse.
    """
    reasons = []
    for table, before in sorted((previous or {}).items()):
        now = snapshot_counts.get(table)
        if not before:
            continue
        if now is None:
            reasons.append(f"{table} is gone; it held {before:,} rows at the last reading")
        elif not now:
            reasons.append(f"{table} is empty; it held {before:,} rows at the last reading")
        elif before > SMALL_TABLE and before - now > max_loss * before:
            lost = f"it lost {before - now:,} of {before:,} rows ({1 - now / before:.0%}; allowed {max_loss:.0%})"
            reasons.append(f"{table} is short: {lost} since the last reading")
    if reasons:
        reasons[-1] += f". {_DO}"
    return reasons
