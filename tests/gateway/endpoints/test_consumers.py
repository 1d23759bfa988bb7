"""What becomes of partners and their endpoints when members tells of clients, consents and people."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.gateway.endpoints.town import URL, Town, faults

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import envelope
from contracts.base import Envelope
from contracts.members import (
    AccountMerged,
    ClientBasis,
    ClientChanged,
    CommunityState,
    CommunityUpdated,
    ConsentChanged,
    ConsentPurpose,
    ErasureOrdered,
)
from contracts.partners import EndpointDisabled


def consent(
    town: Town,
    account: UUID,
    *,
    granted: bool,
    version: int = 1,
    consent_id: UUID | None = None,
    purpose: ConsentPurpose = ConsentPurpose.PARTNER,
    client: UUID | None = None,
) -> Envelope:
    partner = (client or town.client) if purpose is ConsentPurpose.PARTNER else None
    event = ConsentChanged(
        account_id=account, purpose=purpose, client_id=partner, granted=granted, decided_at=clock.now()
    )
    return envelope(event, town.organization, consent_id or new_id(), version=version)


async def consents(town: Town, *accounts: UUID) -> dict[tuple[UUID, UUID], bool]:
    rows = await town.kit.sql("SELECT * FROM partner_consent WHERE account_id = ANY($1)", list(accounts))
    return {(row["client_id"], row["account_id"]): row["granted"] for row in rows}


async def test_the_newest_word_about_a_client_counts(town: Town) -> None:
    await town.tell(town.client, 3, basis=ClientBasis.CONSENT)
    await town.tell(town.client, 2, active=False)
    [row] = await town.kit.sql("SELECT * FROM partner WHERE client_id = $1", town.client)
    assert (row["basis"], row["active"], row["scopes"]) == ("consent", True, ["webhooks:manage"])
    assert row["organization_id"] == town.organization


async def test_a_client_told_of_without_a_basis_needs_consent(town: Town) -> None:
    client = new_id()
    told = envelope(ClientChanged(client_id=client, active=True, scopes=[]), town.organization, client)
    await town.kit.deliver(told.model_copy(update={"data": {"client_id": str(client), "active": True, "scopes": []}}))
    [row] = await town.kit.sql("SELECT basis, scopes FROM partner WHERE client_id = $1", client)
    assert (row["basis"], row["scopes"]) == ("consent", [])


async def test_a_withdrawn_client_is_told_nothing_and_cannot_be_again(town: Town) -> None:
    made = [await town.endpoint() for _ in range(3)]
    theirs = (await town.program(town.other).post("/v1/endpoints", json={"url": URL})).json()
    assert (await town.program().post(f"/v1/endpoints/{made[0]['id']}/disabling")).status_code == 200
    assert (await town.program().delete(f"/v1/endpoints/{made[1]['id']}")).status_code == 204
    for version in (2, 3):
        await town.tell(town.client, version, active=False)
    states = {
        one["id"]: (one["enabled"], one["disabled_reason"])
        for one in (await town.staff.get("/v1/endpoints")).json()["data"]
    }
    assert states == {
        made[0]["id"]: (False, "by_hand"),
        made[2]["id"]: (False, "client_withdrawn"),
        theirs["id"]: (True, None),
    }
    told = [one for one in await town.kit.events(EndpointDisabled) if one.organization == town.organization]
    assert [(one.data["endpoint_id"], one.data["reason"]) for one in told] == [
        (made[0]["id"], "by_hand"),
        (made[2]["id"], "client_withdrawn"),
    ]
    for endpoint in (made[0], made[2]):
        refused = await town.staff.post(f"/v1/endpoints/{endpoint['id']}/enabling")
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:client-withdrawn")
    awake = "SELECT 1 FROM lane WHERE due_at IS NOT NULL AND endpoint_id = $1"
    assert await town.kit.sql(awake, UUID(made[2]["id"])) == []
    answer = await town.program().post("/v1/endpoints", json={"url": URL})
    assert faults(answer) == [("/client_id", "client-withdrawn")]


async def test_who_agreed_to_which_partner_is_known(town: Town) -> None:
    account, kept = new_id(), new_id()
    await town.kit.deliver(
        consent(town, account, granted=True, consent_id=kept),
        consent(town, account, granted=False, client=town.other),
        consent(town, account, granted=True, purpose=ConsentPurpose.EMAIL),
    )
    assert await consents(town, account) == {(town.client, account): True, (town.other, account): False}
    await town.kit.deliver(consent(town, account, granted=False, consent_id=kept, version=3))
    await town.kit.deliver(consent(town, account, granted=True, consent_id=kept, version=2))
    assert await consents(town, account) == {(town.client, account): False, (town.other, account): False}


@pytest.mark.parametrize(
    ("survivor", "merged", "expected"),
    [(None, True, True), (True, False, False), (False, True, False), (True, True, True), (True, None, True)],
)
async def test_of_two_accounts_that_become_one_both_must_have_agreed(
    town: Town, *, survivor: bool | None, merged: bool | None, expected: bool
) -> None:
    account, gone = new_id(), new_id()
    for one, granted in ((account, survivor), (gone, merged)):
        if granted is not None:
            await town.kit.deliver(consent(town, one, granted=granted))
    merge = AccountMerged(account_id=account, merged_account_id=gone)
    told = envelope(merge, town.organization, account, version=9)
    assert await town.kit.deliver(told, told) > 0
    assert await town.kit.deliver(told) == 0
    assert await consents(town, account, gone) == {(town.client, account): expected}


async def test_an_account_stands_for_those_that_became_one_with_it_until_its_person_is_erased(town: Town) -> None:
    first, second, last = new_id(), new_id(), new_id()

    async def merge(account: UUID, merged: UUID) -> None:
        event = AccountMerged(account_id=account, merged_account_id=merged)
        await town.kit.deliver(envelope(event, town.organization, account, version=9))

    async def survivors() -> dict[UUID, UUID]:
        rows = await town.kit.sql("SELECT * FROM partner_merged WHERE organization_id = $1", town.organization)
        return {row["account_id"]: row["survivor_id"] for row in rows}

    await merge(last, second)
    await town.kit.deliver(consent(town, first, granted=True))
    await merge(second, first)
    assert await survivors() == {first: last, second: last}
    assert await consents(town, first, second, last) == {(town.client, last): True}
    newest = new_id()
    await merge(newest, last)
    assert await survivors() == {first: newest, second: newest, last: newest}
    erasure = ErasureOrdered(erasure_id=new_id(), account_id=newest)
    await town.kit.deliver(envelope(erasure, town.organization, erasure.erasure_id))
    assert await survivors() == {}


async def test_an_erased_person_leaves_no_consent(town: Town, movable_clock: MovableClock) -> None:
    account, other, kept = new_id(), new_id(), new_id()
    await town.kit.deliver(consent(town, account, granted=True, consent_id=kept), consent(town, other, granted=True))
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    await town.kit.deliver(envelope(order, town.organization, order.erasure_id))
    assert await consents(town, account, other) == {(town.client, other): True}
    # Members tells that it withdrew what the person had agreed to.
    await town.kit.deliver(consent(town, account, granted=False, consent_id=kept, version=2))
    movable_clock.move(minutes=15)
    await town.kit.work()
    assert await consents(town, account, other) == {(town.client, other): True}


async def test_a_backfill_empties_nothing_and_writes_every_row_anew(town: Town) -> None:
    account, community = new_id(), new_id()
    updated = CommunityUpdated(community_id=community, slug="c", zone="UTC", state=CommunityState.OPEN)
    told = [
        envelope(updated, town.organization, community, version=2, community_id=community),
        consent(town, account, granted=True),
    ]
    await town.kit.deliver(*told)
    consumer = town.kit.runtime.consumers["endpoints"]
    await consumer.clear(town.kit.runtime.worker_engine)
    assert await consents(town, account) == {(town.client, account): True}
    assert await town.kit.deliver(*told) == 2
    assert await consents(town, account) == {(town.client, account): True}
    assert await town.kit.sql("SELECT 1 FROM community WHERE id = $1", community) != []
