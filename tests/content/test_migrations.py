"""Each migration upgrades a database that holds data, and takes none of it away."""

from datetime import date

from chassis import migrations
from chassis.db import enter_tenant, make_engine, transaction
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from content.app import service
from content.worth import commands as worth


async def test_writing_comes_to_a_database_with_posts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    before = await migrations.upgrade(database.owner, service.migrations, roles, revision="0002")
    assert before == ["0001", "0002"]
    organization, community, author = new_id(), new_id(), new_id()
    post, gone, comment, lost = new_id(), new_id(), new_id(), new_id()
    place = f"'{organization}', '{community}'"
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', {place}, '{author}', '*早*', 'general', '2020-01-01', 'live', 3);
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, deleted_at, origin, version)
        VALUES ('{gone}', {place}, '{author}', '', 'general', '2020-01-01', now(), 'live', 2);
        INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
        VALUES ('{comment}', {place}, '{post}', '{author}', '同意', '2020-01-02', 'live', 1);
        INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, deleted_at, origin, version)
        VALUES ('{lost}', {place}, '{post}', '{author}', '', '2020-01-02', now(), 'live', 2);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0003") == ["0003"]

    def ask(query: str) -> list[str]:
        return sorted(cluster.postgres.psql(query, database=database.name).split())

    assert ask("SELECT id, kind, state, revision, ever_published, version FROM post") == sorted(
        [f"{post}|post|published|1|t|3", f"{gone}|post|removed|1|t|2"]
    )
    assert ask("SELECT id, state, version FROM comment") == sorted([f"{comment}|published|1", f"{lost}|removed|2"])
    assert ask("SELECT organization_id, kind FROM due_work WHERE kind = 'posts.render'") == [
        f"{organization}|posts.render"
    ]
    cluster.drop(database)


async def test_the_calendar_comes_to_a_database_with_posts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0003")
    organization, community, post = new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO standing_community VALUES ('{community}', '{organization}', 'town', 'Asia/Shanghai', 'open');
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', '{organization}', '{community}', '{new_id()}', '早上好', 'general', now(), 'live', 3);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0004") == ["0004"]
    theme, item, slot, occurrence = (new_id() for _ in range(4))
    found = cluster.postgres.psql(
        f"""
        INSERT INTO theme VALUES ('{theme}', '{organization}', '{community}', '{{"en": "x"}}', '{{}}', 100, false, '{post}', now(), NULL, 1);
        INSERT INTO item (id, organization_id, community_id, kind, theme_id, body, section, state, author_id, created_at, updated_at, version)
        VALUES ('{item}', '{organization}', '{community}', 'greeting', '{theme}', 'x', 'general', 'ready', '{post}', now(), now(), 1);
        INSERT INTO slot (id, organization_id, community_id, name, kind, rrule, at, starts_on, reckoned_zone, late_policy,
            tolerance_seconds, notice_hours, created_by, created_at, version)
        VALUES ('{slot}', '{organization}', '{community}', '{{"en": "x"}}', 'greeting', 'FREQ=DAILY', '07:30', '2026-01-01', 'UTC', 'skip',
            60, 24, '{post}', now(), 1);
        INSERT INTO slot_occurrence (id, organization_id, community_id, slot_id, on_date, due_at, state, notice_at, settled_at, version)
        VALUES ('{occurrence}', '{organization}', '{community}', '{slot}', '2026-01-01', now(), 'taken', now(), now(), 1);
        INSERT INTO delivery (id, organization_id, community_id, item_id, slot_id, occurrence_id, kind, late_policy, tolerance_seconds,
            due_at, state, post_id, delivered_at, requested_by, version)
        VALUES ('{new_id()}', '{organization}', '{community}', '{item}', '{slot}', '{occurrence}', 'greeting', 'skip', 60, now(),
            'delivered', '{post}', now(), '{post}', 1);
        SELECT body, version FROM post;
        """,
        database=database.name,
    )
    assert found.strip().splitlines()[-1] == "早上好|3"
    cluster.drop(database)


async def test_moderation_comes_to_a_database_with_posts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0004")
    organization, community, post, detector = new_id(), new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', '{organization}', '{community}', '{new_id()}', '早上好', 'general', now(), 'live', 3);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0005") == ["0005"]
    found = cluster.postgres.psql(
        f"""
        INSERT INTO detector (id, organization_id, community_id, name, kind, action, clause_code, clause_text, settings, subjects,
            staff, enabled, created_at, version)
        VALUES ('{detector}', '{organization}', '{community}', 'n', 'links', 'flag', '1', '{{}}', '{{"kind": "links"}}',
            '{{post}}', false, true, now(), 1);
        SELECT (SELECT version FROM post), (SELECT count(*) FROM detector)
        """,
        database=database.name,
    )
    assert found.strip().splitlines()[-1] == "3|1"
    cluster.drop(database)


async def test_reading_comes_to_a_database_with_a_discussion(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0006")
    organization, community, post, hidden, account = (new_id() for _ in range(5))
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, origin, version, mentions)
        VALUES ('{post}', '{organization}', '{community}', '{account}', '单词', 'Serendipity', 'general', now(), 'live', 1, '{{{account}}}');
        INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version, state)
        VALUES (gen_random_uuid(), '{organization}', '{community}', '{post}', '{account}', '好', now(), 'live', 1, 'published'),
            ('{hidden}', '{organization}', '{community}', '{post}', '{account}', '坏', now(), 'live', 1, 'held');
        INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version)
        SELECT gen_random_uuid(), '{organization}', '{community}', 'post', '{post}', gen_random_uuid(), emojis::text[], now(), 1
        FROM (VALUES ('{{👍}}'), ('{{👍,🎉}}'), ('{{}}')) AS given(emojis);
        """,
        database=database.name,
    )
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0007")
    found = cluster.postgres.psql(
        f"""
        SELECT comments, readers, saves, reactors, reactions FROM tally WHERE subject_id = '{post}';
        SELECT string_agg(field || ':' || replace(words, chr(1), '^'), ' ' ORDER BY subject_kind, field) FROM search_document;
        SELECT count(*) FROM mention WHERE account_id = '{account}' AND subject_id = '{post}';
        SELECT count(*) FROM search_document WHERE subject_id = '{hidden}';
        """,
        database=database.name,
    )
    assert found.strip().splitlines()[-5:] == [
        '1|0|0|2|{ "👍" : 2, "🎉" : 1 }',
        "body:好 body:单词",
        "^serendipity title:单词",
        "1",
        "0",
    ]
    cluster.drop(database)


async def test_finding_what_a_person_left_comes_to_a_database_with_texts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0007")
    organization, community, post, account = (new_id() for _ in range(4))
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', '{organization}', '{community}', '{account}', '早上好', 'general', now(), 'live', 3);
        INSERT INTO acknowledgement VALUES ('{post}', '{account}', '{organization}', gen_random_uuid(), now());
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0008") == ["0008"]
    found = cluster.postgres.psql(
        f"""
        SET enable_seqscan = off;
        SELECT body, version, (SELECT count(*) FROM acknowledgement) FROM post;
        EXPLAIN SELECT id FROM post WHERE author_id = '{account}' AND deleted_at IS NULL ORDER BY id LIMIT 500;
        """,
        database=database.name,
    )
    assert "早上好|3|1" in found
    assert "post_of_person" in found
    cluster.drop(database)


async def test_finding_by_theme_comes_to_a_database_with_mentions(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0008")
    organization, community, post, comment, account, author = (new_id() for _ in range(6))
    place = f"'{organization}', '{community}'"
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', {place}, '{author}', '早上好', 'general', '2026-01-01', 'live', 3);
        INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, mentions, state,
            ever_published, version)
        VALUES ('{comment}', {place}, '{post}', '{author}', '你好', '2026-01-02', 'live', '{{{account}}}', 'held', false, 1);
        UPDATE comment SET state = 'published', ever_published = true, commented_at = '2026-01-03' WHERE id = '{comment}';
        """,
        database=database.name,
    )
    asked = "SELECT account_id, mentioned_at::date FROM mention"
    assert f"{account}|2026-01-02" in cluster.postgres.psql(asked, database=database.name)
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0009") == ["0009"]
    assert f"{account}|2026-01-03" in cluster.postgres.psql(asked, database=database.name)
    assert cluster.postgres.psql("SELECT body, version FROM post", database=database.name).strip() == "早上好|3"
    cluster.drop(database)


async def test_worth_comes_to_a_database_with_readers(cluster: Cluster) -> None:
    """What people did before is counted afterwards as if worth had been there all along."""
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0009")
    organization, community, post, author, reader, admin = (new_id() for _ in range(6))
    place = f"'{organization}', '{community}'"
    cluster.postgres.psql(
        f"""
        INSERT INTO standing_community VALUES ('{community}', '{organization}', 'town', 'Asia/Shanghai', 'open');
        INSERT INTO standing_member SELECT '{community}', account, '{organization}', gen_random_uuid(), 'approved', '{{}}', false, false,
            '2026-01-01' FROM unnest(ARRAY['{author}', '{reader}']::uuid[]) AS account;
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        VALUES ('{post}', {place}, '{author}', '早上好', 'general', '2026-02-01 00:00Z', 'live', 1);
        -- 17:00 UTC is the next day in Shanghai.
        INSERT INTO read_mark SELECT account, '{post}', {place}, '2026-02-01 17:00Z' FROM unnest(ARRAY['{reader}', '{admin}']::uuid[]) AS account;
        INSERT INTO bookmark VALUES ('{reader}', '{post}', {place}, '2026-02-03 01:00Z');
        INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
        VALUES (gen_random_uuid(), {place}, '{post}', '{reader}', '好', '2026-01-20 01:00Z', 'live', 1);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0010") == ["0010"]

    def ask(query: str) -> list[str]:
        return sorted(cluster.postgres.psql(query, database=database.name).strip().splitlines())

    assert ask(f"SELECT day FROM worth_active_day WHERE account_id = '{reader}'") == [
        *("2026-01-20", "2026-02-02", "2026-02-03")
    ]
    assert ask("SELECT account_id FROM worth_outsider") == [str(admin)]
    assert ask("SELECT what, post_id FROM worth_touch") == [f"post|{post}"]
    assert ask("SELECT kind, key, due_at AT TIME ZONE 'UTC' FROM due_work WHERE kind = 'worth.settle'") == [
        f"worth.settle|{community}:2026-02-02|2026-02-03 16:05:00"
    ]
    engine = make_engine(database.worker)
    try:
        async with transaction(engine) as session:
            await enter_tenant(session, organization)
            await worth.settle(session, organization, community, date(2026, 2, 2))
            await worth.count_some(session, organization)
    finally:
        await engine.dispose()
    assert ask("SELECT post_id, readers, saves, discussants, compared, returned, expected FROM worth") == [
        f"{post}|1|1|1|1|1|0.035714"
    ]
    cluster.drop(database)


async def test_counting_freshness_comes_to_a_database_with_posts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0010")
    organization, community, post = (new_id() for _ in range(3))
    cluster.postgres.psql(
        f"""
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, evergreen, version)
        VALUES ('{post}', '{organization}', '{community}', '{new_id()}', '早上好', 'general', now(), 'live', true, 3);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0011") == ["0011"]
    found = cluster.postgres.psql(
        f"""
        SET enable_seqscan = off;
        SELECT body, version FROM post;
        EXPLAIN SELECT count(*) FROM post WHERE community_id = '{community}' AND state = 'published' AND (evergreen OR pin_rank IS NOT NULL);
        """,
        database=database.name,
    )
    assert "早上好|3" in found
    assert "post_kept" in found
    cluster.drop(database)


async def test_search_by_ten_days_comes_to_a_database_with_posts(cluster: Cluster) -> None:
    database = cluster.empty("content")
    roles = cluster.roles("content")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0011")
    organization, community, new, old, ancient = (new_id() for _ in range(5))
    cluster.postgres.psql(
        "".join(
            f"""INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, origin, version)
                VALUES ('{post}', '{organization}', '{community}', '{new_id()}', {title}, {body}, 'general', '{at}', 'live', 1);"""
            for post, title, body, at in (
                (new, "NULL", "'今天的单词 Serendipity'", "2026-03-01"),
                (old, "'单词'", "'别的'", "2020-03-01"),
                (ancient, "NULL", "'单词'", "1999-01-01"),
            )
        ),
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0012") == ["0012"]

    def search(terms: str) -> list[str]:
        found = cluster.postgres.psql(
            f"""
            SET hearth.organization_id = '{organization}';
            SELECT subject_id FROM search_hits('{community}', ARRAY[{terms}], '{{post,comment}}', NULL, NULL, NULL, NULL);
            """,
            database=database.name,
        )
        return found.split()

    assert search("'单词'") == [str(old), str(new), str(ancient)], "titles, then the newest"
    assert search("'seren', '词'") == [str(new)]
    cluster.drop(database)
