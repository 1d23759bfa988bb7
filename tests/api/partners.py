"""What a partner's program tells of the people that it knows, made through the gateway."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from tests.api.belonging import checked

from chassis import clock
from chassis.embedded.process import wait_until
from gateway import signing

PURPOSE = "sms"


def tell_of_contact(crm: httpx.Client, account_id: str, community: str) -> dict[str, str]:
    """Tell of a contact, who is the member, with a tag and a consent; return what of it stands in addresses."""
    external_id = f"crm-{uuid4().hex}"
    url = f"/v1/contacts/{external_id}"
    checked(crm.put(url, json={"version": 1, "account_id": account_id}))
    checked(crm.put(f"{url}/tags/{community}", json={"version": 1, "add": ["会员卡"]}))
    decided = {"version": 1, "granted": True, "decided_at": "2026-01-01T00:00:00Z"}
    checked(crm.put(f"{url}/consents/{PURPOSE}", json=decided))
    return {"external_id": external_id, "purpose": PURPOSE}


MAPPING = """
version: 1
items:
  - kind: contact
    when: {path: $.contact, exists: true}
    fields: {external_id: $.contact, version: {value: 1}}
"""


def tell_of_orders(owner: httpx.Client, shop: httpx.Client, hooked_id: str, external_id: str) -> dict[str, str]:
    """Tell of an order and of money given back for it, and send a webhook; return what of it stands in addresses."""
    order = {"version": 1, "placed_at": "2026-01-01T00:00:00Z", "currency": "CNY", "amount_fen": 100}
    checked(shop.put(f"/v1/orders/{external_id}", json=order))
    refund = {"external_id": "RF-1", "amount_fen": 1, "currency": "CNY", "refunded_at": "2026-01-02T00:00:00Z"}
    checked(shop.post(f"/v1/orders/{external_id}/refunds", json=refund))
    new = {"client_id": hooked_id, "name": "CRM", "verification": {"kind": "standard"}}
    source = checked(owner.post("/v1/sources", json=new))
    url = f"/v1/sources/{source['id']}"
    for _ in range(2):
        checked(owner.post(f"{url}/mappings", json={"mapping": MAPPING}))
    checked(owner.post(f"{url}/mappings/2/adopt", headers={"If-Match": f'"{source["version"]}"'}))
    return {"source_id": source["id"], "receipt_id": _send(owner, source)}


def _send(anybody: httpx.Client, source: dict[str, Any]) -> str:
    """Send a webhook of which the mapping makes nothing, and return the receipt's id."""
    body = b'{"order": null}'
    key = signing.signing_key(source["secret"])
    signed = signing.sign(f"m{uuid4().hex}", int(clock.now().timestamp()), body, [key])
    receipt = checked(anybody.post(f"/v1/inbound/{source['id']}", content=body, headers=signed))
    return str(receipt["receipt_id"])


def partners_twice(owner: httpx.Client, shop: httpx.Client, ids: dict[str, str]) -> None:
    """Give each list of partners' things a second row."""
    order = {"version": 1, "placed_at": "2026-01-01T00:00:00Z", "currency": "CNY", "amount_fen": 100}
    checked(shop.put(f"/v1/orders/SO-{uuid4().hex}", json=order))
    new = {"client_id": ids["hooked_id"], "name": "CRM", "verification": {"kind": "standard"}}
    checked(owner.post("/v1/sources", json=new))
    fresh = checked(owner.post(f"/v1/sources/{ids['source_id']}/secrets", json={}))
    for _ in range(2):
        _send(owner, {"id": ids["source_id"], "secret": fresh["secret"]})
    second = checked(owner.post("/v1/endpoints", json=_endpoint(ids["hooked_id"])))["id"]
    url = f"/v1/endpoints/{ids['endpoint_id']}"
    checked(owner.post(f"{url}/enabling"))
    checked(owner.post(f"{url}/pings"))
    # Nobody listens there: what is told waits from now on, instead of being tried again while other tests run.
    for endpoint in (second, ids["endpoint_id"]):
        checked(owner.post(f"/v1/endpoints/{endpoint}/disabling"))


def _endpoint(hooked_id: str) -> dict[str, Any]:
    return {"client_id": hooked_id, "url": "http://127.0.0.1:65000/hooks", "event_types": ["partners.source.*"]}


def _made(owner: httpx.Client, new: dict[str, Any]) -> list[dict[str, Any]]:
    """Make what is of a program, as soon as the program is known; return what there is."""
    listed = owner.get("/v1/endpoints", params={"client_id": new["client_id"]})
    found: list[dict[str, Any]] = checked(listed)["data"]
    if not found:
        owner.post("/v1/endpoints", json=new)
    return found


def put_up_endpoint(owner: httpx.Client, hooked_id: str) -> dict[str, str]:
    """Put up an endpoint that is disabled, so that what it is told stays as it is; return what of it stands in addresses."""
    new = _endpoint(hooked_id)
    # The gateway learns of a new program by an event.
    assert wait_until(lambda: hooked_id in {one["client_id"] for one in _made(owner, new)}, 30)
    endpoint = _made(owner, new)[0]["id"]
    url = f"/v1/endpoints/{endpoint}"
    ping = checked(owner.post(f"{url}/pings"))
    checked(owner.post(f"{url}/disabling"))
    replay = checked(owner.post(f"{url}/replays", json={"event_id": ping["event_id"]}))
    return {"endpoint_id": endpoint, "event_id": ping["event_id"], "replay_id": replay["id"]}
