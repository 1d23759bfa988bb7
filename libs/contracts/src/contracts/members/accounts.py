"""Events of organizations, the accounts in them, and what accounts sign in with."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class OrganizationCreated(Event):
    """A brand signed up."""

    type: ClassVar[str] = "members.organization.created.v1"
    aggregate: ClassVar[str] = "organization"
    partners: ClassVar[bool] = False  # there is no partner yet

    organization_id: UUID
    owner_account_id: PersonId


class AccountCreated(Event):
    """A person or a bot has an account in an organization: by sign-up, invitation or import."""

    type: ClassVar[str] = "members.account.created.v1"
    aggregate: ClassVar[str] = "account"

    account_id: PersonId
    bot: bool
    credentialed: bool = Field(description="false for imported people, until they claim the account")


class AccountClaimed(Event):
    """An imported person took over their account by invitation."""

    type: ClassVar[str] = "members.account.claimed.v1"
    aggregate: ClassVar[str] = "account"

    account_id: PersonId


class ProfileUpdated(Event):
    """A member card changed: caches of the account's card drop it. The card itself is personal data and not in here."""

    type: ClassVar[str] = "members.account.profile_updated.v1"
    aggregate: ClassVar[str] = "account"

    account_id: PersonId


class OrganizationRoleChanged(Event):
    """An account gained or lost a role in the organization."""

    type: ClassVar[str] = "members.account.organization_role_changed.v1"
    aggregate: ClassVar[str] = "account"
    partners: ClassVar[bool] = False  # who of the brand's own may do what

    account_id: PersonId
    role: str | None = Field(description="owner, admin or none", examples=["admin"])


class AccountMerged(Event):
    """Two accounts of one person became one; `account_id` lives on, `merged_account_id` is a tombstone."""

    type: ClassVar[str] = "members.account.merged.v1"
    aggregate: ClassVar[str] = "account"

    account_id: PersonId
    merged_account_id: PersonId


class SessionRevoked(Event):
    """A session ended before its tokens did: every process stops accepting tokens of this session."""

    type: ClassVar[str] = "members.session.revoked.v1"
    aggregate: ClassVar[str] = "session"
    partners: ClassVar[bool] = False  # a matter of signing in

    session_id: UUID
    account_id: PersonId
    reason: str = Field(
        description="signed_out, refresh_reused, credential_changed, role_changed or account_merged",
        examples=["signed_out"],
    )
