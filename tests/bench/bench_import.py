"""Messages per second of an import through the gateway, beside a bare COPY of the same rows into equal tables.

Run: python tests/bench/bench_import.py [--quick]. The whole local stack, with its own durable settings, in a folder of its own; the
export is synthetic. The import is the `hearth` command from start to end: it reads the zip, brings members, posts, comments and
reactions through the gateway, and waits until engagement's figures have them. Copied are the same posts and comments, constraints and
indexes included. Only reported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Self

import asyncpg
import uvloop
from measuring import Budget, Figure, Pair, conclude, say

from chassis.embedded.postgres import Postgres
from hearth.stack_folder import Folder

sys.path.insert(0, str(Path(__file__).parents[1] / "samples"))
from synthetic_export import build_synthetic

TABLES = ("post", "comment")
PEOPLE = 144
SECONDS = 40.0
LONGEST_SECONDS = 300


class Stack:
    """A local stack in a temporary folder."""

    def __init__(self, home: Path) -> None:
        self.data = home / "data"

    def __enter__(self) -> Self:
        try:
            self.hearth("up", "--port", "0", "--detach")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.hearth("down")
        Postgres(Folder.at(self.data).postgres).remove()

    def hearth(self, *arguments: str) -> str:
        """Run a command of `hearth` on this stack; return what it says. Raises CalledProcessError, TimeoutExpired."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
        return subprocess.run(
            [sys.executable, "-m", "hearth.main", *arguments],
            env={**kept, "HEARTH_DATA": str(self.data)},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=LONGEST_SECONDS,
        ).stdout


def bring(stack: Stack, file: Path, community: str) -> float:
    """Import a file into a community of its own; return messages per second. Raises RuntimeError when something is missing."""
    begun = time.perf_counter()
    said = stack.hearth("import", "slack", str(file), "--community", community, "--create", "--json")
    seconds = time.perf_counter() - begun
    summary = json.loads(said)
    if summary["rejected"]:
        raise RuntimeError(f"rejected: {summary['rejected'][:3]}")
    return sum(summary[kind]["created"] for kind in ("posts", "comments")) / seconds


async def copy(stack: Stack, community: str) -> float:
    """COPY a community's posts and comments into equal tables; return rows per second."""
    postgres = Postgres(Folder.at(stack.data).postgres)
    connection = await asyncpg.connect(postgres.dsn("hearth_content"))
    place = await connection.fetchval("SELECT community_id FROM standing_community WHERE slug = $1", community)
    held = {}
    for table in TABLES:
        out = BytesIO()
        await connection.copy_from_query(
            f"SELECT * FROM {table} WHERE community_id = '{place}'", output=out, format="binary"
        )
        held[table] = out
        await connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
    rows = 0
    begun = time.perf_counter()
    for table, out in held.items():
        out.seek(0)
        said = await connection.copy_to_table(f"bench_{table}", source=out, format="binary")
        rows += int(said.rpartition(" ")[2])
    seconds = time.perf_counter() - begun
    for table in TABLES:
        await connection.execute(f"DROP TABLE bench_{table}")
    await connection.close()
    return rows / seconds


def compare(messages: Sequence[int]) -> Figure:
    """Import and copy in turns, each turn a community of so many messages."""
    pairs = []
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        begun = time.perf_counter()
        with Stack(Path(home)) as stack:
            say(f"hearth up: {time.perf_counter() - begun:.1f} s")
            for turn, count in zip(Budget(len(messages), SECONDS), messages, strict=False):
                file, community = Path(home, f"{turn}.zip"), f"bench-{turn}"
                build_synthetic(file, people=PEOPLE, messages=count, seed=turn)
                ours = bring(stack, file, community)
                pairs.append(Pair(ours, uvloop.run(bounded_copy(stack, community))))
                say(f"turn {turn}: import {ours:,.0f} messages/s, COPY {pairs[-1].bare:,.0f} rows/s")
    return Figure("import: messages through the gateway", "/s", pairs)


async def bounded_copy(stack: Stack, community: str) -> float:
    """Copy. Raises TimeoutError when it hangs."""
    async with asyncio.timeout(LONGEST_SECONDS):
        return await copy(stack, community)


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small import")
    return conclude([compare([2_000] if parser.parse_args().quick else [5_000, 5_000, 5_000])])


if __name__ == "__main__":
    sys.exit(main())
