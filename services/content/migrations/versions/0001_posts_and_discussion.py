"""Posts, comments and reactions, beside the chassis's tables and the standing projection."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import chassis_tables, standing_tables, tenant_table

revision = "0001"
down_revision = None

POST = [
    """CREATE TABLE post (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        author_id uuid NOT NULL,
        title text CHECK (length(title) BETWEEN 1 AND 200),
        body text NOT NULL,
        section text NOT NULL CHECK (length(section) BETWEEN 1 AND 80),
        published_at timestamptz NOT NULL,
        edited_at timestamptz,
        deleted_at timestamptz,
        origin text NOT NULL CHECK (origin IN ('live', 'import')),
        source text,
        external_id text,
        attachments jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(attachments) = 'array'),
        mentions uuid[] NOT NULL DEFAULT '{}',
        version bigint NOT NULL CHECK (version > 0),
        CHECK ((source IS NULL) = (external_id IS NULL)),
        CHECK ((origin = 'import') = (external_id IS NOT NULL)),
        -- A tombstone keeps who, when and the external id, and none of the words.
        CHECK (CASE WHEN deleted_at IS NULL THEN length(body) BETWEEN 1 AND 100000
                    ELSE body = '' AND title IS NULL AND attachments = '[]' AND mentions = '{}' END)
    )""",
    # Over tombstones too: an import never brings back what was deleted.
    "CREATE UNIQUE INDEX post_external ON post (community_id, source, external_id)",
    "CREATE INDEX post_feed ON post (community_id, published_at DESC, id DESC) WHERE deleted_at IS NULL",
    "CREATE INDEX post_section ON post (community_id, section, published_at DESC, id DESC) WHERE deleted_at IS NULL",
    "CREATE INDEX post_author ON post (community_id, author_id, published_at DESC, id DESC) WHERE deleted_at IS NULL",
]
COMMENT = [
    """CREATE TABLE comment (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        post_id uuid NOT NULL REFERENCES post (id),
        parent_id uuid,
        author_id uuid NOT NULL,
        body text NOT NULL,
        commented_at timestamptz NOT NULL,
        edited_at timestamptz,
        deleted_at timestamptz,
        origin text NOT NULL CHECK (origin IN ('live', 'import')),
        source text,
        external_id text,
        attachments jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(attachments) = 'array'),
        mentions uuid[] NOT NULL DEFAULT '{}',
        version bigint NOT NULL CHECK (version > 0),
        UNIQUE (id, post_id),
        -- An answer belongs to the post of the comment that it answers.
        FOREIGN KEY (parent_id, post_id) REFERENCES comment (id, post_id),
        CHECK ((source IS NULL) = (external_id IS NULL)),
        CHECK ((origin = 'import') = (external_id IS NOT NULL)),
        CHECK (CASE WHEN deleted_at IS NULL THEN length(body) BETWEEN 1 AND 100000
                    ELSE body = '' AND attachments = '[]' AND mentions = '{}' END)
    )""",
    "CREATE UNIQUE INDEX comment_external ON comment (community_id, source, external_id)",
    # With what row-level security and the feed's counts need, so that they are read from the index alone.
    "CREATE INDEX comment_thread ON comment (post_id, commented_at, id) INCLUDE (organization_id) WHERE deleted_at IS NULL",
]
REACTION = [
    """CREATE TABLE reaction (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
        subject_id uuid NOT NULL,
        account_id uuid NOT NULL,
        emojis text[] NOT NULL CHECK (cardinality(emojis) <= 10),
        -- What imports brought, once: taken back since, it is not brought again.
        imported text[] NOT NULL DEFAULT '{}',
        reacted_at timestamptz NOT NULL,
        version bigint NOT NULL CHECK (version > 0)
    )""",
    "CREATE UNIQUE INDEX reaction_subject ON reaction (subject_id, account_id, subject_kind)",
    """CREATE INDEX reaction_listed ON reaction (subject_id, id) INCLUDE (organization_id, subject_kind, emojis)
        WHERE cardinality(emojis) > 0""",
]


def upgrade() -> None:
    run(chassis_tables(roles()))
    run(standing_tables(roles()))
    for table, statements in (("post", POST), ("comment", COMMENT), ("reaction", REACTION)):
        run(statements)
        run(tenant_table(table, roles()))
