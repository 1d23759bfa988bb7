"""What every import has in common: items that are judged one by one, and a report of what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from pydantic import (
    Field,
    HttpUrl,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.types import AwareDatetime
from pydantic_core import ErrorDetails

from chassis import clock
from chassis.schemas import Input, Output
from content.text import Plain

LARGEST_BATCH = 500
LARGEST_REACTION_BATCH = 1000
TOLERATED_FUTURE = timedelta(minutes=5)
EARLIEST_YEAR = 1970
MOST_ATTACHMENTS = 50
SHOWN_EXTERNAL_ID = 200


class Outcome(StrEnum):
    """What became of an accepted item."""

    CREATED = "created"
    EXISTING = "existing"


class Reason(NamedTuple):
    """Why an item is rejected: a stable code, and words."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that does not match its schema."""

    external_id: str | None
    reason: Reason


_SUFFIXES = {
    "missing": "missing",
    "string_too_short": "empty",
    "blank": "empty",
    "string_too_long": "too-long",
    "too_long": "too-many",
    "extra_forbidden": "unknown",
    "control_character": "control-character",
}


def _reason(error: ErrorDetails) -> Reason:
    place = [str(step) for step in error["loc"]]
    if not place:
        return Reason("item-malformed", "The item is no JSON object of the documented shape.")
    suffix = _SUFFIXES.get(error["type"], "malformed")
    name = "field" if suffix == "unknown" else place[0].replace("_", "-")
    return Reason(f"{name}-{suffix}", f"{'/'.join(place)[:100]}: {error['msg']}"[:500])


def _judge_alone(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401  JSON in, a model or Refused out
    try:
        return validate(value)
    except ValidationError as error:
        names = ("external_id", "subject_external_id")
        found = [value[name] for name in names if isinstance(value, dict) and isinstance(value.get(name), str)]
        return Refused(found[0][:SHOWN_EXTERNAL_ID] if found else None, _reason(error.errors(include_url=False)[0]))


JudgedAlone = WrapValidator(_judge_alone)
"""Makes an invalid item a `Refused` in its place, where otherwise the whole batch would be invalid."""

ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Plain,
    Field(
        description="its id where it comes from; the same id is never imported twice",
        examples=["slack:C01:1514720290.000028"],
    ),
]
Source = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40),
    Field(description="where the items come from; external ids are unique within it", examples=["slack"]),
]
OriginalTime = Annotated[
    AwareDatetime, Field(description="when it happened (RFC 3339)", examples=["2018-01-02T03:04:05Z"])
]


class Attachment(Input):
    """What is known of a file that belongs to a text; the file itself stays where it was."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200), Plain, Field(examples=["words.pdf"])]
    media_type: Annotated[str, StringConstraints(max_length=200), Plain] | None = Field(
        default=None, examples=["application/pdf"]
    )
    size: Annotated[int, Field(ge=0, lt=2**53)] | None = Field(default=None, description="bytes", examples=[52_100])
    url: Annotated[HttpUrl, PlainSerializer(str)] | None = Field(
        default=None,
        description="where it was; a link to show, never fetched",
        examples=["https://files.example/words.pdf"],
    )


Attachments = Annotated[list[Attachment], Field(max_length=MOST_ATTACHMENTS)]


class ImportedItem(Output):
    """An accepted item."""

    external_id: str = Field(examples=["slack:C01:1514720290.000028"])
    id: UUID = Field(description="of what it became here")
    outcome: Outcome = Field(description="existing: it had been imported before, and nothing changed")


class RejectedItem(Output):
    """An item that was left out, while the others went in."""

    index: int = Field(description="place in `items`, from 0", examples=[3])
    external_id: str | None = Field(description="null when the item names none")
    code: str = Field(description="stable", examples=["author-unknown"])
    detail: str = Field(examples=["The author is no member of this community."])


class ImportReport(Output):
    """What became of a batch. Created, existing and rejected add up to the number of items."""

    created: int
    existing: int
    rejected: list[RejectedItem]
    items: list[ImportedItem]


def time_refusal(name: str, at: datetime | None, now: datetime) -> Reason | None:
    """Return why an original time cannot be: in the future (5 minutes are allowed for clocks that differ) or before 1970."""
    if at is None:
        return None
    if at > now + TOLERATED_FUTURE:
        return Reason(f"{name}-in-future", f"{name}: {at.isoformat()} lies in the future.")
    if at.year < EARLIEST_YEAR:
        return Reason(f"{name}-too-early", f"{name}: {at.isoformat()} lies before {EARLIEST_YEAR}.")
    return None


class Item(Protocol):
    """One thing to import."""

    @property
    def external_id(self) -> str:
        """Its id where it comes from."""


AnyItem = TypeVar("AnyItem", bound=Item)


@dataclass(slots=True)
class Tally:
    """Collects what becomes of each item, and reports it in the order of the batch."""

    _accepted: dict[int, ImportedItem] = field(default_factory=dict)
    _rejected: dict[int, RejectedItem] = field(default_factory=dict)

    def sift(self, batch: Sequence[AnyItem], times: Sequence[str] = ()) -> dict[int, AnyItem]:
        """Return the items that are right in themselves, by their place in the batch, and reject the others.

        `times` names the fields that hold original times.
        """
        now = clock.now()
        items: dict[int, AnyItem] = {}
        for index, item in enumerate(batch):
            if isinstance(item, Refused):
                self.reject(index, item.external_id, item.reason)
                continue
            refusals = (time_refusal(name.replace("_", "-"), getattr(item, name), now) for name in times)
            refusal = next(filter(None, refusals), None)
            if refusal is None:
                items[index] = item
            else:
                self.reject(index, item.external_id, refusal)
        return items

    def accept(self, index: int, external_id: str, identifier: UUID, outcome: Outcome) -> None:
        """Note an item that is here now."""
        self._accepted[index] = ImportedItem(external_id=external_id, id=identifier, outcome=outcome)

    def reject(self, index: int, external_id: str | None, reason: Reason) -> None:
        """Note an item that is left out, whatever was noted before."""
        self._accepted.pop(index, None)
        self._rejected[index] = RejectedItem(
            index=index, external_id=external_id, code=reason.code, detail=reason.detail
        )

    def settle(self, items: Mapping[int, Item], created: Mapping[str, UUID], known: Mapping[str, UUID]) -> None:
        """Note the items that were not rejected: by external id, created now (its first item) or known before."""
        new = set(created)
        for index, item in items.items():
            external_id = item.external_id
            if index in self._rejected:
                continue
            if external_id in new:
                new.remove(external_id)
                self.accept(index, external_id, created[external_id], Outcome.CREATED)
            else:
                identifier = created.get(external_id) or known[external_id]
                self.accept(index, external_id, identifier, Outcome.EXISTING)

    def report(self) -> ImportReport:
        """Return the report."""
        items = [self._accepted[index] for index in sorted(self._accepted)]
        created = sum(item.outcome is Outcome.CREATED for item in items)
        return ImportReport(
            created=created,
            existing=len(items) - created,
            rejected=[self._rejected[index] for index in sorted(self._rejected)],
            items=items,
        )


def attachments_json(attachments: Iterable[Attachment] | None) -> list[dict[str, Any]]:
    """Return attachments as they are stored: what is not known is left out."""
    return [attachment.model_dump(mode="json", exclude_none=True) for attachment in attachments or ()]
