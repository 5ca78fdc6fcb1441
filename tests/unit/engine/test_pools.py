"""Where children are evaluated: what the settings may say of it, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.bootstrap import pools_of
from alertd.engine.sweep import Processes
from alertd.errors import InputError
from alertd.settings import Settings
from alertd.settings.engine import Engine

FILES = {"ca": Path("ca.pem"), "cert": Path("cert.pem"), "key": Path("key.pem")}


def settings(**engine: Any) -> Settings:
    return Settings(
        feed=({"kind": "ssd", "url": "x.db"},),
        people={"people": "p", "teams": "t", "duty": "d@x.example", "allowed_domains": ["x.example"]},
        email={"sender": "a@x.example"},
        engine=engine,
    )


def test_where_nothing_is_said_it_is_a_process_for_each_processor_and_else_so_many() -> None:
    pools = pools_of(settings())
    assert isinstance(pools, Processes) and pools.workers() >= 1
    assert pools_of(settings(workers=3)).tried() == "processes of this machine, at most 3 at once"


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ({"executor": "dask://127.0.0.1:8786"}, "tcp://127.0.0.1:8786"),
        ({"executor": "dask://[::1]:8786"}, "tcp://[::1]:8786"),
        ({"executor": "dask://localhost:8786", **FILES}, "tls://localhost:8786"),
        ({"executor": "dask://work.la350.example:8786", **FILES}, "tls://work.la350.example:8786"),
        ({"executor": "dask://10.0.0.2:8786", "allow_plain": True}, "tcp://10.0.0.2:8786"),
    ],
)
def test_a_cluster_is_spoken_to_with_its_certificates_or_where_nobody_can_listen(
    engine: dict[str, Any], address: str
) -> None:
    from alertd.engine.cluster import Cluster

    pools = pools_of(settings(**engine))
    assert isinstance(pools, Cluster) and pools.address == address


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        ({"executor": "dask://10.0.0.2:8786"}, "children's data goes to this cluster: give ca, cert and key"),
        ({"executor": "dask://work.example:8786"}, "children's data goes to this cluster"),
        ({"executor": "dask://work.example:8786", "ca": Path("ca.pem")}, "ca, cert and key go together"),
        ({"executor": "dask://work.example:8786", **FILES, "allow_plain": True}, "not both"),
        ({"executor": "dask://127.0.0.1:8786", "workers": 2}, "workers is about processes of this machine"),
        ({"executor": "threads"}, 'is neither "processes" nor a scheduler'),
        ({"executor": "dask://user:secret@work.example:8786"}, 'is neither "processes" nor a scheduler'),
        ({"executor": "dask://work.example"}, 'is neither "processes" nor a scheduler'),
        (FILES, "are about a cluster"),
        ({"allow_plain": True}, "are about a cluster"),
        ({"workers": 0}, "greater than or equal to 1"),
    ],
)
def test_what_would_let_others_listen_or_means_nothing_is_refused(engine: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Engine(**engine)


def test_a_cluster_without_what_speaks_to_it_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "alertd.engine.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"not installed \(distributed\)\. Install it: pip install 'alertd\[distr"):
        pools_of(settings(executor="dask://127.0.0.1:8786"))
