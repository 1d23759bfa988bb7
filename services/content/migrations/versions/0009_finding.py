"""The feed by theme, kind and group, and what waits for a checker, are found by an index; a released comment mentions when it appears."""

from __future__ import annotations

from chassis.migrations import run

revision = "0009"
down_revision = "0008"

INDEXES = [
    """CREATE INDEX post_theme ON post (community_id, theme_id, published_at DESC, id DESC)
        WHERE state = 'published' AND theme_id IS NOT NULL""",
    "CREATE INDEX post_kind ON post (community_id, kind, published_at DESC, id DESC) WHERE state = 'published'",
    """CREATE INDEX post_group ON post (community_id, group_id, published_at DESC, id DESC)
        WHERE state = 'published' AND group_id IS NOT NULL""",
    # It is asked for over all communities.
    "DROP INDEX external_check_waiting",
    "CREATE INDEX external_check_waiting ON external_check (organization_id, id) WHERE state = 'waiting'",
]
MENTION = [
    """CREATE OR REPLACE FUNCTION follow_comment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM search_document WHERE subject_id = NEW.id;
        INSERT INTO search_document SELECT NEW.id, 'body', 'comment', NEW.post_id, NEW.organization_id, NEW.community_id,
            NEW.commented_at, search_words(NEW.body) WHERE NEW.state = 'published';
        DELETE FROM mention WHERE subject_id = NEW.id AND (account_id <> ALL (NEW.mentions) OR mentioned_at <> NEW.commented_at);
        INSERT INTO mention SELECT account, NEW.id, 'comment', NEW.post_id, NEW.author_id, NEW.organization_id, NEW.community_id, NEW.commented_at
            FROM unnest(NEW.mentions) AS account ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """UPDATE mention SET mentioned_at = comment.commented_at FROM comment
        WHERE mention.subject_kind = 'comment' AND comment.id = mention.subject_id AND mention.mentioned_at <> comment.commented_at""",
]


def upgrade() -> None:
    run(INDEXES)
    run(MENTION)
