"""A partner for tests: its source, its signed messages, and members as it would answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from chassis import clock
from chassis.ids import new_id
from chassis.outbox import seal
from chassis.testing.kit import Kit
from contracts.members import AccountMerged, ClientChanged, ContactLinked, ErasureOrdered, contact_id_of
from gateway import signing
from gateway.inbound.application.members import Members
from gateway.inbound.application.worker import Applier
from gateway.partner_settings import PartnerSettings, settings_of

MAPPING = """
version: 1
items:
  - kind: contact
    when: {path: $.contact, exists: true}
    fields:
      external_id: $.contact.id
      version: $.contact.v
      name: $.contact.name
  - kind: tags
    when: {path: $.tags, exists: true}
    fields:
      external_id: $.tags.contact
      version: $.tags.v
      community_id: $.tags.community
      add: $.tags.add
  - kind: order
    when: {path: $.order, exists: true}
    fields:
      external_id: $.order.id
      version: $.order.v
      contact: $.order.contact
      placed_at: {path: $.order.at, default: "2026-11-22T07:30:00Z"}
      currency: {path: $.order.currency, default: CNY}
      amount_fen: {path: $.order.total, as: fen}
      cancelled: {path: $.order.cancelled, default: false}
  - kind: refund
    each: $.refunds
    fields:
      external_id: "@.id"
      order: "@.order"
      currency: {value: CNY}
      amount_fen: {path: "@.total", as: fen}
      refunded_at: {value: "2026-11-23T07:30:00Z"}
"""


@dataclass
class Partner:
    """A partner with a source that takes its messages."""

    kit: Kit
    organization: UUID
    client_id: UUID
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def staff(self) -> httpx.AsyncClient:
        return self.kit.staff(self.organization)

    def program(self, *scopes: str) -> httpx.AsyncClient:
        return self.kit.client(self.kit.issuer.token(self.organization, self.client_id, scopes=scopes, client=True))

    @property
    def url(self) -> str:
        return f"/v1/sources/{self.source['id']}"

    async def told(self, *, active: bool = True, version: int = 1) -> None:
        """Members tell of the partner's client."""
        event = ClientChanged(client_id=self.client_id, active=active, scopes=["orders:write"])
        await self.kit.deliver(seal(event, self.organization, self.client_id, version=version))

    async def make_source(self, **more: Any) -> dict[str, Any]:
        body = {"client_id": str(self.client_id), "name": "CRM", "verification": {"kind": "standard"}} | more
        made = await self.staff.post("/v1/sources", json=body)
        assert made.status_code == 201, made.text
        self.source = made.json()
        return self.source

    async def map(self, mapping: str = MAPPING) -> None:
        """Keep a mapping and adopt it."""
        kept = await self.staff.post(f"{self.url}/mappings", json={"mapping": mapping})
        assert kept.status_code == 201, kept.text
        now = (await self.staff.get(self.url)).json()
        adopted = await self.staff.post(
            f"{self.url}/mappings/{kept.json()['number']}/adopt", headers={"If-Match": f'"{now["version"]}"'}
        )
        assert adopted.status_code == 200, adopted.text

    def signed(self, body: bytes, message_id: str | None = None, *, late: int = 0) -> dict[str, str]:
        """The headers of a message of the standard scheme."""
        key = signing.signing_key(self.source["secret"])
        return signing.sign(message_id or f"m{new_id().hex}", int(clock.now().timestamp()) - late, body, [key])

    async def send(self, document: Any, message_id: str | None = None) -> httpx.Response:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return await self.post(body, self.signed(body, message_id))

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return await self.kit.client().post(f"/v1/inbound/{self.source['id']}", content=body, headers=headers)

    async def receipt(self, answer: httpx.Response) -> dict[str, Any]:
        """What became of a message."""
        assert answer.status_code == 202, answer.text
        read = await self.staff.get(f"{self.url}/receipts/{answer.json()['receipt_id']}")
        assert read.status_code == 200, read.text
        return dict(read.json())

    async def outcomes(self, answer: httpx.Response) -> list[str]:
        return [item["state"] for item in (await self.receipt(answer))["items"]]

    async def linked(self, contact: str, account: UUID | None, version: int) -> None:
        """Members tell whom a contact of the partner stands for."""
        contact_id = contact_id_of(self.client_id, contact)
        event = ContactLinked(contact_id=contact_id, client_id=self.client_id, account_id=account)
        await self.kit.deliver(seal(event, self.organization, contact_id, version=version))

    async def merged(self, merged: UUID, survivor: UUID) -> None:
        event = AccountMerged(account_id=survivor, merged_account_id=merged)
        await self.kit.deliver(seal(event, self.organization, survivor, version=7))

    async def erased(self, account: UUID) -> None:
        event = ErasureOrdered(erasure_id=new_id(), account_id=account)
        await self.kit.deliver(seal(event, self.organization, event.erasure_id))


async def partner_of(kit: Kit, **source: Any) -> Partner:
    """A partner of an organization of its own, whose messages are mapped."""
    # What the tests before left waiting is theirs.
    await kit.sql("DELETE FROM inbound_queue")
    partner = Partner(kit, new_id(), new_id())
    await partner.told()
    await partner.make_source(**source)
    await partner.map()
    return partner


class FakeMembers:
    """Members as partners' programs see them: versions by id, or the answers that a test scripts."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.accounts: dict[str, UUID] = {}
        self.tokens = 0
        self.refuses = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        path = scope["raw_path"].decode()
        if path == "/v1/oauth/token":
            self.tokens += 1
            status, told = 200, {"access_token": f"token{self.tokens}", "expires_in": 600}
            if self.refuses:
                status, told = 400, {"error": "invalid_grant"}
        else:
            self.calls.append((path, json.loads(body)))
            account = self.accounts.setdefault(path, new_id())
            status, told = self.answers.pop(0) if self.answers else (200, {"outcome": "applied"})
            if status == 200 and path.count("/") == 3:
                told = {"account_id": str(account)} | told
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


@asynccontextmanager
async def applying(kit: Kit, members_url: str = "http://127.0.0.1:9") -> AsyncIterator[Applier]:
    """An applier whose members are at that address; by default nobody is."""
    applier = Applier(kit.runtime)
    settings = settings_of(kit.runtime)
    applier._members = Members(PartnerSettings.model_validate(settings.model_dump() | {"members_url": members_url}))
    try:
        yield applier
    finally:
        await applier.close()


async def apply_all(applier: Applier) -> int:
    """Apply what is due; return how many there were."""
    done = 0
    while await applier.apply_one():
        done += 1
    return done
