"""Stands in for a service or the gateway: what the supervisor and the operating commands see of one, in one small file.

Run as `python -m members all` through a module of that name that the tests put on PYTHONPATH. It connects to its database
with the URLs it was given, so that a wrong role, password or grant makes a test fail.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg

NAME = os.environ["HEARTH_PROCESS"]
FOLDER = Path(os.environ["HEARTH_STACK"])
MEMORY = FOLDER / "stand-in.json"


def url(kind: str) -> str:
    return os.environ[f"HEARTH_{NAME.upper()}_{kind}"]


async def migrate() -> None:
    assert "HEARTH_OPS_TOKEN" not in os.environ
    owner = await asyncpg.connect(url("OWNER_DATABASE_URL"))
    await owner.execute("CREATE TABLE IF NOT EXISTS visit (at timestamptz DEFAULT now())")
    await owner.execute(f"GRANT SELECT, INSERT ON visit TO {NAME}_app, {NAME}_worker")
    await owner.close()


async def visit() -> None:
    for kind in ("DATABASE_URL", "WORKER_DATABASE_URL"):
        connection = await asyncpg.connect(url(kind))
        await connection.execute("INSERT INTO visit DEFAULT VALUES")
        await connection.close()


TYPES = ["members.membership.approved.v1", "content.post.published.v1"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def do_GET(self) -> None:
        self.route("GET", {})

    def do_POST(self) -> None:
        self.route("POST", self.body())

    def do_PUT(self) -> None:
        self.route("PUT", self.body())

    def do_PATCH(self) -> None:
        self.route("PATCH", self.body())

    def route(self, method: str, body: Any) -> None:
        raise NotImplementedError


class Internal(Handler):
    letters: list[dict[str, Any]] = []  # noqa: RUF012 - one process, one list
    asked: list[Any] = []  # noqa: RUF012 - the same
    pending = 0

    def route(self, method: str, body: Any) -> None:
        path = self.path.partition("?")[0]
        if path in {"/livez", "/readyz", "/startupz"}:
            failing = (FOLDER / f"{NAME}.unready").exists()
            failures = {"database": "planted"} if failing and path == "/readyz" else {}
            self.answer(503 if failures else 200, {"status": "failing" if failures else "ready", "failures": failures})
            return
        if self.headers.get("Authorization") != f"Bearer {os.environ['HEARTH_OPS_TOKEN']}":
            self.answer(401, {"detail": "The operations token is needed."})
            return
        if path == "/ops/events/tail":
            self.tail()
            return
        self.answer(200, self.operate(method, path, body))

    def operate(self, method: str, path: str, body: Any) -> Any:  # noqa: PLR0911 - one per endpoint
        kind = type(self)
        if path == "/ops/outbox":
            partitions = [{"name": "outbox_2026_11", "events": 3}]
            return {
                "service": NAME,
                "unpublished": 0,
                "oldest_unpublished_seconds": None,
                "events": 3,
                "partitions": partitions,
            }
        if path == "/ops/dead-letters":
            return {"data": kind.letters, "total": len(kind.letters)}
        if path == "/ops/dead-letters/plant":
            kind.letters.append(body)
            return {}
        if path == "/ops/dead-letters/retry":
            chosen = [one for one in kind.letters if body["ids"] is None or one["id"] in body["ids"]]
            failed = [one for one in chosen if one["error"] == "still poison"]
            kind.letters = [one for one in kind.letters if one not in chosen or one in failed]
            return {"retried": len(chosen) - len(failed), "failed": len(failed)}
        if path == "/ops/consumers":
            row = {"consumer": "pulse", "stream": "CONTENT", "types": TYPES, "pending": kind.pending, "ack_pending": 0}
            kind.pending = max(0, kind.pending - 1)
            return {"data": [row] if NAME == "engagement" else []}
        if path == "/ops/consumers/pulse/clear":
            kind.pending = 2
            return {"consumer": "pulse", "types": TYPES}
        kind.asked.append([method, path, body])
        if path == "/ops/asked":
            return kind.asked
        return {"republished": 5} if path == "/ops/events/republish" else {"replayed": 7}

    def tail(self) -> None:
        self.send_response_only(200)
        self.send_header("Connection", "close")
        self.end_headers()
        event = {
            "type": f"{NAME}.thing.happened.v1",
            "time": "2026-11-01T00:00:00Z",
            "subject": "thing/1",
            "aggregateversion": 4,
            "community": None,
            "origin": "live",
        }
        self.wfile.write(json.dumps(event).encode() + b"\n")
        self.wfile.flush()
        stopping.wait()


class Public(Handler):
    """The little of the gateway's API that a first start needs; remembered over restarts."""

    def route(self, method: str, body: Any) -> None:
        if NAME != "gateway":
            self.answer(404, {"title": "not the gateway"})
            return
        memory = json.loads(MEMORY.read_text()) if MEMORY.exists() else {}
        status, answer = self.respond(method, self.path.partition("?")[0], body, memory)
        MEMORY.write_text(json.dumps(memory))
        self.answer(status, answer)

    def respond(self, method: str, path: str, body: Any, memory: dict[str, Any]) -> tuple[int, Any]:  # noqa: PLR0911 - the same
        if path == "/v1/organizations":
            if "organization" in memory:
                return 409, {"title": "taken"}
            memory["organization"] = {"id": str(uuid.uuid4()), **body}
            return 201, memory["organization"]
        if path == "/v1/sessions":
            if body["password"] != memory["organization"]["owner"]["password"]:
                return 401, {"title": "wrong"}
            who = {"account_id": str(uuid.uuid4()), "organization_id": memory["organization"]["id"]}
            return 201, {"access_token": "t", **who}
        if self.headers.get("Authorization") != "Bearer t":
            return 401, {"title": "Not signed in"}
        if method == "POST" and path == "/v1/communities":
            if (FOLDER / "refuse-communities").exists():
                return 500, {"title": "Planted failure"}
            memory["community"] = {"id": str(uuid.uuid4()), "state": "draft", "version": 1, **body}
            return 201, memory["community"]
        if path.endswith("/open") and self.headers.get("If-Match") == f'"{memory["community"]["version"]}"':
            memory["community"] |= {"state": "open", "version": 2}
            return 200, memory["community"]
        if path.startswith(f"/v1/communities/{memory.get('community', {}).get('id')}/"):
            return self.furnish(method, path, body, memory.setdefault("parts", {}))
        return 404, {"title": path}

    def furnish(self, method: str, path: str, body: Any, parts: dict[str, Any]) -> tuple[int, Any]:
        """Keep what is written under a path, and list what is added to one."""
        if method == "GET":
            return 200, parts.get(path, {"version": 0, "data": []})
        if method == "POST" and body:
            one = {"id": str(uuid.uuid4()), "number": 1, "state": "draft", "version": 1, **body}
            parts.setdefault(path, {"data": []})["data"].append(one)
            return 201, one
        parts[path] = {**body, "version": 1}
        return 200, parts[path]


stopping = threading.Event()


def serve() -> None:
    asyncio.run(visit())
    servers = [
        ThreadingHTTPServer((os.environ["HEARTH_HOST"], int(os.environ[name])), handler)
        for name, handler in (("HEARTH_PORT", Public), ("HEARTH_INTERNAL_PORT", Internal))
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # not an Event's set(): the main thread may hold its lock
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{NAME} serves\n")
    sys.stdout.flush()
    try:
        signal.pause()
    finally:
        stopping.set()
        with (FOLDER / "stopped").open("a") as order:
            order.write(f"{NAME}\n")


if __name__ == "__main__":
    if (FOLDER / f"{NAME}.broken").exists():
        sys.exit("planted: cannot start")
    if sys.argv[1:] == ["migrate"]:
        asyncio.run(migrate())
    else:
        serve()
