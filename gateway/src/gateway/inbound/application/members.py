"""Handing contacts, tags and consents to members, as the partner's own client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import aiohttp
import orjson
from yarl import URL

from chassis import clock, delegation, telemetry
from gateway.inbound.application import policy
from gateway.inbound.application.policy import Answer
from gateway.inbound.mapping.policy import Item
from gateway.partner_settings import PartnerSettings

CALL_SECONDS = 10.0
_EARLY = timedelta(seconds=60)
_LARGEST_ANSWER = 65_536
_MOST_TOKENS = 10_000

log = telemetry.log("gateway.inbound")


class _NoTokenError(Exception):
    """Members give the client no token; `answer` says what that means."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Members:
    """Members' API, with a token for each client until shortly before it expires."""

    def __init__(self, settings: PartnerSettings) -> None:
        self._base = settings.members_url.rstrip("/")
        self._secret = settings.delegation_secret.get_secret_value()
        self._http: aiohttp.ClientSession | None = None
        self._tokens: dict[UUID, tuple[str, datetime]] = {}

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def put(self, organization_id: UUID, client_id: UUID, item: Item) -> Answer:
        """Tell members of an item; an outage is an answer too. The same may be told again: versions see to it."""
        path, body = _request(item)
        try:
            token = await self._token(organization_id, client_id)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            if traceparent := telemetry.traceparent():
                headers["traceparent"] = traceparent
            status, told = await self._call("PUT", path, orjson.dumps(body), headers)
        except _NoTokenError as refused:
            return refused.answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("members_away", error=type(error).__name__)
            return Answer("waiting", "members-unavailable")
        if status == 401:  # noqa: PLR2004  the token is not good any more
            self._tokens.pop(client_id, None)
        return policy.judge(item.kind, status, told)

    async def _token(self, organization_id: UUID, client_id: UUID) -> str:
        now = clock.now()
        known = self._tokens.get(client_id)
        if known is not None and known[1] > now:
            return known[0]
        assertion = delegation.make(self._secret, organization_id, client_id, now)
        form = aiohttp.FormData({"grant_type": delegation.GRANT_TYPE, "assertion": assertion})
        status, told = await self._call("POST", "/v1/oauth/token", form(), {})
        if status == 200 and isinstance(told, dict) and isinstance(told.get("access_token"), str):  # noqa: PLR2004  OK
            if len(self._tokens) >= _MOST_TOKENS:
                self._tokens.clear()
            lifetime = timedelta(seconds=int(told.get("expires_in", 0)))
            self._tokens[client_id] = (told["access_token"], now + lifetime - _EARLY)
            return str(told["access_token"])
        error = told.get("error") if isinstance(told, dict) else None
        log.warning("members_refuse_token", status=status, error=error)
        if error in ("invalid_grant", "invalid_client"):
            # The client was withdrawn, or the two services do not share their secret at the moment; members do not say which.
            raise _NoTokenError(Answer("waiting", "token-refused"))
        raise _NoTokenError(Answer("waiting", "members-unavailable"))

    async def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:  # noqa: ANN401  bytes or a form
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS, connect=3)
            self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        # Encoded already: an id may hold any character, a percent sign too.
        url = URL(self._base + path, encoded=True)
        async with self._http.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
            read = await answer.content.read(_LARGEST_ANSWER)
            try:
                return answer.status, orjson.loads(read)
            except orjson.JSONDecodeError:
                return answer.status, None


def _request(item: Item) -> tuple[str, dict[str, Any]]:
    """Return the path and the body by which members are told of an item."""
    path = f"/v1/contacts/{quote(item.external_id, safe='')}"
    body = {"version": item.version, **item.fields}
    if item.kind == "tags":
        path += f"/tags/{body.pop('community_id')}"
    if item.kind == "consent":
        path += f"/consents/{quote(body.pop('purpose'), safe='')}"
    return path, body
