"""The dispatcher of one process: takes lanes, sends what is due in them, writes down what came of it, gives them back.

Everything that touches the database is done for many lanes at once, by tenant. Sending is not: each endpoint has its own window, so one
that hangs holds up nobody, and those that failed last share a part of what the process has under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, telemetry
from chassis.db import transaction
from chassis.ids import new_id
from chassis.outages import DATABASE_ERRORS, is_locked, is_outage
from chassis.runtime import Runtime
from chassis.vault import Vault
from contracts.members import ClientBasis
from gateway.deliveries.dispatch import attempts, commands, queries
from gateway.deliveries.dispatch.lane import FAULT_SECONDS, FEWEST_IN_HAND, IN_HAND_TOGETHER, MOST_IN_HAND, Lane
from gateway.deliveries.dispatch.queries import DueDelivery, Wanted
from gateway.deliveries.dispatch.queue import Queue, grouped
from gateway.deliveries.dispatch.recording import Recorder
from gateway.deliveries.policy import FIRST_WIDTH, Pace
from gateway.endpoints import queries as endpoint_queries
from gateway.lanes.leases import commands as leases
from gateway.partner_settings import PartnerSettings, settings_of
from gateway.posting import Poster
from gateway.vault import vault_of

IDLE_SECONDS = 0.03
LONGEST_IDLE_SECONDS = 0.15
AWAY_SECONDS = 0.5
LOCKED_SECONDS = 0.2
"""After how long a lane is tried again that somebody else has locked."""
RENEW_SECONDS = leases.LEASE_SECONDS / 3
FINISH_SECONDS = 5.0
"""How long a process that is told to stop waits for answers; what is still under way then is sent again by the next."""
MOST_LANES = 2000
"""Lanes of endpoints that work which one process has at once; and as many of endpoints that do not."""
TAKEN_AT_ONCE = 200
FREE_SHARE = 4
"""A lane may have one part in so many of what is free, so that those who answer slowly leave something for others, however many they are."""
AILING_SHARE = 4
"""Endpoints that failed last share one part in so many of the deliveries under way."""

SLOT_WAIT = Gauge(
    "hearth_webhook_slot_wait_seconds",
    "How long an endpoint that works has waited until the process may send more at once",
)

log = telemetry.log("gateway.dispatch")


@dataclass(slots=True)
class _Slots:
    """How many deliveries may be under way, and the lanes that wait for one to end."""

    free: int
    waiting: deque[Lane]

    def admit(self, lane: Lane) -> bool:
        """Whether a lane may have one more besides those it has under way: the fewer are free, the fewer may one lane have."""
        return lane.under_way < max(1, self.free // FREE_SHARE)


class Dispatcher:
    """Delivers for every tenant. Any number of processes may; each lane is in the hands of one."""

    def __init__(self, engine: AsyncEngine, vault: Vault, settings: PartnerSettings, poster: Poster) -> None:
        self._engine = engine
        self._vault = vault
        self._seconds = settings.delivery_seconds
        self._poster = poster
        self.holder = new_id()
        self.lanes: dict[UUID, Lane] = {}
        ailing = max(1, settings.delivery_connections // AILING_SHARE)
        self._slots = {
            True: _Slots(ailing, deque()),
            False: _Slots(settings.delivery_connections - ailing, deque()),
        }
        self._kept: dict[Lane, _Slots] = {}
        """Lanes whose turn it is and that are brought afresh first; a slot of these is kept for them meanwhile."""
        self._hungry = Queue[Lane]()
        self._closing = Queue[Lane]()
        self._recorder = Recorder(engine, self._look_at)
        self._sending: set[asyncio.Task[None]] = set()
        self._holding = asyncio.Lock()
        """Between taking and giving back: what the database says of our lanes and what we say change together."""
        self._idle = IDLE_SECONDS
        self.time = asyncio.get_running_loop().time
        self._stopping = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until told to stop; then what is under way is finished first, as far as there is time, and the lanes are given back."""
        SLOT_WAIT.set_function(self._longest_wait)
        steps = [
            asyncio.create_task(self._forever(step)) for step in (self._take, self._renew, self._feed, self._close)
        ]
        waiting = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([waiting, *steps], return_when=asyncio.FIRST_COMPLETED)
            self._stopping = True
            if self._sending:
                await asyncio.wait(self._sending, timeout=FINISH_SECONDS)
        finally:
            for task in (waiting, *steps, *self._sending):
                task.cancel()
            ended = await asyncio.gather(*steps, *self._sending, return_exceptions=True)
        for fault in ended:
            # A step ends by a fault only, and then the process does.
            if isinstance(fault, BaseException) and not isinstance(fault, asyncio.CancelledError):
                raise fault
        await self._finish()

    async def _finish(self) -> None:
        """Write down what is left to write, and give the lanes back; a database that is away frees them by itself."""
        await self._recorder.finish(FINISH_SECONDS)
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                while self.lanes:
                    if await self._give_back(list(self.lanes.values())):
                        await asyncio.sleep(LOCKED_SECONDS)
        except DATABASE_ERRORS as error:
            log.warning("lanes_left", lanes=len(self.lanes), error=type(error).__name__)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step again and again; an outage of the database is waited out, with what is in hand kept."""
        while True:
            try:
                await step()
            except Exception as error:  # noqa: BLE001  whatever it is, nothing is lost: what was to be written still stands in its queue
                log.warning("dispatch_waits", step=step.__name__, error=type(error).__name__, detail=str(error)[:300])
                await asyncio.sleep(AWAY_SECONDS)

    # Taking and keeping lanes.

    async def _take(self) -> None:
        """Take lanes in which something is due, as many as there is room for."""
        async with self._holding:
            taken = [] if self._stopping else await self._take_some()
            for one in taken:
                lane = self.lanes.get(one.endpoint_id)
                if lane is None:
                    pace = Pace(1 if one.ailing else FIRST_WIDTH, one.pause_seconds)
                    lane = self.lanes[one.endpoint_id] = Lane(one.endpoint_id, one.organization_id, one.ailing, pace)
                lane.more = True
                self._look_at(lane)
        self._idle = IDLE_SECONDS if taken else min(self._idle * 1.05, LONGEST_IDLE_SECONDS)
        if not taken:
            await asyncio.sleep(self._idle)

    async def _take_some(self) -> list[leases.Taken]:
        ailing = sum(lane.ailing for lane in self.lanes.values())
        room, room_for_ailing = MOST_LANES - len(self.lanes) + ailing, MOST_LANES - ailing
        async with transaction(self._engine) as session:
            return await leases.take(
                session,
                self.holder,
                clock.now(),
                most=max(0, min(room, TAKEN_AT_ONCE)),
                most_ailing=max(0, min(room_for_ailing, TAKEN_AT_ONCE)),
            )

    async def _renew(self) -> None:
        """Keep the lanes, and let go of those that another process has taken over; free those of processes that are gone."""
        until = self.time() + RENEW_SECONDS
        locked = await self._keep(self.lanes)
        while locked and self.time() + LOCKED_SECONDS < until:
            await asyncio.sleep(LOCKED_SECONDS)
            locked = await self._keep(locked & self.lanes.keys())
        await asyncio.sleep(max(0, until - self.time()))

    async def _keep(self, lanes: Collection[UUID]) -> set[UUID]:
        """Renew the leases of some lanes; return those that another transaction has locked."""
        async with self._holding:
            async with transaction(self._engine) as session:
                kept = await leases.keep(session, self.holder, lanes)
                await leases.free(session, clock.now(), but=self.lanes)
            for endpoint_id in kept.lost:
                self.lanes.pop(endpoint_id).buffer.clear()
        return kept.locked

    # What a lane needs next.

    def _look_at(self, lane: Lane) -> None:
        """Send what may go out of a lane, or have it fed or closed."""
        kept = None if lane.asked else self._kept.pop(lane, None)
        if kept is not None:
            kept.free += 1
        if self._is_ours(lane):
            self._go_on(lane)
        if kept is not None:
            self._pass_on(kept)

    def _longest_wait(self) -> float:
        """Return for how many seconds a lane of an endpoint that works has waited for a slot."""
        since = self._slots[False].waiting[0].waiting_since if self._slots[False].waiting else None
        return 0.0 if since is None else self.time() - since

    def _is_ours(self, lane: Lane) -> bool:
        return self.lanes.get(lane.endpoint_id) is lane and not self._stopping

    def _go_on(self, lane: Lane) -> None:
        lane.freshen(self.time())
        slots = self._slots[lane.ailing]
        while lane.may_send and slots.admit(lane):
            if slots.free <= 0:
                if not lane.waits_for_slot:
                    lane.waiting_since = self.time()
                    slots.waiting.append(lane)
                return
            slots.free -= 1
            task = asyncio.create_task(self._send(lane, slots, lane.send_next()))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        if lane.asked:
            return
        if lane.hungry:
            lane.asked = True
            self._hungry.put(lane)
        elif lane.idle:
            lane.asked = True
            self._closing.put(lane)

    async def _feed(self) -> None:
        """Bring what is due to lanes that have nothing in hand."""
        lanes = await self._hungry.take(TAKEN_AT_ONCE)
        waiting = deque(grouped(lanes, lambda lane: lane.organization_id))
        try:
            while waiting:
                await self._feed_tenant(*waiting[0])
                self._answer(waiting.popleft()[1])
        finally:
            for _, group in waiting:
                self._answer(group)

    def _answer(self, lanes: list[Lane]) -> None:
        """Look at lanes that stood in a queue and do so no longer."""
        for lane in lanes:
            lane.asked = False
            self._look_at(lane)

    async def _feed_tenant(self, organization_id: UUID, lanes: list[Lane]) -> None:
        try:
            await self._bring(organization_id, lanes)
        except Exception as error:
            for lane in lanes:
                lane.more = True
            if is_outage(error) and not is_locked(error):
                raise
            if len(lanes) > 1:
                # One of them cannot be brought, for a key that does not open or a row that is held: the others must not wait for it.
                for lane in lanes:
                    await self._feed_tenant(organization_id, [lane])
                return
            log.exception("lane_not_fed", endpoint_id=str(lanes[0].endpoint_id))
            lanes[0].pause(clock.now() + timedelta(seconds=RENEW_SECONDS if is_locked(error) else FAULT_SECONDS))

    async def _bring(self, organization_id: UUID, lanes: list[Lane]) -> None:
        now = clock.now()
        for lane in lanes:
            # Set again by what is let go of or comes while the database is asked.
            lane.more = False
        in_hand = max(FEWEST_IN_HAND, min(MOST_IN_HAND, IN_HAND_TOGETHER // max(1, len(self.lanes))))
        async with transaction(self._engine, organization_id, lock_timeout=commands.LOCK_SECONDS) as session:
            targets = await endpoint_queries.targets(session, self._vault, [lane.endpoint_id for lane in lanes], now)
            wanted = [
                Wanted(target.endpoint_id, target.client_id, target.basis is ClientBasis.CONSENT, in_hand, lane.known)
                for lane in lanes
                if (target := targets.get(lane.endpoint_id)) is not None
            ]
            found = await queries.due(session, wanted, now) if wanted else {}
            withheld = [(one.endpoint_id, one.event_id) for mine in found.values() for one in mine if one.withheld]
            if withheld:
                await commands.withhold(session, withheld)
        for lane in lanes:
            lane.target = targets.get(lane.endpoint_id)
            mine = found.get(lane.endpoint_id, [])
            lane.more, lane.in_hand = lane.more or len(mine) == in_hand, in_hand
            if not lane.buffer:
                lane.fed_at = self.time()
            lane.failing = lane.failing or (lane.target is not None and lane.target.failing_since is not None)
            if lane.target is None:
                # Disabled or deleted meanwhile: what is in hand stays where it is, in the database.
                lane.buffer.clear()
            elif lane.not_before is None:
                lane.buffer.extend(one for one in mine if not one.withheld)

    async def _close(self) -> None:
        """Give lanes back in which nothing is due."""
        lanes = await self._closing.take(TAKEN_AT_ONCE)
        async with self._holding:
            for lane in lanes:
                lane.asked = False
            # Something may have come for one since it was put here.
            idle = [lane for lane in lanes if lane.idle and self.lanes.get(lane.endpoint_id) is lane]
            locked = set[Lane]()
            try:
                locked = await self._give_back(idle)
            finally:
                for lane in lanes:
                    if lane in locked:
                        asyncio.get_running_loop().call_later(LOCKED_SECONDS, self._look_at, lane)
                    else:
                        self._look_at(lane)

    async def _give_back(self, lanes: Iterable[Lane]) -> set[Lane]:
        """Give lanes back; return those that another transaction has locked."""
        left = set[Lane]()
        for organization_id, group in grouped(lanes, lambda lane: lane.organization_id):
            closing = [
                leases.Closing(lane.endpoint_id, lane.ailing, lane.pace.pause, lane.not_before) for lane in group
            ]
            async with transaction(self._engine, organization_id) as session:
                locked = await leases.close(session, self.holder, closing)
            for lane in group:
                if lane.endpoint_id in locked:
                    left.add(lane)
                else:
                    self.lanes.pop(lane.endpoint_id, None)
        return left

    # Sending, and writing down what came of it.

    async def _send(self, lane: Lane, slots: _Slots, delivery: DueDelivery | None) -> None:
        """Make attempts in one slot, one after another, as long as the lane has what may go out and nobody else waits for the slot."""
        while delivery is not None:
            try:
                await self._attempt(lane, delivery)
            finally:
                lane.under_way -= 1
                delivery = self._next(lane, slots)
        self._look_at(lane)

    def _next(self, lane: Lane, slots: _Slots) -> DueDelivery | None:
        """Return what goes out next in a slot that has become free; None when the slot goes to another lane, or to none."""
        slots.free += 1
        lane.freshen(self.time())
        same = self._is_ours(lane) and slots is self._slots[lane.ailing]
        if same and lane.may_send and not slots.waiting and slots.admit(lane):
            slots.free -= 1
            return lane.send_next()
        self._pass_on(slots)
        return None

    def _pass_on(self, slots: _Slots) -> None:
        """Give slots that are free to the lanes that wait for one."""
        while slots.waiting and slots.free > 0:
            lane = slots.waiting.popleft()
            lane.waiting_since = None
            if self._is_ours(lane) and lane.freshen(self.time()):
                # Without the slot it might wait for long once more, and again and again.
                slots.free -= 1
                self._kept[lane] = slots
                self._go_on(lane)
            else:
                self._look_at(lane)

    async def _attempt(self, lane: Lane, delivery: DueDelivery) -> None:
        target = lane.target
        assert target is not None  # noqa: S101  a lane has something in hand only with its target
        try:
            headers = attempts.headers_of(target, delivery)
            outcome = await self._poster.post(target.url, headers, delivery.payload, self._seconds)
            self._recorder.put(lane, attempts.judge(lane, target, delivery, headers, outcome))
        except Exception:
            # Ours and not the endpoint's: it stays due, and is tried again when the lane has rested.
            log.exception("delivery_fault", endpoint_id=str(target.endpoint_id), event_id=str(delivery.event_id))
            lane.unrecorded.discard(delivery.event_id)
            lane.pause(clock.now() + timedelta(seconds=FAULT_SECONDS))


def worker(runtime: Runtime) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return the background work of a worker process: its dispatcher, with a session of its own for going out."""

    async def run(stopping: asyncio.Event) -> None:
        settings = settings_of(runtime)
        async with Poster(settings.networks) as poster:
            await Dispatcher(runtime.worker_engine, vault_of(runtime), settings, poster).run(stopping)

    return run
