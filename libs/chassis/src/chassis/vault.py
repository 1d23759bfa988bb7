"""Sealing at rest and keyed hashes from one secret of an installation, each purpose with a key of its own."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_KEY_BYTES = 32


class Vault:
    """Keys derived from one secret (HKDF-SHA-256, RFC 5869).

    `owner` keeps services apart that were given the same secret; `variable` is where the operator set it, and what an error names.
    """

    def __init__(self, secret: str, owner: str, variable: str) -> None:
        self._secret = secret.encode()
        self._owner = owner
        self._variable = variable
        self._keys: dict[str, bytes] = {}

    def _key(self, purpose: str) -> bytes:
        if purpose not in self._keys:
            info = f"hearth {self._owner} {purpose}".encode()
            derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info)
            self._keys[purpose] = derivation.derive(self._secret)
        return self._keys[purpose]

    def mac(self, purpose: str, *parts: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA-256 over the parts, each with its length, so that no two lists of parts look alike."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.new(self._key(purpose), message, hashlib.sha256).digest()

    def seal(self, purpose: str, plain: bytes, context: bytes) -> bytes:
        """Encrypt (AES-256-GCM); `context` is not secret and must be the same when opening."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key(purpose)).encrypt(nonce, plain, context)

    def open(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what was sealed. Raises ValueError when it was sealed with another secret, or changed."""
        try:
            return AESGCM(self._key(purpose)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except InvalidTag as error:
            raise ValueError(f"sealed with another {self._variable}, or changed since") from error
