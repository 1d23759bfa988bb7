"""The plan: themes with their share, the backlog, recurring slots and their occurrences, deliveries and whom they reached."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0004"
down_revision = "0003"

KINDS = "'post', 'article', 'daily_topic', 'greeting', 'resource', 'announcement'"
THEME = [
    """CREATE TABLE theme (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{}'),
        description jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(description) = 'object'),
        target_share integer NOT NULL CHECK (target_share BETWEEN 0 AND 100),
        promotion boolean NOT NULL,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL,
        retired_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        UNIQUE (community_id, id)
    )""",
]
ITEM = [
    f"""CREATE TABLE item (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ({KINDS})),
        theme_id uuid,
        title text CHECK (length(title) BETWEEN 1 AND 200),
        body text CHECK (length(body) BETWEEN 1 AND 100000),
        note text CHECK (length(note) BETWEEN 1 AND 2000),
        section text NOT NULL CHECK (length(section) BETWEEN 1 AND 80),
        persona_id uuid REFERENCES brand_persona (id),
        state text NOT NULL CHECK (state IN ('idea', 'draft', 'ready', 'delivered', 'retired')),
        author_id uuid NOT NULL,
        -- Who wrote its words last, and the second person who found them ready; they are never one.
        edited_by uuid,
        approved_by uuid CHECK (approved_by <> coalesce(edited_by, author_id)),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        -- What its post is to be besides its words; days count from its delivery, for an item may go out again.
        promotion boolean NOT NULL DEFAULT false,
        evergreen boolean NOT NULL DEFAULT false,
        expires_after_days integer CHECK (expires_after_days BETWEEN 1 AND 3650),
        review_after_days integer CHECK (review_after_days BETWEEN 1 AND 3650),
        acknowledge boolean NOT NULL DEFAULT false,
        acknowledge_within_days integer CHECK (acknowledge_within_days BETWEEN 1 AND 365),
        benefit jsonb CHECK (jsonb_typeof(benefit) = 'object'),
        FOREIGN KEY (community_id, theme_id) REFERENCES theme (community_id, id),
        CHECK (kind = 'announcement' OR NOT acknowledge AND benefit IS NULL),
        CHECK (acknowledge_within_days IS NULL OR acknowledge),
        -- What may go out says something.
        CHECK (state IN ('idea', 'draft', 'retired') OR body IS NOT NULL)
    )""",
    "CREATE INDEX item_listed ON item (community_id, state, id DESC)",
    "CREATE INDEX item_theme ON item (community_id, theme_id) WHERE theme_id IS NOT NULL",
]
SLOT = [
    f"""CREATE TABLE slot (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        group_id uuid,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{{}}'),
        kind text NOT NULL CHECK (kind IN ({KINDS})),
        theme_id uuid,
        rrule text NOT NULL CHECK (length(rrule) BETWEEN 1 AND 300),
        at time NOT NULL CHECK (extract(second FROM at) = 0),
        starts_on date NOT NULL,
        -- Its own; none: the community's.
        zone text CHECK (length(zone) BETWEEN 1 AND 64),
        -- The zone by which its occurrences were last worked out.
        reckoned_zone text NOT NULL,
        late_policy text NOT NULL CHECK (late_policy IN ('deliver', 'skip')),
        tolerance_seconds integer NOT NULL CHECK (tolerance_seconds BETWEEN 0 AND 86400),
        notice_hours integer NOT NULL CHECK (notice_hours BETWEEN 1 AND 720),
        fallback_item_id uuid REFERENCES item (id),
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL,
        retired_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        FOREIGN KEY (community_id, theme_id) REFERENCES theme (community_id, id)
    )""",
    "CREATE INDEX slot_listed ON slot (community_id, id)",
    "CREATE INDEX slot_fallback ON slot (fallback_item_id) WHERE fallback_item_id IS NOT NULL",
]
OCCURRENCE = [
    """CREATE TABLE slot_occurrence (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        slot_id uuid NOT NULL REFERENCES slot (id),
        -- Its day in the slot's zone says which one it is, whatever becomes of the hour.
        on_date date NOT NULL,
        due_at timestamptz NOT NULL,
        moved boolean NOT NULL DEFAULT false,
        state text NOT NULL CHECK (state IN ('open', 'skipped', 'rested', 'missed', 'held', 'taken')),
        item_id uuid REFERENCES item (id),
        activity_id uuid,
        notice_at timestamptz NOT NULL,
        noticed_at timestamptz,
        settled_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        UNIQUE (slot_id, on_date),
        CHECK (item_id IS NULL OR activity_id IS NULL),
        CHECK ((state IN ('open', 'skipped')) = (settled_at IS NULL)),
        CHECK (state <> 'held' OR activity_id IS NOT NULL)
    )""",
    "CREATE INDEX slot_occurrence_calendar ON slot_occurrence (community_id, due_at, id)",
    # Over all communities of an organization.
    "CREATE INDEX slot_occurrence_whole_calendar ON slot_occurrence (organization_id, due_at, id)",
    "CREATE INDEX slot_occurrence_due ON slot_occurrence (organization_id, due_at) WHERE state = 'open'",
    """CREATE INDEX slot_occurrence_notice ON slot_occurrence (organization_id, notice_at)
        WHERE state = 'open' AND noticed_at IS NULL""",
    # An item waits for one hour at a time.
    "CREATE UNIQUE INDEX slot_occurrence_item ON slot_occurrence (item_id) WHERE state = 'open' AND item_id IS NOT NULL",
    "CREATE INDEX slot_occurrence_activity ON slot_occurrence (activity_id) WHERE activity_id IS NOT NULL",
]
DELIVERY = [
    f"""CREATE TABLE delivery (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        group_id uuid,
        item_id uuid NOT NULL REFERENCES item (id),
        slot_id uuid,
        occurrence_id uuid REFERENCES slot_occurrence (id),
        kind text NOT NULL CHECK (kind IN ({KINDS})),
        theme_id uuid,
        fallback boolean NOT NULL DEFAULT false,
        late_policy text NOT NULL CHECK (late_policy IN ('deliver', 'skip')),
        tolerance_seconds integer NOT NULL CHECK (tolerance_seconds BETWEEN 0 AND 86400),
        due_at timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('due', 'in_review', 'delivered', 'skipped', 'failed', 'cancelled')),
        reason text,
        post_id uuid REFERENCES post (id),
        delivered_at timestamptz,
        requested_by uuid NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        retry_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        -- One delivery per occurrence, whoever tries how often.
        UNIQUE (occurrence_id),
        UNIQUE (post_id),
        CHECK ((slot_id IS NULL) = (occurrence_id IS NULL)),
        CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)),
        CHECK (state NOT IN ('in_review', 'delivered') OR post_id IS NOT NULL),
        CHECK ((state IN ('skipped', 'failed')) = (reason IS NOT NULL))
    )""",
    # One item goes to one place at one time once.
    """CREATE UNIQUE INDEX delivery_sent ON delivery (item_id, community_id, group_id, due_at) NULLS NOT DISTINCT
        WHERE occurrence_id IS NULL AND state <> 'cancelled'""",
    "CREATE INDEX delivery_due ON delivery (organization_id, (coalesce(retry_at, due_at))) WHERE state = 'due'",
    "CREATE INDEX delivery_listed ON delivery (community_id, due_at DESC, id DESC)",
    "CREATE INDEX delivery_item ON delivery (item_id)",
    """CREATE TABLE delivery_reach (
        delivery_id uuid NOT NULL REFERENCES delivery (id),
        channel text NOT NULL CHECK (length(channel) BETWEEN 1 AND 40),
        organization_id uuid NOT NULL,
        reached_at timestamptz NOT NULL,
        recipients integer NOT NULL CHECK (recipients >= 0),
        PRIMARY KEY (delivery_id, channel)
    )""",
]
# From engagement's events: what is done together, and when.
ACTIVITY = [
    """CREATE TABLE standing_activity (
        activity_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        group_id uuid,
        state text NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz
    )""",
    "CREATE INDEX standing_activity_community ON standing_activity (community_id, starts_at)",
]


def upgrade() -> None:
    for tables, statements in (
        (("theme",), THEME),
        (("item",), ITEM),
        (("slot",), SLOT),
        (("slot_occurrence",), OCCURRENCE),
        (("delivery", "delivery_reach"), DELIVERY),
        (("standing_activity",), ACTIVITY),
    ):
        run(statements)
        for table in tables:
            run(tenant_table(table, roles()))
