"""The worker that applies receipts: any number may run at once, and each receipt is in the hand of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from chassis import telemetry
from chassis.db import transaction
from chassis.outages import is_contention, is_outage
from chassis.runtime import Runtime
from chassis.serve import Background
from gateway.inbound.application import commands
from gateway.inbound.application.members import Members
from gateway.inbound.application.policy import LOCAL, Answer
from gateway.inbound.mapping.policy import Item
from gateway.inbound.orders.policy import Outcome
from gateway.partner_settings import settings_of
from gateway.vault import vault_of

AT_ONCE = 4
IDLE_SECONDS = 0.5

log = telemetry.log("gateway.inbound")


class Applier:
    """Applies receipts. What it does may be done again after a crash: items are applied once by their versions."""

    def __init__(self, runtime: Runtime) -> None:
        self._engine = runtime.worker_engine
        self._vault = vault_of(runtime)
        self._members = Members(settings_of(runtime))

    async def close(self) -> None:
        """Close the connections to members."""
        await self._members.close()

    async def apply_one(self) -> bool:
        """Apply the receipt that has been due longest; return whether there was one. Raises what an outage of the database raises."""
        async with transaction(self._engine) as session:
            claimed = await commands.claim(session)
        if claimed is None:
            return False
        try:
            await self._apply(claimed)
        except Exception as error:
            if is_contention(error):
                # What gave way can be done again at once, and what was applied before it stays so.
                async with transaction(self._engine, claimed.organization_id) as session:
                    await commands.release(session, claimed)
                return True
            if is_outage(error):
                raise
            log.exception("receipt_failed", receipt=str(claimed.receipt_id))
            async with transaction(self._engine, claimed.organization_id) as session:
                await commands.put_off(session, claimed)
        return True

    async def _apply(self, claimed: commands.Claim) -> None:
        organization_id = claimed.organization_id
        async with transaction(self._engine, organization_id) as session:
            remaining = await commands.begin(session, self._vault, claimed)
        if remaining is None:
            return
        for position, item in remaining.items:
            if item.kind in LOCAL:
                async with transaction(self._engine, organization_id) as session:
                    await commands.apply(session, claimed, remaining.client_id, position, item)
            elif not await self._hand_over(claimed, remaining.client_id, position, item):
                break
        async with transaction(self._engine, organization_id) as session:
            await commands.settle(session, organization_id, claimed.receipt_id)

    async def _hand_over(self, claimed: commands.Claim, client_id: UUID, position: int, item: Item) -> bool:
        """Tell members of an item; return whether they are there to be told of another."""
        async with transaction(self._engine, claimed.organization_id) as session:
            outcome = await commands.compare(session, client_id, item)
        # No transaction is open while members work. What is older they need not be asked; of the same version they know what it said.
        answer = Answer(outcome.value)
        if outcome is not Outcome.STALE:
            answer = await self._members.put(claimed.organization_id, client_id, item)
        if outcome is Outcome.REPEATED and answer.state == "applied":
            answer = replace(answer, state="repeated")
        async with transaction(self._engine, claimed.organization_id) as session:
            await commands.note(session, claimed, client_id, position, item, answer)
        return answer.reason not in {"members-unavailable", "token-refused"}

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; an outage is waited out."""
        while not stopping.is_set():
            try:
                worked = await self.apply_one()
            except Exception as error:  # noqa: BLE001  the receipt is still queued: wait and try again
                log.warning("inbound_waits", error=type(error).__name__, detail=str(error)[:300])
                worked = False
            if not worked:
                try:
                    await asyncio.wait_for(stopping.wait(), IDLE_SECONDS)
                except TimeoutError:
                    continue


def workers(runtime: Runtime) -> Sequence[Background]:
    """Return what applies receipts in a worker process."""

    async def run(stopping: asyncio.Event) -> None:
        applier = Applier(runtime)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(applier.run(stopping))
        finally:
            await applier.close()

    return [run]
