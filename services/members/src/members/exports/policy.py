"""Whether a list can be taken out as it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import Fault, Problem
from chassis.sheets import MOST_ROWS


def check_filters(unknown: Sequence[str], missing: Sequence[str]) -> None:
    """Raise Problem 422 for filters that the list does not know, or that it needs."""
    faults = [Fault(f"/query/{name}", "filter-unknown", "This list has no such filter.") for name in unknown]
    faults += [Fault(f"/query/{name}", "missing", "This list needs it.") for name in missing]
    if faults:
        raise Problem(422, "invalid", "The list cannot be narrowed like this.", errors=faults)


def check_rows(rows: int) -> None:
    """Raise Problem 422 for more rows than a sheet holds."""
    if rows > MOST_ROWS:
        raise Problem(422, "too-many-rows", f"A sheet holds {MOST_ROWS} rows: narrow the list by its filters.")
