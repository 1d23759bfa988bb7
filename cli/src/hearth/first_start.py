"""The first owner and the first community, made through the gateway like anyone's, and safe to begin again half-way."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

from chassis.embedded.process import write_private
from hearth.client import ApiError, Credentials
from hearth.first_community import Ask, furnish
from hearth.stack_folder import Folder, StackError, read_object

ORGANIZATION_SLUG: Final = "demo"
EMAIL: Final = "owner@demo.example"
COMMUNITY_SLUG: Final = "english"
COMMUNITY: Final = {
    "name": {"en": "English learning community", "zh": "英语学习社群"},
    "slug": COMMUNITY_SLUG,
    "zone": "Asia/Shanghai",
    "description": {"en": "Twenty minutes of English a day, together.", "zh": "每天一起学二十分钟英语。"},
}
_CONFLICT: Final = 409
_NOT_YET: Final = 503
LONGEST_WAIT_SECONDS: Final = 60.0


def ensure_first_community(folder: Folder, base_url: str) -> Credentials:
    """Make organization, owner and community where they are not there yet, and keep `credentials.json` true.

    Raises StackError or ApiError when the gateway refuses. The password is on disk before it is used, so that a start
    which broke off in between finds its own organization again.
    """
    known = read_object(folder.credentials) | {"base_url": base_url}
    known["email"] = known.get("email") or EMAIL
    known["password"] = known.get("password") or secrets.token_urlsafe(12)
    _save(folder, known)
    if not (known.get("organization_id") and known.get("community_id")):
        try:
            with httpx.Client(base_url=base_url, trust_env=False, timeout=30.0) as http:
                session = _sign_up(http, known)
                known["organization_id"] = session["organization_id"]
                _save(folder, known)
                http.headers["Authorization"] = f"Bearer {session['access_token']}"
                known["community_id"] = _community(http, session["account_id"])
                _save(folder, known)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise StackError(f"the first community could not be made: {type(error).__name__}: {error}") from error
    return Credentials(base_url, known["email"], known["password"], known["organization_id"], known["community_id"])


def _save(folder: Folder, known: dict[str, Any]) -> None:
    whole = {name: known.get(name) for name in ("base_url", "email", "password", "organization_id", "community_id")}
    if whole != read_object(folder.credentials):
        write_private(folder.credentials, json.dumps(whole, indent=1) + "\n")


def _sign_up(http: httpx.Client, known: dict[str, Any]) -> dict[str, Any]:
    """Return a session of the owner, whose organization is made, or is there from an attempt that broke off."""
    owner = {"email": known["email"], "password": known["password"], "display_name": "Demo owner"}
    signed_up = http.post("/v1/organizations", json={"name": "Demo", "slug": ORGANIZATION_SLUG, "owner": owner})
    if signed_up.status_code != _CONFLICT:
        _checked(signed_up)
    login = {"organization": ORGANIZATION_SLUG, "email": known["email"], "password": known["password"]}
    session = http.post("/v1/sessions", json=login)
    if signed_up.status_code == _CONFLICT and session.is_client_error:
        raise StackError(
            f"the organization {ORGANIZATION_SLUG!r} is there, but credentials.json does not hold its owner's password:"
            " put the old credentials.json back, or start with another folder (--data)"
        )
    answer: dict[str, Any] = _checked(session).json()
    return answer


def _community(http: httpx.Client, owner: str) -> str:
    """Make the first community, or find it, say what it is for, and open it; returns its id."""
    made = http.post("/v1/communities", json=COMMUNITY)
    if made.status_code != _CONFLICT:
        community = _checked(made).json()
    else:
        community = _checked(http.get("/v1/communities", params={"slug": COMMUNITY_SLUG})).json()["data"][0]
    if community["state"] == "draft":
        ask = _asking(http)
        after = furnish(ask, community, owner)
        version = {"If-Match": f'"{community["version"]}"'}
        ask("POST", f"/v1/communities/{community['id']}/open", None, {**version, "Hearth-After": after})
    return str(community["id"])


def _asking(http: httpx.Client) -> Ask:
    """Return how to send one request and insist on its success."""

    def ask(method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        answer = http.request(method, path, json=body, headers=dict(headers))
        # A service that has not heard of an earlier write yet asks to be asked again.
        while answer.status_code == _NOT_YET and time.monotonic() < deadline:
            time.sleep(1.0)
            answer = http.request(method, path, json=body, headers=dict(headers))
        found: dict[str, Any] = _checked(answer).json()
        return found

    return ask


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        try:
            problem = answer.json()
        except ValueError:
            problem = {"title": answer.text[:200] or answer.reason_phrase}
        raise ApiError(answer.status_code, problem, f"{answer.request.method} {answer.request.url.path}")
    return answer
