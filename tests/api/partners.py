"""What a partner's program tells of the people that it knows, made through the gateway."""

from __future__ import annotations

from uuid import uuid4

import httpx
from tests.api.belonging import checked

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
