"""Objects in a bucket of an S3-compatible store (signature version 4), by the client of Apache's object_store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from chassis import telemetry
from content.media.stores.port import ObjectMissing, StoreAway

TIMEOUT = timedelta(seconds=30)
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRY_TIMEOUT = timedelta(seconds=20)
MOST_RETRIES = 3

log = telemetry.log("content.media")


class Bucket:
    """A bucket. Nothing else may write under our keys."""

    def __init__(self, *, endpoint: str | None, bucket: str, region: str, key_id: str, secret: str) -> None:
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            region=region,
            access_key_id=key_id,
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": endpoint is not None and endpoint.startswith("http://"),
                "timeout": TIMEOUT,
                "connect_timeout": CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": MOST_RETRIES, "retry_timeout": RETRY_TIMEOUT},
        )

    async def put(self, key: str, data: bytes) -> None:
        """Put an object; a store keeps it whole or not at all."""
        async with _told(key):
            await obstore.put_async(self._store, key, data, use_multipart=False)

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of an object as it arrives."""
        async with _told(key):
            answer = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for piece in answer.stream():
                yield bytes(piece)

    async def keys(self, prefix: str) -> set[str]:
        """Return the keys under a prefix."""
        found: set[str] = set()
        async with _told(prefix):
            async for page in obstore.list(self._store, prefix.rstrip("/")):
                found.update(one["path"] for one in page)
        return found

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, all in one request where there are many."""
        wanted = list(keys)
        if wanted:
            with suppress(ObjectMissing):
                async with _told(wanted[0]):
                    await obstore.delete_async(self._store, wanted)


@asynccontextmanager
async def _told(key: str) -> AsyncIterator[None]:
    """Tell the store's errors in our own terms; what the client says of them may hold addresses and goes to the log alone."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise ObjectMissing(key) from error
    except BaseError as error:
        log.warning("store_away", error=type(error).__name__, detail=str(error)[:300])
        raise StoreAway from error
