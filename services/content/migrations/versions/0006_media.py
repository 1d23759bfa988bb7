"""Media: uploads, where their parts lie, and what they stand in."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0006"
down_revision = "0005"

MEDIA = [
    """CREATE TABLE media (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        owner_id uuid,
        kind text NOT NULL CHECK (kind IN ('image', 'avatar', 'audio', 'video', 'file')),
        state text NOT NULL CHECK (state IN ('uploading', 'ready', 'erased')),
        name text CHECK (length(name) BETWEEN 1 AND 120),
        media_type text,
        size bigint NOT NULL CHECK (size >= 0),
        received bigint NOT NULL CHECK (received BETWEEN 0 AND size),
        -- Of each variant its type, its size in bytes and, of images, width and height.
        variants jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(variants) = 'object'),
        created_at timestamptz NOT NULL,
        ready_at timestamptz,
        erased_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        CHECK ((state = 'erased') = (erased_at IS NOT NULL)),
        -- A tombstone says nothing about what it was, or whose.
        CHECK (state <> 'erased' OR (owner_id IS NULL AND name IS NULL AND media_type IS NULL AND size = 0 AND variants = '{}')),
        CHECK (state = 'erased' OR (owner_id IS NOT NULL AND name IS NOT NULL)),
        CHECK (state <> 'ready' OR (ready_at IS NOT NULL AND media_type IS NOT NULL AND variants ? 'original'))
    )""",
    "CREATE INDEX media_owned ON media (owner_id, id DESC) INCLUDE (organization_id, state, size) WHERE state <> 'erased'",
    "CREATE INDEX media_avatar ON media (owner_id, ready_at DESC, id DESC) WHERE kind = 'avatar' AND state = 'ready'",
]
PART = [
    """CREATE TABLE media_part (
        media_id uuid NOT NULL REFERENCES media (id),
        variant text NOT NULL CHECK (variant IN ('upload', 'original', 'large', 'small')),
        start bigint NOT NULL CHECK (start >= 0),
        organization_id uuid NOT NULL,
        size integer NOT NULL CHECK (size > 0),
        key text NOT NULL UNIQUE,
        PRIMARY KEY (media_id, variant, start)
    )""",
]
USE = [
    """CREATE TABLE media_use (
        subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment', 'item')),
        subject_id uuid NOT NULL,
        media_id uuid NOT NULL REFERENCES media (id),
        organization_id uuid NOT NULL,
        position integer NOT NULL CHECK (position > 0),
        PRIMARY KEY (subject_kind, subject_id, media_id)
    )""",
    "CREATE INDEX media_use_of ON media_use (media_id)",
]


def upgrade() -> None:
    for table, statements in (("media", MEDIA), ("media_part", PART), ("media_use", USE)):
        run(statements)
        run(tenant_table(table, roles()))
