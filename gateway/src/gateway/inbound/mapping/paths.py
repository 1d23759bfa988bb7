"""Places in a message: `$.order.id` from its root, `@.id` from the element of a list that an item is made for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]{0,99})|\[(0|[1-9][0-9]{0,5})\]|\['([^'\\]{1,100})'\]")
MOST_STEPS = 12


class _Missing:
    """What is not there; null is there."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path."""

    text: str
    element: bool
    steps: tuple[str | int, ...]

    def find(self, message: Any, element: Any) -> Any:  # noqa: ANN401  JSON
        """Return what is there, MISSING when nothing is."""
        here = element if self.element else message
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(here, dict) or step not in here:
                    return MISSING
                here = here[step]
            else:
                if not isinstance(here, list) or step >= len(here):
                    return MISSING
                here = here[step]
        return here


def compile_path(text: str) -> Path | None:
    """Return the path that a text names, None when it names none."""
    if text[:1] not in {"$", "@"}:
        return None
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or len(steps) >= MOST_STEPS:
            return None
        name, index, quoted = step.groups()
        steps.append(int(index) if index is not None else name or quoted)
        position = step.end()
    return Path(text, text[0] == "@", tuple(steps))
