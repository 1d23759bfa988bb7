"""What messages can be made into, and what fields each takes."""

from __future__ import annotations

from dataclasses import dataclass

# What a field holds, and the conversions (`as`) that give it; the first is meant when nothing is said.
TYPES: dict[str, tuple[str, ...]] = {
    "id": ("text", "lower"),
    "text": ("text", "lower"),
    "texts": ("texts",),
    "version": ("version", "integer", "instant"),
    "instant": ("instant",),
    "boolean": ("boolean",),
    "uuid": ("uuid",),
    "currency": ("currency",),
    # None is meant by itself: 199 may be 199 yuan or 199 fen, and whoever maps must say which.
    "amount": ("fen", "integer"),
}


@dataclass(frozen=True, slots=True)
class FieldKind:
    """A field of an item."""

    type: str
    required: bool = False


KINDS: dict[str, dict[str, FieldKind]] = {
    "contact": {
        "external_id": FieldKind("id", required=True),
        "version": FieldKind("version", required=True),
        "name": FieldKind("text"),
        "email": FieldKind("text"),
        "phone": FieldKind("text"),
        "locale": FieldKind("text"),
        "zone": FieldKind("text"),
        "account_id": FieldKind("uuid"),
    },
    "tags": {
        "external_id": FieldKind("id", required=True),
        "version": FieldKind("version", required=True),
        "community_id": FieldKind("uuid", required=True),
        "add": FieldKind("texts"),
        "remove": FieldKind("texts"),
    },
    "consent": {
        "external_id": FieldKind("id", required=True),
        "version": FieldKind("version", required=True),
        "purpose": FieldKind("text", required=True),
        "granted": FieldKind("boolean", required=True),
        "decided_at": FieldKind("instant", required=True),
        "evidence": FieldKind("text"),
    },
    "order": {
        "external_id": FieldKind("id", required=True),
        "version": FieldKind("version", required=True),
        "placed_at": FieldKind("instant", required=True),
        "currency": FieldKind("currency", required=True),
        "amount_fen": FieldKind("amount", required=True),
        "source": FieldKind("id"),
        "contact": FieldKind("id"),
        "cancelled": FieldKind("boolean"),
        "community_id": FieldKind("uuid"),
        "post_id": FieldKind("uuid"),
    },
    "refund": {
        "external_id": FieldKind("id", required=True),
        "order": FieldKind("id", required=True),
        "currency": FieldKind("currency", required=True),
        "amount_fen": FieldKind("amount", required=True),
        "refunded_at": FieldKind("instant", required=True),
        "version": FieldKind("version"),
        "source": FieldKind("id"),
    },
}
