"""Errors as problem details for HTTP APIs (RFC 9457)."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 (named by RFC 9457)
    """An error that the client is told of.

    Args:
        status: The HTTP status code, 400 to 599.
        title: A short summary of the kind of problem, the same at every occurrence.
        detail: What is wrong with this request, and what to do about it.
        headers: Further headers of the response; an underscore stands for a hyphen.
    """

    def __init__(self, status: int, title: str, *, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> JSONResponse:
        """The problem as the body and the headers of a response."""
        members = {"title": self.title, "status": self.status, "detail": self.detail}
        return JSONResponse(members, self.status, self.headers, MEDIA_TYPE)


def not_found(detail: str) -> Problem:
    """Nothing is at this URL, or not yet."""
    return Problem(404, "Not there", detail=detail)


def content_too_large(limit: int) -> Problem:
    """The body has more bytes than a request may have."""
    return Problem(
        413, "Too large", detail=f"a request may have {limit:,} bytes", connection="close"
    )


def client_left() -> Problem:
    """Nobody waits for the answer any more; the status is the one that nginx has for it."""
    return Problem(499, "Nobody there", detail="the client closed the connection")


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error that a route raises with problem details."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
        detail = "; ".join(
            f"{'.'.join(map(str, reason['loc'][1:]))}: {reason['msg']}".removeprefix(": ")
            for reason in error.errors()
        )
        return Problem(422, "Not as the API takes it", detail=detail).response()

    @app.exception_handler(HTTPException)
    async def http_exception(_: Request, error: HTTPException) -> JSONResponse:
        cause = error.__cause__  # FastAPI says 400 to whatever happens while it reads a body
        if isinstance(cause, ClientDisconnect):
            cause = client_left()
        if isinstance(cause, Problem):
            return cause.response()
        problem = Problem(error.status_code, str(error.detail), detail="see /openapi.json")
        problem.headers = dict(error.headers or {})
        return problem.response()
