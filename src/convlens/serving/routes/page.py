"""Routes of the page, and of the report beside the detector."""

from importlib.resources import files
from pathlib import PurePath

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..auth import cookie_of
from ..current_model import CurrentModel
from ..problems import not_found

MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
"""Of the page's files: all that are there, and no other is ever sent."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page needs, and nothing else."""


def add_page_routes(app: FastAPI, html: str, *, token: str | None) -> None:
    """Add a page, whose files are read once, here."""
    folder = files("convlens.serving") / "page"
    contents = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> HTMLResponse:
        headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
        response = HTMLResponse(html, headers=headers)
        if token is not None:  # whoever is here has shown it
            response.set_cookie(
                cookie_of(token),
                token,
                path=request.scope.get("root_path") or "/",
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="strict",
            )
        return response

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        if name not in contents or name.endswith(".html"):  # which goes with its policy alone
            raise not_found("the page has no such part")
        return Response(contents[name], media_type=MEDIA_TYPES[PurePath(name).suffix])


def page_html(name: str) -> str:
    """One of the pages."""
    return (files("convlens.serving") / "page" / name).read_text("utf-8")


def add_report_route(app: FastAPI, model: CurrentModel) -> None:
    """Add `/report`."""

    @app.get("/report", include_in_schema=False)
    async def report() -> HTMLResponse:
        detector_file = model.detector.path
        path = detector_file and detector_file.parent / "report.html"
        if path is None or not path.is_file():
            raise not_found("there is no report.html beside the detector")
        return HTMLResponse(path.read_text("utf-8"))
