"""Detectors: what folding costs beside the bare automaton, and what a whole check costs a publication.

Run: python tests/bench/bench_detectors.py [--quick]. A list of 10,000 words (Chinese and English) is looked for in texts of Chinese,
English and both. `bare` is the same automaton (ahocorasick-rs) over the text as it came, which sees through no trick. Exits 1 when
detection is below half of that on texts of 200,000 characters (a text costs some 25 µs whatever its length, which on short ones is most
of it, and nothing beside their publication), or a mute takes longer than a second from event to refusal.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from ahocorasick_rs import AhoCorasick, MatchKind
from measuring import Servers, say

from chassis import clock
from chassis.bus import Bus, Outgoing
from chassis.consuming import Consumption
from chassis.ids import new_id
from chassis.outbox import seal
from chassis.testing.kit import Kit, running_kit
from content.app import service
from content.moderation import folding
from content.moderation.detection import contacts, links, sketches
from content.moderation.detection.contacts import Contact
from content.moderation.detection.words import WordList
from contracts.base import subject_of
from contracts.members import CommunityRole, SanctionImposed, SanctionKind

LEAST_RATIO = 0.5
LONGEST_MUTE = 1.0
WORDS = 10_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
IDEOGRAPHS = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


def _word(chance: random.Random) -> str:
    if chance.random() < 0.7:
        return "".join(chance.choices(IDEOGRAPHS, k=chance.randint(2, 4)))
    return "".join(chance.choices(LETTERS, k=chance.randint(4, 9)))


def _text(chance: random.Random, length: int, chinese: float) -> str:
    pieces, size = [], 0
    while size < length:
        if chance.random() < chinese:
            piece = "".join(chance.choices(IDEOGRAPHS, k=40)) + chance.choice("，。！")
        else:
            words = ["".join(chance.choices(LETTERS, k=chance.randint(2, 9))) for _ in range(8)]
            piece = " ".join(words).capitalize() + ". "
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)[:length]


def _best(seconds: float, *works: Callable[[], object]) -> list[float]:
    """Return the shortest time of each piece of work, in turns with the others for so many seconds."""
    shortest = [float("inf")] * len(works)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for place, work in enumerate(works):
            started = time.perf_counter()
            work()
            shortest[place] = min(shortest[place], time.perf_counter() - started)
    return shortest


def detection(seconds: float) -> bool:
    """Print throughput beside the bare automaton; return whether it is enough."""
    chance = random.Random(1)
    words = list({_word(chance) for _ in range(WORDS + 200)})[:WORDS]
    made = time.perf_counter()
    ours = WordList(words)
    made = time.perf_counter() - made
    bare = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)
    say(f"{WORDS} words made ready in {made * 1000:.0f} ms")
    say(f"{'text':>24} {'bare MB/s':>10} {'words MB/s':>11} {'ratio':>6} {'all MB/s':>9} {'words µs':>9} {'all µs':>9}")
    enough = True
    for name, chinese in (("Chinese", 1.0), ("both", 0.5), ("English", 0.0)):
        for length in (200, 2_000, 200_000):
            text = _text(chance, length, chinese)
            size = len(text.encode()) / 1e6

            def bare_only(text: str = text) -> None:
                bare.find_matches_as_indexes(text)

            def words_only(text: str = text) -> None:
                ours.find(folding.compact(text))

            def everything(text: str = text) -> None:
                forms = folding.plain(text), folding.compact(text)
                ours.find(forms[1])
                contacts.find(*forms, frozenset(Contact))
                list(links.links(text, forms[0]))
                sketches.sketch(forms[1])

            plain, found = _best(seconds, bare_only, words_only)
            [whole] = _best(seconds / 2, everything)
            ratio = plain / found
            say(
                f"{name + f', {length}':>24} {size / plain:>10.0f} {size / found:>11.0f} {ratio:>6.2f} {size / whole:>9.1f} {found * 1e6:>9.0f} {whole * 1e6:>9.0f}"
            )
            enough &= length < 200_000 or ratio >= LEAST_RATIO
    return enough


async def _timed(work: Callable[[], Awaitable[Any]], turns: int) -> tuple[float, float]:
    """Return CPU and median wall time of one turn in ms."""
    times, cpu = [], time.process_time()
    for _ in range(turns):
        started = time.perf_counter()
        await work()
        times.append(time.perf_counter() - started)
    return (time.process_time() - cpu) / turns * 1000, statistics.median(times) * 1000


async def publications(kit: Kit, turns: int) -> None:
    """Print what publishing costs without detectors, and with all kinds of them."""
    organization = new_id()
    community = await kit.community(organization)
    moderator = await kit.member(organization, community, roles=[CommunityRole.MODERATOR])
    client = kit.person(organization, moderator)
    author = kit.person(organization, await kit.member(organization, community))
    chance = random.Random(2)
    path = f"/v1/communities/{community}"

    async def publish() -> None:
        answer = await author.post(f"{path}/posts", json={"body": _text(chance, 200, 0.5)})
        answer.raise_for_status()

    for name in ("no detector", "six detectors, 10,000 words"):
        if name != "no detector":
            for settings in (
                {"kind": "words", "words": list({_word(chance) for _ in range(WORDS)})},
                {"kind": "links", "denied": ["casino.example"]},
                {"kind": "contacts"},
                {"kind": "flooding", "rates": [{"most": 10_000, "seconds": 86_400}]},
                {"kind": "duplicates"},
                {"kind": "newcomers", "days": 7, "most_per_day": 1000},
            ):
                body = {
                    "name": "bench",
                    "action": "flag",
                    "clause_code": "1",
                    "clause_text": {"en": "Rule"},
                    "settings": settings,
                }
                (await client.post(f"{path}/detectors", json=body)).raise_for_status()
        await publish()
        cpu, wall = await _timed(publish, turns)
        say(f"{'publish, ' + name:>38}: {cpu:.2f} ms CPU, {wall:.2f} ms median")


async def mutes(kit: Kit, url: str, turns: int) -> bool:
    """Print how long after its event a mute is in force, over the broker; return whether that is within a second."""
    consumer = kit.runtime.consumers["content-conduct"]
    members = await Bus.connect(url, "members")
    await members.ensure_stream()
    stopping = asyncio.Event()
    running = asyncio.create_task(
        Consumption(kit.runtime.worker_engine, kit.runtime.bus, consumer, owner="members", batch=50, attempts=3).run(
            stopping
        )
    )
    organization = new_id()
    community = await kit.community(organization)
    times = []
    for _ in range(turns):
        account = await kit.member(organization, community)
        client = kit.person(organization, account)
        event = SanctionImposed(
            sanction_id=new_id(),
            community_id=community,
            account_id=account,
            kind=SanctionKind.MUTE,
            clause="1",
            clause_text={"en": "Rule"},
            from_at=clock.now(),
            until=None,
        )
        envelope = seal(event, organization, event.sanction_id, community_id=community)
        started = time.perf_counter()
        await members.publish(
            [Outgoing(str(envelope.id), subject_of(event.type, community), envelope.model_dump_json().encode())]
        )
        while (await client.post(f"/v1/communities/{community}/posts", json={"body": "hello"})).status_code != 403:  # noqa: ASYNC110  no event tells it
            await asyncio.sleep(0.005)  # asked again and again, as an eager member would
        times.append(time.perf_counter() - started)
    stopping.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await members.close()
    say(
        f"mute in force after its event: {statistics.median(times) * 1000:.0f} ms median, {max(times) * 1000:.0f} ms worst"
    )
    return max(times) <= LONGEST_MUTE


async def main(*, quick: bool) -> bool:
    """Measure all; return whether it is enough."""
    enough = detection(0.3 if quick else 2)
    with Servers() as cluster:
        async with running_kit(service, cluster) as kit:
            await publications(kit, 50 if quick else 300)
            enough &= await mutes(kit, cluster.nats.url("members"), 5 if quick else 30)
    return enough


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sys.exit(0 if uvloop.run(main(quick=parser.parse_args().quick)) else 1)
