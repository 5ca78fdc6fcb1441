"""What each feed can fill, by kind of record: of all readers together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alertd.cases.kind import FeedCode
from alertd.cases.kinds import Fills
from alertd.cases.sources import annex_a, cin_census, csc_api, own_csv, ssd_tables, ssda903

FILLS: Final[Mapping[FeedCode, Fills]] = {
    "ssd": ssd_tables.FILLS,
    "annex_a": annex_a.FILLS,
    "cin": cin_census.FILLS,
    "903": ssda903.FILLS,
    "api": csc_api.FILLS,
    "extra": own_csv.FILLS,
}
"""What the readers fill, by feed."""
