"""/docs: the API to browse and try. Swagger UI from a wheel, served from here, so that it works on a machine without internet."""

from __future__ import annotations

import gzip
import hashlib
from importlib import resources

from gateway import pages
from gateway.exchange import Exchange, Headers

ASSETS = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
"""What the page loads, files of swagger-ui-dist."""

# Swagger UI writes style attributes and data: images; scripts and requests stay with this origin.
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hearth API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  tagsSorter: "alpha",
  tryItOutEnabled: true,
  validatorUrl: null
});
"""


class Docs:
    """The pages by their paths."""

    def __init__(self) -> None:
        folder = resources.files("fastapi_swagger") / "resources"
        self.pages: dict[str, pages.Page] = {
            "/docs": _page(PAGE, b"text/html; charset=utf-8", b"no-cache"),
            "/docs/start.js": _page(START, b"text/javascript; charset=utf-8", b"no-cache"),
        }
        for name, kind in ASSETS.items():
            self.pages[f"/docs/{name}"] = _page((folder / name).read_bytes(), kind, b"public, max-age=86400")


def _page(body: bytes, kind: bytes, cache: bytes) -> pages.Page:
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
    fields: Headers = [
        (b"etag", etag),
        (b"cache-control", cache),
        (b"vary", b"Accept-Encoding"),
        (b"content-security-policy", POLICY),
    ]
    packed: list[bytes] = []

    async def page(exchange: Exchange) -> pages.Answer:
        if pages.matches(exchange.if_none_match, etag):
            return 304, fields, b""
        whole = [*fields, (b"content-type", kind)]
        if not exchange.wants_gzip:
            return 200, whole, body
        if not packed:
            packed.append(gzip.compress(body, mtime=0))
        return 200, [*whole, (b"content-encoding", b"gzip")], packed[0]

    return page
