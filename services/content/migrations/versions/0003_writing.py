"""Writing: kinds, states, revisions and review of posts, personas of the brand, announcements, and groups as members tells of them."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0003"
down_revision = "0002"

# From members' events: who is in which group of which community.
GROUPS = {
    "standing_group": [
        """CREATE TABLE standing_group (
            group_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            state text NOT NULL,
            hosts uuid[] NOT NULL
        )""",
        "CREATE INDEX standing_group_community ON standing_group (community_id)",
    ],
    "standing_group_member": [
        """CREATE TABLE standing_group_member (
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            group_ids uuid[] NOT NULL,
            PRIMARY KEY (community_id, account_id)
        )""",
    ],
}
PERSONA = [
    """CREATE TABLE brand_persona (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{}'),
        introduction jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(introduction) = 'object'),
        -- Where it may speak; none named: in every community of the organization.
        community_ids uuid[] NOT NULL DEFAULT '{}',
        retired_at timestamptz,
        version bigint NOT NULL CHECK (version > 0)
    )""",
    "CREATE INDEX brand_persona_listed ON brand_persona (organization_id, id)",
]
POST = [
    """ALTER TABLE post
        ADD COLUMN kind text NOT NULL DEFAULT 'post'
            CHECK (kind IN ('post', 'article', 'daily_topic', 'greeting', 'resource', 'announcement')),
        ADD COLUMN state text NOT NULL DEFAULT 'published'
            CHECK (state IN ('draft', 'in_review', 'scheduled', 'published', 'held', 'expired', 'removed')),
        -- Whether others ever saw it: what was published before is restored, and not published again.
        ADD COLUMN ever_published boolean NOT NULL DEFAULT true,
        ADD COLUMN theme_id uuid,
        ADD COLUMN group_id uuid,
        ADD COLUMN persona_id uuid REFERENCES brand_persona (id),
        ADD COLUMN delivery_id uuid,
        -- What the Markdown becomes; none until it is rendered, and of an older renderer until it is rendered anew.
        ADD COLUMN html text,
        ADD COLUMN tree jsonb,
        ADD COLUMN renderer integer NOT NULL DEFAULT 0,
        ADD COLUMN revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
        ADD COLUMN edited_by uuid,
        ADD COLUMN submitted_at timestamptz,
        ADD COLUMN submitted_by uuid,
        ADD COLUMN expires_at timestamptz,
        ADD COLUMN review_at timestamptz,
        ADD COLUMN evergreen boolean NOT NULL DEFAULT false,
        ADD COLUMN promotion boolean NOT NULL DEFAULT false,
        ADD COLUMN pinned_at timestamptz,
        ADD COLUMN pinned_until timestamptz,
        ADD COLUMN pin_rank integer CHECK (pin_rank BETWEEN 1 AND 100),
        ADD COLUMN acknowledge boolean NOT NULL DEFAULT false,
        ADD COLUMN acknowledge_by timestamptz,
        ADD COLUMN benefit jsonb CHECK (jsonb_typeof(benefit) = 'object')""",
    "UPDATE post SET state = 'removed' WHERE deleted_at IS NOT NULL",
    """ALTER TABLE post
        ADD CHECK (deleted_at IS NULL OR (state = 'removed' AND html IS NULL AND tree IS NULL AND benefit IS NULL)),
        ADD CHECK ((pin_rank IS NULL) = (pinned_at IS NULL)),
        ADD CHECK (pinned_until IS NULL OR pinned_at IS NOT NULL),
        ADD CHECK (NOT acknowledge OR kind = 'announcement'),
        ADD CHECK (acknowledge_by IS NULL OR acknowledge),
        ADD CHECK (benefit IS NULL OR kind = 'announcement'),
        ADD CHECK ((state = 'in_review') = (submitted_at IS NOT NULL AND submitted_by IS NOT NULL)),
        ADD CHECK (state <> 'published' OR ever_published)""",
    # A delivery becomes one post, whoever tries how often.
    "CREATE UNIQUE INDEX post_delivery ON post (delivery_id) WHERE delivery_id IS NOT NULL",
    "DROP INDEX post_feed, post_section, post_author",
    "CREATE INDEX post_feed ON post (community_id, published_at DESC, id DESC) WHERE state = 'published'",
    "CREATE INDEX post_section ON post (community_id, section, published_at DESC, id DESC) WHERE state = 'published'",
    "CREATE INDEX post_author ON post (community_id, author_id, published_at DESC, id DESC) WHERE state = 'published'",
    """CREATE INDEX post_desk ON post (community_id, state, id DESC)
        WHERE state IN ('draft', 'in_review', 'scheduled', 'held', 'expired')""",
    "CREATE INDEX post_pinned ON post (community_id, pin_rank, pinned_at DESC) WHERE pin_rank IS NOT NULL",
    "CREATE INDEX post_upkeep ON post (community_id, review_at, id) WHERE state = 'published' AND review_at IS NOT NULL",
    "CREATE INDEX post_unrendered ON post (organization_id, renderer, id) WHERE state <> 'removed'",
]
COMMENT = [
    """ALTER TABLE comment
        ADD COLUMN state text NOT NULL DEFAULT 'published' CHECK (state IN ('published', 'held', 'removed')),
        ADD COLUMN ever_published boolean NOT NULL DEFAULT true,
        ADD COLUMN html text,
        ADD COLUMN tree jsonb,
        ADD COLUMN renderer integer NOT NULL DEFAULT 0""",
    "UPDATE comment SET state = 'removed' WHERE deleted_at IS NOT NULL",
    """ALTER TABLE comment ADD CHECK (deleted_at IS NULL OR (state = 'removed' AND html IS NULL AND tree IS NULL))""",
    "DROP INDEX comment_thread",
    # With what row-level security, the feed's counts and who sees what is held need, so that they are read from the index alone.
    """CREATE INDEX comment_thread ON comment (post_id, commented_at, id) INCLUDE (organization_id, state, author_id)
        WHERE state <> 'removed'""",
    "DROP INDEX comment_author",
    "CREATE INDEX comment_author ON comment (community_id, author_id, commented_at DESC, id DESC) WHERE state = 'published'",
    "CREATE INDEX comment_unrendered ON comment (organization_id, renderer, id) WHERE state <> 'removed'",
]
REVISION = [
    # What a post said before; what it says now stands in the post.
    """CREATE TABLE post_revision (
        organization_id uuid NOT NULL,
        post_id uuid NOT NULL REFERENCES post (id),
        number integer NOT NULL CHECK (number > 0),
        editor_id uuid NOT NULL,
        title text,
        body text NOT NULL,
        written_at timestamptz NOT NULL,
        PRIMARY KEY (post_id, number)
    )""",
]
PROPOSAL = [
    # New words of a published piece that a second person has yet to read.
    """CREATE TABLE post_proposal (
        post_id uuid PRIMARY KEY REFERENCES post (id),
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        title text,
        body text NOT NULL,
        proposed_by uuid NOT NULL,
        proposed_at timestamptz NOT NULL,
        base_revision integer NOT NULL
    )""",
    "CREATE INDEX post_proposal_listed ON post_proposal (community_id, proposed_at)",
]
REVIEW = [
    """CREATE TABLE post_review (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        post_id uuid NOT NULL REFERENCES post (id),
        revision integer NOT NULL,
        writer_id uuid NOT NULL,
        reviewer_id uuid NOT NULL,
        decision text NOT NULL CHECK (decision IN ('approved', 'returned')),
        note text CHECK (length(note) BETWEEN 1 AND 2000),
        decided_at timestamptz NOT NULL,
        -- A second person is another one.
        CHECK (reviewer_id <> writer_id)
    )""",
    "CREATE INDEX post_review_listed ON post_review (post_id, id)",
]
POLICY = [
    """CREATE TABLE writing_policy (
        community_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        reviewed_kinds text[] NOT NULL DEFAULT '{}',
        version bigint NOT NULL CHECK (version > 0)
    )""",
]
ACKNOWLEDGEMENT = [
    """CREATE TABLE acknowledgement (
        post_id uuid NOT NULL REFERENCES post (id),
        account_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        acknowledged_at timestamptz NOT NULL,
        PRIMARY KEY (post_id, account_id)
    )""",
]
REMINDER = [
    """CREATE TABLE announcement_reminder (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        post_id uuid NOT NULL REFERENCES post (id),
        requested_by uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        -- How far it is through those who have not acknowledged, by their ids.
        reached uuid,
        reminded integer NOT NULL DEFAULT 0,
        finished_at timestamptz
    )""",
    "CREATE INDEX announcement_reminder_listed ON announcement_reminder (post_id, requested_at DESC)",
]
# What was written before there was a renderer is rendered by the worker, a batch at a time.
RENDERING = [
    """INSERT INTO due_work (organization_id, kind, key, due_at)
        SELECT DISTINCT organization_id, 'posts.render', 'all', now() FROM post ON CONFLICT DO NOTHING""",
]


def upgrade() -> None:
    for table, statements in GROUPS.items():
        run(statements)
        run(tenant_table(table, roles()))
    run(PERSONA)
    run(tenant_table("brand_persona", roles()))
    run(POST)
    run(COMMENT)
    for table, statements in (
        ("post_revision", REVISION),
        ("post_proposal", PROPOSAL),
        ("post_review", REVIEW),
        ("writing_policy", POLICY),
        ("acknowledgement", ACKNOWLEDGEMENT),
        ("announcement_reminder", REMINDER),
    ):
        run(statements)
        run(tenant_table(table, roles()))
    run(RENDERING)
