"""What a delivery needs of an endpoint, and how one stops."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from chassis import clock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ClientBasis
from contracts.partners import EndpointDisabled, EndpointDisabling
from gateway.endpoints import commands, queries, sealing
from gateway.endpoints.models import Endpoint, EndpointSecret, Partner
from gateway.endpoints.queries import Secret
from gateway.lanes import commands as lanes
from gateway.vault import vault_of

HEADERS = {"X-Api-Key": "s3cret"}


async def place(kit: Kit, organization: UUID, *, basis: ClientBasis | None = ClientBasis.PROCESSOR) -> Endpoint:
    """Put an endpoint with two keys into the database, and a third that has expired."""
    now, vault, client = clock.now(), vault_of(kit.runtime), new_id()
    endpoint = Endpoint(
        id=new_id(),
        organization_id=organization,
        client_id=client,
        url="https://crm.example/hooks",
        event_types=[],
        community_ids=[],
        ordering="fifo",
        header_names=list(HEADERS),
        created_at=now,
        created_by=new_id(),
        updated_at=now,
    )
    endpoint.headers = sealing.seal_headers(vault, endpoint.id, HEADERS)
    async with transaction(kit.runtime.engine, organization) as session:
        if basis is not None:
            session.add(Partner(client_id=client, organization_id=organization, active=True, scopes=[], basis=basis))
        session.add(endpoint)
        await session.flush()
        for text, expires_at in (
            ("whsec_expired", now),
            ("whsec_old", now + timedelta(seconds=1)),
            ("whsec_new", None),
        ):
            session.add(
                EndpointSecret(
                    id=new_id(),
                    organization_id=organization,
                    endpoint_id=endpoint.id,
                    scheme="v1",
                    sealed=sealing.seal_secret(vault, endpoint.id, text),
                    created_at=now,
                    expires_at=expires_at,
                )
            )
        await lanes.make(session, organization, endpoint.id)
        await lanes.wake(session, [endpoint.id], now)
    return endpoint


async def test_a_target_is_open_and_signs_by_what_is_good_now(kit: Kit) -> None:
    organization = new_id()
    endpoint = await place(kit, organization)
    now = endpoint.created_at
    async with transaction(kit.runtime.worker_engine, organization) as session:
        found = await queries.targets(session, vault_of(kit.runtime), [endpoint.id, new_id()], now)
        later = await queries.targets(session, vault_of(kit.runtime), [endpoint.id], now + timedelta(seconds=1))
    target = found[endpoint.id]
    assert found.keys() == {endpoint.id}
    assert (target.url, target.fifo, target.headers) == (endpoint.url, True, HEADERS)
    assert target.secrets == (Secret("v1", "whsec_new"), Secret("v1", "whsec_old"))
    assert (target.client_id, target.basis, target.failing_since) == (endpoint.client_id, ClientBasis.PROCESSOR, None)
    assert later[endpoint.id].secrets == (Secret("v1", "whsec_new"),)


async def test_other_tenants_see_no_target_and_an_unknown_partner_is_told_least(kit: Kit) -> None:
    organization = new_id()
    endpoint = await place(kit, organization, basis=None)
    for who, basis in ((organization, [ClientBasis.CONSENT]), (new_id(), [])):
        async with transaction(kit.runtime.worker_engine, who) as session:
            found = await queries.targets(session, vault_of(kit.runtime), [endpoint.id], clock.now())
        assert [target.basis for target in found.values()] == basis


async def test_disabling_rests_the_lane_and_tells_once(kit: Kit) -> None:
    organization, since = new_id(), clock.now() - timedelta(days=5)
    endpoint = await place(kit, organization)
    for first in (True, False):
        async with transaction(kit.runtime.worker_engine, organization) as session:
            done = await commands.disable(session, endpoint.id, EndpointDisabling.FAILING, failing_since=since)
        assert done is first
    async with transaction(kit.runtime.worker_engine, organization) as session:
        assert await queries.targets(session, vault_of(kit.runtime), [endpoint.id], clock.now()) == {}
    told = [one for one in await kit.events(EndpointDisabled) if one.organization == organization]
    assert [(one.aggregateversion, one.data["reason"]) for one in told] == [(2, "failing")]
    assert EndpointDisabled.read(told[0].data).failing_since == since
    assert await kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1 AND due_at IS NOT NULL", endpoint.id) == []


async def test_what_is_sealed_for_one_endpoint_opens_for_no_other(kit: Kit) -> None:
    vault, mine = vault_of(kit.runtime), new_id()
    headers = sealing.seal_headers(vault, mine, HEADERS)
    assert sealing.open_headers(vault, mine, headers) == HEADERS
    assert sealing.seal_headers(vault, mine, {}) is None
    assert sealing.open_headers(vault, mine, None) == {}
    secret = sealing.seal_secret(vault, mine, "whsec_x")
    assert b"whsec" not in secret
    with pytest.raises(ValueError, match="HEARTH_GATEWAY_VAULT_SECRET"):
        sealing.open_secret(vault, new_id(), secret)
    with pytest.raises(ValueError, match="HEARTH_GATEWAY_VAULT_SECRET"):
        sealing.open_headers(vault, new_id(), headers)
