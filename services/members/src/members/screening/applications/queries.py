"""Reading applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityRole, CommunityState
from members import reasons
from members.memberships.schemas import MemberCard
from members.reasons import Reason
from members.screening.applications import policy
from members.screening.applications.models import Application, ApplicationDecision
from members.screening.applications.policy import State
from members.screening.applications.schemas import ApplicationOut, DecisionOut, DuplicateOut, ReasonOut
from members.screening.forms import queries as forms
from members.screening.personas import queries as personas
from members.screening.policies import queries as policies

_OUT = """
SELECT application.*, account.display_name, account.avatar_url, persona.name AS persona_name,
    why.reason_code, why.reason_params, why.words, why.judged_by, why.outcome
FROM application JOIN account ON account.id = application.account_id
LEFT JOIN persona ON persona.id = application.persona_id
LEFT JOIN LATERAL (
    SELECT * FROM application_decision AS decision
    WHERE decision.application_id = application.id AND decision.undone_at IS NULL ORDER BY number DESC LIMIT 1
) AS why ON true
WHERE application.community_id = :community_id
"""

_DUPLICATES = text("""
SELECT mine.id AS of_id, other.id, other.community_id, other.account_id, other.state, other.submitted_at,
    coalesce(other.contact_hash = mine.contact_hash, false) AS same_contact,
    coalesce(other.device_hash = mine.device_hash, false) AS same_device
FROM application AS mine CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT one.id, one.community_id, one.account_id, one.state, one.submitted_at, one.contact_hash, one.device_hash
        FROM application AS one WHERE one.organization_id = mine.organization_id
            AND one.contact_hash = mine.contact_hash AND one.account_id <> mine.account_id
        UNION
        SELECT one.id, one.community_id, one.account_id, one.state, one.submitted_at, one.contact_hash, one.device_hash
        FROM application AS one WHERE one.organization_id = mine.organization_id
            AND one.device_hash = mine.device_hash AND one.account_id <> mine.account_id
    ) AS either ORDER BY either.id DESC LIMIT 10
) AS other
WHERE mine.id = ANY(CAST(:ids AS uuid[]))
ORDER BY other.id DESC
""")

_ORDER = {State.IN_REVIEW: "deadline", State.WAITING: "waiting_since"}
"""What is due first comes first; everything else newest first."""


async def find_open(session: Session, community_id: UUID, account_id: UUID) -> Application | None:
    """Return an account's application that is not decided."""
    found = await session.execute(
        select(Application).where(
            col(Application.community_id) == community_id,
            col(Application.account_id) == account_id,
            col(Application.state).in_(policy.OPEN),
        )
    )
    return found.scalar_one_or_none()


async def last_rejected_at(session: Session, community_id: UUID, account_id: UUID) -> datetime | None:
    """Return when an account was declined, None unless its last application was."""
    found = await session.execute(
        select(col(Application.state), col(Application.decided_at))
        .where(col(Application.community_id) == community_id, col(Application.account_id) == account_id)
        .order_by(col(Application.id).desc())
        .limit(1)
    )
    row = found.one_or_none()
    return row[1] if row is not None and row[0] == State.REJECTED else None


async def personas_of(session: Session, community_id: UUID, ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """Return application → persona, for those that the community has: what to lock first."""
    found = await session.execute(
        select(col(Application.id), col(Application.persona_id)).where(
            col(Application.community_id) == community_id, col(Application.id).in_(list(ids))
        )
    )
    return {row[0]: row[1] for row in found.all()}


async def lock(session: Session, community_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Application]:
    """Return applications with their rows locked, in one order for everybody."""
    found = await session.execute(
        select(Application)
        .where(col(Application.community_id) == community_id, col(Application.id).in_(list(ids)))
        .order_by(col(Application.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in found.scalars()}


async def get_for_update(session: Session, community_id: UUID, application_id: UUID) -> Application:
    """Return an application with its row locked. Raises Problem 404."""
    found = await lock(session, community_id, [application_id])
    if application_id not in found:
        raise not_found("application")
    return found[application_id]


async def find_last_decision(session: Session, application_id: UUID) -> ApplicationDecision | None:
    """Return the newest judgement, undone or not."""
    found = await session.execute(
        select(ApplicationDecision)
        .where(col(ApplicationDecision.application_id) == application_id)
        .order_by(col(ApplicationDecision.number).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def has_acted(session: Session, community_id: UUID, account_id: UUID) -> bool:
    """Whether a member has done anything in the community."""
    found = await session.execute(
        text(
            "SELECT EXISTS (SELECT FROM member_facts WHERE community_id = :community_id AND account_id = :account_id)"
        ),
        {"community_id": community_id, "account_id": account_id},
    )
    return bool(found.scalar_one())


async def out(session: Session, standing: Standing, application_id: UUID, language: str) -> ApplicationOut:
    """Return an application as this caller sees it. Raises Problem 404."""
    rows = await session.execute(
        text(f"{_OUT} AND application.id = :id"), {"community_id": standing.community_id, "id": application_id}
    )
    row = rows.mappings().one_or_none()
    if row is None or not (row["account_id"] == standing.principal.account_id or _reviews(standing)):
        raise not_found("application")
    return (await _as_seen(session, standing, [row], language))[0]


async def out_own(session: Session, standing: Standing, language: str) -> ApplicationOut:
    """Return the caller's newest application. Raises Problem 404 before the first."""
    rows = await session.execute(
        text(f"{_OUT} AND application.account_id = :account_id ORDER BY application.id DESC LIMIT 1"),
        {"community_id": standing.community_id, "account_id": standing.principal.account_id},
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise not_found("application")
    return (await _as_seen(session, standing, [row], language))[0]


async def list_queue(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    language: str,
    *,
    state: State,
    limit: int,
    cursor: str | None,
) -> Page[ApplicationOut]:
    """Return the applications in a state, what is due first first."""
    scope = f"applications:{standing.principal.organization_id}:{standing.community_id}:{state}"
    after = cursors.decode(scope, cursor)
    column = _ORDER.get(state)
    values: dict[str, Any] = {"community_id": standing.community_id, "state": state, "limit": limit + 1}
    place, order = "", "application.id DESC"
    if column:
        order = f"application.{column}, application.id"
    if after and column:
        place = f"AND (application.{column}, application.id) > (:at, :id)"
        values |= {"at": datetime.fromisoformat(after[0]), "id": UUID(after[1])}
    elif after:
        place = "AND application.id < :id"
        values |= {"id": UUID(after[1])}
    rows = await session.execute(
        text(f"{_OUT} AND application.state = :state {place} ORDER BY {order} LIMIT :limit"), values
    )
    found = rows.mappings().all()
    return Page[ApplicationOut](
        data=await _as_seen(session, standing, found[:limit], language),
        next_cursor=cursors.following(scope, found, limit, lambda row: (row[column] if column else None, row["id"])),
    )


def _reviews(standing: Standing) -> bool:
    return standing.has(CommunityRole.MODERATOR)


async def _as_seen(session: Session, standing: Standing, rows: Sequence[Any], language: str) -> list[ApplicationOut]:
    reviews = _reviews(standing)
    duplicates = await _duplicates(session, [row["id"] for row in rows]) if reviews and rows else {}
    now = clock.now()
    living = standing.community_state is not CommunityState.ARCHIVED
    seen = []
    for row in rows:
        state = State(row["state"])
        own = row["account_id"] == standing.principal.account_id
        recent = row["decided_at"] is not None and policy.may_undo(row["decided_at"], now)
        private: dict[str, Any] = {"score": None, "persona": None, "duplicates": None}
        if reviews:
            named = {"id": row["persona_id"], "name": row["persona_name"]} if row["persona_id"] else None
            private = {"score": row["score"], "persona": named, "duplicates": duplicates.get(row["id"], [])}
        decided = row["outcome"] in {State.APPROVED, State.REJECTED} and state not in policy.OPEN
        seen.append(
            ApplicationOut.model_validate(
                {
                    **row,
                    **private,
                    "applicant": MemberCard(
                        id=row["account_id"], display_name=row["display_name"], avatar_url=row["avatar_url"]
                    ),
                    "reason": _reason(row, language, reviews=reviews) if _tells(state) else None,
                    "automatic": row["judged_by"] != "reviewer" if decided else None,
                    "overdue": row["overdue_at"] is not None,
                    "can": policy.allowed(state, own=own, reviews=reviews, recent=recent, living=living),
                }
            )
        )
    return seen


def _tells(state: State) -> bool:
    return state not in {State.WITHDRAWN, State.NEEDS_INFORMATION}


def _reason(row: Any, language: str, *, reviews: bool) -> ReasonOut | None:  # noqa: ANN401  a row
    if row["reason_code"] is None:
        return None
    # Which answers knocked out is for those who review: who knows applies again with another.
    params = {name: value for name, value in row["reason_params"].items() if reviews or name != "knock_outs"}
    own = reasons.choose(row["words"], language)
    return ReasonOut(
        code=row["reason_code"], params=params, text=own or reasons.render(Reason(row["reason_code"], params), language)
    )


async def _duplicates(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[DuplicateOut]]:
    rows = await session.execute(_DUPLICATES, {"ids": list(ids)})
    found: dict[UUID, list[DuplicateOut]] = {}
    for row in rows:
        same = [name for name, is_same in (("contact", row.same_contact), ("device", row.same_device)) if is_same]
        found.setdefault(row.of_id, []).append(
            DuplicateOut.model_validate({**row._mapping, "application_id": row.id, "same": same})  # noqa: SLF001  SQLAlchemy's public name
        )
    return found


async def list_decisions(
    session: Session, standing: Standing, application_id: UUID, language: str
) -> list[DecisionOut]:
    """Return everything that was decided about an application, each judged again on its inputs. Raises Problem 404."""
    if application_id not in await personas_of(session, standing.community_id, [application_id]):
        raise not_found("application")
    found = await session.execute(
        select(ApplicationDecision)
        .where(col(ApplicationDecision.application_id) == application_id)
        .order_by(col(ApplicationDecision.number))
    )
    return [
        DecisionOut.model_validate(
            {
                **one.model_dump(),
                "personas": [UUID(persona) for persona, _ in one.personas],
                "reason": _reason(one.model_dump(), language, reviews=True),
                "reproduced": await reproduces(session, standing.community_id, one),
            }
        )
        for one in found.scalars()
    ]


async def reproduces(session: Session, community_id: UUID, decision: ApplicationDecision) -> bool:
    """Whether judging what a decision was made on gives what was decided; of a person's decision, score and persona."""
    again = policy.judge(
        await forms.questions_of(session, community_id, decision.form_version),
        decision.answers,
        await policies.terms_at(session, community_id, decision.policy_version),
        await personas.candidates_at(session, [(UUID(persona), version) for persona, version in decision.personas]),
        room=decision.room,
    )
    if (again.score, again.persona_id) != (decision.score, decision.persona_id):
        return False
    if decision.judged_by != "policy":
        return True
    return (again.outcome, again.reason.code, dict(again.reason.params), dict(again.words)) == (
        decision.outcome,
        decision.reason_code,
        decision.reason_params,
        decision.words,
    )
