"""Sends items to a community's import routes in batches, and adds up what became of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import Any, Final

from hearth.client import ApiError, Client, ClientError, encode
from hearth.slack.archive import Rejected

MEMBERS_PER_BATCH: Final = 100
"""So few that the answer's Hearth-Position, one per member, fits into a header."""
MESSAGES_PER_BATCH: Final = 500
REACTIONS_PER_BATCH: Final = 1000
BYTES_PER_BATCH: Final = 2_000_000
POSITIONS_KEPT: Final = 2000
"""Facts reach other services nearly in order: who has the last ones has them all."""
SPLIT: Final = frozenset({400, 413, 422})
"""Answers that refuse a whole batch, perhaps for the sake of one item."""
NOT_YET: Final = frozenset({403, 404})
"""Answers of a service that has not heard of a new community or of its manager."""
NOT_YET_TRIES: Final = 30
NOT_YET_PAUSE: Final = 0.5

Advance = Callable[[str, int], None]
"""Called with a kind and a number of items whenever so many are done."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object for an import route, already written as JSON, and where it comes from."""

    place: str
    content: bytes


@dataclass(slots=True)
class Tally:
    """How many items were new, and how many were there before."""

    created: int = 0
    existing: int = 0


@dataclass(slots=True)
class Summary:
    """What became of an import."""

    members: Tally = field(default_factory=Tally)
    posts: Tally = field(default_factory=Tally)
    comments: Tally = field(default_factory=Tally)
    reactions: Tally = field(default_factory=Tally)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    orphans: int = 0

    def tallies(self) -> dict[str, Tally]:
        """Return the tallies by kind, in the order of the import."""
        return {"members": self.members, "posts": self.posts, "comments": self.comments, "reactions": self.reactions}

    def document(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        return {
            **{kind: {"created": tally.created, "existing": tally.existing} for kind, tally in self.tallies().items()},
            "rejected": [{"place": item.place, "code": item.code, "detail": item.detail} for item in self.rejected],
            "skipped": dict(sorted(self.skipped.items())),
            "orphans": self.orphans,
        }


def item_of(place: str, content: Mapping[str, Any]) -> Item:
    """Return an item; fields that are None are left out."""
    return Item(place, encode({name: value for name, value in content.items() if value is not None}))


def batches(items: Iterable[Item], count: int, size: int = BYTES_PER_BATCH) -> Iterator[list[Item]]:
    """Yield the items in batches of at most `count` items and about `size` bytes; a single larger item goes alone."""
    batch: list[Item] = []
    length = 0
    for item in items:
        if batch and (len(batch) == count or length + len(item.content) > size):
            yield batch
            batch, length = [], 0
        batch.append(item)
        length += len(item.content)
    if batch:
        yield batch


class Intake:
    """Brings the items of one source into one community. Everything is idempotent by external id."""

    def __init__(
        self, client: Client, community_id: str, source: str, advance: Advance = lambda _kind, _count: None
    ) -> None:
        self.summary = Summary()
        self.accounts: dict[str, str] = {}
        """Account ids of the members by external id."""
        self._client = client
        self._base = f"/v1/communities/{community_id}"
        self._source = source
        self._advance = advance
        self._positions: deque[str] = deque(maxlen=POSITIONS_KEPT)

    def members(self, items: Iterable[Item]) -> None:
        """Import members, then wait until content knows them. Raises ApiError, ClientError."""
        written: list[str] = []
        for batch in batches(items, MEMBERS_PER_BATCH):
            self._send("members", f"{self._base}/memberships/imports", batch, written)
            self._advance("members", len(batch))
        self._settle(f"{self._base}/posts", written)
        self._positions.extend(written)

    def posts(self, items: Iterable[Item]) -> None:
        """Import posts. Raises ApiError, ClientError."""
        self._bring("posts", items, MESSAGES_PER_BATCH)

    def comments(self, items: Iterable[Item]) -> None:
        """Import comments; their posts must be there. Raises ApiError, ClientError."""
        self._bring("comments", items, MESSAGES_PER_BATCH)

    def reactions(self, items: Iterable[Item]) -> None:
        """Import reactions; what they are about must be there. Raises ApiError, ClientError."""
        self._bring("reactions", items, REACTIONS_PER_BATCH)

    def settle_figures(self) -> None:
        """Wait until the community's figures include what was imported. Raises ApiError, ClientError."""
        self._settle(f"{self._base}/pulse", self._positions)

    def reject(self, place: str, code: str, detail: str) -> None:
        """Note an item that is left out."""
        self.summary.rejected.append(Rejected(place, code, detail))

    def _bring(self, kind: str, items: Iterable[Item], count: int) -> None:
        written: list[str] = []
        for batch in batches(items, count):
            self._send(kind, f"{self._base}/{kind}/imports", batch, written)
            self._positions.extend(written)
            written.clear()
            self._advance(kind, len(batch))

    def _send(self, kind: str, path: str, batch: list[Item], written: list[str]) -> None:
        """Send one batch; when it is refused as a whole, look for the item that is to blame and send the others."""
        content = b'{"source":%s,"items":[%s]}' % (encode(self._source), b",".join(item.content for item in batch))
        try:
            answer = self._client.post_content(path, content)
        except ApiError as error:
            if error.status not in SPLIT:
                raise
            if len(batch) == 1:
                self.reject(batch[0].place, error.type.rpartition(":")[2], str(error))
                return
            middle = len(batch) // 2
            self._send(kind, path, batch[:middle], written)
            self._send(kind, path, batch[middle:], written)
            return
        written.extend(answer.positions)
        try:
            self._count(kind, batch, answer.body)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ClientError(f"{path} answered something unexpected: {type(error).__name__}: {error}") from error

    def _count(self, kind: str, batch: list[Item], body: Any) -> None:  # noqa: ANN401 - any JSON
        tally = self.summary.tallies()[kind]
        tally.created += int(body["created"])
        tally.existing += int(body["existing"])
        for refused in body["rejected"]:
            self.reject(batch[int(refused["index"])].place, str(refused["code"]), str(refused["detail"]))
        if kind == "members":
            self.accounts.update({str(item["external_id"]): str(item["account_id"]) for item in body["items"]})

    def _settle(self, path: str, positions: Iterable[str]) -> None:
        """Wait for positions; a service that does not know the community yet is given a few seconds."""
        for attempt in range(NOT_YET_TRIES):
            try:
                self._client.settle(path, positions)
            except ApiError as error:
                if error.status not in NOT_YET or attempt == NOT_YET_TRIES - 1:
                    raise
                sleep(NOT_YET_PAUSE)
            else:
                return
