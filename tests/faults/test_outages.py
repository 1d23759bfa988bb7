"""Servers that are away for a while, lose what they stored, or are told old news: nothing is lost, given up or turned back."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from tests.faults.truth import check_truth
from tests.journeys.callers import Caller, Town, found_town
from tests.journeys.writers import check_acknowledged, crowd
from tests.stack_fixture import LiveStack, until

from chassis import clock
from chassis.embedded.process import alive, all_pids, working_folder
from chassis.ids import new_id
from contracts.base import Envelope, Event, subject_of
from contracts.content import ReactionAdded, SubjectKind
from contracts.members import CommunityRole, MembershipApproved, MembershipRolesChanged, MembershipState

pytestmark = pytest.mark.faults

LONG = os.environ.get("HEARTH_FAULTS") == "long"
AWAY_SECONDS = 30.0 if LONG else 6.0
"""Longer than a publisher waits for an acknowledgement, in either form."""


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    for name in ("una", "vic", "wei"):
        town.member(name)
    yield town
    town.close()


def restarts(stack: LiveStack) -> dict[str, int]:
    """How often each process was started again."""
    return {name: process["restarts"] for name, process in stack.state()["processes"].items()}


@contextlib.contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Stop processes without ending them."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def dead(stack: LiveStack, name: str) -> Iterator[None]:
    """Kill a process that nobody starts again before the block's end."""
    before = stack.pid_of(name)
    try:
        with stack.unattended():
            os.kill(before, signal.SIGKILL)
            until(lambda: not alive(before), f"{name} is dead")
            yield
    finally:
        stack.await_back(name, before)


def waiting_for(stack: LiveStack, service: str) -> float:
    """For how many seconds the oldest event of a service has waited."""
    with stack.operator() as operator:
        return float(operator.get(service, "/ops/outbox")["oldest_unpublished_seconds"] or 0.0)


def failures(stack: LiveStack, name: str) -> dict[str, str]:
    """What a process that cannot serve says of its condition."""
    with stack.operator() as operator:
        answer = operator.probe(name, "/readyz")
    assert answer is not None
    assert answer.status_code == 503
    failures: dict[str, str] = answer.json()["failures"]
    return failures


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_without_the_broker_writes_go_on_and_wait_for_it(stack: LiveStack, town: Town, how: str) -> None:
    before = restarts(stack)
    with crowd(town, newcomers(town), seed=51) as working:
        working.await_writes(10)
        with dead(stack, "nats") if how == "dead" else frozen([stack.pid_of("nats")]):
            working.await_everybody()
            until(lambda: waiting_for(stack, "content") > AWAY_SECONDS, "events wait for the broker", AWAY_SECONDS * 3)
            working.await_everybody()
            if how == "dead":
                assert failures(stack, "content") == {"nats": "ConnectionError"}
        working.await_writes(10)
    # Nobody was refused anything on that account.
    assert working.statuses.keys() <= {200, 201, 204, 429}
    stack.drain()
    check_truth(stack)
    check_acknowledged(stack, working)
    assert restarts(stack) == before | {"nats": before["nats"] + (how == "dead")}


def newcomers(town: Town) -> list[Caller]:
    """New members, so that all that is theirs was written by the crowd."""
    return [town.member(f"writer{number}") for number in range(2)]


def test_a_projections_database_that_is_away_holds_up_nobody_else(stack: LiveStack, town: Town) -> None:
    before = restarts(stack)
    pulse = f"{town.path}/pulse"
    with crowd(town, newcomers(town), seed=52) as working:
        working.await_writes(10)
        stack.execute("members", "ALTER DATABASE hearth_engagement WITH ALLOW_CONNECTIONS false;")
        try:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hearth_engagement'"
            stack.sql("members", end)
            left = clock.now()
            refused = town.owner.ask("GET", pulse, status=503)
            assert (refused.json()["type"], refused.headers["Retry-After"]) == (
                "urn:hearth:problem:database-unavailable",
                "1",
            )
            until(lambda: (clock.now() - left).total_seconds() > AWAY_SECONDS, "some time passes", AWAY_SECONDS * 2)
            assert "database" in failures(stack, "engagement")
            working.await_writes(20)
        finally:
            stack.execute("members", "ALTER DATABASE hearth_engagement WITH ALLOW_CONNECTIONS true;")
        working.await_writes(5)
    assert working.statuses.keys() <= {200, 201, 204, 429}
    stack.drain()
    check_truth(stack)
    check_acknowledged(stack, working)
    assert restarts(stack) == before


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_while_the_database_is_away_nothing_is_acknowledged_and_nothing_given_up(
    stack: LiveStack, town: Town, how: str
) -> None:
    before = restarts(stack)
    cluster = working_folder(stack.pid_of("postgres"))
    backends = [pid for pid in all_pids() if working_folder(pid) == cluster]
    with crowd(town, newcomers(town), seed=53) as working:
        working.await_writes(10)
        with dead(stack, "postgres") if how == "dead" else frozen(backends):
            left = clock.now()
            until(lambda: (clock.now() - left).total_seconds() > 1, "what was under way has ended", 10)
            acknowledged = working.acknowledged
            until(lambda: (clock.now() - left).total_seconds() > AWAY_SECONDS, "some time passes", AWAY_SECONDS * 2)
            assert working.acknowledged == acknowledged
        working.await_everybody()
    stack.drain()
    check_truth(stack)
    check_acknowledged(stack, working)
    assert restarts(stack) == before | {"postgres": before["postgres"] + (how == "dead")}


def test_streams_that_are_lost_are_published_again_from_the_logs(stack: LiveStack, town: Town) -> None:
    stack.drain()
    before = town.owner.get(f"{town.path}/pulse")
    with stack.operator() as operator:
        for service, consumer in (("engagement", "pulse"), ("engagement", "standing"), ("content", "standing")):
            operator.post(service, f"/ops/consumers/{consumer}/clear")
    assert stack.count("engagement", "activity") == stack.count("content", "standing_member") == 0
    stack.wipe_streams()
    assert stack.stream("content") == []
    events = {row["service"]: row["events"] for row in stack.json("outbox", "status")["data"]}
    assert stack.json("events", "republish", "--since", "30d")["republished"] == events
    stack.drain()
    check_truth(stack)
    assert town.owner.get(f"{town.path}/pulse") == before
    # And life goes on where it was.
    with crowd(town, newcomers(town), seed=54) as working:
        working.await_writes(20)
    stack.drain()
    check_truth(stack)
    check_acknowledged(stack, working)


def test_a_session_that_ended_stays_ended_over_restarts_and_lost_streams(stack: LiveStack, town: Town) -> None:
    doors = {
        "members": "/v1/me",
        "content": f"{town.path}/posts",
        "engagement": f"{town.path}/pulse",
    }

    def refused(caller: Caller, service: str) -> bool:
        return caller.http.get(doors[service]).status_code == 401

    early = town.member("early")
    early.get(doors["content"])
    early.ask("DELETE", "/v1/sessions/current", status=204)
    for service in doors:
        until(lambda service=service: refused(early, service), f"{service} refuses who has signed out", 10)
    # A process that was away when it happened has to learn of it.
    pids = {service: stack.end(service) for service in doors}
    for service, pid in pids.items():
        stack.await_back(service, pid)
        until(lambda service=service: refused(early, service), f"{service} still refuses who has signed out", 10)
    # One that listened to a stream that is gone has to listen to the new one.
    stack.wipe_streams()
    late = town.member("late")
    late.get(doors["content"])
    late.ask("DELETE", "/v1/sessions/current", status=204)
    for service in doors:
        until(lambda service=service: refused(late, service), f"{service} refuses who signs out after the loss", 10)
    stack.json("events", "republish", "--since", "30d")
    stack.drain()
    check_truth(stack)


def tell(stack: LiveStack, event: Event, town: Town, aggregate: UUID, version: int) -> Envelope:
    """Publish an event by hand, as its owner, under an id that nobody has seen."""
    now = clock.now()
    envelope = Envelope(
        id=new_id(),
        source=f"/hearth/{event.service()}",
        type=event.type,
        subject=f"{event.aggregate}/{aggregate}",
        time=now,
        organization=UUID(town.organization_id),
        community=UUID(town.community_id),
        aggregate=event.aggregate,
        aggregateid=aggregate,
        aggregateversion=version,
        recordedtime=now,
        data=event.model_dump(mode="json"),
    )
    payload = envelope.model_dump_json(exclude_none=True).encode()
    stack.publish(subject_of(event.type, UUID(town.community_id)), payload, user=event.service())
    return envelope


def test_an_older_version_that_comes_late_neither_turns_state_back_nor_loses_a_fact(
    stack: LiveStack, town: Town
) -> None:
    una = town.people[0]
    membership = una.get(f"{town.path}/memberships/me")
    path = f"{town.path}/memberships/{membership['id']}"
    town.owner.ask("PUT", f"{path}/roles", {"roles": ["analyst"]}, version=membership["version"])
    current = town.owner.get(path)
    assert una.get(f"{town.path}/pulse")["members"] > 0  # engagement knows the role

    whole = {"membership_id": current["id"], "community_id": town.community_id, "account_id": una.account_id}
    whole |= {"state": MembershipState.APPROVED, "staff": False, "bot": False, "joined_at": current["joined_at"]}
    tell(stack, MembershipApproved(**whole, roles=[]), town, UUID(current["id"]), version=1)
    stack.drain()
    una.ask("GET", f"{town.path}/pulse")
    known = f"SELECT roles FROM standing_member WHERE membership_id = '{current['id']}'"
    for service in ("content", "engagement"):
        assert stack.sql(service, known) == [{"roles": ["analyst"]}]

    # A newer one that comes before those in between counts, and they do not turn it back.
    later = MembershipRolesChanged(**whole, roles=[CommunityRole.MODERATOR])
    between = MembershipRolesChanged(**whole, roles=[CommunityRole.EDITOR])
    tell(stack, later, town, UUID(current["id"]), version=current["version"] + 5)
    tell(stack, between, town, UUID(current["id"]), version=current["version"] + 4)
    stack.drain()
    for service in ("content", "engagement"):
        assert stack.sql(service, known) == [{"roles": ["moderator"]}]

    # Facts all count, in whatever order they come.
    reaction, told = new_id(), []
    for version, emoji in ((3, "👍"), (1, "🎉"), (2, "🍵")):
        event = ReactionAdded(
            reaction_id=reaction,
            community_id=UUID(town.community_id),
            account_id=UUID(una.account_id),
            subject_kind=SubjectKind.POST,
            subject_id=new_id(),
            subject_author_id=new_id(),
            emoji=emoji,
            timed=True,
        )
        told.append(str(tell(stack, event, town, reaction, version).id))
    stack.drain()
    facts = {row["id"] for row in stack.sql("engagement", "SELECT source_id AS id FROM activity")}
    assert set(told) <= facts
    assert stack.dead_letters() == []


def test_nobody_publishes_in_anothers_name(stack: LiveStack, town: Town) -> None:
    before = len(stack.stream("content"))
    with pytest.raises(Exception, match=r"(?i)timeout|no response|permission"):
        stack.publish(f"evt.content.post.published.v1.{town.community_id}", b"{}", user="engagement")
    assert len(stack.stream("content")) == before
    assert httpx.get(f"{stack.base_url}/openapi.json", trust_env=False).is_success
