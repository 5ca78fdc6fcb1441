"""What the API answers when it does not answer: RFC 9457, without a word about anybody but who asks."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

KIND: Final = "application/problem+json"

_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, for a person to read."},
        "errors": {
            "type": "array",
            "description": "Where what was sent cannot be used, and why.",
            "items": {
                "type": "object",
                "required": ["at", "detail"],
                "properties": {"at": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

_MEANS: Final = {
    400: "It cannot be done as things are.",
    401: "No token, or one that is not known or was revoked.",
    403: "It is not there, or not for whoever the token stands for: the two are not told apart.",
    404: "Nothing was counted for it.",
    409: "It may not be said of this alert, and why not.",
    413: "What was sent is too long.",
    422: "What was sent cannot be used.",
    429: "Too many requests in a minute.",
    500: "Something went wrong. It is in alertd's own log.",
    503: "It is being counted: Retry-After says when to ask again.",
}


class Refusal(Exception):  # noqa: N818 -- it is an answer, not a fault
    """An answer instead of what was asked for."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.response = problem(status, detail, headers)


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    """The answer itself."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, {"cache-control": "no-store", **(headers or {})}, media_type=KIND)


def unusable(error: RequestValidationError) -> JSONResponse:
    """Where what was sent cannot be used and why. What was sent is not said back: it may be about somebody."""
    errors = [
        {"at": "/".join(str(part) for part in one["loc"]), "detail": str(one["msg"]).removeprefix("Value error, ")}
        for one in error.errors()
    ]
    return problem(422, "What was sent cannot be used: see errors", errors=errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These answers, as the description of the API has them."""
    return {status: {"description": _MEANS[status], "content": {KIND: {"schema": _SCHEMA}}} for status in statuses}
