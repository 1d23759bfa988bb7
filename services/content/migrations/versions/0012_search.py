"""Search that does not grow with a community: what is looked up lies apart by field and by ten days, and is asked from the newest on.

Before, a word that many had said was looked up in all texts of the community at once, titles and bodies together. Now each ten days are
asked by themselves, the newest first, and the asking ends with a full page. Replaces `search_hits`, which runs with its owner's rights.
"""

from __future__ import annotations

from chassis.migrations import run

revision = "0012"
down_revision = "0011"

GRAMS = [
    "DROP INDEX search_document_grams",
    "DROP FUNCTION search_grams",
    # What is looked up: of words their beginnings of one to three letters and every three letters, of everything else (Chinese, emoji,
    # signs) each sign and every two. For a query, `whole` is false: what a longer gram says already is left out. A gram is a number made
    # of its signs, each a code point with its kind in the last two bits: 1 begins a word, 2 is of a word, 3 is none; letters that form
    # words have small code points, so three of them fit. PostgreSQL would plan the statement anew for every text, for twice the time.
    """CREATE FUNCTION search_grams(words text, whole boolean) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
        SET plan_cache_mode = force_generic_plan AS $$
        SELECT coalesce(array_agg(DISTINCT gram), '{}') FROM (
            SELECT unnest(CASE s0 & 3
                WHEN 3 THEN CASE WHEN s1 & 3 = 3 THEN CASE WHEN whole THEN ARRAY[s0, s0 << 32 | s1] ELSE ARRAY[s0 << 32 | s1] END
                    WHEN whole OR coalesce(s & 3, 0) <> 3 THEN ARRAY[s0] END
                WHEN 2 THEN CASE WHEN s1 & 3 = 2 AND s2 & 3 = 2 AND (whole OR coalesce(s & 3, 0) <> 1) THEN ARRAY[s0 << 16 | s1 << 16 | s2] END
                WHEN 1 THEN CASE WHEN coalesce(s2 & 3, 0) <> 2 THEN ARRAY[-s1]
                    WHEN whole THEN ARRAY[-s1, -(s1 << 16 | s2), CASE WHEN s3 & 3 = 2 THEN -(s1 << 16 | s2 << 16 | s3) END]
                    WHEN s3 & 3 = 2 THEN ARRAY[-(s1 << 16 | s2 << 16 | s3)] ELSE ARRAY[-(s1 << 16 | s2)] END END) AS gram
            FROM (
                SELECT lag(sign) OVER w AS s, sign AS s0, lead(sign) OVER w AS s1, lead(sign, 2) OVER w AS s2, lead(sign, 3) OVER w AS s3
                FROM (
                    SELECT place, code * 4::bigint + CASE WHEN code = 1 THEN 1 WHEN code <= 32 OR code BETWEEN 8192 AND 8203 THEN 0
                        WHEN code BETWEEN 97 AND 122 OR code BETWEEN 48 AND 57 OR code = 181
                            OR code BETWEEN 192 AND 3583 OR code BETWEEN 3840 AND 8191 THEN 2 ELSE 3 END AS sign
                    FROM (SELECT ascii(c) AS code, place FROM string_to_table(words, NULL) WITH ORDINALITY AS letter(c, place) OFFSET 0) AS codes) AS signs
                WINDOW w AS (ORDER BY place)) AS around) AS found WHERE gram IS NOT NULL
    $$""",
    # Ten days, by their number since 2010; what is older, and what is said to be of after 2100, is of the first and of the last.
    """CREATE FUNCTION search_slice(said_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT floor(extract(epoch FROM least(greatest(said_at, '2010-01-01Z'), '2100-01-01Z') AT TIME ZONE 'UTC') / 864000)::bigint
    $$""",
    # Grams of a field of one community's texts of the same ten days lie together, apart from all others.
    """CREATE FUNCTION search_salt(community uuid, field text, slice bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT hashtextextended(community::text || field, slice)
    $$""",
    """CREATE FUNCTION search_keys(salt bigint, grams bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
        SET plan_cache_mode = force_generic_plan AS $$
        SELECT coalesce(array_agg(hashint8extended(gram, salt)), '{}') FROM unnest(grams) AS gram
    $$""",
    # What was written last waits in a list that every search reads: a short one.
    """CREATE INDEX search_document_keys ON search_document USING gin (
        search_keys(search_salt(community_id, field, search_slice(said_at)), search_grams(words, true))) WITH (gin_pending_list_limit = 256)""",
]

_SAID = """strpos({of}words, needles[1]) > 0 AND (single OR (SELECT bool_and(strpos({of}words, needle) > 0) FROM unnest(needles) AS needle))"""
_PLACE = """community_id = community AND organization_id = tenant AND field = searched AND (said_at, subject_id) < (latest, latest_id)
    AND subject_kind = ANY(kinds)"""
_LOOKED_UP = """SELECT * FROM search_document
    WHERE search_keys(search_salt(community_id, field, search_slice(said_at)), search_grams(words, true)) @> asked.keys"""
_ORDER = "ORDER BY said_at DESC, subject_id DESC"
# Ten days after ten days, backwards, and no further than the page needs. What few said in them is looked up and put in order; what many
# said is found by walking through them from their newest. Then, hit after hit in the order in which they come and as many as the page
# needs (LATERAL, OFFSET 0): whether the caller sees the post; a text whose title was told before is not told again.
_FOUND = f"""
    SELECT found.* FROM generate_series(search_slice(newest), search_slice(oldest), -1) AS slice,
    LATERAL (SELECT ARRAY(SELECT hashint8extended(gram, search_salt(community, searched, slice)) FROM unnest(wanted) AS gram) AS keys,
        CASE WHEN slice > search_slice('-infinity') THEN to_timestamp(slice * 864000) ELSE '-infinity' END AS begins,
        CASE WHEN slice < search_slice('infinity') THEN to_timestamp((slice + 1) * 864000) ELSE 'infinity' END AS ends OFFSET 0) AS asked,
    LATERAL (SELECT count(*) AS sayings FROM (SELECT FROM ({_LOOKED_UP} LIMIT 300) AS part) AS counted OFFSET 0) AS many,
    LATERAL (
        SELECT said.* FROM (
            SELECT * FROM (
                SELECT * FROM ({_LOOKED_UP} OFFSET 0) AS looked_up
                WHERE {_PLACE} AND {_SAID.format(of="")} {_ORDER} OFFSET 0) AS few WHERE sayings BETWEEN 1 AND 299
            UNION ALL
            SELECT * FROM (
                SELECT * FROM (SELECT * FROM search_document WHERE {_PLACE} AND said_at >= begins AND said_at < ends {_ORDER} OFFSET 0) AS walked
                WHERE {_SAID.format(of="")} OFFSET 0) AS hot WHERE sayings = 300) AS said
        JOIN LATERAL (SELECT FROM post WHERE post.id = said.post_id AND post.state = 'published'
            AND (caller_groups IS NULL OR post.group_id IS NULL OR post.group_id = ANY(caller_groups)) OFFSET 0) AS seen ON true
        LEFT JOIN LATERAL (SELECT true AS told FROM search_document AS title WHERE searched = 'body' AND said.subject_kind = 'post'
            AND title.subject_id = said.subject_id AND title.field = 'title' AND {_SAID.format(of="title.")} OFFSET 0) AS title ON true
        WHERE title.told IS NULL LIMIT 51) AS found
    LIMIT 51"""

# Row-level security keeps the planner from an index behind operators that might tell what they saw, so this function runs with its
# owner's rights and repeats the conditions: the tenant, the community, published posts and comments, and the caller's groups (null: all).
# Its statements are planned once for each connection, and only in ways that begin at the newest or at the looked-up keys.
SEARCH = f"""CREATE OR REPLACE FUNCTION search_hits(community uuid, terms text[], kinds text[], caller_groups uuid[], first_field text,
    before timestamptz, before_id uuid) RETURNS SETOF search_hit
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    tenant uuid := current_setting('hearth.organization_id')::uuid;
    needles text[] := ARRAY(SELECT search_words(term) FROM unnest(terms) AS term);
    -- A few find little more than all of them would; beginnings of words come first.
    wanted bigint[] := ARRAY(SELECT gram FROM unnest(needles) AS needle, unnest(search_grams(needle, false)) AS gram
        GROUP BY gram ORDER BY gram > 0, hashint8(gram) LIMIT 5);
    single boolean := cardinality(terms) = 1;
    searched text;
    picked search_hit[];
    latest timestamptz := before;
    latest_id uuid := before_id;
    newest timestamptz;
    oldest timestamptz;
    many integer := 0;
BEGIN
    IF cardinality(wanted) = 0 THEN RETURN; END IF;
    FOREACH searched IN ARRAY CASE first_field WHEN 'body' THEN ARRAY['body'] ELSE ARRAY['title', 'body'] END LOOP
        latest := coalesce(latest, 'infinity');
        latest_id := coalesce(latest_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
        SELECT said_at INTO newest FROM search_document WHERE {_PLACE} {_ORDER} LIMIT 1;
        IF newest IS NOT NULL THEN
            SELECT said_at INTO oldest FROM search_document
                WHERE community_id = community AND field = searched ORDER BY said_at, subject_id LIMIT 1;
            SELECT array_agg(ROW(field, subject_kind, subject_id, post_id, said_at)::search_hit {_ORDER}) INTO picked FROM ({_FOUND}) AS page;
            RETURN QUERY SELECT * FROM unnest(picked);
            many := many + coalesce(cardinality(picked), 0);
            EXIT WHEN many > 50;
        END IF;
        latest := NULL;
        latest_id := NULL;
    END LOOP;
END $$"""


def upgrade() -> None:
    run(GRAMS)
    run([SEARCH])
