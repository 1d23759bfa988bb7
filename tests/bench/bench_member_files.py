"""Members from a CSV file of 100,000 rows: rows per second of each step beside a bare COPY of the same rows, and what memory grows by.

Run: python tests/bench/bench_member_files.py [--quick] (10,000 rows). The service with durable settings, its routes and its due work in this
process; every row makes an account with a phone number and an e-mail, a membership with two tags, and three events. Memory is the peak of
this process, client included, after a file of a tenth of the rows and after the whole. Exits 1 when memory grows by more than LIMIT MiB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import asyncpg
import uvloop
from measuring import Servers, say

from chassis.ids import new_id
from chassis.testing.kit import Kit, running_kit
from chassis.tokens import OWNER_SCOPE
from members.app import service

LIMIT = 48
HEADER = "编号,姓名,手机,邮箱,标签,入群时间\n"
FIELDS = ("external_id", "name", "phone", "email", "tags", "joined_at")


def lines(count: int, offset: int) -> Iterator[bytes]:
    """Yield the file in pieces."""
    yield HEADER.encode()
    for start in range(offset, offset + count, 1000):
        rows = (
            f"{n},会员 {n},{13_000_000_000 + n},m{n}@example.com,老用户;班{n % 40},2024-{n % 12 + 1:02}-05\n"
            for n in range(start, min(start + 1000, offset + count))
        )
        yield "".join(rows).encode()


async def sent(count: int, offset: int) -> AsyncIterator[bytes]:
    """Send the pieces one by one."""
    for piece in lines(count, offset):
        yield piece


def peak() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Desk:
    """An owner with a community, and what they ask."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.organization, self.owner = new_id(), new_id()
        self.client = kit.staff(self.organization, self.owner, scope=OWNER_SCOPE)
        self.url = ""

    async def begin(self) -> None:
        """Make the organization, its owner and a draft community."""
        await self.kit.sql(
            "INSERT INTO organization (id, slug, name, version, created_at) VALUES ($1, $2, 'Bench', 1, now())",
            self.organization,
            f"o-{self.organization.hex[-12:]}",
        )
        await self.kit.sql(
            "INSERT INTO account (id, organization_id, display_name, locale, zone, bot, organization_role, version, created_at) "
            "VALUES ($1, $2, 'Owner', 'zh', 'UTC', false, 'owner', 1, now())",
            self.owner,
            self.organization,
        )
        body = {"name": {"zh": "英语"}, "slug": f"c-{new_id().hex[-12:]}", "zone": "Asia/Shanghai"}
        self.url = f"/v1/communities/{(await self.ask('POST', '/v1/communities', json=body))['id']}/member-files"

    async def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Ask, and return the answer. Raises HTTPStatusError."""
        answer = await self.client.request(method, path, timeout=600, **more)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    async def through(self, file: dict[str, Any], step: str) -> dict[str, Any]:
        """Take a step with all the work that it makes."""
        await self.ask("POST", f"{self.url}/{file['id']}/{step}", headers={"If-Match": f'"{file["version"]}"'})
        await self.kit.work()
        return await self.ask("GET", f"{self.url}/{file['id']}")


async def bring(desk: Desk, count: int, offset: int) -> dict[str, float]:
    """Bring a file from its first byte to its last member; return the seconds of each step. Raises RuntimeError when a row is missing."""
    seconds, begun = {}, time.perf_counter()
    file = await desk.ask("POST", desk.url, content=sent(count, offset), headers={"Content-Type": "text/csv"})
    seconds["upload"], begun = time.perf_counter() - begun, time.perf_counter()
    columns = [{"column": place, "field": field} for place, field in enumerate(FIELDS)]
    file = await desk.ask(
        "PUT", f"{desk.url}/{file['id']}/mapping", json={"columns": columns}, headers={"If-Match": '"1"'}
    )
    begun = time.perf_counter()
    file = await desk.through(file, "dry-run")
    seconds["dry run"], begun = time.perf_counter() - begun, time.perf_counter()
    file = await desk.through(file, "start")
    seconds["import"] = time.perf_counter() - begun
    if (file["state"], file["counts"]["create"]) != ("imported", count):
        raise RuntimeError(f"{file['state']}: {file['counts']}")
    return seconds


async def copy(kit: Kit, count: int) -> float:
    """COPY the same rows into a table of their six columns; return the seconds."""
    connection = await asyncpg.connect(kit.database.superuser)
    await connection.execute(
        "CREATE TABLE bare (id text PRIMARY KEY, name text, phone text, email text, tags text, joined text)"
    )
    begun = time.perf_counter()
    await connection.copy_to_table("bare", source=BytesIO(b"".join(lines(count, 0))), format="csv", header=True)
    seconds = time.perf_counter() - begun
    await connection.close()
    return seconds


async def compare(count: int) -> float:
    """Bring a tenth, then the whole; return by how many MiB the peak grew between them."""
    with Servers() as servers:
        async with running_kit(service, servers) as kit:
            desk = Desk(kit)
            await desk.begin()
            await bring(desk, count // 10, count)
            before = peak()
            seconds = await bring(desk, count, 0)
            grown = peak() - before
            bare = await copy(kit, count)
    say(f"bare COPY    {count / bare:>10,.0f} rows/s")
    for step, took in seconds.items():
        say(f"{step:<12} {count / took:>10,.0f} rows/s   {took:6.1f} s   {took / bare:6.1f} times COPY")
    say(f"peak memory  {before:,.0f} MiB after {count // 10:,} rows, {before + grown:,.0f} MiB after {count:,} more")
    return grown


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 rows")
    return 0 if uvloop.run(compare(10_000 if parser.parse_args().quick else 100_000)) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
