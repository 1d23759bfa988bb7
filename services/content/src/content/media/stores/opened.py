"""The store of a running process: opened at its start, found again by the database that its rows lie in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.db import Session
from chassis.runtime import Runtime
from content.media.signing import Signer
from content.media.stores.bucket import Bucket
from content.media.stores.directory import Directory
from content.media.stores.port import Store
from content.settings import ContentSettings


@dataclass(frozen=True, slots=True)
class Depot:
    """What media needs beside its rows."""

    store: Store
    signer: Signer
    quota: int
    address_seconds: int


DEVELOPMENT_DIRECTORY = Path(".hearth/media")

_depots: WeakKeyDictionary[AsyncEngine, Depot] = WeakKeyDictionary()


def make_store(settings: ContentSettings) -> Store:
    """Return the store that the settings name: the bucket where there is one."""
    if settings.media_bucket is not None:
        return Bucket(
            endpoint=settings.media_endpoint,
            bucket=settings.media_bucket,
            region=settings.media_region,
            key_id=settings.media_access_key_id,
            secret=settings.media_access_secret.get_secret_value() if settings.media_access_secret else "",
        )
    return Directory((settings.media_directory or DEVELOPMENT_DIRECTORY).absolute())


def open_for(runtime: Runtime) -> None:
    """Open the process's store, for its requests and for its work."""
    settings = runtime.settings
    assert isinstance(settings, ContentSettings)  # noqa: S101  narrows for the type checker
    depot = Depot(
        make_store(settings),
        Signer(settings.media_secret.get_secret_value()),
        settings.media_quota,
        settings.media_address_seconds,
    )
    for engine in (runtime.engine, runtime.worker_engine):
        _depots[engine] = depot


def of_runtime(runtime: Runtime) -> Depot:
    """Return the process's depot."""
    return _depots[runtime.engine]


def of_session(session: Session) -> Depot:
    """Return the depot of the process whose session it is."""
    engine = session.bind
    assert isinstance(engine, AsyncEngine)  # noqa: S101  narrows for the type checker
    return _depots[engine]
