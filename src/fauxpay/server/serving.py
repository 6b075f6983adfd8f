"""Serving: an address of this machine that answers until somebody stops it.

Reads    runs below a root
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from fauxpay.errors import ConfigError, MissingExtraError
from fauxpay.readers.run import Store

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PORT_MAX = 65_535
_BACKLOG = 128
_SECONDS_TO_FINISH = 2


def require_installed() -> None:
    """Raises MissingExtraError where the libraries of the server are not there."""
    try:
        import fastapi
        import uvicorn
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is not installed, which answers over HTTP; "
            "`pip install 'fauxpay[serve]'` brings it"
        ) from error
    del fastapi, uvicorn


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ConfigError for a place that cannot be listened at.

    port  0 takes a free one
    """
    if not 0 <= port <= PORT_MAX:
        raise ConfigError(f"--port {port}: expected 0 to {PORT_MAX}; 0 takes a free one")
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"--host {host}: no address of this machine; expected one, such as 127.0.0.1"
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(_why(host, port, error)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where to point a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(app: ASGIApp, listener: socket.socket, tell: Callable[[str], object]) -> None:
    """Answers until a signal comes; requests under way are finished.

    tell  is called with the address once there are answers
    """
    import asyncio

    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    server = uvicorn.Server(config)

    async def answer() -> None:
        tell(url_of(listener))
        await server.serve(sockets=[listener])

    asyncio.run(answer())


def opened_run(store: Store, text: str) -> tuple[Store, str]:
    """The root that a run lies below, and the run's id. Raises what `Store.run` raises."""
    run = store.run(text)
    for name in ("transactions", "cards"):
        run.files(name)  # Says at once what is missing.
    return Store(run.root, store.allow_unverified), run.run_id


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"--port {port}: something listens there already on {host}; expected a free port. "
            "Give another, or 0 for one that is free."
        )
    if error.errno == errno.EACCES:
        return f"--port {port}: not allowed here; expected 1024 or above, or 0 for a free one"
    return f"--host {host}: {error.strerror or error}; expected an address of this machine"
