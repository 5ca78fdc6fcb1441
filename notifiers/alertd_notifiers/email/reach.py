"""A connection to the relay by its name, which is looked up in a thread of its own.

The event loop's own threads look after the database as well: a name server that is silent would hold up every channel
once it holds them all, and the end of the process besides.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from alertd_notifiers.in_thread import in_thread


async def connected(host: str, port: int, seconds: float, say: Callable[[str], None] = lambda _: None) -> socket.socket:
    """A socket connected to the first address of the host that answers; each may take its share of ``seconds``.
    ``say`` is told what was found, and which addresses do not answer.

    Raises OSError: ``socket.gaierror`` for a name that is not known, or not found out in time.
    """
    try:
        found = await in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM), seconds)
    except TimeoutError:
        raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer") from None
    say(f"looked up {host}: {', '.join(str(address[0]) for *_, address in found)}")
    for family, kind, protocol, _, address in found[:-1]:
        try:
            made = await _to(socket.socket(family, kind, protocol), address, seconds / len(found))
        except OSError as fault:
            say(f"{address[0]!s} port {address[1]!s} does not answer: {type(fault).__name__}")
            continue
        say(f"connected to {address[0]!s} port {address[1]!s}")
        return made
    family, kind, protocol, _, address = found[-1]
    made = await _to(socket.socket(family, kind, protocol), address, seconds / len(found))
    say(f"connected to {address[0]!s} port {address[1]!s}")
    return made


async def _to(made: socket.socket, address: object, seconds: float) -> socket.socket:
    try:
        made.setblocking(False)
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(made, address)  # type: ignore[arg-type]
    except BaseException:
        made.close()
        raise
    return made
