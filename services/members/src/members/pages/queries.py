"""All that members knows of one member, in one statement."""

from __future__ import annotations

from uuid import UUID

import orjson

from chassis.auth import Standing
from chassis.db import Reader
from chassis.errors import not_found
from members import reasons
from members.pages.schemas import MemberFileOut
from members.reasons import Reason

# $2 is the community, $3 the account, $4 whether the caller reads what is written for managers, $5 whether notes are for the caller.
_FILE = """
SELECT json_build_object(
    'account', json_build_object('id', account.id, 'display_name', account.display_name, 'avatar_url', account.avatar_url,
        'bio', account.bio, 'locale', account.locale, 'zone', account.zone, 'bot', account.bot,
        'merged_into', account.merged_into),
    'membership', json_build_object('id', membership.id, 'state', membership.state, 'roles', membership.roles,
        'staff', membership.staff, 'message', CASE WHEN $4::boolean THEN membership.message END,
        'reason', CASE WHEN $4::boolean THEN membership.reason END, 'applied_at', membership.applied_at,
        'decided_at', membership.decided_at, 'joined_at', membership.joined_at, 'ended_at', membership.ended_at,
        'version', membership.version),
    'owner', (SELECT json_build_object('id', owner.id, 'display_name', owner.display_name, 'avatar_url', owner.avatar_url)
        FROM account AS owner WHERE owner.id = membership.owner_id),
    'notes', CASE WHEN $5::boolean THEN coalesce((SELECT json_agg(json_build_object('id', newest.id, 'body', newest.body,
            'written_at', newest.written_at, 'author', json_build_object('id', author.id,
            'display_name', author.display_name, 'avatar_url', author.avatar_url)) ORDER BY newest.id DESC)
        FROM (SELECT * FROM membership_note AS note WHERE note.membership_id = membership.id AND note.deleted_at IS NULL
            ORDER BY note.id DESC LIMIT 10) AS newest
        JOIN account AS author ON author.id = newest.author_id), '[]') END,
    'notes_count', CASE WHEN $5::boolean THEN (SELECT count(*) FROM membership_note AS note
        WHERE note.membership_id = membership.id AND note.deleted_at IS NULL) END,
    'tags', array(SELECT held.tag FROM membership_tag AS held
        WHERE held.community_id = $2 AND held.account_id = $3 ORDER BY held.tag),
    'groups', coalesce((SELECT json_agg(json_build_object('id', one.id, 'name', one.name, 'dimension', one.dimension,
            'joined_at', seat.joined_at, 'host', $3 = ANY(one.hosts)) ORDER BY seat.joined_at, one.id)
        FROM group_member AS seat JOIN community_group AS one ON one.id = seat.group_id
        WHERE seat.community_id = $2 AND seat.account_id = $3), '[]'),
    'segments', coalesce((SELECT json_agg(json_build_object('id', listed.id, 'name', listed.name,
            'entered_at', listed.entered_at) ORDER BY listed.id)
        FROM (SELECT segment.id, segment.name, inside.entered_at FROM segment_member AS inside
            JOIN segment ON segment.id = inside.segment_id AND segment.deleted_at IS NULL
            WHERE inside.community_id = $2 AND inside.account_id = $3 ORDER BY segment.id LIMIT 100) AS listed), '[]'),
    'tier', (SELECT json_build_object('code', held.tier_code, 'since', held.since, 'grace_until', held.grace_until,
            'manual_until', held.manual_until, 'standard_version', held.standard_version, 'reason', last.reason,
            'note', last.note)
        FROM tier_member AS held LEFT JOIN LATERAL (SELECT move.reason, move.note FROM tier_move AS move
            WHERE move.community_id = $2 AND move.account_id = $3 ORDER BY move.id DESC LIMIT 1) AS last ON true
        WHERE held.community_id = $2 AND held.account_id = $3 AND held.tier_code IS NOT NULL),
    'application', (SELECT json_build_object('id', asked.id, 'state', asked.state, 'submitted_at', asked.submitted_at,
            'decided_at', asked.decided_at, 'score', asked.score, 'persona', persona.name, 'outcome', why.outcome,
            'judged_by', why.judged_by, 'why', CASE WHEN why.reason_code IS NOT NULL THEN json_build_object(
                'code', why.reason_code, 'params', why.reason_params, 'words', why.words) END,
            'entry_link', CASE WHEN link.id IS NOT NULL THEN
                json_build_object('id', link.id, 'channel', link.channel, 'title', link.title) END)
        FROM application AS asked LEFT JOIN persona ON persona.id = asked.persona_id
        LEFT JOIN entry_link AS link ON link.id = asked.link_id
        LEFT JOIN LATERAL (SELECT * FROM application_decision AS decision
            WHERE decision.application_id = asked.id AND decision.undone_at IS NULL ORDER BY number DESC LIMIT 1) AS why ON true
        WHERE asked.community_id = $2 AND asked.account_id = $3 ORDER BY asked.id DESC LIMIT 1),
    'applications_count', (SELECT count(*) FROM application AS asked
        WHERE asked.community_id = $2 AND asked.account_id = $3),
    'silence_notice', (SELECT json_build_object('id', notice.id, 'state', notice.state, 'given_at', notice.given_at,
            'remove_at', notice.remove_at, 'appealed_at', notice.appealed_at)
        FROM silence_notice AS notice WHERE notice.community_id = $2 AND notice.account_id = $3
        ORDER BY notice.id DESC LIMIT 1))
FROM membership JOIN account ON account.id = membership.account_id
WHERE membership.community_id = $2 AND membership.account_id = $3
"""


async def get_file(reader: Reader, standing: Standing, account_id: UUID, language: str) -> MemberFileOut:
    """Return what members knows of one member. Raises Problem 404 for who never applied here."""
    caller = standing.principal
    found = await reader.json(
        caller.organization_id,
        _FILE,
        standing.community_id,
        account_id,
        standing.has(),
        account_id != caller.account_id,
    )
    if found is None:
        raise not_found("member")
    document = orjson.loads(found)
    application = document["application"]
    if application is not None:
        why = application.pop("why")
        application["reason"] = why and {
            "code": why["code"],
            "text": reasons.choose(why["words"], language)
            or reasons.render(Reason(why["code"], why["params"]), language),
        }
    return MemberFileOut.model_validate(document)
