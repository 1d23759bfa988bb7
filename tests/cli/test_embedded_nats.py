"""The embedded NATS: each process may speak for itself only, and what was acknowledged is kept."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StreamConfig

from chassis.embedded.nats import Nats, _lets_in
from chassis.embedded.process import EmbeddedError, alive

USERS = {name: f"password-of-{name}" for name in ("members", "content", "engagement", "gateway")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    nats_server = Nats(tmp_path_factory.mktemp("nats") / "data", users=USERS)
    nats_server.start()
    yield nats_server
    nats_server.remove()


@asynccontextmanager
async def signed_in(server: Nats, user: str | None = None) -> AsyncIterator[tuple[Client, list[Exception]]]:
    errors: list[Exception] = []

    async def remember(error: Exception) -> None:
        errors.append(error)

    client = await nats.connect(server.url(user), error_cb=remember, allow_reconnect=False)
    try:
        yield client, errors
    finally:
        await client.close()


@pytest.fixture(scope="module")
async def streams(server: Nats) -> None:
    for name in ("members", "content"):
        async with signed_in(server, name) as (client, _):
            await client.jetstream().add_stream(StreamConfig(name=name.upper(), subjects=[f"evt.{name}.>"]))


async def violations(errors: list[Exception], count: int) -> str:
    """Return what the server has refused, once it has said so `count` times."""
    async with asyncio.timeout(10):
        while True:
            said = [str(error).lower() for error in errors if "permissions violation" in str(error).lower()]
            if len(said) >= count:
                return "\n".join(said)
            await asyncio.sleep(0.01)


async def refused(call: Awaitable[object], errors: list[Exception]) -> None:
    """A request that may not be published is never answered, and the server says why."""
    with pytest.raises((nats.errors.Error, nats.js.errors.Error, TimeoutError)):
        await call
    assert await violations(errors, 1)


@pytest.mark.parametrize(
    ("user", "password", "let_in"),
    [
        ("members", "password-of-members", True),
        ("members", "wrong", False),
        ("members", "", False),
        ("", "", False),
        ("nobody", "password-of-members", False),
    ],
)
def test_only_the_right_password_is_let_in(server: Nats, user: str, password: str, *, let_in: bool) -> None:
    assert _lets_in(server.port, user, password) is let_in


@pytest.mark.usefixtures("streams")
async def test_a_service_publishes_its_own_events(server: Nats) -> None:
    async with signed_in(server, "content") as (client, errors):
        acknowledged = await client.jetstream().publish("evt.content.post.published.v1.-", b"{}")
        assert acknowledged.stream == "CONTENT"
        assert errors == []


@pytest.mark.usefixtures("streams")
async def test_a_service_cannot_publish_anothers_events(server: Nats) -> None:
    async with signed_in(server, "content") as (client, errors):
        js = client.jetstream(timeout=1)
        await refused(js.publish("evt.members.membership.approved.v1.-", b"{}"), errors)
    async with signed_in(server) as (client, _):
        assert (await client.jetstream().stream_info("MEMBERS")).state.messages == 0


@pytest.mark.usefixtures("streams")
async def test_a_service_cannot_touch_anothers_stream(server: Nats) -> None:
    requests = [
        *(f"STREAM.{verb}.MEMBERS" for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "RESTORE")),
        # A stream of another name could take in, or mirror and change, what belongs to others.
        "STREAM.CREATE.ENGAGEMENT",
        "STREAM.CREATE.NEW",
        "ACCOUNT.PURGE.x",
        "META.LEADER.STEPDOWN",
    ]
    async with signed_in(server, "content") as (client, errors):
        for request in requests:
            await client.publish(f"$JS.API.{request}", b"{}", reply="_INBOX.nobody")
        await client.flush()
        said = await violations(errors, len(requests))
        for request in requests:
            assert f'permissions violation for publish to "$js.api.{request.lower()}"' in said
    async with signed_in(server) as (client, _):
        names = {stream.config.name for stream in await client.jetstream().streams_info()}
        assert names == {"MEMBERS", "CONTENT"}


async def test_a_service_cannot_listen_to_others_past_jetstream(server: Nats) -> None:
    async with signed_in(server, "content") as (client, errors):
        await client.subscribe("evt.members.>")
        await client.subscribe(">")
        await client.flush()
        await violations(errors, 2)


@pytest.mark.usefixtures("streams")
async def test_a_service_consumes_and_acknowledges_from_anothers_stream(server: Nats) -> None:
    async with signed_in(server, "members") as (client, _):
        await client.jetstream().publish("evt.members.account.registered.v1.-", b"hello")
    async with signed_in(server, "engagement") as (client, errors):
        js = client.jetstream()
        await js.add_consumer("MEMBERS", ConsumerConfig(durable_name="engagement_pulse"))
        subscription = await js.pull_subscribe_bind("engagement_pulse", "MEMBERS")
        (message,) = await subscription.fetch(1, timeout=5)
        assert message.data == b"hello"
        await message.ack_sync()
        assert (await js.consumer_info("MEMBERS", "engagement_pulse")).num_ack_pending == 0
        ordered = await js.subscribe("evt.members.>", ordered_consumer=True)
        assert (await ordered.next_msg(timeout=5)).data == b"hello"
        assert errors == []


async def test_a_service_watches_its_own_subjects(server: Nats) -> None:
    async with signed_in(server, "gateway") as (client, errors):
        subscription = await client.subscribe("evt.partners.>")
        await client.publish("evt.partners.contact.received.v1.-", b"x")
        assert (await subscription.next_msg(timeout=5)).data == b"x"
        assert errors == []


def test_its_files_are_private_and_it_listens_on_loopback_only(server: Nats) -> None:
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for name in ("nats.conf", "access.json"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600
    config = (server.data / "nats.conf").read_text()
    assert f"127.0.0.1:{server.port}" in config
    assert '"sync_interval": "always"' in config
    for table in ("tcp", "tcp6"):
        listening = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        addresses = [row[1] for row in listening if row[3] == "0A" and row[1].endswith(f":{server.port:04X}")]
        assert all(address.startswith("0100007F:") for address in addresses)


async def stored(server: Nats) -> int:
    async with signed_in(server) as (client, _):
        return int((await client.jetstream().stream_info("CONTENT")).state.messages)


@pytest.mark.usefixtures("streams")
async def test_acknowledged_messages_survive_stop_and_kill(server: Nats) -> None:
    before, port, url = await stored(server), server.port, server.url("content")
    async with signed_in(server, "content") as (client, _):
        js = client.jetstream()
        for number in range(20):
            await js.publish("evt.content.post.published.v1.-", str(number).encode())
    pid = server.pid
    assert pid is not None
    server.stop()
    assert not alive(pid)
    server.start()
    assert await stored(server) == before + 20
    server.kill()
    assert server.pid is None
    server.start()
    assert await stored(server) == before + 20
    assert (server.port, server.url("content")) == (port, url)


def test_another_process_attaches_by_naming_the_folder(server: Nats) -> None:
    other = Nats(server.data)
    assert (other.pid, other.url("members")) == (server.pid, server.url("members"))
    other.start()  # keeps the server that runs
    assert other.pid == server.pid
    with pytest.raises(KeyError):
        other.url("nobody")


def test_a_port_in_use_is_named(server: Nats, tmp_path: Path) -> None:
    second = Nats(tmp_path / "second", users=USERS, port=server.port)
    with pytest.raises(EmbeddedError, match="address already in use"):
        second.start()
    assert second.pid is None
    second.remove()


def test_without_a_start_there_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="started"):
        Nats(tmp_path).url()


def test_a_password_that_clients_read_differently_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="letters"):
        Nats(tmp_path / "data", users={"members": "a b%20c"}).start()
