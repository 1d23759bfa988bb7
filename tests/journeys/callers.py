"""People with an app: callers of the gateway who read what was written, by anybody they know, without ever sleeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import httpx
from tests.readiness import STEPS, with_rhythm

from chassis.embedded.process import wait_until

PASSWORD = "correct horse battery"
NOT_THERE_YET = 503
MOST_POSITIONS = 100


@dataclass
class Seen:
    """The newest position of everything that was written in a journey: whoever shares it reads what the others wrote."""

    positions: dict[str, str] = field(default_factory=dict)

    def note(self, header: str | None) -> None:
        """Take over what a Hearth-Position says."""
        for position in filter(None, (part.strip() for part in (header or "").split(","))):
            aggregate, _, version = position.partition("@")
            if int(version) > int(self.positions.pop(aggregate, "0")):
                self.positions[aggregate] = version

    @property
    def header(self) -> str:
        """The value for Hearth-After."""
        return ", ".join(f"{name}@{version}" for name, version in list(self.positions.items())[-MOST_POSITIONS:])


class Caller:
    """Somebody who calls the gateway. Every call must be answered as the caller expects."""

    def __init__(self, base_url: str, seen: Seen | None = None) -> None:
        self.http = httpx.Client(base_url=base_url, trust_env=False, timeout=30)
        self.seen = seen or Seen()
        self.session: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def account_id(self) -> str:
        """The account that is signed in."""
        return str(self.session["account_id"])

    def sign_in(self, organization: str, email: str, password: str = PASSWORD) -> Self:
        """Start a session and use its token from now on."""
        body = {"organization": organization, "email": email, "password": password}
        self.hold(self.ask("POST", "/v1/sessions", body, status=201).json())
        return self

    def hold(self, session: dict[str, Any]) -> None:
        """Use the token of a session."""
        self.session = session
        self.http.headers["Authorization"] = f"Bearer {session['access_token']}"

    def send(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Call, waiting for what was written before; a service that is behind for more than its own 2 seconds is asked again."""
        after = {"Hearth-After": self.seen.header} if self.seen.positions and self.session else {}
        answer: httpx.Response | None = None

        def answered() -> bool:
            nonlocal answer
            answer = self.http.request(method, path, json=body, headers={**after, **(headers or {})})
            return not (answer.status_code == NOT_THERE_YET and "not-there-yet" in answer.text)

        wait_until(answered, 30)
        assert answer is not None
        if answer.is_success:
            self.seen.note(answer.headers.get("Hearth-Position"))
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        version: int | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Call, and insist on the status. `version` is sent as If-Match, `key` as Idempotency-Key."""
        more = dict(headers or {})
        if version is not None:
            more["If-Match"] = f'"{version}"'
        if key is not None:
            more["Idempotency-Key"] = key
        answer = self.send(method, path, body, headers=more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        if not answer.is_success:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert answer.json()["status"] == status
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        """Read something that must be there."""
        answer = self.send("GET", path if not parameters else f"{path}?{httpx.QueryParams(parameters)}")
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def all(self, path: str, **parameters: Any) -> list[Any]:
        """Read a whole list, page by page."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, limit=200, **parameters, **cursor)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}


@dataclass
class Town:
    """An organization with its owner and a community that is open."""

    base_url: str
    slug: str
    organization_id: str
    owner: Caller
    community_id: str
    seen: Seen
    people: list[Caller] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where everything of the community is."""
        return f"/v1/communities/{self.community_id}"

    def newcomer(self, name: str) -> Caller:
        """Register somebody, who signs in."""
        caller = Caller(self.base_url, self.seen)
        email = f"{name}.{uuid4().hex[:8]}@example.com"
        body = {"organization": self.slug, "email": email, "password": PASSWORD, "display_name": name.title()}
        caller.ask("POST", "/v1/accounts", body, status=201)
        self.people.append(caller)
        return caller.sign_in(self.slug, email)

    def member(self, name: str) -> Caller:
        """Register somebody who applies and is approved."""
        caller = self.newcomer(name)
        membership = caller.ask("POST", f"{self.path}/memberships", status=201).json()
        approve = f"{self.path}/memberships/{membership['id']}/approve"
        self.owner.ask("POST", approve, version=membership["version"])
        return caller

    def close(self) -> None:
        """Close everybody's connections."""
        for caller in (self.owner, *self.people):
            caller.http.close()


def open_community(owner: Caller, community: dict[str, Any]) -> dict[str, Any]:
    """Give a draft what it lacks, and open it; returns it open."""
    path = f"/v1/communities/{community['id']}"
    for step in STEPS:
        answer = owner.send(step.method, f"{path}/{step.path}", step.body, headers=step.headers)
        assert answer.is_success, f"{step.method} {step.path}: {answer.status_code} {answer.text}"
    after = with_rhythm(lambda method, url, body, headers: owner.send(method, url, body, headers=headers), community)
    opened: dict[str, Any] = owner.ask(
        "POST", f"{path}/open", version=community["version"], headers={"Hearth-After": after}
    ).json()
    return opened


def found_town(base_url: str, *, zone: str = "UTC") -> Town:
    """Sign up a brand, whose owner opens a community."""
    slug, seen = f"brand-{uuid4().hex[:10]}", Seen()
    owner = Caller(base_url, seen)
    person = {"email": f"owner@{slug}.example", "password": PASSWORD, "display_name": "The owner"}
    organization = owner.ask(
        "POST", "/v1/organizations", {"name": "A brand", "slug": slug, "owner": person}, status=201
    )
    owner.sign_in(slug, person["email"])
    new = {"name": {"en": "Readers", "zh": "读书会"}, "slug": "readers", "zone": zone}
    community = owner.ask("POST", "/v1/communities", new, status=201).json()
    open_community(owner, community)
    return Town(base_url, slug, organization.json()["id"], owner, community["id"], seen)
