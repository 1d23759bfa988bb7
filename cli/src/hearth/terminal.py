"""How the commands write for people."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_ELSEWHERE = 200
"""Columns of a table that goes to a file or a pipe."""


def console(*, stderr: bool = False) -> Console:
    """Return a console for stdout, or for stderr; lines are never broken, tables fit the terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_ELSEWHERE
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=width)
