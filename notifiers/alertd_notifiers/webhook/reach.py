"""Where a webhook may go: looked up once, checked, and connected to at that very address.

A name that leads to an address of our own network would have alertd knock at doors that only it can reach; and one that
leads elsewhere at the second look-up (DNS rebinding) would pass a check that looks it up for itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpcore


class NotAllowedError(OSError):
    """The name leads only to addresses that this endpoint may not have."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects where the name leads, if it may."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that may be called. Raises NotAllowedError where none may."""
        address = await self.address(host, port)
        return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """As asyncio's."""
        await asyncio.sleep(seconds)

    async def address(self, host: str, port: int) -> str:
        """Where the host is, as an address that may be called."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        allowed = [one for one in addresses if self._allow_private or ipaddress.ip_address(one).is_global]
        if not allowed:
            raise NotAllowedError("the endpoint's name leads into a private network, which is not allowed for it")
        return allowed[0]
