"""The section about where children are evaluated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from alertd.outbox.channel_config import SecretFile
from alertd.settings.listening import loopback
from alertd.settings.section import Section

PROCESSES = "processes"
_CLUSTER = re.compile(r"dask://(?P<host>[^/\s:@]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


class Engine(Section):
    """Where children are evaluated: in processes of this machine, or on a Dask cluster (docs/cluster.md)."""

    executor: str = PROCESSES
    """`processes`, or the scheduler of a cluster: `dask://host:8786`."""
    workers: int | None = Field(default=None, ge=1)
    """How many processes of this machine. Left out, one for each processor; a cluster has what it has."""
    ca: Path | None = None
    """The certificate of the cluster's own authority: with it all is encrypted, and both ends must show theirs."""
    cert: Path | None = None
    """This machine's certificate in the cluster."""
    key: SecretFile | None = None
    """The key of this machine's certificate."""
    allow_plain: bool = False
    """That the network between this machine and the cluster is private: children's data crosses it in the clear."""

    @field_validator("executor")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != PROCESSES and not _CLUSTER.fullmatch(value):
            raise ValueError(f'is neither "{PROCESSES}" nor a scheduler as "dask://host:8786"')
        return value

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        files = (self.ca, self.cert, self.key)
        cluster = _CLUSTER.fullmatch(self.executor)
        if any(files) and not all(files):
            raise ValueError("ca, cert and key go together")
        if cluster is None:
            if any(files) or self.allow_plain:
                raise ValueError("ca, cert, key and allow_plain are about a cluster: name it in executor")
        elif self.workers is not None:
            raise ValueError("workers is about processes of this machine; a cluster has as many as are started for it")
        elif all(files) and self.allow_plain:
            raise ValueError("give certificates or allow_plain, not both")
        elif not all(files) and not self.allow_plain and not loopback(cluster["host"]):
            raise ValueError(
                "children's data goes to this cluster: give ca, cert and key; "
                "or allow_plain = true where nobody else can listen to that network"
            )
        return self

    @property
    def cluster(self) -> str | None:
        """The address of the scheduler as Dask has it; None where there is none."""
        found = _CLUSTER.fullmatch(self.executor)
        return f"{'tls' if self.ca else 'tcp'}://{found['host']}:{found['port']}" if found else None
