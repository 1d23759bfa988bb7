"""Reading: counts that are appended and folded, read marks, bookmarks, mentions, hot rankings, and words to be searched.

Counts, mentions and words to be searched follow the rows of posts, comments and reactions by triggers, so that whoever writes those, by
whatever way, cannot leave them behind. Functions that run with their owner's rights: `search_hits`.
"""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0007"
down_revision = "0006"

READ_PARTS = 16

TALLY = [
    # What was counted up to the last folding; only who folds changes a row, and nobody waits for them.
    """CREATE TABLE tally (
        subject_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        comments integer NOT NULL,
        readers integer NOT NULL,
        saves integer NOT NULL,
        reactors integer NOT NULL,
        -- As it is answered: most people first.
        reactions json NOT NULL
    )""",
]
DELTA = [
    # What happened since.
    """CREATE TABLE tally_delta (
        id bigint GENERATED ALWAYS AS IDENTITY,
        organization_id uuid NOT NULL,
        subject_id uuid NOT NULL,
        what text NOT NULL CHECK (what IN ('comments', 'readers', 'saves', 'reactors', 'emoji')),
        emoji text CHECK ((emoji IS NOT NULL) = (what = 'emoji')),
        delta integer NOT NULL
    )""",
    "CREATE INDEX tally_delta_subject ON tally_delta (subject_id)",
]
FOLDING = [
    """CREATE FUNCTION tally_reactions(folded json, added json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
        SELECT coalesce(json_object_agg(emoji, people ORDER BY people DESC, emoji), '{}') FROM (
            SELECT key AS emoji, sum(value::bigint) AS people
            FROM (SELECT * FROM json_each_text(folded) UNION ALL SELECT * FROM json_each_text(added)) AS both_counts
            GROUP BY key HAVING sum(value::bigint) <> 0) AS counted
    $$""",
    # Who finds somebody else folding leaves it to them.
    """CREATE FUNCTION tally_fold(subject uuid) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT pg_try_advisory_xact_lock(hashtextextended('tally:' || subject, 0)) THEN RETURN; END IF;
        WITH gone AS (DELETE FROM tally_delta WHERE subject_id = subject RETURNING *)
        INSERT INTO tally AS kept (subject_id, organization_id, comments, readers, saves, reactors, reactions)
            SELECT subject_id, organization_id, coalesce(sum(delta) FILTER (WHERE what = 'comments'), 0),
                coalesce(sum(delta) FILTER (WHERE what = 'readers'), 0), coalesce(sum(delta) FILTER (WHERE what = 'saves'), 0),
                coalesce(sum(delta) FILTER (WHERE what = 'reactors'), 0),
                tally_reactions('{}', coalesce(json_object_agg(emoji, delta) FILTER (WHERE what = 'emoji'), '{}'))
            FROM gone GROUP BY subject_id, organization_id
        ON CONFLICT (subject_id) DO UPDATE SET comments = kept.comments + EXCLUDED.comments, readers = kept.readers + EXCLUDED.readers,
            saves = kept.saves + EXCLUDED.saves, reactors = kept.reactors + EXCLUDED.reactors,
            reactions = tally_reactions(kept.reactions, EXCLUDED.reactions);
    END $$""",
    """CREATE FUNCTION count_comments() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO tally_delta (organization_id, subject_id, what, delta)
                SELECT organization_id, post_id, 'comments', count(*) FROM added WHERE state = 'published' GROUP BY 1, 2;
            PERFORM tally_fold(post_id) FROM (SELECT DISTINCT post_id FROM added) AS subject WHERE random() < 1.0 / 32;
        ELSIF TG_OP = 'UPDATE' THEN
            IF (OLD.state = 'published') <> (NEW.state = 'published') THEN
                INSERT INTO tally_delta (organization_id, subject_id, what, delta)
                    VALUES (NEW.organization_id, NEW.post_id, 'comments', CASE NEW.state WHEN 'published' THEN 1 ELSE -1 END);
            END IF;
        ELSIF OLD.state = 'published' THEN
            INSERT INTO tally_delta (organization_id, subject_id, what, delta)
                VALUES (OLD.organization_id, OLD.post_id, 'comments', -1);
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION count_reactions() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO tally_delta (organization_id, subject_id, what, emoji, delta)
                SELECT organization_id, subject_id, 'reactors', NULL, count(*) FROM added WHERE cardinality(emojis) > 0 GROUP BY 1, 2
                UNION ALL
                SELECT organization_id, subject_id, 'emoji', emoji, count(*) FROM added, unnest(emojis) AS emoji GROUP BY 1, 2, 4;
            PERFORM tally_fold(subject_id) FROM (SELECT DISTINCT subject_id FROM added) AS subject WHERE random() < 1.0 / 32;
            RETURN NULL;
        END IF;
        INSERT INTO tally_delta (organization_id, subject_id, what, emoji, delta)
            SELECT OLD.organization_id, OLD.subject_id, 'reactors', NULL, -1 WHERE cardinality(OLD.emojis) > 0
            UNION ALL SELECT OLD.organization_id, OLD.subject_id, 'emoji', emoji, -1 FROM unnest(OLD.emojis) AS emoji;
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO tally_delta (organization_id, subject_id, what, emoji, delta)
                SELECT NEW.organization_id, NEW.subject_id, 'reactors', NULL, 1 WHERE cardinality(NEW.emojis) > 0
                UNION ALL SELECT NEW.organization_id, NEW.subject_id, 'emoji', emoji, 1 FROM unnest(NEW.emojis) AS emoji;
            IF random() < 1.0 / 32 THEN PERFORM tally_fold(NEW.subject_id); END IF;
        END IF;
        RETURN NULL;
    END $$""",
    # Of read marks and bookmarks: the trigger's argument says which.
    """CREATE FUNCTION count_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO tally_delta (organization_id, subject_id, what, delta)
                SELECT organization_id, post_id, TG_ARGV[0], count(*) FROM added GROUP BY 1, 2;
            PERFORM tally_fold(post_id) FROM (SELECT DISTINCT post_id FROM added) AS subject WHERE random() < 1.0 / 32;
        ELSE
            INSERT INTO tally_delta (organization_id, subject_id, what, delta)
                SELECT organization_id, post_id, TG_ARGV[0], -count(*) FROM removed GROUP BY 1, 2;
        END IF;
        RETURN NULL;
    END $$""",
]
READ_MARK = [
    # That an account has read a post, and when first. By account, so that what one reads lies together; no foreign key, so that
    # readers touch no row of the post.
    """CREATE TABLE read_mark (
        account_id uuid NOT NULL,
        post_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        read_at timestamptz NOT NULL,
        PRIMARY KEY (account_id, post_id)
    ) PARTITION BY HASH (account_id)""",
    *(
        f"CREATE TABLE read_mark_{part} PARTITION OF read_mark FOR VALUES WITH (MODULUS {READ_PARTS}, REMAINDER {part})"
        for part in range(READ_PARTS)
    ),
]
HORIZON = [
    # Everything up to here counts as read.
    """CREATE TABLE read_horizon (
        account_id uuid NOT NULL,
        community_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        until timestamptz NOT NULL,
        PRIMARY KEY (account_id, community_id)
    )""",
]
BOOKMARK = [
    """CREATE TABLE bookmark (
        account_id uuid NOT NULL,
        post_id uuid NOT NULL REFERENCES post (id),
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        saved_at timestamptz NOT NULL,
        PRIMARY KEY (account_id, post_id)
    )""",
    "CREATE INDEX bookmark_listed ON bookmark (account_id, community_id, saved_at DESC, post_id DESC)",
]
MENTION = [
    """CREATE TABLE mention (
        account_id uuid NOT NULL,
        subject_id uuid NOT NULL,
        subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
        post_id uuid NOT NULL,
        author_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        mentioned_at timestamptz NOT NULL,
        PRIMARY KEY (account_id, subject_id)
    )""",
    "CREATE INDEX mention_listed ON mention (account_id, community_id, mentioned_at DESC, subject_id DESC)",
    "CREATE INDEX mention_subject ON mention (subject_id)",
]
RANKING = [
    # The hot order as it stood at one instant; pages of one reader's way through it come from one ranking.
    """CREATE TABLE hot_ranking (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        ranked_at timestamptz NOT NULL,
        formula integer NOT NULL,
        UNIQUE (community_id, ranked_at)
    )""",
]
PLACE = [
    """CREATE TABLE hot_place (
        ranking_id uuid NOT NULL REFERENCES hot_ranking (id) ON DELETE CASCADE,
        place integer NOT NULL,
        organization_id uuid NOT NULL,
        post_id uuid NOT NULL,
        score numeric NOT NULL,
        reactors integer NOT NULL,
        comments integer NOT NULL,
        saves integer NOT NULL,
        readers integer NOT NULL,
        PRIMARY KEY (ranking_id, place)
    )""",
]
WIDE, NARROW = "".join(map(chr, range(0xFF01, 0xFF5F))), "".join(map(chr, range(0x21, 0x7F)))
WORD = r"0-9a-z\u00b5\u00c0-\u0dff\u0f00-\u1fff"
DOCUMENT = [
    # What is searched: the title, and title and body together; of comments, the body.
    """CREATE TABLE search_document (
        subject_id uuid NOT NULL,
        field text NOT NULL CHECK (field IN ('title', 'body')),
        subject_kind text NOT NULL CHECK (subject_kind IN ('post', 'comment')),
        post_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        said_at timestamptz NOT NULL,
        words text NOT NULL,
        PRIMARY KEY (subject_id, field)
    )""",
    # Words as they are compared: small letters, full width as half, no mentions' ids, and a mark (U+0001) where a word of letters begins.
    f"""CREATE FUNCTION search_words(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT regexp_replace(lower(translate(regexp_replace(said, '<@[0-9a-fA-F-]{{36}}>', repeat(' ', 39), 'g'),
            U&'\\3000\\00A0' || E'\\x01' || '{WIDE.replace("'", "''")}', '   {NARROW.replace("'", "''")}') COLLATE "pg_c_utf8"),
            '([{WORD}]+)', E'\\x01\\\\1', 'g')
    $$""",
    # What is looked up: of words their beginnings of one to three letters and every three letters, of everything else (Chinese, emoji,
    # signs) each sign and every two. Salted by the community, so that one community's entries lie apart from another's. For a query,
    # `whole` is false: what a longer gram says already is left out.
    """CREATE FUNCTION search_grams(community uuid, words text, whole boolean) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT hashtextextended(gram, ('x' || right(replace(community::text, '-', ''), 16))::bit(64)::bigint)), '{}')
        FROM (
            SELECT c, kind, lag(kind) OVER w AS before, lead(c) OVER w AS c1, coalesce(lead(kind) OVER w, 0) AS k1,
                lead(c, 2) OVER w AS c2, coalesce(lead(kind, 2) OVER w, 0) AS k2, lead(c, 3) OVER w AS c3, coalesce(lead(kind, 3) OVER w, 0) AS k3
            FROM (
                SELECT c, place, CASE WHEN code = 1 THEN 1 WHEN code <= 32 OR code BETWEEN 8192 AND 8203 THEN 0
                    WHEN code BETWEEN 97 AND 122 OR code BETWEEN 48 AND 57 OR code = 181
                        OR code BETWEEN 192 AND 3583 OR code BETWEEN 3840 AND 8191 THEN 2 ELSE 3 END AS kind
                FROM string_to_table(words, NULL) WITH ORDINALITY AS letter(c, place), LATERAL ascii(c) AS code) AS sorts
            WINDOW w AS (ORDER BY place)) AS signs,
        LATERAL (
            SELECT c || c1 WHERE kind = 1 AND (whole OR k2 <> 2)
            UNION ALL SELECT c || c1 || c2 WHERE kind = 1 AND k2 = 2 AND (whole OR k3 <> 2)
            UNION ALL SELECT c || c1 || c2 || c3 WHERE kind = 1 AND k2 = 2 AND k3 = 2
            UNION ALL SELECT c || c1 || c2 WHERE kind = 2 AND k1 = 2 AND k2 = 2 AND (whole OR before <> 1)
            UNION ALL SELECT c WHERE kind = 3 AND (whole OR (k1 <> 3 AND coalesce(before, 0) <> 3))
            UNION ALL SELECT c || c1 WHERE kind = 3 AND k1 = 3) AS found(gram)
    $$""",
    "CREATE INDEX search_document_newest ON search_document (community_id, field, said_at DESC, subject_id DESC)",
    "CREATE INDEX search_document_grams ON search_document USING gin (search_grams(community_id, words, true))",
    "CREATE INDEX search_document_post ON search_document (post_id)",
]
FOLLOWING = [
    """CREATE FUNCTION post_document(id uuid, organization uuid, community uuid, title text, body text, said_at timestamptz)
        RETURNS SETOF search_document LANGUAGE sql STABLE AS $$
        SELECT id, field, 'post', id, organization, community, said_at, search_words(words)
        FROM (VALUES ('title', title), ('body', concat_ws(E'\\n', title, body))) AS fields(field, words) WHERE words IS NOT NULL
    $$""",
    """CREATE FUNCTION follow_posts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_document SELECT document.* FROM added,
            LATERAL post_document(id, organization_id, community_id, title, body, published_at) AS document WHERE state = 'published';
        INSERT INTO mention SELECT account, id, 'post', id, author_id, organization_id, community_id, published_at
            FROM added, unnest(mentions) AS account ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION follow_post() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM search_document WHERE subject_id = NEW.id;
        INSERT INTO search_document SELECT * FROM post_document(
            NEW.id, NEW.organization_id, NEW.community_id, NEW.title, NEW.body, NEW.published_at) WHERE NEW.state = 'published';
        DELETE FROM mention WHERE subject_id = NEW.id AND (account_id <> ALL (NEW.mentions) OR mentioned_at <> NEW.published_at);
        INSERT INTO mention SELECT account, NEW.id, 'post', NEW.id, NEW.author_id, NEW.organization_id, NEW.community_id, NEW.published_at
            FROM unnest(NEW.mentions) AS account ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION follow_comments() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_document SELECT id, 'body', 'comment', post_id, organization_id, community_id, commented_at, search_words(body)
            FROM added WHERE state = 'published';
        INSERT INTO mention SELECT account, id, 'comment', post_id, author_id, organization_id, community_id, commented_at
            FROM added, unnest(mentions) AS account ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION follow_comment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM search_document WHERE subject_id = NEW.id;
        INSERT INTO search_document SELECT NEW.id, 'body', 'comment', NEW.post_id, NEW.organization_id, NEW.community_id,
            NEW.commented_at, search_words(NEW.body) WHERE NEW.state = 'published';
        DELETE FROM mention WHERE subject_id = NEW.id AND account_id <> ALL (NEW.mentions);
        INSERT INTO mention SELECT account, NEW.id, 'comment', NEW.post_id, NEW.author_id, NEW.organization_id, NEW.community_id, NEW.commented_at
            FROM unnest(NEW.mentions) AS account ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION forget_subject() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM search_document WHERE subject_id = OLD.id;
        DELETE FROM mention WHERE subject_id = OLD.id;
        RETURN NULL;
    END $$""",
]
# Row-level security keeps the planner from an index behind operators that might tell what they saw, so this function runs with its
# owner's rights and repeats the conditions: the tenant, the community, published posts and comments, and the caller's groups (null: all).
SEARCH = [
    """CREATE TYPE search_hit AS (field text, subject_kind text, subject_id uuid, post_id uuid, said_at timestamptz)""",
    """CREATE FUNCTION search_hits(community uuid, terms text[], kinds text[], caller_groups uuid[], first_field text,
        before timestamptz, before_id uuid) RETURNS SETOF search_hit
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        tenant uuid := current_setting('hearth.organization_id')::uuid;
        needles text[] := ARRAY(SELECT search_words(term) FROM unnest(terms) AS term);
        wanted bigint[] := ARRAY(SELECT DISTINCT gram FROM unnest(needles) AS needle, unnest(search_grams(community, needle, false)) AS gram);
        single boolean := cardinality(terms) = 1;
        searched text;
        picked search_hit[];
        near integer;
        latest timestamptz := before;
        latest_id uuid := before_id;
        many integer := 0;
    BEGIN
        IF cardinality(wanted) = 0 THEN RETURN; END IF;
        FOREACH searched IN ARRAY CASE first_field WHEN 'body' THEN ARRAY['body'] ELSE ARRAY['title', 'body'] END LOOP
            picked := NULL;
            latest := coalesce(latest, 'infinity');
            latest_id := coalesce(latest_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
            -- How often it is said lately decides the way: what many say is found by walking from the newest.
            SELECT count(*) INTO near FROM (
                SELECT words FROM search_document WHERE community_id = community AND organization_id = tenant AND field = searched
                    AND (said_at, subject_id) < (latest, latest_id) ORDER BY said_at DESC, subject_id DESC LIMIT 300) AS newest
            WHERE strpos(words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos(words, needle) > 0) FROM unnest(needles) AS needle));
            IF near >= 3 THEN
                SELECT array_agg(ROW(field, subject_kind, subject_id, post_id, said_at)::search_hit) INTO picked FROM (
                    SELECT newest.* FROM (
                        SELECT * FROM search_document WHERE community_id = community AND organization_id = tenant AND field = searched
                            AND (said_at, subject_id) < (latest, latest_id) ORDER BY said_at DESC, subject_id DESC LIMIT 20000) AS newest
                    WHERE subject_kind = ANY(kinds)
                        AND strpos(words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos(words, needle) > 0) FROM unnest(needles) AS needle))
                        AND EXISTS (SELECT FROM post WHERE post.id = newest.post_id AND post.state = 'published'
                            AND (caller_groups IS NULL OR post.group_id IS NULL OR post.group_id = ANY(caller_groups)))
                        AND NOT (searched = 'body' AND subject_kind = 'post' AND EXISTS (
                            SELECT FROM search_document AS title WHERE title.subject_id = newest.subject_id AND title.field = 'title'
                                AND strpos(title.words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos(title.words, needle) > 0) FROM unnest(needles) AS needle))))
                    ORDER BY said_at DESC, subject_id DESC LIMIT 51) AS found;
            END IF;
            IF coalesce(cardinality(picked), 0) < 51 THEN
                WITH matching AS MATERIALIZED (
                    SELECT * FROM search_document WHERE search_grams(community_id, words, true) @> wanted
                        AND community_id = community AND organization_id = tenant AND field = searched
                        AND (said_at, subject_id) < (latest, latest_id) AND subject_kind = ANY(kinds)
                        AND strpos(words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos(words, needle) > 0) FROM unnest(needles) AS needle)))
                SELECT array_agg(ROW(field, subject_kind, subject_id, post_id, said_at)::search_hit) INTO picked FROM (
                    SELECT * FROM matching
                    WHERE EXISTS (SELECT FROM post WHERE post.id = matching.post_id AND post.state = 'published'
                            AND (caller_groups IS NULL OR post.group_id IS NULL OR post.group_id = ANY(caller_groups)))
                        AND NOT (searched = 'body' AND subject_kind = 'post' AND EXISTS (
                            SELECT FROM search_document AS title WHERE title.subject_id = matching.subject_id AND title.field = 'title'
                                AND strpos(title.words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos(title.words, needle) > 0) FROM unnest(needles) AS needle))))
                    ORDER BY said_at DESC, subject_id DESC LIMIT 51) AS found;
            END IF;
            RETURN QUERY SELECT * FROM unnest(picked);
            many := many + coalesce(cardinality(picked), 0);
            EXIT WHEN many > 50;
            latest := NULL;
            latest_id := NULL;
        END LOOP;
    END $$""",
]
TRIGGERS = [
    """CREATE TRIGGER count_inserted AFTER INSERT ON comment REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION count_comments()""",
    """CREATE TRIGGER count_changed AFTER UPDATE OF state OR DELETE ON comment FOR EACH ROW EXECUTE FUNCTION count_comments()""",
    """CREATE TRIGGER count_inserted AFTER INSERT ON reaction REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION count_reactions()""",
    """CREATE TRIGGER count_changed AFTER UPDATE OF emojis ON reaction FOR EACH ROW
        WHEN (OLD.emojis IS DISTINCT FROM NEW.emojis) EXECUTE FUNCTION count_reactions()""",
    "CREATE TRIGGER count_deleted AFTER DELETE ON reaction FOR EACH ROW EXECUTE FUNCTION count_reactions()",
    *(
        f"""CREATE TRIGGER count_{name} AFTER {event} ON {table} REFERENCING {transition} AS {rows}
            FOR EACH STATEMENT EXECUTE FUNCTION count_accounts('{what}')"""
        for table, what in (("read_mark", "readers"), ("bookmark", "saves"))
        for name, event, transition, rows in (
            ("inserted", "INSERT", "NEW TABLE", "added"),
            ("deleted", "DELETE", "OLD TABLE", "removed"),
        )
    ),
    """CREATE TRIGGER followed AFTER INSERT ON post REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION follow_posts()""",
    """CREATE TRIGGER followed_again AFTER UPDATE OF title, body, state, published_at, mentions ON post FOR EACH ROW
        WHEN ((OLD.title, OLD.body, OLD.state, OLD.published_at, OLD.mentions)
            IS DISTINCT FROM (NEW.title, NEW.body, NEW.state, NEW.published_at, NEW.mentions)) EXECUTE FUNCTION follow_post()""",
    "CREATE TRIGGER forgotten AFTER DELETE ON post FOR EACH ROW EXECUTE FUNCTION forget_subject()",
    """CREATE TRIGGER followed AFTER INSERT ON comment REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION follow_comments()""",
    """CREATE TRIGGER followed_again AFTER UPDATE OF body, state, mentions ON comment FOR EACH ROW
        WHEN ((OLD.body, OLD.state, OLD.mentions) IS DISTINCT FROM (NEW.body, NEW.state, NEW.mentions)) EXECUTE FUNCTION follow_comment()""",
    "CREATE TRIGGER forgotten AFTER DELETE ON comment FOR EACH ROW EXECUTE FUNCTION forget_subject()",
]
# What was said before.
FILLING = [
    """INSERT INTO tally (subject_id, organization_id, comments, readers, saves, reactors, reactions)
        SELECT subject_id, organization_id, sum(comments), 0, 0, sum(reactors),
            tally_reactions('{}', coalesce(json_object_agg(emoji, people) FILTER (WHERE emoji IS NOT NULL), '{}'))
        FROM (
            SELECT post_id AS subject_id, organization_id, count(*) AS comments, 0 AS reactors, NULL AS emoji, 0 AS people
                FROM comment WHERE state = 'published' GROUP BY 1, 2
            UNION ALL SELECT subject_id, organization_id, 0, count(*), NULL, 0 FROM reaction WHERE cardinality(emojis) > 0 GROUP BY 1, 2
            UNION ALL SELECT subject_id, organization_id, 0, 0, emoji, count(*) FROM reaction, unnest(emojis) AS emoji GROUP BY 1, 2, 5
        ) AS counted GROUP BY 1, 2""",
    """INSERT INTO search_document SELECT document.* FROM post,
        LATERAL post_document(id, organization_id, community_id, title, body, published_at) AS document WHERE state = 'published'""",
    """INSERT INTO search_document SELECT id, 'body', 'comment', post_id, organization_id, community_id, commented_at, search_words(body)
        FROM comment WHERE state = 'published'""",
    """INSERT INTO mention SELECT account, id, 'post', id, author_id, organization_id, community_id, published_at
        FROM post, unnest(mentions) AS account ON CONFLICT DO NOTHING""",
    """INSERT INTO mention SELECT account, id, 'comment', post_id, author_id, organization_id, community_id, commented_at
        FROM comment, unnest(mentions) AS account ON CONFLICT DO NOTHING""",
]


def upgrade() -> None:
    for table, statements in (
        ("tally", TALLY),
        ("tally_delta", DELTA),
        ("read_mark", READ_MARK),
        ("read_horizon", HORIZON),
        ("bookmark", BOOKMARK),
        ("mention", MENTION),
        ("hot_ranking", RANKING),
        ("hot_place", PLACE),
        ("search_document", DOCUMENT),
    ):
        run(statements)
        run(tenant_table(table, roles()))
    run(FOLDING)
    run(FOLLOWING)
    run(SEARCH)
    signature = "search_hits(uuid, text[], text[], uuid[], text, timestamptz, uuid)"
    run(
        [
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {signature} TO {roles().application}",
        ]
    )
    run(FILLING)
    run(TRIGGERS)
