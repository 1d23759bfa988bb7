"""What HEARTH_GATEWAY_VAULT_SECRET protects: endpoints' keys and headers, sources' keys, what partners sent."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request

from chassis.runtime import Runtime, runtime_of
from chassis.vault import Vault
from gateway.partner_settings import settings_of

VARIABLE = "HEARTH_GATEWAY_VAULT_SECRET"


@lru_cache(maxsize=4)
def _vault(secret: str) -> Vault:
    return Vault(secret, "gateway", VARIABLE)


def vault_of(runtime: Runtime) -> Vault:
    """Return the vault of a running gateway."""
    return _vault(settings_of(runtime).vault_secret.get_secret_value())


async def _of_request(request: Request) -> Vault:
    return vault_of(runtime_of(request))


Secrets = Annotated[Vault, Depends(_of_request)]
"""The vault, for a route."""
