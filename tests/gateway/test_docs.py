from __future__ import annotations

import gzip
import re

from tests.gateway.servers import running


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    async with running() as gateway:
        page = await gateway.ask("GET", "/docs", signed=False)
        assert (page.status, page.get(b"content-type")) == (200, b"text/html; charset=utf-8")
        policy = page.get(b"content-security-policy") or b""
        assert b"default-src 'none'" in policy
        assert b"script-src 'self';" in policy
        links = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
        assert len(links) == 5
        for link in links:
            assert link.startswith("/")
            if link != "/openapi.json":
                reply = await gateway.ask("GET", link, signed=False)
                assert (reply.status, len(reply.body) > 100) == (200, True), link
        assert not re.search(rb"https?://", page.body)


async def test_assets_are_packed_and_kept() -> None:
    async with running() as gateway:
        path = "/docs/swagger-ui-bundle.js"
        plain = await gateway.ask("GET", path, signed=False)
        packed = await gateway.ask("GET", path, {"Accept-Encoding": "br, gzip"}, signed=False)
        kept = await gateway.ask("GET", path, {"If-None-Match": (plain.get(b"etag") or b"").decode()}, signed=False)
    assert plain.get(b"content-type") == b"text/javascript; charset=utf-8"
    assert (plain.get(b"content-encoding"), packed.get(b"content-encoding")) == (None, b"gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3
    assert (kept.status, kept.body) == (304, b"")
    assert packed.get(b"vary") == b"Accept-Encoding"
