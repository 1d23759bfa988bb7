"""A service as small as one can be, for testing the chassis: it keeps notes, and remembers the memberships that it heard of."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from fastapi import Response
from sqlalchemy import text

from chassis import due, outbox, standing
from chassis.app import Service, router
from chassis.auth import Anyone, Manager, Member, OrganizationStaff, Person
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.ids import new_id
from chassis.inbox import Consumers, Mode, Received
from chassis.requests import IfMatch, OpenSession, TenantSession, check_version, tag
from chassis.schemas import Input, Output
from chassis.settings import ServiceSettings
from contracts.content import PostEdited, PostPublished
from contracts.members import AccountCreated, MembershipApproved, MembershipLeft


class SampleSettings(ServiceSettings):
    pass


class NoteIn(Input):
    body: str


class NoteOut(Output):
    id: UUID
    body: str
    version: int


routes = router("notes")
NOTE = "SELECT id, community_id, body, version FROM note WHERE id = :id FOR UPDATE"


@routes.post("/v1/communities/{community_id}/notes", status_code=201)
async def create_note(session: TenantSession, member: Member, body: NoteIn, response: Response) -> NoteOut:
    return await write_note(session, member.principal.organization_id, member.community_id, body.body, response)


async def write_note(
    session: Session, organization: UUID, community: UUID, body: str, response: Response | None = None
) -> NoteOut:
    note = NoteOut(id=new_id(), body=body, version=1)
    await session.execute(
        text("INSERT INTO note VALUES (:id, :organization, :community, :body, 1)"),
        {"id": note.id, "organization": organization, "community": community, "body": body},
    )
    event = PostPublished(post_id=note.id, community_id=community, author_id=note.id, section="general")
    outbox.emit(session, event, organization_id=organization, aggregate_id=note.id, version=1, community_id=community)
    if response is not None:
        tag(response, 1)
    if body == "fail after writing":
        raise Problem(409, "told-to-fail", "As asked.")
    return note


async def edit(session: Session, note_id: UUID, body: str, *, expected: int | None = None) -> NoteOut:
    row = (await session.execute(text(NOTE), {"id": note_id})).one_or_none()
    if row is None:
        raise not_found("note")
    if expected is not None:
        check_version(expected, row.version)
    organization = (
        await session.execute(text("SELECT organization_id FROM note WHERE id = :id"), {"id": note_id})
    ).scalar_one()
    await session.execute(
        text("UPDATE note SET body = :body, version = version + 1 WHERE id = :id"), {"id": note_id, "body": body}
    )
    event = PostEdited(post_id=note_id, community_id=row.community_id, author_id=note_id)
    outbox.emit(
        session,
        event,
        organization_id=organization,
        aggregate_id=note_id,
        version=row.version + 1,
        community_id=row.community_id,
    )
    return NoteOut(id=note_id, body=body, version=row.version + 1)


@routes.patch("/v1/communities/{community_id}/notes/{note_id}")
async def edit_note(
    session: TenantSession, _member: Member, note_id: UUID, body: NoteIn, version: IfMatch, response: Response
) -> NoteOut:
    note = await edit(session, note_id, body.body, expected=version)
    tag(response, note.version)
    return note


@routes.get("/v1/communities/{community_id}/notes")
async def list_notes(session: TenantSession, _member: Member) -> list[NoteOut]:
    # Deliberately without a filter: row-level security must hold by itself.
    rows = await session.execute(text("SELECT id, body, version FROM note ORDER BY id"))
    return [NoteOut(id=row.id, body=row.body, version=row.version) for row in rows]


@routes.get("/v1/public")
async def read_public(_anyone: Anyone) -> dict[str, str]:
    return {"hello": "world"}


@routes.get("/v1/untenanted")
async def read_untenanted(_anyone: Anyone, session: OpenSession) -> int:
    return int((await session.execute(text("SELECT count(*) FROM note"))).scalar_one())


@routes.get("/v1/person")
async def read_person(person: Person) -> UUID:
    return person.account_id


@routes.get("/v1/staff")
async def read_staff(_staff: OrganizationStaff) -> bool:
    return True


@routes.get("/v1/communities/{community_id}/managed")
async def read_managed(_manager: Manager) -> bool:
    return True


@routes.get("/v1/broken")
async def read_broken(_anyone: Anyone) -> bool:
    raise ZeroDivisionError("on purpose")


consumers = Consumers("memory")
POISON = UUID(int=13)
ENDLESS = UUID(int=17)


async def take_too_long(session: Session) -> None:
    """Run into the limit of a statement's time."""
    await session.execute(text("SET LOCAL statement_timeout = 50"))
    await session.execute(text("SELECT pg_sleep(30)"))


@consumers.on(MembershipApproved, MembershipLeft, mode=Mode.LATEST)
async def on_membership(session: Session, events: list[Received[MembershipApproved | MembershipLeft]]) -> None:
    for received in events:
        if received.event.account_id == POISON:
            raise ValueError("poison")
        if received.event.account_id == ENDLESS:
            await take_too_long(session)
        await session.execute(
            text(
                "INSERT INTO seen VALUES (:id, :organization, :state, 1) "
                "ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, times = seen.times + 1"
            ),
            {
                "id": received.event.membership_id,
                "organization": received.envelope.organization,
                "state": received.event.state,
            },
        )


@consumers.on(AccountCreated, mode=Mode.EACH)
async def on_account(session: Session, events: list[Received[AccountCreated]]) -> None:
    for received in events:
        await session.execute(
            text(
                "INSERT INTO seen VALUES (:id, :organization, 'account', 1) "
                "ON CONFLICT (id) DO UPDATE SET times = seen.times + 1"
            ),
            {"id": received.event.account_id, "organization": received.envelope.organization},
        )


@consumers.clears
async def clear(session: Session) -> None:
    await session.execute(text("DELETE FROM seen"))


jobs = due.Jobs()


@jobs.on("note.write")
async def write(session: Session, work: due.Due) -> None:
    await write_note(session, work.organization_id, UUID(work.key), work.payload["body"])
    if work.payload["body"] == "fail":
        raise ValueError("on purpose")
    if work.payload["body"] == "takes too long":
        await take_too_long(session)


service = Service(
    name="content",
    title="Sample",
    settings=SampleSettings,
    migrations=Path(__file__).parent / "sample_migrations",
    standing_query=standing.QUERY,
    routers=[routes],
    consumers=[standing.consumers, consumers],
    jobs=[jobs],
)
