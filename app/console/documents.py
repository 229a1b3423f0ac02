"""The guides behind "Learn more", served at /docs/…: Markdown rendered to pages, without a token."""

import re
import sys
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.exceptions import HTTPException

from app.salesforce.permission_sets import STANDARD_SET, standard_access_archive

GUIDES: Final = ("connecting", "package", "mapping", "campaigns", "errors", "budget")
"""What people who organise events, and their admins, are sent to; the rest is for who runs the service."""
STANDARD_ACCESS: Final = "/docs/eventship-standard-access.zip"
PERMISSION_SETS: Final = "../salesforce/unpackaged/permissionsets"
FILES: Final = {f"{PERMISSION_SETS}/{STANDARD_SET}.permissionset-meta.xml": STANDARD_ACCESS}
"""Files of the repository that a guide links, and what is served instead."""

PICTURES: Final = {"pictures/campaign-id.svg": "/docs/campaign-id.svg"}
"""Pictures of the guides, by how a guide names them."""

SOURCE: Final = Path(__file__).parents[2] / "docs"
INSTALLED: Final = Path(sys.prefix) / "share" / "eventship-salesforce" / "docs"
RELATIVE: Final = re.compile(r"(?P<name>[\w./-]+)\.md(?P<place>#[\w-]+)?")
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; padding: 0; }
nav a[aria-current] { font-weight: bold; }
h2, h3 { margin-top: 2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid GrayText; padding: 0.3rem 0.6rem; text-align: start; vertical-align: top; }
img { max-width: 100%; height: auto; }
code { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid GrayText; }
:target { scroll-margin-top: 1rem; }
"""
PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Eventship for Salesforce</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><nav aria-label="Documents"><ul>{links}</ul></nav>
<main>
{body}</main></body></html>
"""

router = APIRouter(include_in_schema=False)


@router.api_route("/docs", methods=["GET", "HEAD"])
async def first_guide() -> Response:
    return RedirectResponse(f"/docs/{GUIDES[0]}", 307)


@router.api_route("/docs/style.css", methods=["GET", "HEAD"])
async def style() -> Response:
    return Response(STYLE, media_type="text/css", headers=HEADERS)


@router.api_route(STANDARD_ACCESS, methods=["GET", "HEAD"])
async def standard_access() -> Response:
    """The permission set that admins deploy beside the package, as a zip in metadata format."""
    name = STANDARD_ACCESS.rpartition("/")[2]
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(standard_access_archive(), media_type="application/zip", headers=headers)


@router.api_route("/docs/{name}.svg", methods=["GET", "HEAD"])
async def picture(name: str) -> Response:
    """A picture of a guide. Raises HTTPException for one that is not served."""
    found = [source for source, address in PICTURES.items() if address == f"/docs/{name}.svg"]
    if not found:
        raise HTTPException(404)
    return Response(_document(found[0]).read_bytes(), media_type="image/svg+xml", headers=HEADERS)


@router.api_route("/docs/{name}", methods=["GET", "HEAD"])
async def guide(name: str) -> Response:
    """One guide as a page. Raises HTTPException for a document that is not served."""
    if name not in GUIDES:
        raise HTTPException(404)
    return HTMLResponse(page(name), headers=HEADERS)


@router.api_route("/docs/runbooks/{name}", methods=["GET", "HEAD"])
async def runbook(name: str) -> Response:
    """What to do when an alert of this name rings. Raises HTTPException where there is none."""
    if not name.isalpha() or not guide_path(f"runbooks/{name}").is_file():
        raise HTTPException(404)
    return HTMLResponse(page(f"runbooks/{name}"), headers=HEADERS)


def guide_path(name: str) -> Path:
    """The guide's Markdown: beside the code in a checkout and in the image, else where the wheel put it."""
    return _document(f"{name}.md")


def _document(name: str) -> Path:
    source = SOURCE / name
    return source if source.is_file() else INSTALLED / name


@cache
def page(name: str) -> str:
    """The whole page of a guide."""
    text = guide_path(name).read_text(encoding="utf-8")
    links = "".join(
        f'<li><a href="/docs/{each}"{" aria-current=page" if each == name else ""}>{each.title()}</a></li>'
        for each in GUIDES
    )
    title = name.title() if name in GUIDES else name.rpartition("/")[2]
    return PAGE.format(title=title, links=links, body=rendered(text))


def rendered(text: str) -> str:
    """The Markdown as HTML. Links to guides lead to their pages; links to other documents become text."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.children:
            token.children = _linked(token.children)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _linked(tokens: list[Token]) -> list[Token]:
    kept: list[Token] = []
    is_dropped = False
    for token in tokens:
        if token.type == "image":
            token.attrSet("src", PICTURES.get(str(token.attrGet("src")), ""))
        if token.type == "link_open":
            address = _address(str(token.attrGet("href") or ""))
            is_dropped = address is None
            token.attrSet("href", address or "")
        if not (is_dropped and token.type in ("link_open", "link_close")):
            kept.append(token)
        is_dropped = is_dropped and token.type != "link_close"
    return kept


def _address(href: str) -> str | None:
    """Where a link of a document leads on a page; None for a document that is not served."""
    if href.startswith(("https://", "#")):
        return href
    if href in FILES:
        return FILES[href]
    found = RELATIVE.fullmatch(href)
    if found is None or found["name"] not in GUIDES:
        return None
    return f"/docs/{found['name']}{found['place'] or ''}"
