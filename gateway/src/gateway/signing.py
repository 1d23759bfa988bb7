"""Standard Webhooks 1.0: who sent this, and is it what they sent. Keys, signatures and their verification.

The signed text is `id.timestamp.body` in bytes. `v1` is HMAC-SHA256 with a shared secret (`whsec_`), `v1a` is ed25519: we sign with
`whsk_` (the 32 bytes of the seed), partners verify with `whpk_`. All three write their bytes in base64 after the prefix.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
FAMILIES = ("webhook", "svix")
"""What the three headers begin with. Svix's own senders say svix-, and sign the same text."""

SHARED_PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
SHARED_SIZES = range(24, 65)
"""How many bytes a shared secret may have; below, it can be guessed, above, HMAC hashes it down."""
SEED_SIZE = 32
SIGNATURE_SIZE = 64
TOLERANCE = 300
"""Seconds that a sender's clock may differ from ours."""

LONGEST_ID = 256
LONGEST_HEADER = 8192
MOST_SIGNATURES = 16
"""More than any sender rotates at once; each costs a verification."""

# Printable ASCII, but not the full stop that separates what is signed.
_MESSAGE_ID = re.compile(rf"[!-\-/-~]{{1,{LONGEST_ID}}}")
_SECONDS = re.compile(r"0|[1-9][0-9]{0,11}")

Scheme = Literal["v1", "v1a"]
Reason = Literal["no_keys", "header_missing", "header_malformed", "too_old", "too_new", "no_match"]


class InvalidKeyError(ValueError):
    """A key that is none, with a stable code and words for whoever gave it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A secret that sender and receiver both have: signs and verifies v1."""

    secret: bytes = field(repr=False)

    def sign(self, content: bytes) -> str:
        """Return the signature as it stands in the header."""
        return "v1," + b64encode(hmac.digest(self.secret, content, "sha256")).decode()

    def accepts(self, scheme: str, signature: bytes, content: bytes) -> bool:
        """Say whether this key made that signature, in a time that tells nothing of it."""
        return scheme == "v1" and hmac.compare_digest(hmac.digest(self.secret, content, "sha256"), signature)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What everybody may know: verifies v1a."""

    key: Ed25519PublicKey

    def accepts(self, scheme: str, signature: bytes, content: bytes) -> bool:
        """Say whether the private key of this one made that signature."""
        if scheme != "v1a" or len(signature) != SIGNATURE_SIZE:
            return False
        try:
            self.key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    @property
    def text(self) -> str:
        """The key as partners get it."""
        return PUBLIC_PREFIX + b64encode(self.key.public_bytes_raw()).decode()


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What only we have: signs v1a, and verifies it as its public key does."""

    key: Ed25519PrivateKey = field(repr=False)
    public: PublicKey

    def sign(self, content: bytes) -> str:
        """Return the signature as it stands in the header."""
        return "v1a," + b64encode(self.key.sign(content)).decode()

    def accepts(self, scheme: str, signature: bytes, content: bytes) -> bool:
        """Say whether this key made that signature."""
        return self.public.accepts(scheme, signature, content)


SigningKey = SharedKey | PrivateKey
VerifyingKey = SharedKey | PrivateKey | PublicKey


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is its sender's. `message_id` and `sent_at` (Unix seconds) are as signed, and only there when it is."""

    reason: Reason | None
    message_id: str | None = None
    sent_at: int | None = None

    @property
    def verified(self) -> bool:
        """Whether one of the keys made one of the signatures, lately."""
        return self.reason is None


def _bytes_of(text: str, prefix: str) -> bytes:
    try:
        return b64decode(text.removeprefix(prefix), validate=True)
    except (Base64Error, ValueError):
        raise InvalidKeyError("key_malformed", f"What follows {prefix} must be base64.") from None


@lru_cache(maxsize=8192)  # building an ed25519 key takes longer than signing with it
def parse_key(text: str) -> VerifyingKey:
    """Return the key that a text of ours or of a partner stands for. Raises InvalidKeyError, which never repeats the text."""
    if text.startswith(SHARED_PREFIX):
        secret = _bytes_of(text, SHARED_PREFIX)
        if len(secret) < SHARED_SIZES.start:
            raise InvalidKeyError("key_too_short", f"The secret has {len(secret)} bytes; it must have at least 24.")
        if len(secret) >= SHARED_SIZES.stop:
            raise InvalidKeyError("key_too_long", f"The secret has {len(secret)} bytes; it may have at most 64.")
        return SharedKey(secret)
    if text.startswith(PUBLIC_PREFIX):
        raw = _bytes_of(text, PUBLIC_PREFIX)
        if len(raw) != SEED_SIZE:
            raise InvalidKeyError("key_wrong_length", f"An ed25519 public key has 32 bytes, this one {len(raw)}.")
        return PublicKey(Ed25519PublicKey.from_public_bytes(raw))
    if text.startswith(PRIVATE_PREFIX):
        return _private(_bytes_of(text, PRIVATE_PREFIX))
    raise InvalidKeyError("key_unknown", "A key begins with whsec_, whsk_ or whpk_.")


def _private(raw: bytes) -> PrivateKey:
    # Some write the public key behind the seed.
    if len(raw) not in {SEED_SIZE, 2 * SEED_SIZE}:
        raise InvalidKeyError("key_wrong_length", f"An ed25519 secret key has 32 or 64 bytes, this one {len(raw)}.")
    key = Ed25519PrivateKey.from_private_bytes(raw[:SEED_SIZE])
    public = key.public_key()
    if raw[SEED_SIZE:] not in {b"", public.public_bytes_raw()}:
        raise InvalidKeyError("key_malformed", "The two halves of this ed25519 key do not belong together.")
    return PrivateKey(key, PublicKey(public))


def signing_key(text: str) -> SigningKey:
    """Return the key that a text stands for, when it can sign. Raises InvalidKeyError, for a public key too."""
    key = parse_key(text)
    if isinstance(key, PublicKey):
        raise InvalidKeyError("key_public", "A whpk_ key verifies; signing takes whsec_ or whsk_.")
    return key


def make_secret(scheme: Scheme = "v1") -> str:
    """Return a new key for signing, as text: `whsec_` with 32 bytes, or `whsk_`."""
    return (SHARED_PREFIX if scheme == "v1" else PRIVATE_PREFIX) + b64encode(secrets.token_bytes(SEED_SIZE)).decode()


def public_key(text: str) -> str:
    """Return the `whpk_` text of a `whsk_` text. Raises InvalidKeyError for any other."""
    key = parse_key(text)
    if not isinstance(key, PrivateKey):
        raise InvalidKeyError("key_not_private", "Only a whsk_ key has a public key.")
    return key.public.text


def sign(message_id: str, timestamp: int, body: bytes, keys: Sequence[SigningKey]) -> dict[str, str]:
    """Return the three headers of a message that is sent at `timestamp` (Unix seconds), signed with every key.

    The id must be printable ASCII without a full stop, as a UUID is: with one, two messages could have one signed text.
    """
    content = b"%b.%d.%b" % (message_id.encode("ascii"), timestamp, body)
    return {
        ID: message_id,
        TIMESTAMP: str(timestamp),
        SIGNATURE: " ".join([key.sign(content) for key in keys]),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[VerifyingKey],
    now: datetime,
    tolerance: int = TOLERANCE,
) -> Verdict:
    """Say whether one of `keys` signed this message within `tolerance` seconds of `now`.

    `headers` is looked up by names in small letters. Whatever is wrong with them or the keys is a verdict and never an error. It takes as
    long for a signature that nearly matches as for one that does not.
    """
    family = next((name for name in FAMILIES if f"{name}-signature" in headers), FAMILIES[0])
    message_id, seconds, signatures = (headers.get(f"{family}-{part}") for part in ("id", "timestamp", "signature"))
    if message_id is None or seconds is None or signatures is None:
        return Verdict("header_missing")
    candidates = _signatures(signatures)
    if not _MESSAGE_ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds) or candidates is None:
        return Verdict("header_malformed")
    if not keys:
        return Verdict("no_keys")
    sent_at = int(seconds)
    if (late := int(now.timestamp()) - sent_at) > tolerance:
        return Verdict("too_old")
    if -late > tolerance:
        return Verdict("too_new")
    content = b"%b.%b.%b" % (message_id.encode(), seconds.encode(), body)
    # Every pair is tried, whichever matches.
    matches = [key.accepts(scheme, signature, content) for scheme, signature in candidates for key in keys]
    return Verdict(None, message_id, sent_at) if any(matches) else Verdict("no_match")


def _signatures(header: str) -> list[tuple[str, bytes]] | None:
    """Return what of a header can be a signature, None when it is no list of them at all."""
    if len(header) > LONGEST_HEADER or not header.isascii():
        return None
    parts = header.split(" ")
    if len(parts) > MOST_SIGNATURES:
        return None
    found = []
    for part in parts:
        scheme, comma, text = part.partition(",")
        if not comma:
            return None
        # Versions to come are passed over, as the standard asks, and so is a broken one beside a good one.
        try:
            found.append((scheme, b64decode(text, validate=True)))
        except (Base64Error, ValueError):
            continue
    return found
