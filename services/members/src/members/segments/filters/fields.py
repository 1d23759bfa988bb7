"""What a filter may ask of a member. A noun that knows more adds its fields where the service is composed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a field is asked."""

    TEXT = "text"
    FLAG = "flag"
    TIME = "time"
    NUMBER = "number"
    SET = "set"


@dataclass(frozen=True)
class Field:
    """One field of a member.

    `sql` is our own text, never a caller's: an expression over `membership` and, when `of_account`, `account`, when
    `of_orders`, `bought` (what the member's orders come to; nothing for who never bought); of a SET a condition in which `{values}` stands for the bound array of what is asked for (text[], or uuid[] with `ids`).
    """

    name: str
    kind: Kind
    sql: str
    of_account: bool = False
    of_orders: bool = False
    ids: bool = False
    values: frozenset[str] | None = None


FIELDS: dict[str, Field] = {}
LATER = frozenset({"group", "tier", "entry_link", "channel", "lifecycle", "referral"})
"""Fields of capabilities that may not stand yet: known words, refused until somebody adds them."""


def add(field: Field) -> None:
    """Let filters ask for a field. Raises ValueError when there is one of that name."""
    if field.name in FIELDS:
        raise ValueError(f"two fields {field.name}")
    FIELDS[field.name] = field


for _field in (
    Field("locale", Kind.TEXT, "account.locale", of_account=True),
    Field("zone", Kind.TEXT, "account.zone", of_account=True),
    Field("has_avatar", Kind.FLAG, "(account.avatar_url IS NOT NULL)", of_account=True),
    Field("has_bio", Kind.FLAG, "(account.bio IS NOT NULL)", of_account=True),
    Field("bot", Kind.FLAG, "membership.bot"),
    Field("staff", Kind.FLAG, "membership.staff"),
    Field("joined_at", Kind.TIME, "membership.joined_at"),
    Field(
        "roles",
        Kind.SET,
        "membership.roles && {values}",
        values=frozenset({"manager", "moderator", "editor", "analyst"}),
    ),
    Field(
        "tag",
        Kind.SET,
        "EXISTS (SELECT FROM membership_tag AS held WHERE held.community_id = membership.community_id "
        "AND held.account_id = membership.account_id AND held.tag = ANY({values}))",
    ),
):
    add(_field)
