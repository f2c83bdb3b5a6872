"""`python -m notifications.stream --port 8001`: the stream process."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import sys

import django
import uvicorn

from notifications.stream.hub import Hub


def main() -> int:
    parser = argparse.ArgumentParser(description="Server-sent events for the bell of open pages.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
    django.setup()
    from notifications.stream.app import StreamApp  # noqa: PLC0415 - needs django.setup()

    # uvicorn raises the signal that stopped it once more, when all is done.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _take_all_files()
    app = StreamApp()
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        lifespan="on",
        ws="none",
        loop="asyncio",
        log_config=None,  # settings.LOGGING
        access_log=False,  # Tokens stand in the addresses.
        server_header=False,
        date_header=False,
        backlog=4096,
        timeout_graceful_shutdown=2,
    )
    _Server(config, app.hub).run()
    return 0


def _take_all_files() -> None:
    """An open stream is an open file, and the usual limit is 1024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Server(uvicorn.Server):
    """Streams never end by themselves: asked to stop, this server ends them first."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)


if __name__ == "__main__":
    sys.exit(main())
