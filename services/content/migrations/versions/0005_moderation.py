"""Moderation: detectors, what they found, what is held, sanctions and phones as members tells of them, and the publication log."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0005"
down_revision = "0004"

TABLES = {
    "detector": [
        """CREATE TABLE detector (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            kind text NOT NULL CHECK (kind IN ('words', 'links', 'contacts', 'flooding', 'duplicates', 'newcomers')),
            action text NOT NULL CHECK (action IN ('block', 'hold', 'flag')),
            clause_code text NOT NULL CHECK (length(clause_code) BETWEEN 1 AND 40),
            clause_text jsonb NOT NULL CHECK (jsonb_typeof(clause_text) = 'object'),
            settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object' AND settings ->> 'kind' = kind),
            subjects text[] NOT NULL CHECK (cardinality(subjects) > 0 AND subjects <@ ARRAY['post', 'comment']),
            staff boolean NOT NULL,
            enabled boolean NOT NULL,
            created_at timestamptz NOT NULL,
            retired_at timestamptz,
            version bigint NOT NULL CHECK (version > 0)
        )""",
        "CREATE INDEX detector_listed ON detector (community_id, id) WHERE retired_at IS NULL",
    ],
    # What was said when, for rates and look-alikes; the words are not in it, and it is forgotten after a month.
    "utterance": [
        """CREATE TABLE utterance (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            author_id uuid NOT NULL,
            subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
            subject_id uuid NOT NULL,
            said_at timestamptz NOT NULL,
            sketch integer[] CHECK (cardinality(sketch) = 64)
        )""",
        "CREATE INDEX utterance_rate ON utterance (community_id, author_id, said_at)",
        "CREATE UNIQUE INDEX utterance_subject ON utterance (subject_id)",
        "CREATE INDEX utterance_age ON utterance (organization_id, said_at)",
    ],
    "utterance_band": [
        """CREATE TABLE utterance_band (
            utterance_id uuid NOT NULL REFERENCES utterance (id) ON DELETE CASCADE,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            band bigint NOT NULL,
            said_at timestamptz NOT NULL,
            PRIMARY KEY (utterance_id, band)
        )""",
        "CREATE INDEX utterance_band_found ON utterance_band (community_id, band, said_at DESC) INCLUDE (organization_id, utterance_id)",
    ],
    "detection": [
        """CREATE TABLE detection (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            detector_id uuid NOT NULL REFERENCES detector (id),
            detector_version bigint NOT NULL,
            kind text NOT NULL,
            action text NOT NULL,
            clause_code text NOT NULL,
            author_id uuid NOT NULL,
            subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
            subject_id uuid NOT NULL,
            written boolean NOT NULL,
            spans jsonb NOT NULL CHECK (jsonb_typeof(spans) = 'array'),
            figures jsonb NOT NULL CHECK (jsonb_typeof(figures) = 'object'),
            similar_to jsonb NOT NULL CHECK (jsonb_typeof(similar_to) = 'array'),
            detected_at timestamptz NOT NULL
        )""",
        "CREATE INDEX detection_listed ON detection (community_id, id DESC)",
        "CREATE INDEX detection_author ON detection (community_id, author_id, id DESC)",
        "CREATE INDEX detection_subject ON detection (subject_id, id)",
    ],
    "hold": [
        """CREATE TABLE hold (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
            subject_id uuid NOT NULL UNIQUE,
            author_id uuid NOT NULL,
            cause text NOT NULL CHECK (cause IN ('detector', 'checker')),
            clause_code text,
            held_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'released', 'removed')),
            decided_at timestamptz,
            decided_by uuid,
            note text CHECK (length(note) BETWEEN 1 AND 2000),
            version bigint NOT NULL CHECK (version > 0),
            CHECK ((state = 'waiting') = (decided_at IS NULL)),
            CHECK (decided_by IS NULL OR decided_at IS NOT NULL)
        )""",
        "CREATE INDEX hold_queue ON hold (community_id, held_at, id) WHERE state = 'waiting'",
    ],
    "sanction": [
        """CREATE TABLE sanction (
            sanction_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('mute', 'suspension')),
            clause_code text NOT NULL,
            clause_text jsonb NOT NULL,
            from_at timestamptz NOT NULL,
            until timestamptz,
            ended boolean NOT NULL
        )""",
        "CREATE INDEX sanction_in_force ON sanction (community_id, account_id) WHERE NOT ended",
    ],
    "member_tier": [
        """CREATE TABLE member_tier (
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            tier text NOT NULL,
            PRIMARY KEY (community_id, account_id)
        )""",
    ],
    "verified_phone": [
        """CREATE TABLE verified_phone (
            account_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL
        )""",
    ],
    "moderation_policy": [
        """CREATE TABLE moderation_policy (
            community_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            profile text NOT NULL CHECK (profile IN ('none', 'china')),
            checker text NOT NULL CHECK (length(checker) BETWEEN 1 AND 60),
            checker_clause_code text CHECK (length(checker_clause_code) BETWEEN 1 AND 40),
            checker_clause_text jsonb NOT NULL DEFAULT '{}',
            version bigint NOT NULL CHECK (version > 0)
        )""",
    ],
    # Account, address and time of each publication, sealed: kept for as long as the profile says, and opened only with a reason.
    "publication_log": [
        """CREATE TABLE publication_log (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            sealed bytea NOT NULL,
            published_at timestamptz NOT NULL,
            destroy_at timestamptz NOT NULL
        )""",
        "CREATE INDEX publication_log_listed ON publication_log (community_id, published_at, id)",
        "CREATE INDEX publication_log_destroyed ON publication_log (organization_id, destroy_at)",
    ],
    "publication_log_opening": [
        """CREATE TABLE publication_log_opening (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            opened_by uuid NOT NULL,
            reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
            from_at timestamptz NOT NULL,
            until timestamptz NOT NULL CHECK (until > from_at),
            opened_at timestamptz NOT NULL
        )""",
        "CREATE INDEX publication_log_opening_listed ON publication_log_opening (community_id, id DESC)",
    ],
    # What an outside checker is yet to judge, or has judged.
    "external_check": [
        """CREATE TABLE external_check (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
            subject_id uuid NOT NULL UNIQUE,
            author_id uuid NOT NULL,
            requested_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'allowed', 'held', 'refused')),
            judged_at timestamptz,
            version bigint NOT NULL CHECK (version > 0),
            CHECK ((state = 'waiting') = (judged_at IS NULL))
        )""",
        "CREATE INDEX external_check_waiting ON external_check (community_id, id) WHERE state = 'waiting'",
    ],
}


def upgrade() -> None:
    for table, statements in TABLES.items():
        run(statements)
        run(tenant_table(table, roles()))
