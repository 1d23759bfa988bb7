"""What a newer release tells while older processes still run: it waits for one that knows it, and is not passed over."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from tests.chassis.happenings import approved, until
from tests.chassis.test_consuming import consuming_from

from chassis import consuming
from chassis.db import Session
from chassis.ids import new_id
from chassis.inbox import Consumers, Mode, Received
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit
from contracts.base import Envelope
from contracts.catalogue import BY_TYPE
from contracts.members import MembershipApproved


def newer(envelope_: Envelope) -> Envelope:
    """The same, of a type that no process here knows."""
    return envelope_.model_copy(update={"type": "members.membership.knighted.v1"})


def patient(organization: UUID) -> tuple[Consumers, list[UUID]]:
    """Consumers that wait for what they do not know, and the memberships of an organization that they handled."""
    handled: list[UUID] = []
    waiting = Consumers(f"patient-{new_id().hex[-12:]}", waits_for_unknown=True)

    @waiting.on(MembershipApproved, mode=Mode.EACH)
    async def on_approved(_session: Session, events: list[Received[MembershipApproved]]) -> None:
        handled.extend(one.event.membership_id for one in events if one.envelope.organization == organization)

    return waiting, handled


async def test_what_a_process_does_not_know_waits_for_one_that_does(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "UNKNOWN_SECONDS", 0.05)
    organization, unknown, known = new_id(), new_id(), new_id()
    waiting, handled = patient(organization)
    event = newer(approved(organization, unknown))
    async with consuming_from(kit, cluster, waiting) as publish:
        await publish(event, approved(organization, known))

        async def took_the_known() -> bool:
            return bool(handled)

        await until(took_the_known)
        assert handled == [known]
        assert await inbox_of(kit, waiting, event.id) == 0
        # A process of the newer release joins.
        monkeypatch.setitem(BY_TYPE, event.type, MembershipApproved)
        waiting.on(Knighted, mode=Mode.EACH)(handler_of(handled, organization))

        async def took_both() -> bool:
            return handled == [known, unknown]

        await until(took_both)
    assert await inbox_of(kit, waiting, event.id) == 1


async def test_what_nobody_ever_knows_becomes_a_dead_letter_that_can_be_tried_again(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "UNKNOWN_SECONDS", 0.01)
    monkeypatch.setattr(consuming, "UNKNOWN_TIMES", 3)
    organization = new_id()
    waiting, handled = patient(organization)
    event = newer(approved(organization, new_id()))
    async with consuming_from(kit, cluster, waiting) as publish:
        await publish(event)

        async def buried() -> bool:
            return bool(await kit.sql("SELECT 1 FROM dead_letter WHERE event_id = $1", event.id))

        await until(buried)
    [letter] = await kit.sql("SELECT id, attempts, type FROM dead_letter WHERE event_id = $1", event.id)
    assert (letter["attempts"], letter["type"]) == (3, event.type)
    known = {waiting.name: waiting}
    assert await consuming.retry_dead_letters(kit.runtime.worker_engine, known, [str(letter["id"])]) == (0, 1)
    monkeypatch.setitem(BY_TYPE, event.type, MembershipApproved)
    waiting.on(Knighted, mode=Mode.EACH)(handler_of(handled, organization))
    assert await consuming.retry_dead_letters(kit.runtime.worker_engine, known, [str(letter["id"])]) == (1, 0)
    assert handled == [event.aggregateid]


class Knighted(MembershipApproved):
    """What the newer release tells."""

    type = "members.membership.knighted.v1"


def handler_of(
    handled: list[UUID], organization: UUID
) -> Callable[[Session, list[Received[Knighted]]], Awaitable[None]]:
    async def on_knighted(_session: Session, events: list[Received[Knighted]]) -> None:
        handled.extend(one.event.membership_id for one in events if one.envelope.organization == organization)

    return on_knighted


async def inbox_of(kit: Kit, waiting: Consumers, event_id: UUID) -> int:
    rows = await kit.sql("SELECT 1 FROM inbox WHERE consumer = $1 AND event_id = $2", waiting.name, event_id)
    return len(rows)
