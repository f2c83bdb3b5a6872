"""What bench.streams measures, in a process of its own: it opens the streams and listens."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from django.conf import settings  # noqa: E402
from redis import Redis  # noqa: E402

from bench.streams import STREAMS  # noqa: E402
from notifications.stream.nudges import channel_name  # noqa: E402
from notifications.stream.permits import Permit, make_token  # noqa: E402

AT_ONCE, WARM = 200, 200
LASTS, ANSWER_SECONDS, START_SECONDS = 600, 60, 30


class Stream:
    def __init__(self, member: int) -> None:
        self._member = member

    async def open(self) -> None:
        """Read until it is known that nothing more comes by itself."""
        address = urlsplit(settings.STREAM_URL)
        token = make_token(Permit(self._member, settings.SITE_URL, time.time() + LASTS))
        self._reader, self._writer = await asyncio.open_connection(address.hostname, address.port)
        asked = f"GET /?{urlencode({'token': token})} HTTP/1.1\r\nHost: bench\r\n\r\n"
        self._writer.write(asked.encode())
        await self.rung()

    async def rung(self) -> None:
        await asyncio.wait_for(self._reader.readuntil(b"event: bell"), ANSWER_SECONDS)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def measure(pid: int) -> dict[str, float]:
    await _answering()
    await _close(await _open(WARM))
    before = _kilobytes(pid)
    begun = time.perf_counter()
    streams = await _open(STREAMS)
    opened = time.perf_counter() - begun
    after = _kilobytes(pid)
    begun = time.perf_counter()
    with Redis.from_url(settings.REDIS_URL).pipeline(transaction=False) as pipe:
        for member in range(len(streams)):
            pipe.publish(channel_name(), member)
        pipe.execute()
    await asyncio.gather(*(stream.rung() for stream in streams))
    told = time.perf_counter() - begun
    return {
        "streams": len(streams),
        "kB each": round((after - before) / len(streams), 1),
        "MB of the process": round(after / 1024, 1),
        "opened a second": round(len(streams) / opened),
        "all told within s": round(told, 2),
    }


async def _answering() -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            stream = Stream(0)
            await stream.open()
            return await stream.close()
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


async def _open(count: int) -> list[Stream]:
    streams = [Stream(member) for member in range(count)]
    for begin in range(0, count, AT_ONCE):
        await asyncio.gather(*(stream.open() for stream in streams[begin : begin + AT_ONCE]))
    return streams


async def _close(streams: list[Stream]) -> None:
    await asyncio.gather(*(stream.close() for stream in streams))


def _kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.stdout.write(json.dumps(asyncio.run(measure(int(sys.argv[1])))) + "\n")
