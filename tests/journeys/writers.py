"""People who write without a pause, whatever breaks: each write is repeated under its key until its outcome is known, and remembered."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from tests.journeys.callers import Caller, Town
from tests.stack_fixture import LiveStack, until

from chassis.embedded.process import wait_until

LONGEST_OUTAGE_SECONDS = 120.0
PAUSE_SECONDS = 0.1
EMOJI = ("👍", "🎉", "🍵", ":party-parrot:")
IN_FLIGHT = "idempotency-key-in-use"
AGAIN = frozenset({429, 502, 503, 504})
"""Answers after which a write is sent again. 500 is none of them: an outage is no mistake of ours."""


@dataclass
class Known:
    """What a writer knows to be true of one thing that it wrote."""

    kind: str
    id: str
    version: int
    body: str
    deleted: bool = False


@dataclass
class Ledger:
    """Everything that was acknowledged to one writer, and what went wrong."""

    things: dict[str, Known] = field(default_factory=dict)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """By the reaction's id, the emojis that stand."""
    reacted: int = 0
    """How often an emoji was added that was not there."""
    name: str = ""
    account_version: int = 1
    acknowledged: int = 0
    repeated: int = 0
    """How often an outcome was unknown, or the answer was to come again."""
    statuses: dict[int, int] = field(default_factory=dict)
    failure: str | None = None


class Writer:
    """One member who posts, answers, edits, deletes, reacts and renames, as the dice say, on a thread of their own."""

    def __init__(self, town: Town, caller: Caller, seed: int) -> None:
        self.thread = threading.Thread(target=self._run, name=f"writer-{seed}", daemon=True)
        self.caller = caller
        self.ledger = Ledger()
        self._town = town
        self._seed = seed
        self._dice = random.Random(seed)
        self._stopping = threading.Event()
        self._number = 0

    def _run(self) -> None:
        try:
            me = self.caller.ask("GET", "/v1/me").json()
            self.ledger.account_version, self.ledger.name = me["version"], me["display_name"]
            while not self._stopping.is_set():
                self._write()
        except Exception as error:  # noqa: BLE001  whatever it is, the test's own thread says it
            self.ledger.failure = f"{type(error).__name__}: {error}"

    def stop(self) -> None:
        """Finish what is being written."""
        self._stopping.set()

    def _write(self) -> None:
        mine = [known for known in self.ledger.things.values() if not known.deleted]
        act = self._dice.choices(("post", "comment", "react", "edit", "rename", "delete"), (6, 6, 5, 3, 2, 1))[0]
        posts = [known for known in mine if known.kind == "post"]
        if act == "rename":
            self._rename()
        elif act == "post" or not posts:
            self._say("post", f"{self._town.path}/posts")
        elif act == "comment":
            self._say("comment", f"{self._town.path}/posts/{self._dice.choice(posts).id}/comments")
        elif act == "react":
            self._react(self._dice.choice(posts))
        elif act == "edit":
            self._edit(self._dice.choice(mine))
        else:
            # A post that is deleted takes its comments out of sight; they stay what they are.
            comments = [known for known in mine if known.kind == "comment"]
            self._delete(self._dice.choice(comments or posts))

    def _words(self) -> str:
        self._number += 1
        return f"writer {self._seed} says {self._number}: {uuid4().hex}"

    def _say(self, kind: str, path: str) -> None:
        body = self._words()
        said = self._send("POST", path, {"body": body}, status=201).json()
        assert said["body"] == body, f"{path} answered another write: {said}"
        assert said["id"] not in self.ledger.things, f"{path} answered an id twice: {said}"
        self.ledger.things[said["id"]] = Known(kind, said["id"], said["version"], body)

    def _edit(self, known: Known) -> None:
        body = self._words()
        edited = self._send("PATCH", self._path(known), {"body": body}, version=known.version).json()
        assert edited["version"] == known.version + 1, f"an edit of version {known.version} made {edited}"
        known.version, known.body = edited["version"], body

    def _delete(self, known: Known) -> None:
        self._send("DELETE", self._path(known), status=204, version=known.version)
        known.version, known.body, known.deleted = known.version + 1, "", True

    def _react(self, post: Known) -> None:
        emoji = self._dice.choice(EMOJI)
        path = f"{self._path(post)}/reactions/{quote(emoji)}"
        reaction = self._send("PUT", path, key=False).json()
        before = self.ledger.reactions.get(reaction["id"], [])
        self.ledger.reacted += emoji not in before
        self.ledger.reactions[reaction["id"]] = reaction["emojis"]
        if self._dice.random() < 0.3:
            self._send("DELETE", path, status=204, key=False)
            self.ledger.reactions[reaction["id"]] = [one for one in reaction["emojis"] if one != emoji]

    def _rename(self) -> None:
        name = f"Writer {self._seed} the {self._dice.randrange(1_000_000)}th"
        me = self._send("PATCH", "/v1/me", {"display_name": name}, version=self.ledger.account_version).json()
        assert me["version"] == self.ledger.account_version + 1
        self.ledger.account_version, self.ledger.name = me["version"], name

    def _path(self, known: Known) -> str:
        return f"{self._town.path}/{known.kind}s/{known.id}"

    def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        version: int | None = None,
        key: bool = True,
    ) -> httpx.Response:
        """Send until the outcome is known. A reaction needs no key: to react twice is to react once."""
        headers = {"Idempotency-Key": uuid4().hex} if key else {}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer: httpx.Response | None = None

        def settled() -> bool:
            nonlocal answer
            try:
                answer = self.caller.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            else:
                seen = self.ledger.statuses
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            if answer is None or answer.status_code in AGAIN or IN_FLIGHT in answer.text:
                self.ledger.repeated += 1
                self._stopping.wait(PAUSE_SECONDS)
                return False
            return True

        came = wait_until(settled, LONGEST_OUTAGE_SECONDS)
        said = "nothing" if answer is None else f"{answer.status_code} {answer.text}"
        assert came, f"{method} {path} has no outcome after {LONGEST_OUTAGE_SECONDS:.0f} s; the last answer was {said}"
        assert answer is not None
        assert answer.status_code == status, f"{method} {path} (after {self.ledger.repeated} repeats): {answer.text}"
        self.ledger.acknowledged += 1
        return answer


@dataclass
class Crowd:
    """Several writers at once."""

    writers: Sequence[Writer]

    def check(self) -> None:
        """Nobody was told anything that cannot be."""
        failures = {writer.thread.name: writer.ledger.failure for writer in self.writers if writer.ledger.failure}
        assert not failures, failures

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged so far."""
        return sum(writer.ledger.acknowledged for writer in self.writers)

    def await_writes(self, more: int, seconds: float = LONGEST_OUTAGE_SECONDS) -> None:
        """Wait until so many more writes were acknowledged, to whomever."""
        goal = self.acknowledged + more

        def reached() -> bool:
            self.check()
            return self.acknowledged >= goal

        until(reached, f"{more} more writes are acknowledged", seconds)

    def await_everybody(self, seconds: float = LONGEST_OUTAGE_SECONDS) -> None:
        """Wait until each writer has had one more write acknowledged."""
        before = [writer.ledger.acknowledged for writer in self.writers]

        def served() -> bool:
            self.check()
            return all(writer.ledger.acknowledged > old for writer, old in zip(self.writers, before, strict=True))

        until(served, "every writer is served again", seconds)

    @property
    def statuses(self) -> dict[int, int]:
        """How often which status was answered."""
        found: dict[int, int] = {}
        for writer in self.writers:
            for status, times in writer.ledger.statuses.items():
                found[status] = found.get(status, 0) + times
        return found


@contextmanager
def crowd(town: Town, people: Sequence[Caller], seed: int) -> Iterator[Crowd]:
    """Have people write during the block, and finish what they are writing at its end."""
    for caller in people:
        caller.get(f"{town.path}/posts")  # waits until content knows everybody
    writers = [Writer(town, caller, seed * 1000 + number) for number, caller in enumerate(people)]
    for writer in writers:
        writer.thread.start()
    working = Crowd(writers)
    try:
        yield working
    finally:
        for writer in writers:
            writer.stop()
        for writer in writers:
            writer.thread.join(LONGEST_OUTAGE_SECONDS)
    assert not any(writer.thread.is_alive() for writer in writers)
    working.check()


def check_acknowledged(stack: LiveStack, crowd: Crowd) -> None:
    """Every acknowledged write is there exactly once, as it was acknowledged last."""
    rows = {
        row["id"]: row
        for kind in ("post", "comment")
        for row in stack.sql(
            "content", f"SELECT id, '{kind}' AS kind, body, version, author_id, deleted_at FROM {kind}"
        )
    }
    reactions = {row["id"]: row["emojis"] for row in stack.sql("content", "SELECT id, emojis FROM reaction")}
    accounts = {row["id"]: row for row in stack.sql("members", "SELECT id, display_name, version FROM account")}
    for writer in crowd.writers:
        ledger, author = writer.ledger, writer.caller.account_id
        kept = {
            row["id"]: (row["kind"], row["body"], row["version"], row["deleted_at"] is not None)
            for row in rows.values()
            if row["author_id"] == author
        }
        # Nothing else was written in the writer's name: what was sent twice is there once.
        assert kept == {one.id: (one.kind, one.body, one.version, one.deleted) for one in ledger.things.values()}
        for identifier, emojis in ledger.reactions.items():
            assert reactions[identifier] == emojis
        account = accounts[author]
        assert (account["display_name"], account["version"]) == (ledger.name, ledger.account_version)
