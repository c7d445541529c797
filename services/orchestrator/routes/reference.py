"""/docs and /redoc: the HTTP reference, without internet. The pages' scripts come from the package fastapi-offline."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

PARTS = "docs/parts"
"""Beside the pages: addresses in them are relative, so that they hold behind a proxy that adds a prefix."""


POLICY = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"
}
"""Keeps ReDoc from fetching its maker's picture, and anything else, from another host."""


def add_reference(app: FastAPI) -> None:
    """Adds both pages and their parts. The app's own pages, which load scripts from elsewhere, must be off."""
    app.mount(f"/{PARTS}", StaticFiles(directory=str(files("fastapi_offline") / "static")), name="reference-parts")
    app.add_api_route("/docs", _swagger_ui, include_in_schema=False)
    app.add_api_route("/redoc", _redoc, include_in_schema=False)


async def _swagger_ui() -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="FlashbackAvatars",
        swagger_js_url=f"{PARTS}/swagger-ui-bundle.js",
        swagger_css_url=f"{PARTS}/swagger-ui.css",
        swagger_favicon_url=f"{PARTS}/favicon.png",
    )
    page.headers.update(POLICY)
    return page


async def _redoc() -> HTMLResponse:
    page = get_redoc_html(
        openapi_url="openapi.json",
        title="FlashbackAvatars",
        redoc_js_url=f"{PARTS}/redoc.standalone.js",
        redoc_favicon_url=f"{PARTS}/favicon.png",
        with_google_fonts=False,
    )
    page.headers.update(POLICY)
    return page
