"""Events of members: organizations, accounts, communities and memberships."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event


class CommunityState(StrEnum):
    """The life of a community."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    ARCHIVED = "archived"


class MembershipState(StrEnum):
    """The standing of an account in a community."""

    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"
    LEFT = "left"
    REMOVED = "removed"


class CommunityRole(StrEnum):
    """What a member may do beyond being one. Every approved member is a member; these come on top."""

    MANAGER = "manager"
    MODERATOR = "moderator"
    EDITOR = "editor"
    ANALYST = "analyst"


class OrganizationCreated(Event):
    """A brand signed up."""

    type: ClassVar[str] = "members.organization.created.v1"
    aggregate: ClassVar[str] = "organization"

    organization_id: UUID
    owner_account_id: UUID


class AccountCreated(Event):
    """A person or a bot has an account in an organization: by sign-up, invitation or import."""

    type: ClassVar[str] = "members.account.created.v1"
    aggregate: ClassVar[str] = "account"

    account_id: UUID
    bot: bool
    credentialed: bool = Field(description="false for imported people, until they claim the account")


class AccountClaimed(Event):
    """An imported person took over their account by invitation."""

    type: ClassVar[str] = "members.account.claimed.v1"
    aggregate: ClassVar[str] = "account"

    account_id: UUID


class ProfileUpdated(Event):
    """A member card changed: caches of the account's card drop it. The card itself is personal data and not in here."""

    type: ClassVar[str] = "members.account.profile_updated.v1"
    aggregate: ClassVar[str] = "account"

    account_id: UUID


class OrganizationRoleChanged(Event):
    """An account gained or lost a role in the organization."""

    type: ClassVar[str] = "members.account.organization_role_changed.v1"
    aggregate: ClassVar[str] = "account"

    account_id: UUID
    role: str | None = Field(description="owner, admin or none", examples=["admin"])


class AccountMerged(Event):
    """Two accounts of one person became one; `account_id` lives on, `merged_account_id` is a tombstone."""

    type: ClassVar[str] = "members.account.merged.v1"
    aggregate: ClassVar[str] = "account"

    account_id: UUID
    merged_account_id: UUID


class SessionRevoked(Event):
    """A session ended before its tokens did: every process stops accepting tokens of this session."""

    type: ClassVar[str] = "members.session.revoked.v1"
    aggregate: ClassVar[str] = "session"

    session_id: UUID
    account_id: UUID
    reason: str = Field(
        description="signed_out, refresh_reused, credential_changed, role_changed or account_merged",
        examples=["signed_out"],
    )


class ClientChanged(Event):
    """An API client of a partner was created, rotated or withdrawn."""

    type: ClassVar[str] = "members.client.changed.v1"
    aggregate: ClassVar[str] = "client"

    client_id: UUID
    active: bool
    scopes: list[str] = Field(examples=[["contacts:write", "orders:write"]])


class CommunityEvent(Event):
    """What others need to know of a community, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "community"

    community_id: UUID
    slug: str = Field(examples=["english-learning"])
    zone: str = Field(description="IANA time zone of its schedule and its figures", examples=["Asia/Shanghai"])
    state: CommunityState


class CommunityCreated(CommunityEvent):
    """A community exists, as a draft."""

    type: ClassVar[str] = "members.community.created.v1"


class CommunityUpdated(CommunityEvent):
    """A community's settings or state changed."""

    type: ClassVar[str] = "members.community.updated.v1"


class CharterChanged(Event):
    """A community's charter was written; the words stay in members."""

    type: ClassVar[str] = "members.charter.changed.v1"
    aggregate: ClassVar[str] = "charter"

    community_id: UUID
    complete: bool = Field(description="whether it says everything that a charter must say")


class GoalChanged(Event):
    """A goal was set, changed or withdrawn."""

    type: ClassVar[str] = "members.goal.changed.v1"
    aggregate: ClassVar[str] = "goal"

    goal_id: UUID
    community_id: UUID
    metric: str = Field(
        description="what it is measured by; more may come, so that this is text", examples=["active_members_7_days"]
    )
    baseline: int
    target: int = Field(examples=[300])
    due_on: str = Field(description="day in the community's zone", examples=["2027-03-31"])
    withdrawn: bool


class MembershipEvent(Event):
    """The whole standing of an account in a community after the event, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "membership"

    membership_id: UUID
    community_id: UUID
    account_id: UUID
    state: MembershipState
    roles: list[CommunityRole] = Field(examples=[["moderator"]])
    staff: bool = Field(description="works for the brand: left out of pulse, worth, NPS and health")
    bot: bool
    joined_at: datetime | None = Field(description="first approval")


class MembershipApplied(MembershipEvent):
    """Somebody asked to belong, for the first time or again."""

    type: ClassVar[str] = "members.membership.applied.v1"


class MembershipApproved(MembershipEvent):
    """Somebody belongs."""

    type: ClassVar[str] = "members.membership.approved.v1"


class MembershipRejected(MembershipEvent):
    """An application was declined."""

    type: ClassVar[str] = "members.membership.rejected.v1"


class MembershipLeft(MembershipEvent):
    """A member left of their own accord."""

    type: ClassVar[str] = "members.membership.left.v1"


class MembershipRemoved(MembershipEvent):
    """A member was removed by staff."""

    type: ClassVar[str] = "members.membership.removed.v1"


class MembershipRolesChanged(MembershipEvent):
    """A member gained or lost community roles."""

    type: ClassVar[str] = "members.membership.roles_changed.v1"


MEMBERSHIP_EVENTS: tuple[type[MembershipEvent], ...] = (
    MembershipApplied,
    MembershipApproved,
    MembershipRejected,
    MembershipLeft,
    MembershipRemoved,
    MembershipRolesChanged,
)


class MembershipTagsChanged(Event):
    """A member was tagged or untagged. The tags are the brand's words on a person, and not in here."""

    type: ClassVar[str] = "members.membership_tags.changed.v1"
    aggregate: ClassVar[str] = "membership_tags"

    membership_id: UUID
    community_id: UUID
    account_id: UUID


class SegmentChanged(Event):
    """A segment was made, named anew, given another filter, or deleted."""

    type: ClassVar[str] = "members.segment.changed.v1"
    aggregate: ClassVar[str] = "segment"

    segment_id: UUID
    community_id: UUID
    deleted: bool


class SegmentCrossing(Event):
    """One member's standing in one segment. The aggregate is the pair: its id is made of both, and its versions may skip."""

    aggregate: ClassVar[str] = "segment"

    segment_id: UUID
    community_id: UUID
    account_id: UUID


class SegmentEntered(SegmentCrossing):
    """A member came to match a segment."""

    type: ClassVar[str] = "members.segment.entered.v1"


class SegmentLeft(SegmentCrossing):
    """A member matches a segment no longer, or the segment is gone."""

    type: ClassVar[str] = "members.segment.left.v1"


class FormChanged(Event):
    """A community asks applicants something else from now on; the questions stay in members."""

    type: ClassVar[str] = "members.form.changed.v1"
    aggregate: ClassVar[str] = "form"

    community_id: UUID
    form_version: int
    questions: int = Field(description="how many")


class ScreeningPolicyChanged(Event):
    """A community decides about applications by other terms from now on."""

    type: ClassVar[str] = "members.screening_policy.changed.v1"
    aggregate: ClassVar[str] = "screening_policy"

    community_id: UUID
    policy_version: int
    mode: str = Field(description="open, automatic or review", examples=["automatic"])


class PersonaChanged(Event):
    """A kind of member that a community wants was named, changed or retired."""

    type: ClassVar[str] = "members.persona.changed.v1"
    aggregate: ClassVar[str] = "persona"

    persona_id: UUID
    community_id: UUID
    quota: int | None = Field(description="how many may belong at once; null for any number", examples=[200])
    retired: bool


class EntryLinkChanged(Event):
    """A door of a community was made, changed or closed; its token stays in members."""

    type: ClassVar[str] = "members.entry_link.changed.v1"
    aggregate: ClassVar[str] = "entry_link"

    link_id: UUID
    community_id: UUID
    channel: str = Field(examples=["wechat-article"])
    withdrawn: bool


class ApplicationEvent(Event):
    """Where an application stands, whole; what was answered stays in members."""

    aggregate: ClassVar[str] = "application"

    application_id: UUID
    community_id: UUID
    account_id: UUID
    membership_id: UUID
    state: str = Field(
        description="submitted, in_review, waiting, needs_information, approved, rejected or withdrawn",
        examples=["approved"],
    )
    persona_id: UUID | None = Field(description="the kind of member that the applicant is")
    link_id: UUID | None = Field(description="the door through which the applicant came")
    group_id: UUID | None = Field(description="the group that the door leads to")
    form_version: int
    policy_version: int
    automatic: bool = Field(description="no person decided")


class ApplicationSubmitted(ApplicationEvent):
    """Somebody answered the form."""

    type: ClassVar[str] = "members.application.submitted.v1"


class ApplicationDecided(ApplicationEvent):
    """An application was approved or rejected."""

    type: ClassVar[str] = "members.application.decided.v1"


class ApplicationMoved(ApplicationEvent):
    """An application waits, is reviewed, was asked about or taken back, or its decision was undone."""

    type: ClassVar[str] = "members.application.moved.v1"


class ApplicationOverdue(ApplicationEvent):
    """Nobody decided about an application in time."""

    type: ClassVar[str] = "members.application.overdue.v1"


SCREENING_EVENTS: tuple[type[Event], ...] = (
    FormChanged,
    ScreeningPolicyChanged,
    PersonaChanged,
    EntryLinkChanged,
    ApplicationSubmitted,
    ApplicationDecided,
    ApplicationMoved,
    ApplicationOverdue,
)


class GroupDimension(StrEnum):
    """What groups of a community differ by."""

    DEPARTMENT = "department"
    PRODUCT = "product"
    INTEREST = "interest"
    OTHER = "other"


class GroupState(StrEnum):
    """Whether a group takes members."""

    OPEN = "open"
    CLOSED = "closed"


class GroupEvent(Event):
    """What others need to know of a group, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "group"

    group_id: UUID
    community_id: UUID
    series_id: UUID = Field(description="the first group of the row of groups that open when the one before is full")
    ordinal: int = Field(description="place in the series, from 1")
    dimension: GroupDimension
    hosts: list[UUID] = Field(description="accounts", examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]])
    capacity: int | None = Field(description="none: as many as come", examples=[50])
    state: GroupState


class GroupCreated(GroupEvent):
    """A group exists: made by a manager, from a template, or because the one before it is full."""

    type: ClassVar[str] = "members.group.created.v1"


class GroupUpdated(GroupEvent):
    """A group's name, hosts, capacity or state changed."""

    type: ClassVar[str] = "members.group.updated.v1"


class GroupMemberEvent(Event):
    """A member's groups in one community after the event, all of them, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "group_member"

    membership_id: UUID
    community_id: UUID
    account_id: UUID
    group_id: UUID = Field(description="the group that was joined or left")
    group_ids: list[UUID] = Field(
        description="every group of the member in this community, after the event",
        examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]],
    )


class GroupMemberJoined(GroupMemberEvent):
    """A member joined a group: by a manager, a host, a rule or of their own accord."""

    type: ClassVar[str] = "members.group_member.joined.v1"


class GroupMemberLeft(GroupMemberEvent):
    """A member left a group, was taken out of it, or belongs to the community no longer."""

    type: ClassVar[str] = "members.group_member.left.v1"


class GroupRulesChanged(Event):
    """The rules by which members are assigned to groups changed; the rules stay in members."""

    type: ClassVar[str] = "members.group_rules.changed.v1"
    aggregate: ClassVar[str] = "group_rules"

    community_id: UUID


class CardChanged(Event):
    """The card of a community or of a group was written; the words stay in members."""

    type: ClassVar[str] = "members.card.changed.v1"
    aggregate: ClassVar[str] = "card"

    community_id: UUID
    group_id: UUID | None = Field(description="none: the community's own card")


class TierPrivilege(BaseModel):
    """Something that a tier gives; the service that owns the capability enforces it by its code."""

    model_config = ConfigDict(frozen=True)

    code: str
    params: dict[str, bool | int | str]


class TierGrant(BaseModel):
    """A tier and what it gives; its name stays in members."""

    model_config = ConfigDict(frozen=True)

    code: str
    privileges: list[TierPrivilege]


class TierStandardAdopted(Event):
    """A community's tiers and their privileges are these from now on. Versions of standards may be adopted in any order."""

    type: ClassVar[str] = "members.tier_standard.adopted.v1"
    aggregate: ClassVar[str] = "tier_standard"

    community_id: UUID
    standard_version: int
    grace_days: int = Field(description="how long a member fails to keep a tier before falling", examples=[14])
    tiers: list[TierGrant] = Field(
        description="lowest first",
        examples=[
            [
                {"code": "newcomer", "privileges": []},
                {"code": "regular", "privileges": [{"code": "early-access", "params": {"hours": 24}}]},
            ]
        ],
    )


class TierEvent(Event):
    """Where a member stands after the event, whole; the aggregate is the membership's tier."""

    aggregate: ClassVar[str] = "tier"

    membership_id: UUID
    community_id: UUID
    account_id: UUID
    to_tier: str | None = Field(
        description="null for who belongs no longer, and for staff and bots", examples=["regular"]
    )
    grace_until: datetime | None = Field(description="falls then, unless keeping succeeds again before")
    manual_until: datetime | None = Field(description="placed by hand until then")
    standard_version: int
    reason: str = Field(description="code", examples=["tier-rose"])


class TierChanged(TierEvent):
    """A member came into a tier, rose, fell, was placed, or has none any more."""

    type: ClassVar[str] = "members.tier.changed.v1"

    from_tier: str | None = Field(examples=["newcomer"])


class TierStandingChanged(TierEvent):
    """A member stays in their tier, and a grace or a placement by hand began or ended: who fails to keep it is to be warned."""

    type: ClassVar[str] = "members.tier.standing_changed.v1"


class SilenceNoticeEvent(Event):
    """Where a notice for long silence stands, whole; what was appealed and answered stays in members."""

    aggregate: ClassVar[str] = "silence_notice"

    notice_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: UUID
    standard_version: int
    remove_at: datetime = Field(description="removed then, unless the member does something before")
    state: str = Field(description="given, lifted, removed, appealed, granted or declined", examples=["given"])


class SilenceNoticeGiven(SilenceNoticeEvent):
    """A member who has been silent for long is to be told that they will be removed."""

    type: ClassVar[str] = "members.silence_notice.given.v1"


class SilenceNoticeLifted(SilenceNoticeEvent):
    """A notice holds no longer: the member did something, is exempt, or has left, or the standard changed."""

    type: ClassVar[str] = "members.silence_notice.lifted.v1"


class SilenceNoticeMoved(SilenceNoticeEvent):
    """A notice ended in removal, or the removal was appealed or judged again."""

    type: ClassVar[str] = "members.silence_notice.moved.v1"


TIER_EVENTS: tuple[type[Event], ...] = (
    TierStandardAdopted,
    TierChanged,
    TierStandingChanged,
    SilenceNoticeGiven,
    SilenceNoticeLifted,
    SilenceNoticeMoved,
)


class ValueMomentReached(Event):
    """A member had what the community calls a moment of value, by a definition in force. Each (member, definition) is one aggregate.

    Its time is the moment itself; what the moment was made of stays in members. The lifecycle will tell it, and figures of doors,
    promotion and word of mouth go by it.
    """

    type: ClassVar[str] = "members.value_moment.reached.v1"
    aggregate: ClassVar[str] = "value_moment"

    value_moment_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: UUID
    definition_id: UUID = Field(description="what the community calls such a moment")
    definition_version: int


class ReferralEvent(Event):
    """Somebody came because a member told them of the community: a referral, whole, so that the newest version is all that counts."""

    aggregate: ClassVar[str] = "referral"

    referral_id: UUID
    community_id: UUID
    referrer_id: UUID = Field(description="the account that referred")
    account_id: UUID = Field(description="the account that came")
    post_id: UUID | None = Field(description="the piece of content to which it is attributed; none while to none")
    counts: bool = Field(description="it was held for as long as it must be, and stands; false once it was taken back")


class ReferralQualified(ReferralEvent):
    """A referral stands, or what is known of it was corrected."""

    type: ClassVar[str] = "members.referral.qualified.v1"


class ReferralReversed(ReferralEvent):
    """A referral that stood was taken back."""

    type: ClassVar[str] = "members.referral.reversed.v1"


class MembershipOwnerChanged(Event):
    """A member is looked after by somebody, by somebody else, or by nobody any more."""

    type: ClassVar[str] = "members.membership_owner.changed.v1"
    aggregate: ClassVar[str] = "membership_owner"

    membership_id: UUID
    community_id: UUID
    account_id: UUID
    owner_id: UUID | None = Field(description="the account of the one who looks after the member; null: nobody")


class MembershipNoteChanged(Event):
    """Staff wrote, edited or deleted a note on a member. The words stay in members: they are about a person."""

    type: ClassVar[str] = "members.membership_note.changed.v1"
    aggregate: ClassVar[str] = "membership_note"

    note_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: UUID
    deleted: bool


class ExportStarted(Event):
    """Somebody took a list out as a file; what was in it is not told."""

    type: ClassVar[str] = "members.export.started.v1"
    aggregate: ClassVar[str] = "export"

    export_id: UUID
    community_id: UUID | None = Field(description="null: a list of the whole organization")
    list_name: str = Field(examples=["memberships"])
    rows: int = Field(description="how many the list had when the file was begun", examples=[100000])


DESK_EVENTS: tuple[type[Event], ...] = (MembershipOwnerChanged, MembershipNoteChanged, ExportStarted)


class SanctionKind(StrEnum):
    """What a sanction of conduct takes from a member for a time."""

    MUTE = "mute"
    SUSPENSION = "suspension"


class SanctionEvent(Event):
    """A mute or suspension, whole: a mute takes the voice, a suspension the community."""

    aggregate: ClassVar[str] = "sanction"

    sanction_id: UUID
    community_id: UUID
    account_id: UUID
    kind: SanctionKind
    clause: str = Field(description="code of the clause that was broken", examples=["3.2"])
    clause_text: dict[str, str] = Field(
        description="the clause by language, as the member acknowledged it",
        examples=[{"zh": "不得留下联系方式", "en": "No contact details"}],
    )
    from_at: datetime
    until: datetime | None = Field(description="none: until it is ended")


class SanctionImposed(SanctionEvent):
    """A member was muted or suspended, or the end of that moved."""

    type: ClassVar[str] = "members.sanction.imposed.v1"


class SanctionEnded(SanctionEvent):
    """A mute or suspension is over: its time passed, an appeal was granted, or it was taken back."""

    type: ClassVar[str] = "members.sanction.ended.v1"


class PhoneVerificationChanged(Event):
    """An account has a verified phone number now, or none any more; the number stays in members."""

    type: ClassVar[str] = "members.phone.verification_changed.v1"
    aggregate: ClassVar[str] = "phone"

    account_id: UUID
    verified: bool


CONDUCT_EVENTS: tuple[type[Event], ...] = (SanctionImposed, SanctionEnded, PhoneVerificationChanged)


class ErasureOrdered(Event):
    """A person is to be erased: every service destroys what it keeps of the account, and leaves tombstones. Each order is one aggregate."""

    type: ClassVar[str] = "members.erasure.ordered.v1"
    aggregate: ClassVar[str] = "erasure"

    erasure_id: UUID
    account_id: UUID


PRIVACY_EVENTS: tuple[type[Event], ...] = (ErasureOrdered,)

EVENTS: tuple[type[Event], ...] = (
    OrganizationCreated,
    AccountCreated,
    AccountClaimed,
    ProfileUpdated,
    OrganizationRoleChanged,
    AccountMerged,
    SessionRevoked,
    ClientChanged,
    CommunityCreated,
    CommunityUpdated,
    CharterChanged,
    GoalChanged,
    *MEMBERSHIP_EVENTS,
    MembershipTagsChanged,
    SegmentChanged,
    SegmentEntered,
    SegmentLeft,
    *SCREENING_EVENTS,
    GroupCreated,
    GroupUpdated,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupRulesChanged,
    CardChanged,
    *TIER_EVENTS,
    ValueMomentReached,
    ReferralQualified,
    ReferralReversed,
    *DESK_EVENTS,
    *CONDUCT_EVENTS,
    *PRIVACY_EVENTS,
)
