"""A stand-in for an S3-compatible store that verifies each request's signature (version 4) by the published rules."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

BUCKET, REGION, KEY_ID, SECRET = "hearth-media", "eu-test-1", "AKIATEST", "a-secret-of-the-store"
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


class Store:
    """What it holds, and whom it turned away."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refused = 0
        self.away = False
        self.url = ""

    def _signed(self, request: web.Request, body: bytes) -> bool:
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        fields = dict(field.strip().split("=", 1) for field in rest.split(",") if "=" in field)
        if kind != "AWS4-HMAC-SHA256" or not fields.get("Credential", "").startswith(f"{KEY_ID}/"):
            return False
        day, region, service, end = fields["Credential"].split("/")[1:]
        names = fields["SignedHeaders"].split(";")
        if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names) or region != REGION:
            return False
        digest = request.headers["x-amz-content-sha256"]
        if digest not in {"UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()}:
            return False
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(request.query.items())
        )
        heads = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        path = quote(unquote(request.raw_path.partition("?")[0]), safe="/-_.~")
        canonical = "\n".join([request.method, path, query, heads, ";".join(names), digest])
        scope = f"{day}/{region}/{service}/{end}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join([kind, request.headers["x-amz-date"], scope, hashed])
        key = f"AWS4{SECRET}".encode()
        for step in (day, region, service, end):
            key = _hmac(key, step)
        return hmac.compare_digest(_hmac(key, text).hex(), fields["Signature"])

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.away:
            return web.Response(status=503)
        if not self._signed(request, body):
            self.refused += 1
            return web.Response(status=403, text="<Error><Code>SignatureDoesNotMatch</Code></Error>")
        return self._answer(request, body)

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        bucket, _, key = request.path.lstrip("/").partition("/")
        assert bucket == BUCKET
        match request.method:
            case "PUT":
                self.objects[key] = body
                return web.Response(headers={"ETag": '"1"'})
            case "DELETE":
                self.objects.pop(key, None)
                return web.Response(status=204)
            case "POST" if "delete" in request.query:
                return self._delete(body)
            case "GET" if not key:
                return self._list(request.query.get("prefix", ""))
            case _:
                return self._get(request, key)

    def _get(self, request: web.Request, key: str) -> web.Response:
        data = self.objects.get(key)
        if data is None:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        headers = {"ETag": '"1"', "Last-Modified": "Sun, 22 Nov 2026 12:00:00 GMT"}
        asked = request.headers.get("Range")
        if asked is None:
            return web.Response(body=data, headers=headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1, len(data))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:end], headers=headers)

    def _list(self, prefix: str) -> web.Response:
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size>"
            "<LastModified>2026-11-22T12:00:00.000Z</LastModified><ETag>1</ETag></Contents>"
            for key, data in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return web.Response(text=f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>")

    def _delete(self, body: bytes) -> web.Response:
        document = ET.fromstring(body)
        keys = [element.text or "" for element in document.iter() if element.tag.removeprefix(NAMESPACE) == "Key"]
        for key in keys:
            self.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return web.Response(text=f"<DeleteResult>{deleted}</DeleteResult>")


@asynccontextmanager
async def running_store() -> AsyncIterator[Store]:
    store = Store()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", store.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    store.url = f"http://127.0.0.1:{port}"
    try:
        yield store
    finally:
        await runner.cleanup()
