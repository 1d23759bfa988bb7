"""Reading a token request of OAuth 2.0: a form, with the client's credentials in it or in HTTP Basic (RFC 6749 §2.3.1, §4.4).

Or with an assertion of the gateway in it, which is all the credentials that it needs (RFC 7523 §2.1).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from chassis import delegation

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20


class OAuthError(Exception):
    """One of the error codes of RFC 6749 §5.2, and words for it."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a program asks for."""

    client_id: str
    client_secret: str
    scope: str | None


@dataclass(frozen=True, slots=True)
class DelegationRequest:
    """What the gateway asks for on behalf of a program."""

    assertion: str
    scope: str | None


def read(content_type: str, authorization: str, body: bytes) -> TokenRequest | DelegationRequest:
    """Return the request. Raises OAuthError."""
    form = _form(content_type, body)
    basic = _basic(authorization)
    if basic and ("client_secret" in form or form.get("client_id", basic[0]) != basic[0]):
        raise OAuthError("invalid_request", "Credentials go into the form or into HTTP Basic, not both.")
    grant_type = form.get("grant_type", "")
    if not grant_type:
        raise OAuthError("invalid_request", "grant_type is missing.")
    if grant_type == delegation.GRANT_TYPE:
        if basic or "client_secret" in form or not form.get("assertion"):
            raise OAuthError("invalid_request", "This grant takes an assertion, and no other credentials.")
        return DelegationRequest(form["assertion"], form.get("scope"))
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type", "Only client_credentials is offered.")
    client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id or not secret:
        raise OAuthError("invalid_client", "client_id and client_secret are needed.")
    return TokenRequest(client_id, secret, form.get("scope"))


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"The body is a form: {FORM}.")
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise OAuthError("invalid_request", "The form cannot be read.") from error
    form = dict(fields)
    if len(form) != len(fields):
        raise OAuthError("invalid_request", "A field comes twice.")
    return form


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise OAuthError("invalid_client", "HTTP Basic cannot be read.") from error
    if not colon:
        raise OAuthError("invalid_client", "HTTP Basic cannot be read.")
    return unquote_plus(user), unquote_plus(password)
