"""A proxy before PostgreSQL that may let one commit through and lose the answer to it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Self

CHUNK = 65536


class CuttingProxy:
    """Serves at ``port``. The first transaction in which ``after`` is heard is committed, and nobody is told; where it
    is None, all are."""

    def __init__(self, server: Path, after: bytes | None, host: str = "127.0.0.1") -> None:
        self._server, self._after, self._host = server, after, host
        self.cuts = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._client, self._host, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        from_server, to_server = await asyncio.open_unix_connection(str(self._server))
        heard = asyncio.Event()
        ways = [
            asyncio.create_task(self._asking(reader, to_server, heard)),
            asyncio.create_task(self._answering(from_server, writer, heard)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # the proxy is stopped
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for side in (writer, to_server):
                side.transport.abort()
            self._tasks.discard(task)

    async def _asking(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        tail = b""
        while data := await reader.read(CHUNK):
            if self._after is not None:
                if not self.cuts and self._after in tail + data:
                    heard.set()
                tail = data[-len(self._after) :]
            writer.write(data)
            await writer.drain()

    async def _answering(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK):
            if heard.is_set() and b"COMMIT\0" in data:  # the server's word that it is committed
                self.cuts += 1
                return
            writer.write(data)
            await writer.drain()
