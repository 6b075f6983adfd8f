"""Guard: who may ask, and what a browser may do with an answer.

Reads    headers of requests
Writes   headers of answers
Draws    nothing
Sources  nothing

A page elsewhere may let its own name point to 127.0.0.1 and so read what listens there (DNS
rebinding). Its requests carry that name as Host, and are refused.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from fauxpay.server.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCALHOST = "localhost"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report is one file with its own styles, and no script.
_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine and nobody else."""
    if host.lower().rstrip(".") == LOCALHOST:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses requests for other hosts, where only this machine may ask; adds headers to answers.

    is_local  whether the server is bound to this machine alone
    """

    def __init__(self, app: ASGIApp, is_local: bool) -> None:
        self.app, self.is_local = app, is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = _REPORT if scope["path"].endswith("/report") else _PAGE
                added = {**HEADERS, "content-security-policy": policy}
                pairs = [(name.encode(), text.encode()) for name, text in added.items()]
                message["headers"] = [*message.get("headers", ()), *pairs]
            await send(message)

        host = _host(scope)
        if self.is_local and not is_loopback(host):
            answer = problem(421, f"Host {host!r} is not this machine", "127.0.0.1 or localhost")
            await answer(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)


def _host(scope: Scope) -> str:
    """The name that was asked for, without its port; "" where none or several were told."""
    told = [text for name, text in scope["headers"] if name == b"host"]
    if len(told) != 1:
        return ""
    host = str(told[0].decode("latin-1"))
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (":" not in name or name.endswith("]")) else host
