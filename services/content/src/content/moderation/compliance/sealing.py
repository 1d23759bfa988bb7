"""The seal of the publication log: a key of the installation, which the composition root hands over."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.idempotency import Seal


@dataclass(slots=True)
class _Keeper:
    seal: Seal | None = None


_keeper = _Keeper()


def use(secret: str) -> None:
    """Seal with a key made from this secret from now on."""
    _keeper.seal = Seal(secret)


def seal() -> Seal:
    """Return the seal. Raises RuntimeError before there is one."""
    if _keeper.seal is None:
        raise RuntimeError("the publication log has no seal yet")
    return _keeper.seal


def place(organization_id: UUID, identifier: UUID) -> str:
    """Return what a sealed entry is bound to: moved elsewhere, it does not open."""
    return f"publication:{organization_id}:{identifier}"
