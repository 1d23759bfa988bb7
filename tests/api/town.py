"""The people of an organization, each with another standing in its community, all made through the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from tests.api.belonging import belong, checked
from tests.api.partners import put_up_endpoint, tell_of_contact, tell_of_orders
from tests.api.publishing import publish
from tests.readiness import SLOT, STEPS, THEME, with_rhythm

from chassis import clock

PASSWORD = "a long enough password"
EMOJI = "👍"
SHORT = 15
"""What is shorter is a number or a word, and no secret."""
# Who is what in the community. Each but the first two applied; what follows is what became of it.
PEOPLE: dict[str, list[str] | None] = {
    "outsider": None,
    "applicant": None,
    "rejected": [],
    "left": [],
    "removed": [],
    "member": [],
    "editor": ["editor"],
    "analyst": ["analyst"],
    "moderator": ["moderator"],
    "manager": ["manager"],
}


@dataclass
class Person:
    """Somebody who signed up, and in."""

    account_id: str
    token: str
    membership_id: str | None = None


@dataclass
class Town:
    """An organization with all that a request can name."""

    base_url: str
    slug: str
    organization_id: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """What goes into the path parameters, by name: things of the open community."""
    other_community: str = ""
    """Open, and nobody but staff is in it."""
    draft_community: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    """The present version of what `ids` names."""

    def client(self, token: str | None = None, **headers: str) -> httpx.Client:
        """A client of the gateway."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=self.base_url, headers=headers, trust_env=False, verify=False, timeout=30.0)

    def as_person(self, name: str) -> httpx.Client:
        """A client of one of the people."""
        return self.client(self.people[name].token)

    def everything(self) -> set[str]:
        """Every id that another organization must never see."""
        ids = {value for name, value in self.ids.items() if name not in {"emoji", "variant"}}
        accounts = {person.account_id for person in self.people.values()}
        ids = {value for value in ids if len(value) > SHORT}
        return ids | accounts | {self.organization_id, self.other_community, self.draft_community}


def sign_in(town: Town, name: str) -> Person:
    """Start a session of one of the people."""
    login = {"organization": town.slug, "email": f"{name}@{town.slug}.example", "password": PASSWORD}
    with town.client() as anybody:
        session = checked(anybody.post("/v1/sessions", json=login))
    return Person(session["account_id"], session["access_token"])


def register(town: Town, name: str) -> Person:
    """Let somebody register and sign in."""
    new = {
        "organization": town.slug,
        "email": f"{name}@{town.slug}.example",
        "password": PASSWORD,
        "display_name": f"{name} 小雨",
    }
    with town.client() as anybody:
        checked(anybody.post("/v1/accounts", json=new))
    person = town.people[name] = sign_in(town, name)
    return person


def _community(owner: httpx.Client, *, opened: bool) -> str:
    slug = f"c-{uuid4().hex[:12]}"
    made = checked(owner.post("/v1/communities", json={"name": {"zh": "社群"}, "slug": slug, "zone": "Asia/Shanghai"}))
    if opened:
        for step in STEPS:
            url = f"/v1/communities/{made['id']}/{step.path}"
            checked(owner.request(step.method, url, json=step.body, headers=step.headers))
        after = with_rhythm(
            lambda method, path, body, headers: owner.request(method, path, json=body, headers=headers), made
        )
        headers = {"If-Match": f'"{made["version"]}"', "Hearth-After": after}
        checked(owner.post(f"/v1/communities/{made['id']}/open", headers=headers))
    return str(made["id"])


def _step(client: httpx.Client, url: str, step: str, **body: Any) -> None:
    version = checked(client.get(url))["version"]
    headers = {"If-Match": f'"{version}"'}
    answer = (
        client.put(f"{url}/{step}", json=body, headers=headers)
        if body
        else client.post(f"{url}/{step}", headers=headers)
    )
    checked(answer)


def found_town(base_url: str) -> Town:
    """Let a brand sign up, and its people come."""
    slug = f"o-{uuid4().hex[:12]}"
    town = Town(base_url, slug)
    brand = {"email": f"owner@{slug}.example", "password": PASSWORD, "display_name": "Owner"}
    with town.client() as anybody:
        made = checked(anybody.post("/v1/organizations", json={"name": "Brand", "slug": slug, "owner": brand}))
    town.organization_id = made["id"]
    town.people["owner"] = sign_in(town, "owner")
    with town.as_person("owner") as owner:
        admin = register(town, "admin")
        _step(owner, f"/v1/accounts/{admin.account_id}", "organization-role", role="admin")
        town.people["admin"] = sign_in(town, "admin")
        community = _community(owner, opened=True)
        town.other_community = _community(owner, opened=True)
        town.draft_community = _community(owner, opened=False)
        _people_come(town, owner, community)
        _something_is_said(town, community)
        _something_is_held(town, community)
        _something_is_planned(town, owner, community)
        _the_brand_speaks(town, owner)
        with town.as_person("editor") as editor, town.as_person("member") as member:
            town.ids["article_id"] = publish(owner, editor, member, community)
        _partners_come(town, owner, community)
        membership_id = town.people["member"].membership_id
        assert membership_id
        town.ids |= {
            "community_id": community,
            "membership_id": membership_id,
            "account_id": town.people["member"].account_id,
            "organization_id": town.organization_id,
            "emoji": EMOJI,
            "q": "hello",
        }
        register(town, "candidate")
        with town.as_person("candidate") as candidate:
            town.ids |= belong(owner, community, town.ids, candidate)
        addresses = {
            "community_id": f"/v1/communities/{community}",
            "membership_id": f"/v1/communities/{community}/memberships/{membership_id}",
            "post_id": f"/v1/communities/{community}/posts/{town.ids['post_id']}",
            "comment_id": f"/v1/communities/{community}/comments/{town.ids['comment_id']}",
            "account_id": f"/v1/accounts/{town.ids['account_id']}",
            "detector_id": f"/v1/communities/{community}/detectors/{town.ids['detector_id']}",
            "hold_id": f"/v1/communities/{community}/holds/{town.ids['hold_id']}",
            "brand_persona_id": f"/v1/brand-personas/{town.ids['brand_persona_id']}",
            "media_id": f"/v1/media/{town.ids['media_id']}",
            "theme_id": f"/v1/communities/{community}/themes/{town.ids['theme_id']}",
            "item_id": f"/v1/communities/{community}/items/{town.ids['item_id']}",
            "slot_id": f"/v1/communities/{community}/slots/{town.ids['slot_id']}",
            "occurrence_id": f"/v1/communities/{community}/occurrences/{town.ids['occurrence_id']}",
            "delivery_id": f"/v1/communities/{community}/deliveries/{town.ids['delivery_id']}",
        }
        town.versions = {name: checked(owner.get(url))["version"] for name, url in addresses.items()}
    return town


def _people_come(town: Town, owner: httpx.Client, community: str) -> None:
    base = f"/v1/communities/{community}/memberships"
    fates = {"rejected": "reject", "left": "approve", "removed": "approve"}
    for name, roles in PEOPLE.items():
        person = register(town, name)
        if name == "outsider":
            continue
        with town.as_person(name) as client:
            person.membership_id = checked(client.post(base))["id"]
            if name == "applicant":
                continue
            _step(owner, f"{base}/{person.membership_id}", fates.get(name, "approve"))
            if name == "left":
                _step(client, f"{base}/{person.membership_id}", "leave")
            elif name == "removed":
                _step(owner, f"{base}/{person.membership_id}", "remove")
            elif roles:
                _step(owner, f"{base}/{person.membership_id}", "roles", roles=roles)


def _something_is_said(town: Town, community: str) -> None:
    """Content learns of the member by an event; Hearth-After waits for it."""
    base = f"/v1/communities/{community}"
    with town.as_person("member") as member:
        own = member.get(f"{base}/memberships/me").json()
        after = {"Hearth-After": f"membership/{own['id']}@{own['version']}"}
        post = checked(member.post(f"{base}/posts", json={"body": "今天的单词"}, headers=after))["id"]
        comment = checked(member.post(f"{base}/posts/{post}/comments", json={"body": "Serendipity"}))["id"]
        checked(member.put(f"{base}/posts/{post}/reactions/{EMOJI}"))
        checked(member.put(f"{base}/comments/{comment}/reactions/{EMOJI}"))
        checked(member.post(f"{base}/posts", json={"body": f"<@{own['account_id']}>"}))
    with town.as_person("owner") as owner:
        checked(owner.post(f"{base}/reads", json={"post_ids": [post]}))
        checked(owner.put(f"{base}/reads/horizon", json={"until": "2026-01-01T00:00:00Z"}))
        checked(owner.put(f"{base}/posts/{post}/bookmark"))
        checked(owner.get(f"{base}/feed?order=hot"))
    town.ids |= {"post_id": post, "comment_id": comment}


def _something_is_held(town: Town, community: str) -> None:
    base = f"/v1/communities/{community}"
    detector = {
        "name": "Casinos",
        "action": "hold",
        "clause_code": "1",
        "clause_text": {"en": "No casinos"},
        "settings": {"kind": "words", "words": ["casino"]},
    }
    with town.as_person("owner") as owner, town.as_person("member") as member:
        town.ids["detector_id"] = checked(owner.post(f"{base}/detectors", json=detector))["id"]
        checked(member.post(f"{base}/posts", json={"body": "casino"}))
        [hold] = checked(owner.get(f"{base}/holds"))["data"]
    town.ids["hold_id"] = hold["id"]


def _the_brand_speaks(town: Town, owner: httpx.Client) -> None:
    made = checked(owner.post("/v1/brand-personas", json={"name": {"zh": "小英老师"}}))
    town.ids["brand_persona_id"] = made["id"]
    made = checked(owner.post("/v1/media", json={"kind": "file", "name": "words.txt", "size": 5}))
    town.ids |= {"media_id": made["id"], "variant": "original"}


def _something_is_planned(town: Town, owner: httpx.Client, community: str) -> None:
    """So far ahead that nothing of it falls due while tests run."""
    base = f"/v1/communities/{community}"
    later = clock.now() + timedelta(days=30)
    theme = checked(owner.post(f"{base}/themes", json=THEME | {"target_share": 10}))["id"]
    piece = {"kind": SLOT["kind"], "body": "今天的单词", "state": "ready", "theme_id": theme}
    item = checked(owner.post(f"{base}/items", json=piece))["id"]
    new = SLOT | {"theme_id": theme, "starts_on": later.date().isoformat()}
    slot = checked(owner.post(f"{base}/slots", json=new))["id"]
    query = {"slot_id": slot, "since": later.date().isoformat(), "limit": 1}
    occurrence = checked(owner.get(f"{base}/calendar", params=query))["data"][0]["id"]
    send = {"targets": [{"community_id": community}], "at": later.isoformat()}
    delivery = checked(owner.post(f"{base}/items/{item}/sends", json=send))["results"][0]["delivery_id"]
    town.ids |= {
        "theme_id": theme,
        "item_id": item,
        "slot_id": slot,
        "occurrence_id": occurrence,
        "delivery_id": delivery,
    }


def _program(town: Town, owner: httpx.Client, name: str, *scopes: str, basis: str = "consent") -> tuple[str, str]:
    """Make a partner's program that signs in; return its id and its token."""
    program = {"name": name, "scopes": scopes, "basis": basis}
    made = checked(owner.post("/v1/clients", json=program, headers={"Idempotency-Key": uuid4().hex}))
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    with town.client() as anybody:
        session = checked(anybody.post("/v1/oauth/token", data=form))
    assert session["scope"] == " ".join(scopes)
    return made["id"], session["access_token"]


def _partners_come(town: Town, owner: httpx.Client, community: str) -> None:
    town.ids["client_id"], token = _program(town, owner, "CRM", "contacts:write", "members:read", basis="processor")
    with town.client(token) as crm:
        town.ids |= tell_of_contact(crm, town.people["member"].account_id, community)
    town.ids["hooked_id"], _ = _program(town, owner, "Hooks", "webhooks:manage")
    town.ids |= put_up_endpoint(owner, town.ids["hooked_id"])
    town.ids["seller_id"], token = _program(town, owner, "Shop", "orders:write")
    with town.client(token) as shop:
        town.ids |= tell_of_orders(owner, shop, town.ids["hooked_id"], town.ids["external_id"])
    town.ids["judge_id"], token = _program(town, owner, "Judge", "content:judge")
    with town.client(token) as judge:
        [check] = checked(judge.get("/v1/checks"))["data"]
    town.ids["check_id"] = check["id"]
    person = {"external_id": "slack:U1", "display_name": "Imported"}
    url = f"/v1/communities/{town.other_community}/memberships/imports"
    imported = checked(owner.post(url, json={"source": "slack", "items": [person]}))["items"][0]
    checked(owner.post(f"/v1/accounts/{imported['account_id']}/invitations"))
