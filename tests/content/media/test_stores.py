"""The store's two kinds do the same: a directory, and a bucket behind a stand-in that verifies signatures."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from tests.content.conftest import code, make_place
from tests.content.media import pictures, s3_server
from tests.content.media.uploads import Uploads

from chassis.ids import new_id
from chassis.settings import Environment
from chassis.testing.cluster import Cluster
from chassis.testing.kit import running_kit
from content.app import service
from content.media.stores.bucket import Bucket
from content.media.stores.directory import Directory
from content.media.stores.port import ObjectMissing, Store, StoreAway, new_key, prefix_of
from content.settings import ContentSettings

ORGANIZATION, MEDIA = new_id(), new_id()
PREFIX = prefix_of(ORGANIZATION, MEDIA)


@pytest.fixture
async def server() -> AsyncIterator[s3_server.Store]:
    async with s3_server.running_store() as running:
        yield running


def bucket(server: s3_server.Store, secret: str = s3_server.SECRET) -> Bucket:
    return Bucket(
        endpoint=server.url, bucket=s3_server.BUCKET, region=s3_server.REGION, key_id=s3_server.KEY_ID, secret=secret
    )


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, server: s3_server.Store) -> Store:
    return Directory(tmp_path / "store") if request.param == "directory" else bucket(server)


async def read(store: Store, key: str, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in store.read(key, start, end)])


async def test_put_read_list_delete(store: Store) -> None:
    data = os.urandom(700_000)
    keys = [new_key(ORGANIZATION, MEDIA) for _ in range(3)]
    for key in keys:
        await store.put(key, data)
    other = new_key(ORGANIZATION, new_id())
    await store.put(other, b"other")
    assert await store.keys(PREFIX) == set(keys)
    assert await store.keys(prefix_of(ORGANIZATION, new_id())) == set()
    assert await read(store, keys[0], 0, len(data)) == data
    assert await read(store, keys[0], 300_000, 600_001) == data[300_000:600_001]
    await store.put(keys[0], b"again")
    assert await read(store, keys[0], 0, 5) == b"again"
    await store.delete(keys[:2])
    assert await store.keys(PREFIX) == {keys[2]}
    await store.delete(keys)
    await store.delete([])
    assert await store.keys(PREFIX) == set()
    assert await read(store, other, 0, 5) == b"other"
    with pytest.raises(ObjectMissing):
        await read(store, keys[0], 0, 5)


async def test_a_directory_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Directory(tmp_path)
    key = new_key(ORGANIZATION, MEDIA)
    await store.put(key, b"before")

    def fail(_descriptor: int) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(StoreAway):
            await store.put(key, b"after")
    assert await read(store, key, 0, 6) == b"before"
    # The half-written file beside it goes with the sweep, which lists it.
    assert await store.keys(PREFIX) == {key, f"{key}.part"}
    await store.delete(await store.keys(PREFIX))
    assert await store.keys(PREFIX) == set()


async def test_a_wrong_secret_is_turned_away(server: s3_server.Store) -> None:
    with pytest.raises(StoreAway):
        await bucket(server, "wrong").put(new_key(ORGANIZATION, MEDIA), b"x")
    assert server.refused == 1
    assert server.objects == {}


def settings(**given: Any) -> ContentSettings:
    needed = {"database_url": "postgresql://a@b/c", "worker_database_url": "postgresql://a@b/c"}
    strong = {
        name: SecretStr(name[0] * 32) for name in ("ops_token", "cursor_secret", "media_secret", "publication_secret")
    }
    return ContentSettings(**(needed | strong | given))


def test_production_wants_a_place_and_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="HEARTH_CONTENT_MEDIA_DIRECTORY"):
        settings(env=Environment.PRODUCTION)
    with pytest.raises(ValidationError, match="HEARTH_CONTENT_MEDIA_SECRET"):
        settings(env=Environment.PRODUCTION, media_directory=tmp_path, media_secret=SecretStr("development"))
    with pytest.raises(ValidationError, match="HEARTH_CONTENT_PUBLICATION_SECRET"):
        settings(env=Environment.PRODUCTION, media_directory=tmp_path, publication_secret=SecretStr("development"))
    with pytest.raises(ValidationError, match="HEARTH_CONTENT_MEDIA_ACCESS_KEY_ID"):
        settings(media_bucket="b")
    assert settings(env=Environment.PRODUCTION, media_directory=tmp_path).media_bucket is None


async def test_media_live_in_a_bucket(cluster: Cluster, server: s3_server.Store) -> None:
    given = {
        "media_bucket": s3_server.BUCKET,
        "media_endpoint": server.url,
        "media_region": s3_server.REGION,
        "media_access_key_id": s3_server.KEY_ID,
        "media_access_secret": SecretStr(s3_server.SECRET),
    }
    async with running_kit(service, cluster, **given) as kit:
        place = await make_place(kit)
        _, client = await place.member()
        uploads = Uploads(kit)
        media = await uploads.whole(client, pictures.photograph())
        part = await uploads.read(media, "original", Range="bytes=2-9")
        assert part.content == (await uploads.read(media)).content[2:10]
        assert len(server.objects) == 4
        server.away = True
        refused = await uploads.begin(client, 1, "file")
        sent = await uploads.send(client, refused["id"], b"x")
        assert (sent.status_code, code(sent)) == (503, "store-unavailable")
        assert (await client.get(f"/v1/media/{refused['id']}")).json()["offset"] == 0
        deleted = await client.delete(f"/v1/media/{media['id']}", headers={"If-Match": '"2"'})
        assert deleted.status_code == 204
        await kit.work()
        assert len(server.objects) == 4
        server.away = False
        await kit.sql("UPDATE due_work SET due_at = now() WHERE kind = 'media.sweep' AND attempts > 0")
        await kit.work()
        assert server.objects == {}
        assert server.refused == 0
