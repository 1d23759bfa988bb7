"""What HEARTH_MEMBERS_KEY_SECRET protects."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request

from chassis.runtime import Runtime, runtime_of
from chassis.vault import Vault
from members.settings import settings_of

VARIABLE = "HEARTH_MEMBERS_KEY_SECRET"


@lru_cache(maxsize=4)
def _vault(secret: str) -> Vault:
    return Vault(secret, "members", VARIABLE)


def vault_of(runtime: Runtime) -> Vault:
    """Return the vault of a running members."""
    return _vault(settings_of(runtime).key_secret.get_secret_value())


async def _of_request(request: Request) -> Vault:
    return vault_of(runtime_of(request))


Secrets = Annotated[Vault, Depends(_of_request)]
"""The vault, for a route."""
