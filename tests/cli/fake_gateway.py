"""A gateway in memory that follows the API's contract as far as the CLI uses it, and can be made to fail."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx

from hearth.client import Client, Credentials

CREDENTIALS = Credentials(
    "http://hearth.test", "owner@demo.example", "secret", str(uuid5(NAMESPACE_URL, "organization"))
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LIMITS = {"members": 100, "posts": 500, "comments": 500, "reactions": 1000}
FIELDS = {
    "members": {"external_id", "display_name", "bot", "deleted", "joined_at"},
    "posts": {"external_id", "author_id", "body", "published_at", "section", "edited_at", "attachments"},
    "comments": {"external_id", "post_external_id", "author_id", "body", "commented_at", "edited_at", "attachments"},
    "reactions": {"subject_external_id", "author_id", "emoji"},
}
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
"""What every endpoint is signed with."""
Fault = Callable[[httpx.Request], httpx.Response | None]
"""Called before a request is worked on: answers, raises, or returns None to let it through."""


def problem(status: int, code: str, detail: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    document = {"type": f"urn:hearth:problem:{code}", "title": "Problem", "status": status, "detail": detail or code}
    return httpx.Response(
        status, json=document, headers={"Content-Type": "application/problem+json", **(headers or {})}
    )


def ident(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


@dataclass
class FakeGateway:
    """State by kind and external id; `faults` are asked in turn and removed once they answered."""

    communities: dict[str, dict[str, Any]] = field(default_factory=dict)
    stored: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in LIMITS})
    refused: set[str] = field(default_factory=set)
    """External ids that are refused item by item."""
    faults: list[Fault] = field(default_factory=list)
    lost_answers: int = 0
    """So many answers of writes get lost after their effect."""
    lag: int = 0
    """So many answers of content and engagement say that they have not seen a position yet."""
    unheard_of: int = 0
    """So many answers of content say 404, as when a community is new."""
    pulse: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    expires_in: int = 600
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    largest: int = 0
    accounts: set[str] = field(default_factory=set)
    partners: list[dict[str, Any]] = field(default_factory=list)
    unheard_clients: int = 0
    """So many answers of the gateway say that it does not know an API client yet."""
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    pings: list[dict[str, Any]] = field(default_factory=list)
    """What is known of a ping, look by look; the last stays."""
    told: list[tuple[str, Any]] = field(default_factory=list)
    """What was asked of endpoints."""

    def client(self, **options: Any) -> Client:
        return Client(CREDENTIALS, transport=httpx.MockTransport(self), **options)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.path))
        self.largest = max(self.largest, len(request.content))
        for fault in list(self.faults):
            answer = fault(request)
            if answer is not None:
                self.faults.remove(fault)
                return answer
        if request.url.path.startswith("/v1/sessions"):
            return self._session(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return problem(401, "unauthorized")
        key = request.headers.get("Idempotency-Key")
        assert request.method in {"GET", "DELETE"} or key, "a write without an Idempotency-Key"
        if key in self.answers:
            return self.answers[key]
        answer = self._work(request)
        if key and answer.is_success:
            self.answers[key] = answer
            if self.lost_answers:
                self.lost_answers -= 1
                raise httpx.ReadError("connection reset", request=request)
        return answer

    def _session(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path == "/v1/sessions/refresh":
            if body["refresh_token"] not in self.refresh_tokens:
                return problem(401, "unauthorized")
            self.refresh_tokens.remove(body["refresh_token"])
        elif body != {"organization": CREDENTIALS.organization_id, "email": CREDENTIALS.email, "password": "secret"}:
            return problem(401, "wrong-credentials", "The e-mail address or the password is wrong.")
        token, refresh = f"token-{len(self.requests)}", f"refresh-{len(self.requests)}"
        self.tokens.add(token)
        self.refresh_tokens.add(refresh)
        return httpx.Response(
            201,
            json={
                "access_token": token,
                "refresh_token": refresh,
                "expires_in": self.expires_in,
                "token_type": "Bearer",
            },
        )

    def _work(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/communities" and request.method == "GET":
            found = self.communities.get(request.url.params["slug"])
            return httpx.Response(200, json={"data": [found] if found else [], "next_cursor": None})
        if path == "/v1/communities":
            return self._create(json.loads(request.content))
        if path.startswith(("/v1/clients", "/v1/endpoints")):
            return self._of_partners(request, path)
        match = re.fullmatch(r"/v1/communities/([0-9a-f-]{36})/([a-z/]+)", path)
        if match is None or match[1] not in {community["id"] for community in self.communities.values()}:
            return problem(404, "not-found")
        return self._of_community(request, match[2])

    def _of_partners(self, request: httpx.Request, path: str) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        if path == "/v1/clients" and request.method == "GET":
            at = int(request.url.params.get("cursor", "0"))
            more = at + 1 < len(self.partners)
            return httpx.Response(
                200, json={"data": self.partners[at : at + 1], "next_cursor": str(at + 1) if more else None}
            )
        if path == "/v1/clients":
            self.partners.append({**body, "id": ident(body["name"])})
            return httpx.Response(201, json=self.partners[-1])
        if path == "/v1/endpoints":
            return self._create_endpoint(body)
        return self._of_endpoint(request, path, body)

    def _of_endpoint(self, request: httpx.Request, path: str, body: dict[str, Any]) -> httpx.Response:
        match = re.fullmatch(r"/v1/endpoints/([0-9a-f-]{36})(/pings|/replays|/deliveries/[0-9a-f-]{36})?", path)
        if match is None or match[1] not in self.endpoints:
            return problem(404, "not-found", "There is no such endpoint.")
        if request.method == "DELETE":
            del self.endpoints[match[1]]
            return httpx.Response(204)
        if request.method == "GET":
            return httpx.Response(200, json=self.pings.pop(0) if len(self.pings) > 1 else self.pings[0])
        self.told.append((match[2], body))
        if match[2] == "/pings":
            return httpx.Response(202, json=self.pings[0])
        return httpx.Response(202, json={"id": ident("replay"), "state": "finished", "replayed": 7})

    def _create_endpoint(self, body: dict[str, Any]) -> httpx.Response:
        if self.unheard_clients:
            self.unheard_clients -= 1
            fault = {"pointer": "/client_id", "code": "client-unknown", "detail": "in a moment"}
            return httpx.Response(422, json={"type": "urn:hearth:problem:invalid", "errors": [fault]})
        assert body["client_id"] in {one["id"] for one in self.partners}
        endpoint = {**body, "id": ident(body["url"]), "secrets": [{"scheme": "v1", "secret": SECRET}]}
        self.endpoints[endpoint["id"]] = endpoint
        return httpx.Response(201, json=endpoint)

    def _of_community(self, request: httpx.Request, rest: str) -> httpx.Response:
        if request.method == "POST":
            kind = "members" if rest == "memberships/imports" else rest.removesuffix("/imports")
            return self._import(kind, json.loads(request.content))
        if self.unheard_of:
            self.unheard_of -= 1
            return problem(404, "not-found")
        after = request.headers.get("Hearth-After")
        if after:
            assert len(after) <= 8000, "servers refuse such a header"
            assert len(after.split(",")) <= 200
            if self.lag:
                self.lag -= 1
                return problem(503, "not-there-yet", headers={"Retry-After": "1"})
            self.after.append(after)
        return httpx.Response(200, json=self.pulse if rest == "pulse" else {"data": [], "next_cursor": None})

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        if body["slug"] in self.communities:
            return problem(409, "slug-taken")
        community = {**body, "id": ident(body["slug"]), "state": "draft", "version": 1}
        self.communities[body["slug"]] = community
        return httpx.Response(201, json=community, headers={"Hearth-Position": f"community/{community['id']}@1"})

    def _import(self, kind: str, body: dict[str, Any]) -> httpx.Response:
        items = body["items"]
        assert set(body) == {"source", "items"}
        if len(items) > LIMITS[kind]:
            return problem(422, "invalid", "too many items")
        if any(CONTROL.search(value) for item in items for value in item.values() if isinstance(value, str)):
            return problem(422, "invalid", "a control character")
        if any("unwelcome" in item.get("body", "") for item in items):
            return problem(422, "invalid", "the whole batch is refused for one item")
        created, existing, rejected, outcomes = 0, 0, [], []
        for index, item in enumerate(items):
            assert set(item) <= FIELDS[kind], f"unknown fields in {item}"
            external_id = (
                item.get("external_id") or f"{item['subject_external_id']}|{item['author_id']}|{item['emoji']}"
            )
            reason = self._reason_against(kind, item, external_id)
            if reason:
                rejected.append({"index": index, "external_id": external_id, "code": reason, "detail": f"{reason}!"})
                continue
            if external_id in self.stored[kind]:
                existing += 1
            else:
                created += 1
                self.stored[kind][external_id] = item
                if kind == "members":
                    self.accounts.add(ident(external_id))
            outcomes.append(
                {
                    "external_id": external_id,
                    "id": ident(external_id),
                    "account_id": ident(external_id),
                    "membership_id": ident("m" + external_id),
                }
            )
        positions = [f"{kind.removesuffix('s')}/{outcome['id']}@1" for outcome in outcomes]
        return httpx.Response(
            200,
            json={"created": created, "existing": existing, "rejected": rejected, "items": outcomes},
            headers={"Hearth-Position": ", ".join(positions)},
        )

    def _reason_against(self, kind: str, item: dict[str, Any], external_id: str) -> str | None:
        if external_id in self.refused:
            return "refused"
        if kind == "members":
            assert 1 <= len(item["display_name"]) <= 200
            return None
        if str(UUID(item["author_id"])) not in self.accounts:
            return "unknown-author"
        if kind == "reactions":
            subject = item["subject_external_id"]
            return None if subject in self.stored["posts"] or subject in self.stored["comments"] else "unknown-subject"
        moment = item["published_at" if kind == "posts" else "commented_at"]
        assert moment.endswith("Z")
        assert datetime.fromisoformat(moment).tzinfo is not None
        assert 1 <= len(item["body"]) <= 100_000
        assert re.fullmatch(r"\S{1,80}", item.get("section", "general"))
        if kind == "comments" and item["post_external_id"] not in self.stored["posts"]:
            return "unknown-post"
        return None
