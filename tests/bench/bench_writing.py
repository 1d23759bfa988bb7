"""Writing: Markdown to safe HTML and nodes beside the bare parser's HTML; hostile texts; the worker's rendering; receipts at two sizes.

Run: python tests/bench/bench_writing.py [--quick] (quick: 1,000 and 10,000 members and 2,000 texts in place of 10,000 and 100,000
members and 20,000 texts). Exits 1 when rendering costs more than RENDERING times the bare parser's HTML, which is no safer than its
settings; when the worst hostile text of 100,000 characters takes longer than HOSTILE seconds of CPU; or when a page of who has not
acknowledged an announcement costs more than GROWTH times as much among ten times the members. A database with durable settings.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any
from uuid import UUID

import httpx
import uvloop
from markdown_it import MarkdownIt
from measuring import Figure, Pair, Servers, conclude, percentile, say

from chassis import telemetry
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, running_kit
from content.app import service
from content.rendering.commands import render_later
from content.rendering.texts import render_now
from content.rendering.tree import MOST_BRACKETS, MOST_MARKUP
from contracts.members import CommunityRole

RENDERING = 2.0
HOSTILE = 5.0
GROWTH = 1.5
TURNS = 7

WRITTEN = [
    "早上好!今天的单词:**serendipity**。Who can use it in a sentence?",
    "Read https://a.example/lesson/1 first, then [the exercise](https://a.example/exercise?day=1).\n\n- listen\n- repeat\n- say it aloud",
    "> 学而时习之,不亦说乎?\n\n今天我们读 *The Road Not Taken*,第二段。<@0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10> 带读。",
    "## 本周安排\n\n| 日 | 题 |\n|---|---|\n| 一 | 听力 |\n| 二 | `grammar` |\n\n1. 报名\n2. 打卡\n\n---\n\n周五直播,~~19:00~~ **20:00**。",
]
CORPUS = ["\n\n".join(WRITTEN[first:] + WRITTEN[:first]) for first in range(len(WRITTEN))] + WRITTEN
LONGEST = 100_000
WORST = {
    "opening brackets": "[" * MOST_BRACKETS,
    "opening images": "![" * MOST_BRACKETS,
    "half-open links": "[a](" * MOST_BRACKETS,
    "emphasis across words": "*a_b" * (MOST_MARKUP // 2),
    "emphasis that only ends": "a***" * (MOST_MARKUP // 3),
    "a table of two columns": "|a|b|\n|-|-|\n" + "|x|y|\n" * (MOST_MARKUP // 4 - 5),
    "lazy quotes": "> a\n" * 10 + "b\n" * (MOST_MARKUP - 100),
    "an address of brackets": "http://a" + ")" * LONGEST,
}


def rendering() -> list[Pair]:
    """Render the corpus, and have the bare parser write its own HTML of it; microseconds per text."""
    bare = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    pairs = []
    for _ in range(TURNS):
        spent = []
        for render in (render_now.__wrapped__, bare.render):
            before = time.process_time()
            for _ in range(50):
                for body in CORPUS:
                    render(body)
            spent.append((time.process_time() - before) / (50 * len(CORPUS)) * 1e6)
        pairs.append(Pair(*spent))
    return pairs


def hostile() -> float:
    """Render the worst texts of the greatest length; return the CPU seconds of the slowest."""
    slowest = 0.0
    for name, body in WORST.items():
        before = time.process_time()
        rendered = render_now(body[:LONGEST].ljust(LONGEST, "a"))
        spent = time.process_time() - before
        slowest = max(slowest, spent)
        say(f"  {name}, 100,000 characters: {spent:.2f} s, {len(rendered.html):,} bytes of HTML")
    return slowest


async def batches(kit: Kit, texts: int) -> None:
    """Render what an import brought, by the worker."""
    organization = new_id()
    community = await kit.community(organization)
    await kit.sql(
        """
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        SELECT uuidv7(), $1, $2, $2, ($3::text[])[1 + number % cardinality($3::text[])] || ' ' || number, 'general', now(), 'live', 1
        FROM generate_series(1, $4) AS number
        """,
        organization,
        community,
        CORPUS,
        texts,
    )
    async with transaction(kit.runtime.engine, organization) as session:
        await render_later(session, organization)
    began, cpu = time.perf_counter(), time.process_time()
    await kit.work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    left = await kit.sql("SELECT count(*) FROM post WHERE organization_id = $1 AND html IS NULL", organization)
    if left[0][0]:
        raise RuntimeError(f"{left[0][0]} texts are not rendered")
    say(
        f"  {texts:,} imported texts rendered by one worker: {texts / seconds:,.0f} texts/s, {cpu / texts * 1e6:,.0f} µs of CPU each"
    )


async def receipts(kit: Kit, members: int) -> float:
    """Ask who has not acknowledged an announcement, half of so many members; return the median milliseconds of a page."""
    organization = new_id()
    community = await kit.community(organization)
    editor = await kit.member(organization, community, roles=[CommunityRole.EDITOR], staff=True)
    client = kit.person(organization, editor)
    announcement = {"body": "开班通知", "kind": "announcement", "acknowledge": True}
    made = await client.post(f"/v1/communities/{community}/posts", json=announcement)
    made.raise_for_status()
    post = UUID(made.json()["id"])
    await kit.sql(
        """
        INSERT INTO standing_member
        SELECT $1, gen_random_uuid(), $2, gen_random_uuid(), 'approved', '{}', false, false, now() FROM generate_series(1, $3)
        """,
        community,
        organization,
        members,
    )
    await kit.sql(
        """
        INSERT INTO acknowledgement SELECT $1, account_id, organization_id, gen_random_uuid(), now()
        FROM standing_member WHERE community_id = $2 AND NOT staff AND random() < 0.5
        """,
        post,
        community,
    )
    await kit.sql("VACUUM ANALYZE")
    url = f"/v1/communities/{community}/posts/{post}"
    page = await timed(
        f"a page of 50 who have not, {members:,} members", client, f"{url}/acknowledgements?acknowledged=false"
    )
    await timed(f"how many have and have not, {members:,} members", client, f"{url}/acknowledgements/figures")
    (await client.post(f"{url}/reminders")).raise_for_status()
    began = time.perf_counter()
    await kit.work()
    seconds = time.perf_counter() - began
    [reminded] = (await client.get(f"{url}/reminders")).json()["data"]
    say(f"  {reminded['reminded']:,} reminded: {reminded['reminded'] / seconds:,.0f} events/s into the outbox")
    return page


async def timed(what: str, client: httpx.AsyncClient, url: str) -> float:
    """Ask often and print the median and the 99th percentile; return the median in milliseconds."""
    spent = []
    for _ in range(60):
        began = time.perf_counter()
        answer: Any = await client.get(url)
        answer.raise_for_status()
        spent.append((time.perf_counter() - began) * 1e3)
    median = statistics.median(spent)
    say(f"  {what}: p50 {median:.1f} ms, p99 {percentile(spent, 0.99):.1f} ms")
    return median


async def compare(*, quick: bool) -> int:
    """Run everything and print it; return the exit code."""
    few, many, texts = (1_000, 10_000, 2_000) if quick else (10_000, 100_000, 20_000)
    say("writing:")
    figure = Figure("a text to HTML and nodes", "µs", rendering(), RENDERING, least=False)
    slowest = hostile()
    with Servers() as servers:
        async with running_kit(service, servers, log_level="WARNING") as kit:
            telemetry.configure("content", kit.runtime.settings)
            await batches(kit, texts)
            first = await receipts(kit, few)
            growth = await receipts(kit, many) / first
    say(f"  the slowest hostile text: {slowest:.2f} s (limit {HOSTILE:g})")
    say(f"  a page of who has not among {many:,} costs {growth:.2f} x one among {few:,} (limit {GROWTH})")
    return max(conclude([figure]), int(slowest > HOSTILE or growth > GROWTH))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sys.exit(uvloop.run(compare(quick=parser.parse_args().quick)))
