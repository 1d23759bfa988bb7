"""Decisions about accounts: what an e-mail is, what an opaque token looks like, what a caller may do."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from chassis.tokens import ADMIN_SCOPE, OWNER_SCOPE, Principal

DEFAULT_LOCALE = "en"
DEFAULT_ZONE = "UTC"
LONGEST_NAME = 200
_OPAQUE = re.compile(r"([a-z]+)_([0-9a-f]{32})_([0-9a-f]{32})_([A-Za-z0-9_-]{20,100})")


class Provider(StrEnum):
    """Who vouches for an identity."""

    EMAIL = "email"
    PHONE = "phone"
    OIDC = "oidc"
    WECHAT = "wechat"
    CRM = "crm"
    IMPORT = "import"


class OrganizationRole(StrEnum):
    """What an account may do in the whole organization."""

    OWNER = "owner"
    ADMIN = "admin"


SCOPE_OF_ROLE = {OrganizationRole.OWNER: OWNER_SCOPE, OrganizationRole.ADMIN: ADMIN_SCOPE}


@dataclass(frozen=True, slots=True)
class Contact:
    """An e-mail or phone number in its one form, as another system says; nobody has proved it."""

    provider: Provider
    subject: str


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """A person or bot as another system knows them; `external_id` is unique within the organization, so name the source in it."""

    external_id: str
    display_name: str
    bot: bool
    contacts: tuple[Contact, ...] = ()
    locale: str | None = None
    zone: str | None = None


def scopes_of(role: str | None) -> tuple[str, ...]:
    """Return the scopes of an account's tokens: its role in the organization, and nothing of communities."""
    return (SCOPE_OF_ROLE[OrganizationRole(role)],) if role else ()


_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"))
# Letters and symbols by their category, and drawn as nothing: Hangul fillers and the empty braille cell.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def normalise_email(address: str) -> str:
    """Return the one form in which an address is compared: trimmed, lower case, NFC. Doing it twice changes nothing."""
    normal = address.strip()
    while True:
        # Composing can make a letter that has a lower case of its own, and lower case can take one apart.
        once_more = unicodedata.normalize("NFC", unicodedata.normalize("NFC", normal).lower()).strip()
        if once_more == normal:
            return normal
        normal = once_more


def clean_name(name: str) -> str:
    """Return a display name on one line, without doubled or outer spaces, composed (NFC), at most 200 characters; empty when nothing is left."""
    return " ".join(unicodedata.normalize("NFC", name).split())[:LONGEST_NAME].rstrip()


def is_visible(name: str) -> bool:
    """Tell whether a name shows anything: not only blanks, joiners, direction marks and marks without a letter to sit on."""
    return any(unicodedata.category(char) not in _UNSEEN and char not in _BLANK_LETTERS for char in name)


@dataclass(frozen=True, slots=True)
class OpaqueToken:
    """`<prefix>_<organization>_<id>_<secret>`: says where to look, and proves that it may. Only the secret's SHA-256 is stored."""

    prefix: str
    organization_id: UUID
    id: UUID
    secret: str

    @property
    def text(self) -> str:
        """The token as it is handed out."""
        return f"{self.prefix}_{self.organization_id.hex}_{self.id.hex}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """What is stored of the secret: 32 bytes."""
        return digest(self.secret)

    def proves(self, stored: bytes | None) -> bool:
        """Tell whether the secret is the one whose digest is stored."""
        return same_digest(self.digest, stored)


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret of at least 128 random bits; such a secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def same_digest(given: bytes, stored: bytes | None) -> bool:
    """Compare in a time that tells nothing."""
    return stored is not None and hmac.compare_digest(given, stored)


def read_token(prefix: str, text: str) -> OpaqueToken | None:
    """Take a token apart, None when it is none of this kind."""
    match = _OPAQUE.fullmatch(text)
    if match is None or match[1] != prefix:
        return None
    return OpaqueToken(prefix, UUID(match[2]), UUID(match[3]), match[4])


def sees_whole(principal: Principal, account_id: UUID) -> bool:
    """Tell whether the caller may read the whole account; everybody else in the organization gets the member card."""
    return principal.staff or principal.account_id == account_id


def can(
    principal: Principal, account_id: UUID, *, role: str | None, bot: bool, credentialed: bool, merged: bool
) -> list[str]:
    """Return what the caller may do with an account."""
    if merged:
        return []
    verdicts = {
        "edit": principal.account_id == account_id,
        "invite": principal.staff and not bot and not credentialed,
        "set_organization_role": principal.owner and not bot,
        "merge": principal.staff and role is None,
    }
    return [action for action, allowed in verdicts.items() if allowed]
