"""Where a webhook may go: looked up once, checked, and connected to at that very address.

A name that leads to an address of our own network would have alertd knock at doors that only it can reach; and one that
leads elsewhere at the second look-up (DNS rebinding) would pass a check that looks it up for itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Final

import httpcore

CONNECT_SECONDS: Final = 5.0
"""How long one address of a name may take, so that one that is silent leaves time for the next."""


class NotAllowedError(OSError):
    """The name leads only to addresses that this endpoint may not have."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects where the name leads, if it may. Names are looked up in ``threads``: a name server that is silent must
    hold up nothing else."""

    def __init__(self, *, allow_private: bool, threads: Executor) -> None:
        self._allow_private, self._threads = allow_private, threads
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that may be called and answers. Raises NotAllowedError where none
        may."""
        addresses = await self.addresses(host, port)
        limit = min(timeout or CONNECT_SECONDS, CONNECT_SECONDS)
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """As asyncio's."""
        await asyncio.sleep(seconds)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where the host is, as addresses that may be called; at least one."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        addresses = dict.fromkeys(str(one[4][0]) for one in found)
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if not allowed:
            raise NotAllowedError("the endpoint's name leads into a private network, which is not allowed for it")
        return allowed


def is_public(address: str) -> bool:
    """Whether an address is one host of the public internet, and not another one in disguise (IPv6 that carries an
    IPv4 address is delivered to that)."""
    found = ipaddress.ip_address(address)
    if found.is_multicast or found.is_reserved or not found.is_global:
        return False
    return not (isinstance(found, ipaddress.IPv6Address) and (found.is_site_local or found.sixtofour))
