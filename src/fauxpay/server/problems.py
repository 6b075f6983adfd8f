"""Problems: what went wrong, as JSON documents that say what was expected (RFC 9457).

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing

No message names a place on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from fauxpay.server.shapes import Problem

MEDIA_TYPE = "application/problem+json"
_EXPECTED = {
    404: "one of the addresses of /api/openapi.json",
    405: "GET",
}


class Refused(Exception):
    """A request that is not answered, with its status and what was expected."""

    def __init__(self, status: int, detail: str, expected: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.expected = status, detail, expected


def problem(
    status: int, detail: str, expected: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a response."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, expected=expected)
    return Response(told.model_dump_json(), status, headers, MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Makes every error of an application such a document."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, Refused)
    return problem(error.status, error.detail, error.expected)


def _invalid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    told = [(".".join(map(str, one["loc"])), _said(one)) for one in error.errors()]
    detail = "not understood: " + ", ".join(place for place, _ in told)
    return problem(422, detail, "; ".join(f"{place}: {said}" for place, said in told))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    expected = _EXPECTED.get(error.status_code, "another request")
    return problem(error.status_code, detail, expected, error.headers)


def _fault(request: Request, error: Exception) -> Response:
    del error  # The server's own log has it.
    detail = f"{request.url.path}: a fault of fauxpay"
    return problem(500, detail, "an answer; the server's standard error has the traceback")


def _said(fault: Mapping[str, str]) -> str:
    """What is expected in the place of a fault."""
    if fault["type"] == "extra_forbidden":
        return "is no parameter of this address; /api/openapi.json lists them"
    return fault["msg"]
